"""Do what a shop's platform asks for its buyers, and keep that it was done.

A request is signed with its shop in the body, so it is believed. The same body counts
once: a recorded one, sent again, erases nobody who came back.

Source: shopify.dev, "Privacy law compliance", checked 2026-11-22: 30 days.
"""

import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from connector.errors import AuthRejected
from connector.flows.engine import Engine
from connector.flows.privacy import (
    Subject,
    erase_buyer,
    erase_shop_data,
    export_buyer,
    subject_text,
)
from connector.flows.settle import forget_delivery, settle
from connector.model.event import EventType, ShopEvent
from connector.model.order import OrderRef, ShopId
from connector.secret import Secret
from connector.storage.privacy import PrivacyKind, PrivacyRequest
from connector.storage.records import DeliveryRecord, DeliveryState, ShopRecord, ShopState

TERM: Final = timedelta(days=30)
# What came in while a shop was being erased is deleted by a second round.
_LATECOMERS: Final = timedelta(days=2)
_TOKEN_BYTES: Final = 32
_MOST_ORDERS: Final = 100_000

KINDS: Final = {
    EventType.CUSTOMER_DATA_REQUEST: PrivacyKind.EXPORT,
    EventType.CUSTOMER_REDACT: PrivacyKind.ERASE_BUYER,
    EventType.SHOP_REDACT: PrivacyKind.ERASE_SHOP,
}


def answer_request(
    engine: Engine, shop: ShopRecord, delivery: DeliveryRecord, event: ShopEvent
) -> str:
    """Do what a privacy delivery asks and close its row.

    Raises: AdapterError: the shop could not be asked now.
    """
    request = PrivacyRequest(
        0,
        shop.id,
        KINDS[event.type],
        event.topic,
        hashlib.sha256(delivery.body or b"").hexdigest(),
        delivery.received_at,
        delivery.received_at + TERM,
    )
    with engine.storage.reading() as tx:
        # An open one was begun by somebody who did not come to an end.
        known = next((one for one in tx.privacy_requests(shop.id) if _same(one, request)), request)
    if known.id and (known.state != "open" or known.kind is not PrivacyKind.ERASE_SHOP):
        return _close(engine, delivery, f"asked before: request {known.id}")
    match request.kind:
        case PrivacyKind.EXPORT:
            return _export(engine, shop, delivery, known, subject_in(event.raw))
        case PrivacyKind.ERASE_BUYER:
            return _erase(engine, shop, delivery, known, subject_in(event.raw))
        case PrivacyKind.ERASE_SHOP:
            return _erase_shop(engine, shop, delivery, known)


def subject_in(raw: Mapping[str, Any] | None) -> Subject:
    """Read who is meant; what cannot be read is left out."""
    told = raw or {}
    customer = told.get("customer")
    customer = customer if isinstance(customer, dict) else {}
    orders = told.get("orders_to_redact") or told.get("orders_requested") or []
    numbers = orders if isinstance(orders, list) else []
    ref = customer.get("id")
    return Subject(
        email=_text(customer.get("email")),
        phone=_text(customer.get("phone")),
        ref=str(ref) if isinstance(ref, int | str) and not isinstance(ref, bool) and ref else None,
        orders=tuple(
            OrderRef(str(one))
            for one in numbers[:_MOST_ORDERS]
            if isinstance(one, int | str) and not isinstance(one, bool)
        ),
    )


def begin_shop_erasure(
    engine: Engine, shop_id: ShopId, request: PrivacyRequest
) -> PrivacyRequest | None:
    """Close a shop at once, so that nothing more comes in; None when it was asked before."""
    with engine.storage.transaction() as tx:
        stored = tx.add_privacy_request(request)
        shop = tx.shop(shop_id)
        if stored is None or shop is None:
            return None
        tx.update_shop(
            shop_id,
            state=ShopState.REMOVED,
            secrets=dict.fromkeys(shop.secrets, Secret("")),
            webhooks={},
        )
        tx.drop_shop_token(shop_id)
    engine.shops.forget(shop_id)
    return stored


