"""A connected shop on a real store whose orders are told by the test; nobody is called."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from connector.flows.record_order import record_order
from connector.flows.simulate import simulate
from connector.model.customer import Buyer, Consent, ConsentState
from connector.model.order import (
    FulfillmentState,
    Order,
    OrderRef,
    OrderState,
    PaymentState,
    ShopId,
)
from connector.rules.load import rule_from_source
from connector.rules.rule import Rule
from connector.secret import Secret
from connector.settings import Settings
from connector.storage.records import ShopRecord, ShopState
from tests.support import FrozenClock
from webhooks.wiring import Application, open_application

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SHOP = ShopId("s1")


class Shop:
    """A connected shop whose orders are told by the test."""

    def __init__(self, app: Application, clock: FrozenClock) -> None:
        self.app = app
        self.clock = clock
        self.record = ShopRecord(
            id=SHOP,
            platform="woocommerce",
            name="La Huerta",
            address="http://127.0.0.1:9",
            hook_token="token",
            state=ShopState.CONNECTED,
            created_at=NOW - timedelta(days=60),
            settings={"url": "http://127.0.0.1:9"},
            secrets={"consumer_key": Secret("ck"), "consumer_secret": Secret("cs")},
            currency="EUR",
            timezone="Europe/Madrid",
            country="ES",
            locale="es_ES",
        )
        with app.storage.transaction() as tx:
            tx.add_shop(self.record)

    def tell(self, ref: int, at: datetime, **changes: Any) -> Order:
        """Store an order that was paid at a time, at that time."""
        values: dict[str, Any] = {
            "ref": OrderRef(str(ref)),
            "number": str(ref),
            "state": OrderState.PROCESSING,
            "platform_state": "processing",
            "payment_state": PaymentState.PAID,
            "fulfillment_state": FulfillmentState.UNFULFILLED,
            "currency": "EUR",
            "total_minor": 5000,
            "shipping_minor": 495,
            "placed_at": at,
            "paid_at": at,
            "modified_at": at,
            "buyer": buyer("ana"),
        }
        order = Order(**{**values, **changes})
        self.clock.set(max(order.modified_at, at))
        with self.app.storage.transaction() as tx:
            record_order(tx, self.app.engine, self.record, order)
        self.clock.set(NOW)
        return order

    def simulate(self, *rules: Rule, days: int = 30, **more: Any) -> dict[str, Any]:
        """Simulate rules."""
        return simulate(self.app.engine, self.record, rules, days=days, **more)


def buyer(name: str, *, consents: bool = True) -> Buyer:
    """Make a buyer who allowed offers, or said nothing."""
    said = (Consent("email", ConsentState.GRANTED),) if consents else ()
    return Buyer(name=name, first_name=name, email=f"{name}@example.com", consents=said)


def rule(rule_id: str = "r", **more: Any) -> Rule:
    """Make a rule on paid orders that labels them."""
    source: dict[str, Any] = {
        "id": rule_id,
        "name": rule_id,
        "trigger": "order.paid",
        "actions": [{"tag": {"add": ["seen"]}}],
    }
    return rule_from_source({**source, **more})


def offer(rule_id: str = "offer", **more: Any) -> Rule:
    """Make a rule that sends an offer."""
    message = {"class": "marketing", "subject": "Oferta", "body": "Hola {{ buyer.first_name }}"}
    return rule(rule_id, actions=[{"message": message}], **more)


def ago(**span: float) -> datetime:
    """Give a time before NOW."""
    return NOW - timedelta(**span)


@contextmanager
def opened(folder: Path) -> Iterator[Shop]:
    """Open a store with a shop without orders."""
    clock = FrozenClock(NOW)
    settings = Settings(data_dir=folder, allow_private_hosts=True, allow_http=True)
    with open_application(settings, clock=clock) as app:
        yield Shop(app, clock)
