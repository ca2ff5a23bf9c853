"""Find, export and erase what is stored of a buyer; erase all of a shop.

Who asks is found by account, by mail address, and by the orders that the platform names.
A telephone number alone may be that of a family: it finds only orders that carry neither
of the two others.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime
from typing import Any, Final

import msgspec

from connector.flows.engine import Engine
from connector.flows.nameless import ERASED, hidden, without_person
from connector.flows.record_order import keys_of
from connector.model.customer import normal_email, normal_phone
from connector.model.order import Order, OrderRef, ShopId
from connector.secret import Secret
from connector.storage.port import Transaction
from connector.storage.records import DeliveryState, OccurrenceRecord, ShopRecord

_PIECE: Final = 200
_OPEN: Final = frozenset({DeliveryState.WAITING, DeliveryState.WORKING})


@dataclass(frozen=True, slots=True)
class Subject:
    """Who asks.

    Attributes:
        ref: the platform's customer id. orders: those that the platform names.
    """

    email: str | None = None
    phone: str | None = None
    ref: str | None = None
    orders: tuple[OrderRef, ...] = ()

    def __bool__(self) -> bool:
        """Tell whether anybody is named."""
        return bool(self.email or self.phone or self.ref or self.orders)


@dataclass(slots=True)
class Found:
    """What is stored of a subject in one shop.

    Attributes:
        orders: theirs; None for one that is only named or waits to be stored.
        closed: other deliveries that name the mail address.
    """

    buyers: list[int] = field(default_factory=list)
    orders: dict[OrderRef, Order | None] = field(default_factory=dict)
    closed: list[int] = field(default_factory=list)


def export_buyer(engine: Engine, shop: ShopRecord, subject: Subject) -> dict[str, Any]:
    """Give everything that is stored of a buyer in one shop, as plain data."""
    found = find(engine, shop, subject)
    orders = []
    with engine.storage.reading() as tx:
        for ref, order in found.orders.items():
            rows = tx.rows_of_order(shop.id, ref)
            told = None if order is None else msgspec.to_builtins(order)
            orders.append({"ref": ref, "order": told, **_plain(rows)})
        others = [tx.delivery(number) for number in found.closed]
    return {
        "made_at": engine.clock.now().isoformat(),
        "shop": {"id": shop.id, "name": shop.name, "address": shop.address},
        "buyer": {"email": subject.email, "phone": subject.phone, "customer": subject.ref},
        "orders": orders,
        "other_deliveries": [_plain(asdict(row)) for row in others if row is not None],
    }


def erase_buyer(
    engine: Engine, shop: ShopRecord, subject: Subject, *, but: int | None = None
) -> dict[str, int]:
    """Erase a buyer from one shop; their orders stay without a name.

    In one transaction: what waits for these orders is closed and open effects are
    skipped, whoever works on them. A state of such an order that comes later is stored
    without its buyer.

    Args: but: a delivery that is left alone, since it is the one being worked off.
    Returns: how many rows of each kind were changed.
    """
    found = find(engine, shop, subject, but=but)
    now = engine.clock.now()
    total: dict[str, int] = {}
    with engine.storage.transaction() as tx:
        for ref in sorted(found.orders):
            tx.lock_order(shop.id, ref)
            # As it is now: it may have been told of since.
            stored = tx.order(shop.id, ref)
            order = None if stored is None else stored.order
            kept = None if order is None else without_person(order, engine.code_key)
            # What was erased before has such names already.
            again = order is not None and order.erased
            names = {} if again else _names(engine, tx.occurrences_of(shop.id, ref))
            gone = tx.erase_order(shop.id, ref, kept, names, reason=ERASED, now=now)
            _add(total, gone)
        rows = [number for number in found.closed if number != but]
        _add(total, {"deliveries": tx.erase_deliveries(rows, reason=ERASED, now=now)})
        _add(total, {"keys": _forget(tx, found.buyers)})
        _forget_exports(tx, shop.id, subject)
    engine.storage.scrub()
    engine.log("privacy.erased", shop_id=shop.id, orders=len(found.orders))
    return total


def erase_shop_data(
    engine: Engine,
    shop_id: ShopId,
    new_token: str,
    *,
    stopping: Callable[[], bool] = lambda: False,
) -> bool:
    """Delete everything of a shop, in pieces; only its number stays.

    Can be called again after a crash.

    Args: new_token: replaces the address its webhooks were sent to.
    Returns: False when it was stopped before the end.
    """
    left = True
    while left:
        if stopping():
            return False
        with engine.storage.transaction() as tx:
            left = tx.erase_shop_rows(shop_id, _PIECE) > 0
            if not left:
                gone, buyers = tx.erase_shop_orders(shop_id, _PIECE)
                _forget(tx, buyers)
                left = gone > 0
    with engine.storage.transaction() as tx:
        tx.close_erased_shop(shop_id, hook_token=new_token)
    engine.shops.forget(shop_id)
    engine.storage.scrub()
    engine.log("privacy.shop_erased", shop_id=shop_id)
    return True


def find(engine: Engine, shop: ShopRecord, subject: Subject, *, but: int | None = None) -> Found:
    """Find what is stored of a subject; every kept delivery of the shop is looked into."""
    found = Found()
    if not subject:
        return found
    with engine.storage.reading() as tx:
        found.buyers = list(tx.buyers_of(_keys(shop, subject)))
        for ref in tx.orders_of_buyers(shop.id, found.buyers):
            stored = tx.order(shop.id, ref)
            if stored is not None and belongs(stored.order, shop, subject):
                found.orders[ref] = stored.order
        for ref in subject.orders:
            stored = tx.order(shop.id, ref)
            found.orders.setdefault(ref, None if stored is None else stored.order)
    _search(engine, shop, subject, found, but)
    return found


def belongs(order: Order, shop: ShopRecord, subject: Subject) -> bool:
    """Tell whether an order is the subject's."""
    buyer = order.buyer
    if subject.ref and buyer.ref == subject.ref:
        return True
    email = normal_email(subject.email)
    theirs = normal_email(buyer.email)
    if email and theirs == email:
        return True
    if (email and theirs) or (subject.ref and buyer.ref):
        return False
    return bool(set(_phones(subject.phone, shop)) & set(_phones(buyer.phone, shop)))


