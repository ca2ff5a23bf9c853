"""The composition root: settings become a store, adapters, channels and an engine."""

import base64
import hashlib
import hmac
import os
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from adapters.bells.celery import CeleryBell
from adapters.bells.embedded import EmbeddedBell
from adapters.catalogue import load_channel, load_shop
from adapters.storage.database import open_database
from connector.errors import ConfigurationError
from connector.flows.engine import Engine
from connector.flows.rulebook import Rulebook
from connector.flows.shop_tokens import StoredTokens
from connector.jobs.ceilings import COUPONS, MESSAGES, Ceilings
from connector.jobs.gate import Gates
from connector.jobs.switch import Switch
from connector.model.order import ShopId
from connector.model.token import TokenKeeper
from connector.ports import Bell, CallGate, ChannelAdapter, Clock, ShopAdapter
from connector.secret import Secret
from connector.settings import Settings
from connector.storage.port import Storage
from connector.storage.records import ShopRecord
from webhooks.clock import SystemClock
from webhooks.disk import Disk
from webhooks.logs import log_event

_KEY_BYTES: Final = 32
_FINGERPRINT: Final = "key.fingerprint"


@dataclass(frozen=True, slots=True)
class Application:
    """Everything that a server, a worker or a command needs."""

    settings: Settings
    storage: Storage
    clock: Clock
    bell: Bell
    engine: Engine
    disk: Disk
    adapters: "AdapterPool" = field(repr=False)

    def adapter_of(self, shop: ShopRecord) -> ShopAdapter:
        """Give the adapter of a shop."""
        return self.adapters.of(shop)

    def base_url(self) -> str:
        """Give the public address of this server.

        Raises: ConfigurationError: it is not set.
        """
        if not self.settings.base_url:
            raise ConfigurationError(
                "POSTVENTA_BASE_URL is not set: write the address under which the shop "
                "reaches this server, like https://postventa.example.com"
            )
        return self.settings.base_url


class AdapterPool:
    """Keeps one adapter a shop, made anew when its stored values change."""

    def __init__(
        self, settings: Settings, gates: Gates, keeper_of: Callable[[ShopId], TokenKeeper]
    ) -> None:
        self._settings = settings
        self._gates = gates
        self._keeper_of = keeper_of
        self._lock = threading.Lock()
        self._made: dict[ShopId, tuple[ShopRecord, object, ShopAdapter]] = {}

    def of(self, shop: ShopRecord) -> ShopAdapter:
        """Give the adapter of a shop; its calls go through the gate of its host."""
        with self._lock:
            known = self._made.get(shop.id)
        # Whoever keeps a shop for a moment gives the very same record again.
        if known is not None and known[0] is shop:
            return known[2]
        stamp = (
            shop.platform,
            tuple(sorted(shop.settings.items())),
            tuple(sorted((name, value.reveal()) for name, value in shop.secrets.items())),
            shop.timezone,
            shop.currency,
        )
        if known is not None and known[1] == stamp:
            adapter = known[2]
        else:
            settings = {**shop.settings, "timezone": shop.timezone, "currency": shop.currency}
            gate = self._gates.of(shop)
            adapter = self.build(shop.platform, settings, shop.secrets, gate=gate, of=shop.id)
        with self._lock:
            self._made[shop.id] = (shop, stamp, adapter)
        return adapter

    def direct(self, shop: ShopRecord) -> ShopAdapter:
        """Make an adapter whose calls wait for nothing: a person waits for them."""
        settings = {**shop.settings, "timezone": shop.timezone, "currency": shop.currency}
        return self.build(shop.platform, settings, shop.secrets, of=shop.id)

    def build(
        self,
        platform: str,
        settings: Mapping[str, str],
        values: Mapping[str, Secret],
        *,
        gate: CallGate | None = None,
        of: ShopId | None = None,
    ) -> ShopAdapter:
        """Make an adapter from plain and secret values.

        Args: of: the stored shop, whose keys that end are kept for all processes.
        Raises: ConfigurationError: a value is missing or wrong.
        """
        kind = load_shop(platform)
        kept = of is not None and getattr(kind, "keeps_tokens", False)
        adapter: ShopAdapter = kind(
            settings,
            values,
            allow_private=self._settings.allow_private_hosts,
            allow_http=self._settings.allow_http,
            gate=gate,
            **({"keeper": self._keeper_of(of)} if of is not None and kept else {}),
        )
        return adapter


