"""The smallest shop and channel that fit the ports: they must type-check.

A new adapter starts like this one; `test_example_adapter.py` runs mypy over it.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import ClassVar, assert_never

from connector.errors import NotFound, SignatureRejected, Unsupported
from connector.model.event import EventType, ShopEvent, WebhookDelivery
from connector.model.message import Message, SendResult
from connector.model.order import Order, OrderRef
from connector.model.write import (
    AddNote,
    AddTags,
    CreateDiscountCode,
    RemoveTags,
    SetMeta,
    SetStatus,
    WriteBack,
    WriteResult,
)
from connector.ports import (
    AdapterInfo,
    Capability,
    ChannelAdapter,
    ShopAdapter,
    ShopFacts,
    WebhookState,
)
from connector.secret import Secret
from connector.signing import matches


class ExampleShop:
    """A shop that has no orders and takes notes."""

    info: ClassVar[AdapterInfo] = AdapterInfo(
        kind="shop",
        name="example",
        title="Example",
        capabilities=frozenset({Capability.NOTE}),
    )

    def __init__(self) -> None:
        self.notes: dict[str, str] = {}

    def verify(self, delivery: WebhookDelivery, secrets: Sequence[Secret]) -> None:
        """Check the signature."""
        if not matches(delivery.body, delivery.headers.get("x-signature", ""), secrets):
            raise SignatureRejected

    def key(self, delivery: WebhookDelivery) -> str:
        """Name the delivery."""
        return delivery.headers.get("x-delivery", "")

    def lane(self, delivery: WebhookDelivery) -> str:
        """Name the order."""
        return delivery.headers.get("x-order", "")

    def parse(self, delivery: WebhookDelivery) -> Sequence[ShopEvent]:
        """Understand nothing yet."""
        return [ShopEvent(EventType.UNKNOWN, "", delivery.received_at)]

    def fetch_order(self, ref: OrderRef) -> Order:
        """Have no order."""
        raise NotFound(platform=self.info.name, operation=f"GET {ref}")

    def orders_changed_since(self, since: datetime) -> Iterator[Order]:  # noqa: ARG002 - the port's name
        """Have no orders."""
        return iter(())

    def orders_placed_between(self, since: datetime, until: datetime) -> Iterator[Order]:  # noqa: ARG002 - the port's names
        """Have no orders."""
        return iter(())

    def count_orders_placed(self, since: datetime, until: datetime) -> int:  # noqa: ARG002 - the port's names
        """Have no orders."""
        return 0

    def find(self, action: WriteBack) -> WriteResult | None:
        """Look for a note."""
        if isinstance(action, AddNote) and action.marker in self.notes:
            return WriteResult(ref=action.marker, adopted=True)
        return None

    def write(self, action: WriteBack) -> WriteResult:
        """Take a note; the type checker sees when a kind of write is forgotten."""
        match action:
            case AddNote():
                self.notes[action.marker] = action.text
                return WriteResult(ref=action.marker)
            case AddTags() | RemoveTags() | SetMeta() | SetStatus() | CreateDiscountCode():
                raise Unsupported(platform=self.info.name)
            case _:
                assert_never(action)

    def register_webhooks(self, address: str, secret: Secret) -> Sequence[WebhookState]:  # noqa: ARG002 - the port's name
        """Make the one webhook."""
        return [WebhookState("orders", "1", address, "active")]

    def check_webhooks(self, address: str) -> Sequence[WebhookState]:
        """See no webhook."""
        return [WebhookState("orders", None, address, "missing")]

    def remove_webhooks(self, address: str) -> int:  # noqa: ARG002 - the port's name
        """Delete none."""
        return 0

    def look_at_shop(self) -> ShopFacts:
        """Say what is known."""
        return ShopFacts(name="Example", currency="EUR", timezone="Europe/Madrid")


class ExampleChannel:
    """A channel that keeps what it gets."""

    info: ClassVar[AdapterInfo] = AdapterInfo(
        kind="channel", name="example", title="Example", capabilities=frozenset()
    )

    def __init__(self) -> None:
        self.sent: list[Message] = []

    def send(self, message: Message) -> SendResult:
        """Keep a message."""
        self.sent.append(message)
        return SendResult(ref=message.reference)


def shop() -> ShopAdapter:
    """Give the example as what the core knows."""
    return ExampleShop()


def channel() -> ChannelAdapter:
    """Give the example as what the core knows."""
    return ExampleChannel()
