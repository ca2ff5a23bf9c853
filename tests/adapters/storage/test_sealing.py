"""Sealed secrets open for the same key, shop and name only."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from adapters.storage.database import open_database
from adapters.storage.sealing import Sealer
from adapters.storage.tables import secrets
from connector.errors import ConfigurationError
from connector.secret import Secret
from tests.contracts.storage_data import KEY, OTHER, SHOP, with_shops


def test_a_secret_opens_where_it_was_sealed() -> None:
    """Sealing twice gives different bytes, and both open."""
    sealer = Sealer(KEY)
    first = sealer.seal("shop", "token", Secret("abc"))
    second = sealer.seal("shop", "token", Secret("abc"))
    assert first != second
    assert b"abc" not in first + second
    assert [sealer.unseal("shop", "token", item) for item in (first, second)] == [
        Secret("abc"),
        Secret("abc"),
    ]


@pytest.mark.parametrize(
    ("key", "shop_id", "name"),
    [
        (KEY, "other", "token"),
        (KEY, "shop", "other"),
        (KEY, "shopt", "oken"),
        (KEY[::-1], "shop", "token"),
    ],
)
def test_a_secret_does_not_open_elsewhere(key: bytes, shop_id: str, name: str) -> None:
    """Another shop, name or key opens nothing, and the error says what to look at."""
    sealed = Sealer(KEY).seal("shop", "token", Secret("abc"))
    with pytest.raises(ConfigurationError, match="SECRET_KEY_FILE"):
        Sealer(key).unseal(shop_id, name, sealed)


@pytest.mark.parametrize("place", [0, 1, 13, -1])
def test_a_changed_byte_opens_nothing(place: int) -> None:
    """Form, nonce, text and tag are all proven."""
    sealed = bytearray(Sealer(KEY).seal("shop", "token", Secret("abc")))
    sealed[place] ^= 1
    if place == 0:
        sealed[0] = 2
    with pytest.raises(ConfigurationError):
        Sealer(KEY).unseal("shop", "token", bytes(sealed))


def test_a_short_piece_opens_nothing() -> None:
    """Bytes that are too few are refused like any others."""
    with pytest.raises(ConfigurationError):
        Sealer(KEY).unseal("shop", "token", b"\x01abc")


def test_what_is_unchanged_is_opened_once(sqlite_folder: Path) -> None:
    """Reading shops again opens no secret again, until it was changed."""
    database = open_database("", KEY, data_dir=sqlite_folder)
    with_shops(database, SHOP, OTHER)

    def read() -> dict[str, Secret]:
        with database.reading() as tx:
            return {shop.id: shop.secrets["webhook"] for shop in tx.shops()}

    first, second = read(), read()
    assert all(first[shop_id] is second[shop_id] for shop_id in (SHOP, OTHER))
    with database.transaction() as tx:
        tx.update_shop(SHOP, secrets={"webhook": Secret("new")})
    third = read()
    assert third[SHOP] == Secret("new")
    assert third[OTHER] is first[OTHER]
    database.close()


def test_a_key_of_another_length_is_refused() -> None:
    """The key has 32 bytes; the error names the setting and not the key."""
    with pytest.raises(ConfigurationError, match="SECRET_KEY_FILE must hold 32 bytes"):
        Sealer(b"short")


def test_a_row_moved_to_another_shop_does_not_open(sqlite_folder: Path) -> None:
    """Who can write into the database cannot give one shop's key to another."""
    database = open_database("", KEY, data_dir=sqlite_folder)
    with_shops(database, SHOP, OTHER)
    with database._backend.write() as connection:
        stolen = connection.execute(
            sa.select(secrets.c.sealed).where(secrets.c.shop_id == SHOP)
        ).scalar_one()
        connection.execute(
            sa.update(secrets).where(secrets.c.shop_id == OTHER).values(sealed=stolen)
        )
    with database.reading() as tx:
        assert tx.shop(SHOP) is not None
        with pytest.raises(ConfigurationError, match=OTHER):
            tx.shop(OTHER)
    database.close()
