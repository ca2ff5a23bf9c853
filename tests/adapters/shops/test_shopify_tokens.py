"""Keys that end: kept for all processes, stored before they are used, asked for once."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.storage.database import Database, open_database
from connector.errors import AuthRejected, ShopResting, TemporaryFailure
from connector.flows.shop_tokens import TURN, StoredTokens
from connector.model.order import ShopId
from connector.model.token import AccessToken
from connector.secret import Secret
from tests.adapters.shops.shopify_support import connected
from tests.postgresql import Cluster
from tests.support import FrozenClock
from webhooks.sandbox.faults import Fault
from webhooks.sandbox.shopify.shop import ShopifyShop

SHOP = ShopId("s1")
KEY = bytes(range(32))


def quiet(*_args: object, **_keys: object) -> None:
    """Take a log line."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Give a PostgreSQL server."""
    with Cluster() as running:
        yield running


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def opener(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Database]]:
    """Open the same database as often as wanted, like processes of their own."""
    url = ""
    if request.param == "postgresql":
        server: Cluster = request.getfixturevalue("cluster")
        url = server.url(server.new_database())
    made: list[Database] = []

    def open_one() -> Database:
        made.append(open_database(url, KEY, data_dir=tmp_path))
        return made[-1]

    yield open_one
    for one in made:
        one.close()


@pytest.fixture
def shop() -> Iterator[ShopifyShop]:
    """Run a pretend shop."""
    with ShopifyShop(queue_interval_s=3600) as running:
        yield running


def token_calls(shop: ShopifyShop) -> int:
    """Count how often a key was asked for."""
    return sum("oauth" in call["path"] for call in shop.calls_json())


def a_token(text: str, clock: FrozenClock, **more: Any) -> AccessToken:
    """Make a key of one hour."""
    return AccessToken(Secret(text), clock.now(), clock.now() + timedelta(hours=1), **more)


def keeper(storage: Database, clock: FrozenClock, **more: Any) -> StoredTokens:
    """Give the keeper of the shop in one process."""
    return StoredTokens(storage, clock, SHOP, quiet, **more)