def finish_erasures(engine: Engine, stopping: Callable[[], bool] = lambda: False) -> int:
    """Bring the erasing of shops to its end, whoever began it; tell how many."""
    now = engine.clock.now()
    with engine.storage.reading() as tx:
        begun = [
            one
            for one in tx.privacy_requests()
            if one.kind is PrivacyKind.ERASE_SHOP
            and (one.done_at is None or now - one.done_at < _LATECOMERS)
        ]
    finished = 0
    for request in begun:
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        if not erase_shop_data(engine, request.shop_id, token, stopping=stopping):
            break
        if request.done_at is None:
            with engine.storage.transaction() as tx:
                tx.change_privacy_request(
                    replace(request, state="done", done_at=engine.clock.now())
                )
            finished += 1
    return finished


def _export(
    engine: Engine,
    shop: ShopRecord,
    delivery: DeliveryRecord,
    request: PrivacyRequest,
    subject: Subject,
) -> str:
    made = export_buyer(engine, shop, subject)
    request = replace(
        request,
        subject=subject_text(subject),
        export=Secret(json.dumps(made, ensure_ascii=False)),
        result={"orders": len(made["orders"])},
    )
    with engine.storage.transaction() as tx:
        stored = tx.add_privacy_request(request)
        settle(tx, engine, delivery, _told(stored or request))
        # The body names the buyer, and the request keeps that sealed.
        forget_delivery(tx, engine, delivery, _told(stored or request))
    return _told(stored or request)


def _erase(
    engine: Engine,
    shop: ShopRecord,
    delivery: DeliveryRecord,
    request: PrivacyRequest,
    subject: Subject,
) -> str:
    gone = erase_buyer(engine, shop, subject, but=delivery.id)
    with engine.storage.transaction() as tx:
        done = replace(request, state="done", done_at=engine.clock.now(), result=gone)
        stored = tx.add_privacy_request(done)
        text = (
            f"erased: request {stored.id if stored else request.id}, {gone.get('orders', 0)} orders"
        )
        settle(tx, engine, delivery, text)
        forget_delivery(tx, engine, delivery, text)
    engine.storage.scrub()
    return text


def _erase_shop(
    engine: Engine, shop: ShopRecord, delivery: DeliveryRecord, request: PrivacyRequest
) -> str:
    if _key_works(engine, shop):
        # Sent two days after an uninstall; whoever installed the app again keeps the data.
        text = (
            "needs a person: the platform asks to erase this shop, but our key still works. "
            f"If it is meant: postventa privacy erase --shop {shop.id} --whole-shop"
        )
        return _close(engine, delivery, text, DeliveryState.DEAD)
    with engine.storage.transaction() as tx:
        settle(tx, engine, delivery, "erasing the shop")
    begin_shop_erasure(engine, shop.id, request)
    finish_erasures(engine)
    return "the shop was erased"


def _key_works(engine: Engine, shop: ShopRecord) -> bool:
    if shop.state is ShopState.REMOVED:
        return False
    try:
        engine.adapter_of(shop).look_at_shop()
    except AuthRejected:
        return False
    return True


def _told(request: PrivacyRequest) -> str:
    return (
        f"request {request.id}: the export is ready; hand it to the owner of the shop until "
        f"{request.due_at.date().isoformat()} (postventa privacy list)"
    )


def _same(one: PrivacyRequest, other: PrivacyRequest) -> bool:
    return (one.kind, one.digest) == (other.kind, other.digest)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value.strip() else None


def _close(
    engine: Engine,
    delivery: DeliveryRecord,
    reason: str,
    state: DeliveryState = DeliveryState.DONE,
) -> str:
    with engine.storage.transaction() as tx:
        settle(tx, engine, delivery, reason, state)
        if state is DeliveryState.DONE:
            forget_delivery(tx, engine, delivery, reason)
    return reason
