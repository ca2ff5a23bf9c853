"""Two shops full of things, each with words of its own in every text: its canaries."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.admin.passwords import hashed
from connector.model.customer import Buyer
from connector.model.effect import (
    AskedRules,
    EffectKind,
    EffectState,
    Evaluation,
    PlannedEffect,
    Verdict,
)
from connector.model.event import Occurrence, OccurrenceKind
from connector.model.message import Message, MessageClass
from connector.model.order import (
    FulfillmentState,
    LineItem,
    Order,
    OrderRef,
    OrderState,
    PaymentState,
    ShopId,
)
from connector.secret import Secret
from connector.storage.access import EVERYWHERE, Role, UserRecord
from connector.storage.port import Transaction
from connector.storage.records import (
    DeliverySource,
    DeliveryState,
    NewDelivery,
    ShopRecord,
    ShopState,
)
from tests.running import Running

PASSWORD = "a good long password 7"
# Hashing costs what it should: once is enough for all tests.
_HASH = hashed(PASSWORD)
HOSTILE = "<script>document.title='fired'</script><img src=x onerror=alert(1)>\"'{{7*7}}"


@dataclass(frozen=True, slots=True)
class Filled:
    """One shop with the names of what is in it.

    Attributes:
        canary: stands in every text of this shop and nowhere else.
    """

    id: ShopId
    canary: str
    ref: str
    number: str
    delivery: int
    dead_delivery: int
    planned: str
    dead: str


def add_user(running: Running, name: str, roles: dict[str, Role] | None = None) -> UserRecord:
    """Add a user with the usual password; owner of all shops when nothing is said."""
    user = UserRecord(
        id=f"u-{name}",
        name=name,
        password_hash=_HASH,
        created_at=running.app.clock.now(),
        roles=roles or {EVERYWHERE: Role.OWNER},
    )
    with running.storage.transaction() as tx:
        tx.add_user(user)
    return user


def fill_shop(running: Running, name: str, *, platform: str = "woocommerce") -> Filled:
    """Connect a shop and let something of every kind have happened in it."""
    shop_id, canary = ShopId(f"s{name}"), f"Canary{name}"
    now = running.app.clock.now()
    with running.storage.transaction() as tx:
        tx.add_shop(
            ShopRecord(
                id=shop_id,
                platform=platform,
                name=f"{canary} Shop",
                address=f"https://{canary.lower()}.example.com",
                hook_token=f"{canary}-token",
                state=ShopState.CONNECTED,
                created_at=now - timedelta(days=9),
                settings={"contact": f"{canary}@contact.example.com"},
                secrets={"webhook_secret": Secret(f"{canary}-secret")},
                currency="EUR",
                timezone="Europe/Madrid",
                webhooks={"order.created": "active", f"{canary}.topic": "disabled"},
                last_delivery_at=now,
            )
        )
        ref = f"{canary}-77"
        told = tx.add_deliveries([_delivery(shop_id, canary, ref, now, "1"), _dead(shop_id, now)])
        _orders(tx, shop_id, canary, ref, now)
        occurrence = tx.add_occurrence(
            Occurrence(shop_id, OrderRef(ref), OccurrenceKind.ORDER_PAID, "", now),
            seen_at=now,
            own=False,
        )
        assert occurrence is not None
        tx.add_evaluation(_evaluation(shop_id, canary, ref, occurrence, now))
        keys = _effects(tx, shop_id, canary, ref, occurrence, now)
    number, dead_number = told
    assert number is not None
    assert dead_number is not None
    return Filled(shop_id, canary, ref, f"#{canary}-1077", number, dead_number, keys[0], keys[1])


def _delivery(shop_id: ShopId, canary: str, ref: str, now: datetime, key: str) -> NewDelivery:
    body = {"id": ref, "name": f"{canary} {HOSTILE}", "total": "43.74"}
    return NewDelivery(
        shop_id=shop_id,
        key=f"{canary}-{key}",
        source=DeliverySource.WEBHOOK,
        topic="order.updated",
        lane=ref,
        headers={"x-wc-webhook-topic": canary},
        body=json.dumps(body).encode(),
        received_at=now,
        state=DeliveryState.DONE,
        reason=f"stored {canary}",
    )


def _dead(shop_id: ShopId, now: datetime) -> NewDelivery:
    return NewDelivery(
        shop_id=shop_id,
        key="broken",
        source=DeliverySource.WEBHOOK,
        topic="order.created",
        lane="",
        headers={},
        body=b"not json \xff",
        received_at=now,
        state=DeliveryState.DEAD,
        reason="needs a person: the body cannot be read",
    )


def an_order(canary: str, ref: str, number: str, placed_at: datetime) -> Order:
    """Make an order whose texts all carry the canary and something hostile."""
    return Order(
        ref=OrderRef(ref),
        number=number,
        state=OrderState.PROCESSING,
        platform_state="processing",
        payment_state=PaymentState.PAID,
        fulfillment_state=FulfillmentState.UNFULFILLED,
        currency="EUR",
        total_minor=4374,
        placed_at=placed_at,
        modified_at=placed_at,
        buyer=Buyer(name=f"{canary} {HOSTILE}", email=f"{canary.lower()}@example.com"),
        lines=(LineItem("1", f"{canary} taza {HOSTILE}", 2, 4374),),
    )


def _orders(tx: Transaction, shop_id: ShopId, canary: str, ref: str, now: datetime) -> None:
    buyer = tx.find_buyer([f"email:{canary.lower()}@example.com"])
    order = an_order(canary, ref, f"#{canary}-1077", now - timedelta(hours=1))
    tx.put_order(shop_id, order, buyer_id=buyer, seen_at=now)


def _evaluation(
    shop_id: ShopId, canary: str, ref: str, occurrence: int, now: datetime
) -> Evaluation:
    asked = [
        [["buyer.order_count", "eq", 1], ["order.total", "gte", "20.00"]],
        [[f"{canary}-rule", 1, [["all[0]", 0], ["all[1]", 1]]]],
    ]
    seen = {"buyer.order_count": 3, "order.total": f"43.74 {canary}"}
    return Evaluation(
        shop_id,
        OrderRef(ref),
        occurrence,
        now,
        AskedRules(f"asked-{canary}", json.dumps(asked).encode()),
        seen,
        [False, True],
        [Verdict.NOT_MATCHED],
    )


def _effects(
    tx: Transaction, shop_id: ShopId, canary: str, ref: str, occurrence: int, now: datetime
) -> list[str]:
    def planned(step: int, kind: EffectKind, due_at: datetime) -> PlannedEffect:
        return PlannedEffect(
            key=f"{canary}-rule:{occurrence}:{step}",
            shop_id=shop_id,
            order_ref=OrderRef(ref),
            rule_id=f"{canary}-rule",
            rule_version=1,
            occurrence_id=occurrence,
            step=step,
            kind=kind,
            payload={"text": canary},
            due_at=due_at,
        )

    later = planned(0, EffectKind.COUPON, now + timedelta(days=2))
    dead = planned(1, EffectKind.NOTE, now)
    sent = planned(2, EffectKind.MESSAGE, now)
    tx.add_effects([dead, sent], now=now)
    # One of an order at a time.
    for _ in range(2):
        lease = now + timedelta(minutes=1)
        claimed = tx.claim_effects(now=now, lease_until=lease, limit=99)
        tx.begin_attempts(claimed, now=now)
        for one in claimed:
            state = EffectState.DEAD if one.key == dead.key else EffectState.DONE
            reason = f"needs a person: {canary} {HOSTILE}" if state is EffectState.DEAD else ""
            tx.end_attempt(
                one,
                started_at=now,
                ended_at=now,
                outcome=state.value,
                detail={"looked_for": f"a note {canary}", "found": False},
            )
            tx.settle_effect(
                one.key, one.fence, state=state, reason=reason, now=now, result={"id": canary}
            )
    tx.add_effects([later], now=now)
    tx.add_message(
        Message(
            key=sent.key,
            shop_id=shop_id,
            order_ref=sent.order_ref,
            channel="email",
            message_class=MessageClass.SERVICE,
            to=f"{canary.lower()}@example.com",
            to_name=canary,
            subject=f"{canary} {HOSTILE}",
            text=f"¡Hola {canary}! {HOSTILE}",
        ),
        sent_at=now,
        result={"ref": canary},
    )
    return [later.key, dead.key, sent.key]