def test_two_processes_share_one_key(opener: Callable[[], Database], shop: ShopifyShop) -> None:
    """Eight threads of two processes ask Shopify for one key."""
    clock = FrozenClock()
    adapters = [
        connected(shop, static=False, keeper=keeper(storage, clock))
        for storage in (opener(), opener())
    ]
    threads = [
        threading.Thread(target=adapter.look_at_shop) for adapter in adapters for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert token_calls(shop) == 1


def test_a_key_outlives_its_process(opener: Callable[[], Database], shop: ShopifyShop) -> None:
    """A process that starts uses the key that another one got; it is asked for again early."""
    clock = FrozenClock()
    connected(shop, static=False, keeper=keeper(opener(), clock)).look_at_shop()
    second = connected(shop, static=False, keeper=keeper(opener(), clock))
    second.look_at_shop()
    assert token_calls(shop) == 1
    clock.move(seconds=86_399 - 301)
    second.look_at_shop()
    assert token_calls(shop) == 1
    clock.move(seconds=2)
    second.look_at_shop()
    assert token_calls(shop) == 2


def test_a_key_is_stored_before_it_is_used(
    opener: Callable[[], Database], shop: ShopifyShop
) -> None:
    """At the moment of the first call the key is in the database, and not to be read there."""
    storage, clock = opener(), FrozenClock()
    seen: list[AccessToken | None] = []
    answer = shop.api

    def api(request: Any) -> Any:
        if "graphql" in request.path:
            with storage.reading() as tx:
                seen.append(tx.shop_token(SHOP))
        return answer(request)

    shop.api = api  # type: ignore[method-assign]
    connected(shop, static=False, keeper=keeper(storage, clock)).look_at_shop()
    assert seen
    assert seen[0] is not None
    sent = seen[0].access.reveal()
    assert shop.knows(sent)
    with storage.reading() as tx:
        sealed = tx.connection.exec_driver_sql("SELECT sealed FROM shop_tokens").scalar_one()
    assert sent.encode() not in bytes(sealed)


def test_a_dead_key_is_replaced_by_what_another_process_has_got(
    opener: Callable[[], Database], shop: ShopifyShop
) -> None:
    """Who is refused looks first whether a newer key is stored."""
    clock = FrozenClock()
    first, second = (
        connected(shop, static=False, keeper=keeper(opener(), clock)) for _ in range(2)
    )
    first.look_at_shop()
    second.look_at_shop()
    shop.forget_tokens()
    first.look_at_shop()
    assert token_calls(shop) == 2
    second.look_at_shop()
    assert token_calls(shop) == 2


def test_a_failed_renewal_leaves_the_key_that_is_still_good(
    opener: Callable[[], Database], shop: ShopifyShop
) -> None:
    """While the token page is down, the last five minutes of a key are used up."""
    clock = FrozenClock()
    adapter = connected(shop, static=False, keeper=keeper(opener(), clock))
    adapter.look_at_shop()
    clock.move(seconds=86_399 - 200)
    shop.faults.add(Fault("status_503", match="oauth"))
    span = clock.now() - timedelta(days=1), clock.now()
    adapter.count_orders_placed(*span)
    assert token_calls(shop) == 2
    adapter.count_orders_placed(*span)
    assert token_calls(shop) == 3


def test_a_refused_secret_stops_nobody_else(
    opener: Callable[[], Database], shop: ShopifyShop
) -> None:
    """A wrong client secret is said clearly, and the turn to ask is given back."""
    storage, clock = opener(), FrozenClock()
    adapter = connected(shop, static=False, keeper=keeper(storage, clock))
    right, shop.client_secret = shop.client_secret, "shpss_" + "0" * 32
    with pytest.raises(AuthRejected, match="client id or the client secret"):
        adapter.look_at_shop()
    shop.client_secret = right
    adapter.look_at_shop()


def test_one_asks_at_a_time(opener: Callable[[], Database]) -> None:
    """While one process asks the others wait; all of them use what it stored."""
    clock = FrozenClock()
    asking, go = threading.Event(), threading.Event()
    asked: list[str] = []
    got: list[str] = []

    def slow(_kept: AccessToken | None) -> AccessToken:
        asked.append("one")
        asking.set()
        assert go.wait(60)
        return a_token("new", clock)

    def run() -> None:
        got.append(keeper(opener_list.pop(), clock).renew(lambda _kept: True, slow).access.reveal())

    opener_list = [opener() for _ in range(3)]
    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert asking.wait(60)
    go.set()
    for thread in threads:
        thread.join()
    assert (asked, got) == (["one"], ["new"] * 3)


def test_a_turn_ends(opener: Callable[[], Database]) -> None:
    """Who died while asking is waited for once; a new key that comes late is not used."""
    clock = FrozenClock()
    dead, alive = opener(), opener()
    with dead.transaction() as tx:
        assert tx.hold_shop_token(SHOP, "dead", now=clock.now(), until=clock.now() + TURN)
    impatient = keeper(alive, clock, patience_s=0.2)
    with pytest.raises(ShopResting):
        impatient.renew(lambda _kept: True, lambda _kept: a_token("no", clock))
    clock.move(seconds=91)
    assert impatient.renew(
        lambda _kept: True, lambda _kept: a_token("good", clock)
    ).access == Secret("good")
    with dead.transaction() as tx:
        assert not tx.put_shop_token(SHOP, a_token("late", clock), holder="dead")
        kept = tx.shop_token(SHOP)
    assert kept is not None
    assert kept.access == Secret("good")


def test_what_comes_too_late_gives_way(opener: Callable[[], Database]) -> None:
    """A process whose turn was taken over uses what the other stored, or nothing."""
    storage, clock = opener(), FrozenClock()
    mine = keeper(storage, clock)

    def overtaken(_kept: AccessToken | None) -> AccessToken:
        clock.move(seconds=91)
        with storage.transaction() as tx:
            assert tx.hold_shop_token(SHOP, "other", now=clock.now(), until=clock.now() + TURN)
        return a_token("mine", clock)

    with pytest.raises(TemporaryFailure, match="too late"):
        mine.renew(lambda _kept: False, overtaken)
    with storage.transaction() as tx:
        assert tx.put_shop_token(SHOP, a_token("theirs", clock), holder="other")
    assert mine.renew(lambda kept: kept.access == Secret("theirs"), overtaken).access == Secret(
        "theirs"
    )