def subject_text(subject: Subject) -> Secret:
    """Write a subject down, to be sealed."""
    return Secret(json.dumps(asdict(subject)))


def subject_of(text: Secret) -> Subject:
    """Read a subject that was written down."""
    told = json.loads(text.reveal())
    return Subject(told["email"], told["phone"], told["ref"], tuple(told["orders"]))


def _search(
    engine: Engine, shop: ShopRecord, subject: Subject, found: Found, but: int | None
) -> None:
    needles = _needles(subject)
    after = 0
    while needles:
        # Short readings: a long one would keep the log of the database from being folded.
        with engine.storage.reading() as tx:
            rows = tx.bodies_of(shop.id, after=after, limit=_PIECE)
            for number, lane, state, body in rows:
                text = body.lower()
                if number == but or not any(needle in text for needle in needles):
                    continue
                ref = OrderRef(lane)
                if ref and ref not in found.orders:
                    stored = tx.order(shop.id, ref)
                    if stored is None:
                        # Of an order that waits to be stored, or that nobody could read.
                        found.orders[ref] = None
                    elif state not in _OPEN:
                        found.closed.append(number)
                elif not ref:
                    found.closed.append(number)
        if len(rows) < _PIECE:
            return
        after = rows[-1][0]


def _needles(subject: Subject) -> list[bytes]:
    email = normal_email(subject.email)
    if email is None:
        phone = (subject.phone or "").strip().lower()
        return [phone.encode()] if len(phone) > 6 else []  # noqa: PLR2004 - shorter is no number
    plain = email.encode()
    return [plain, json.dumps(email)[1:-1].encode(), plain.replace(b"@", b"\\u0040")]


def _keys(shop: ShopRecord, subject: Subject) -> list[str]:
    keys = [f"phone:{phone}" for phone in _phones(subject.phone, shop)]
    email = normal_email(subject.email)
    if email:
        keys.append(f"email:{email}")
    if subject.ref:
        keys.append(f"ref:{shop.id}:{subject.ref}")
    return keys


def _phones(phone: str | None, shop: ShopRecord) -> list[str]:
    found = (normal_phone(phone, country) for country in ("", shop.country, "ES"))
    return [one for one in dict.fromkeys(found) if one]


def _names(engine: Engine, happened: Sequence[OccurrenceRecord]) -> dict[str, str]:
    """Pair the numbers of parcels with what stands for them from now on."""
    parcels = {item.occurrence.discriminator for item in happened}
    return {one: hidden(one, engine.code_key) for one in parcels if one}


def _forget(tx: Transaction, buyers: Sequence[int]) -> int:
    """Forget what names buyers, but what their other orders need."""
    keep: dict[int, list[str]] = {}
    for buyer, shop_id, order in tx.buyer_orders(buyers):
        keep.setdefault(buyer, []).extend(keys_of(shop_id, order))
    return tx.forget_buyers(buyers, keep)


def _forget_exports(tx: Transaction, shop_id: ShopId, subject: Subject) -> None:
    for request in tx.privacy_requests(shop_id):
        if request.subject is None:
            continue
        other = subject_of(request.subject)
        same_mail = subject.email and normal_email(other.email) == normal_email(subject.email)
        if same_mail or (subject.ref and other.ref == subject.ref):
            tx.change_privacy_request(replace(request, state="done", subject=None, export=None))


def _add(total: dict[str, int], more: Mapping[str, int]) -> None:
    for name, number in more.items():
        total[name] = total.get(name, 0) + number


def _plain(value: Any) -> Any:
    """Write rows as JSON can hold them; bodies as text."""
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, str | int | float | bool) or value is None:
        return value
    if isinstance(value, Iterable):
        return [_plain(item) for item in value]
    return str(value)
