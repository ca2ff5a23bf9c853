"""Take a webhook: check, store durably, answer; nothing more.

Knows no framework. The edge, the hook path (plain WSGI) and the Flask view all convert
to `Inbound` and back from `Answer`, so that all give the same answers.
"""

import json
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from queue import SimpleQueue
from typing import Final

from connector.errors import (
    ContentTypeRejected,
    DeliveryMalformed,
    DeliveryTooLarge,
    InboundRejected,
    SignatureRejected,
    StorageUnavailable,
    UnknownAddress,
)
from connector.model.event import WebhookDelivery
from connector.model.order import ShopId
from connector.storage.records import DeliverySource, NewDelivery, ShopRecord
from webhooks.known_shops import KnownShops, secrets_of
from webhooks.urls import SHOPIFY_HOOK, WOOCOMMERCE_HOOK
from webhooks.wiring import Application

_JSON: Final = "application/json"
_FORM: Final = "application/x-www-form-urlencoded"
_THEIRS: Final = ("x-wc-", "x-shopify-")
_ALSO: Final = frozenset({"content-type", "user-agent"})
_PING: Final = b"webhook_id="
_SHOP_DOMAIN: Final = "x-shopify-shop-domain"
_SEEN_EVERY: Final = timedelta(seconds=5)
_RETRY_AFTER_S: Final = 5