@contextmanager
def open_application(settings: Settings, *, clock: Clock | None = None) -> Iterator[Application]:
    """Open the store and put everything together; close it at the end.

    Raises: ConfigurationError: a setting, the key file or the database is wrong.
    """
    clock = clock or SystemClock()
    bell: Bell = (
        CeleryBell(settings.broker_url, log_event) if settings.broker_url else EmbeddedBell()
    )
    master = read_key(settings)
    storage = open_database(
        settings.database_url.reveal(), _derive(master, "sealing"), data_dir=settings.data_dir
    )
    try:
        _check_key(storage, master)
        gates = Gates(storage, clock, log_event)
        keeper_of = partial(_keeper, storage, clock)
        adapters = AdapterPool(settings, gates, keeper_of)
        engine = Engine(
            storage=storage,
            clock=clock,
            bell=bell,
            adapter_of=adapters.of,
            channels=_channels(settings),
            code_key=_derive(master, "codes"),
            rulebook=Rulebook(),
            gates=gates,
            switch=Switch(storage),
            ceilings=Ceilings(
                storage,
                {
                    COUPONS: settings.max_coupons_per_hour,
                    MESSAGES: settings.max_messages_per_hour,
                },
                log_event,
            ),
            log=log_event,
        )
        disk = Disk(database_folder(settings), log_event)
        yield Application(settings, storage, clock, bell, engine, disk, adapters)
    finally:
        bell.close()
        storage.close()


def _keeper(storage: Storage, clock: Clock, shop_id: ShopId) -> TokenKeeper:
    return StoredTokens(storage, clock, shop_id, log_event)


def _channels(settings: Settings) -> dict[str, ChannelAdapter]:
    url = settings.smtp_url
    if not url:
        # Without a mail server messages are kept and shown, and nothing leaves.
        return {"email": load_channel("demo")({}, {})}
    return {"email": load_channel("smtp")({"from": settings.mail_from}, {"url": url})}


@contextmanager
def open_other(settings: Settings, url: str) -> Iterator[Storage]:
    """Open another store than the one of the settings, sealed with the same key.

    Raises: ConfigurationError: the address is wrong.
    """
    storage = open_database(url, _derive(read_key(settings), "sealing"), data_dir=settings.data_dir)
    try:
        yield storage
    finally:
        storage.close()


def database_folder(settings: Settings) -> Path | None:
    """Tell in which folder of this machine the database lies; None for a server."""
    url = settings.database_url.reveal()
    if not url:
        return settings.data_dir
    kind, found, path = url.partition(":///")
    return Path(path).parent if found and kind.startswith("sqlite") else None


def key_path(settings: Settings) -> Path:
    """Tell where the key of this installation lies."""
    return settings.secret_key_file or settings.data_dir / "secret.key"


def read_key(settings: Settings) -> bytes:
    """Read the key of this installation; make one on first use.

    Returns: 32 bytes.
    Raises: ConfigurationError: the file cannot be read or holds something else.
    """
    path = key_path(settings)
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_new_key(path)
        text = path.read_text(encoding="ascii").strip()
        key = base64.b64decode(text, validate=True)
    except (OSError, ValueError) as err:
        raise ConfigurationError(
            f"The key file {path} cannot be read: {type(err).__name__}. It holds 32 bytes as "
            "base64; restore your copy of it."
        ) from err
    if len(key) != _KEY_BYTES:
        raise ConfigurationError(f"The key file {path} must hold 32 bytes as base64.")
    return key


def _write_new_key(path: Path) -> None:
    text = base64.b64encode(secrets.token_bytes(_KEY_BYTES)) + b"\n"
    # Written aside and linked: two processes that start at once end with one key.
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(handle, text)
        os.fsync(handle)
    finally:
        os.close(handle)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _derive(master: bytes, purpose: str) -> bytes:
    return hmac.new(master, f"postventa {purpose}".encode(), hashlib.sha256).digest()


def _check_key(storage: Storage, master: bytes) -> None:
    """Refuse to start with a key that cannot open what is stored."""
    mark = _derive(master, "fingerprint").hex()[:16]
    with storage.reading() as tx:
        known = tx.value(_FINGERPRINT)
    if known is None:
        with storage.transaction() as tx:
            known = tx.value(_FINGERPRINT)
            if known is None:
                tx.set_value(_FINGERPRINT, mark)
                known = mark
    if known != mark:
        raise ConfigurationError(
            "The secret key is not the one this database was made with: the shop keys in it "
            "cannot be opened. Set POSTVENTA_SECRET_KEY_FILE to your copy of the right key."
        )