@dataclass(frozen=True, slots=True)
class Inbound:
    """One HTTP request to a hook.

    Attributes:
        headers: names in lower case.
        body: raw bytes; None when it was longer than the limit and not read.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered: a status and a small JSON object."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = (("Content-Type", _JSON),)


# Hears what is answered, and which shop now has work, if any.
Settled = Callable[[Answer, ShopId | None], None]


def _answer(status: int, word: str, text: str = "", *more: tuple[str, str]) -> Answer:
    fields = {"status": word} if not text else {"status": word, "detail": text}
    return Answer(status, json.dumps(fields).encode() + b"\n", (("Content-Type", _JSON), *more))


_STORED: Final = _answer(200, "stored")
_DUPLICATE: Final = _answer(200, "duplicate")
_PONG: Final = _answer(200, "pong")
_RETRY: Final = ("Retry-After", str(_RETRY_AFTER_S))
_LATER: Final = _answer(503, "unavailable", "cannot store now; send it again", _RETRY)
BUSY: Final = _answer(503, "unavailable", "the server is stopping; send it again", _RETRY)
LATE: Final = _answer(408, "rejected", "the body did not come in time")


class Receiver:
    """Takes webhooks of all connected shops."""

    def __init__(self, app: Application) -> None:
        self._app = app
        self._shops = KnownShops(app)
        self._lock = threading.Lock()
        self._rejected: Counter[tuple[ShopId | None, str]] = Counter()
        self._seen: dict[ShopId, datetime] = {}

    def receive(self, request: Inbound) -> Answer:
        """Take one request and wait until it is stored.

        Returns: 200 stored, duplicate or ping; 4xx with what is wrong; 503 when it
            cannot be stored. Never a 3xx, and never a 5xx for what the body says.
        """
        told: SimpleQueue[tuple[Answer, ShopId | None]] = SimpleQueue()
        answer = self.begin(request, lambda *what: told.put(what))
        if answer is not None:
            return answer
        answer, shop_id = told.get()
        if shop_id is not None:
            self.ring(shop_id)
        return answer

    def is_quick(self, request: Inbound) -> bool:
        """Tell whether `begin` would ask neither the database nor the disk."""
        place = _place(request)
        return place is not None and self._shops.is_fresh(*place) and self._app.disk.is_fresh()

    def begin(self, request: Inbound, settled: Settled) -> Answer | None:
        """Check one request and hand it on to be stored.

        Args: settled: called by another thread once it is stored, or is not; whoever
            listens rings for the shop.
        Returns: the answer, where it is known already; `settled` is not called then.
        """
        shop: ShopRecord | None = None
        try:
            if request.method != "POST":
                return _answer(405, "rejected", "send webhooks by POST", ("Allow", "POST"))
            body = self._shape(request)
            shop = self._shop(request)
            if _is_ping(request, body):
                return _PONG
            _json_only(request)
            self._store(shop, request, body, settled)
        except InboundRejected as err:
            self._count(shop, err)
            return _answer(err.status, "rejected", str(err))
        except StorageUnavailable as err:
            self._app.engine.log("delivery.not_stored", error=str(err))
            return _LATER
        except Exception as err:  # noqa: BLE001 - the shop has to learn that it is not stored
            self._app.engine.log("delivery.fault", fault=err)
            return _LATER
        return None

    def ring(self, shop_id: ShopId) -> None:
        """Say that a shop has work."""
        self._app.bell.ring(shop_id)

    def flush(self) -> None:
        """Write the counts of refused requests into the store."""
        with self._lock:
            rejected = dict(self._rejected)
            self._rejected.clear()
        if not rejected:
            return
        with self._app.storage.transaction() as tx:
            for (shop_id, reason), count in rejected.items():
                tx.count_rejected(shop_id, reason, count)

    def _shape(self, request: Inbound) -> bytes:
        encoding = request.headers.get("content-encoding")
        if encoding and (encoding := encoding.strip().lower()) != "identity":
            raise ContentTypeRejected(
                f"Content-Encoding {encoding[:20]} is not taken: send the body as it was signed"
            )
        kind = _media_type(request)
        if kind not in {_JSON, _FORM}:
            raise ContentTypeRejected
        if request.body is None or len(request.body) > self._app.settings.body_limit_bytes:
            limit = self._app.settings.body_limit_bytes
            raise DeliveryTooLarge(f"the body is larger than {limit} bytes")
        return request.body

    def _shop(self, request: Inbound) -> ShopRecord:
        place = _place(request)
        if place is None:
            raise UnknownAddress
        kind, name = place
        if kind == "token":
            shop = self._shops.get(kind, name)
            if shop is None or shop.platform != "woocommerce":
                raise UnknownAddress
            return shop
        if not name:
            raise DeliveryMalformed(missing=_missing_shopify(request))
        shop = self._shops.get(kind, name)
        if shop is None:
            # Shopify's own checks want 401 here: without the shop there is no
            # secret that could prove the body.
            raise SignatureRejected(f"no shop {name[:80]!r} is connected")
        return shop

    def _store(self, shop: ShopRecord, request: Inbound, body: bytes, settled: Settled) -> None:
        if not self._app.disk.has_room():
            raise StorageUnavailable("the disk is almost full")
        now = self._app.clock.now()
        adapter = self._app.adapter_of(shop)
        delivery = WebhookDelivery(shop.id, request.headers, body, now)
        try:
            adapter.verify(delivery, secrets_of(shop, now))
        except SignatureRejected:
            # Its secret may have been changed since the shop was read.
            newer = self._shops.newer(shop)
            if newer is None:
                raise
            adapter.verify(delivery, secrets_of(newer, now))
        row = NewDelivery(
            shop.id,
            adapter.key(delivery),
            DeliverySource.WEBHOOK,
            _topic(request),
            adapter.lane(delivery),
            _kept_headers(request.headers),
            body,
            now,
        )
        self._app.storage.store_soon(
            row, partial(self._settled, settled, shop.id), mark=self._is_due_to_mark(shop, now)
        )

    def _settled(
        self, settled: Settled, shop_id: ShopId, number: int | None, error: BaseException | None
    ) -> None:
        """Turn what the store says into an answer; runs in the thread that commits."""
        if error is None:
            settled(*((_DUPLICATE, None) if number is None else (_STORED, shop_id)))
            return
        if isinstance(error, StorageUnavailable):
            self._app.engine.log("delivery.not_stored", error=str(error))
        else:
            self._app.engine.log("delivery.fault", fault=error)
        settled(_LATER, None)

    def _is_due_to_mark(self, shop: ShopRecord, now: datetime) -> bool:
        """Tell whether the time of the last delivery is to be written again."""
        with self._lock:
            seen = self._seen.get(shop.id)
            # Also when the clock was put back.
            due = seen is None or abs(now - seen) >= _SEEN_EVERY
            if due:
                self._seen[shop.id] = now
        return due

    def _count(self, shop: ShopRecord | None, err: InboundRejected) -> None:
        with self._lock:
            self._rejected[shop.id if shop else None, type(err).__name__] += 1


def _place(request: Inbound) -> tuple[str, str] | None:
    """Tell by what the shop of a request is found; None for an address we do not have."""
    if request.path.startswith(WOOCOMMERCE_HOOK):
        return "token", request.path.removeprefix(WOOCOMMERCE_HOOK)
    if request.path == SHOPIFY_HOOK:
        return "domain", request.headers.get(_SHOP_DOMAIN, "").strip().lower()
    return None


def _media_type(request: Inbound) -> str:
    kind = request.headers.get("content-type", "")
    # As the shops send it; every webhook passes here.
    return kind if kind == _JSON else kind.split(";")[0].strip().lower()


def _json_only(request: Inbound) -> None:
    if _media_type(request) != _JSON:
        raise ContentTypeRejected


def _is_ping(request: Inbound, body: bytes) -> bool:
    """Tell whether this is WooCommerce's unsigned greeting; it changes nothing."""
    return (
        body.startswith(_PING)
        and request.path.startswith(WOOCOMMERCE_HOOK)
        and _media_type(request) == _FORM
        and "x-wc-webhook-signature" not in request.headers
        and body[len(_PING) :].isdigit()
    )


def _missing_shopify(request: Inbound) -> list[str]:
    wanted = (
        "X-Shopify-Shop-Domain",
        "X-Shopify-Topic",
        "X-Shopify-Hmac-Sha256",
        "X-Shopify-Webhook-Id",
    )
    return [name for name in wanted if not request.headers.get(name.lower())]


def _topic(request: Inbound) -> str:
    headers = request.headers
    return (headers.get("x-wc-webhook-topic") or headers.get("x-shopify-topic") or "")[:100]


def _kept_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Keep what the adapters read: the platforms' own headers."""
    return {
        name: value[:500]
        for name, value in headers.items()
        if name.startswith(_THEIRS) or name in _ALSO
    }
