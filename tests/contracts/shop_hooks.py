"""What a shop adapter's test gives to the contract: hooks, and a pretend shop."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Protocol

from connector.model.event import WebhookDelivery
from connector.model.order import Order, OrderRef, ShopId
from connector.model.write import (
    AddNote,
    AddTags,
    CreateDiscountCode,
    DiscountKind,
    SetMeta,
    SetStatus,
    WriteBack,
)
from connector.ports import Capability, ShopAdapter
from connector.secret import Secret

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
MARKER = "pv-4f9a01c2d3"
ACTIONS = (
    Capability.NOTE,
    Capability.NOTE_TO_BUYER,
    Capability.TAG,
    Capability.META,
    Capability.STATUS,
    Capability.DISCOUNT_CODE,
    Capability.DISCOUNT_FREE_SHIPPING,
)


class Pretend(Protocol):
    """A running pretend shop with an adapter that is connected to it.

    Attributes:
        adapter: with a read timeout of about one second.
        secret_texts: keys and tokens that may stand in no error and no log line.
    """

    adapter: ShopAdapter
    secret_texts: tuple[str, ...]

    def new_order(self) -> OrderRef:
        """Make an order that was paid a moment ago, with buyer and one line."""
        ...

    def fail(self, what: str, mode: str, **values: Any) -> None:
        """Let the next call of `what` (`read`: fetch_order, `write`: NOTE or TAG) fail.

        Args: mode: one of the sandbox's fault modes; values: its further fields.
        """
        ...

    def copies(self, action: WriteBack) -> int:
        """Count how often an action stands in the shop."""
        ...

    def unreachable(self) -> ShopAdapter:
        """Give an adapter for an address where nobody listens."""
        ...


def times_of(value: Any) -> Iterator[datetime]:
    """Walk through a record and give every time in it."""
    if isinstance(value, datetime):
        yield value
    elif is_dataclass(value):
        for field in fields(value):
            yield from times_of(getattr(value, field.name))
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from times_of(item)


class ShopHooks:
    """What a subclass of ShopContract fills in.

    Attributes:
        secret, old_secret: webhook secrets of the shop.
        signature_header: lower case, like the other header names.
        required_headers: all that a delivery must have; each is tried missing.
        order_topic, unknown_topic: in the platform's words.
        required_field: a field at the top of an order body that must be there.
        error_statuses: statuses that the platform answers with an HTTP status.
        write_kind: the capability whose action `fail("write", ...)` hits.
    """

    secret: ClassVar[Secret]
    old_secret: ClassVar[Secret]
    signature_header: ClassVar[str]
    required_headers: ClassVar[tuple[str, ...]]
    order_topic: ClassVar[str]
    unknown_topic: ClassVar[str]
    required_field: ClassVar[str]
    write_kind: ClassVar[Capability] = Capability.NOTE

    # Hooks.

    def bare_adapter(self) -> ShopAdapter:
        """Give an adapter for the pure verbs; it calls nobody."""
        raise NotImplementedError

    def headers(self, topic: str, body: bytes) -> dict[str, str]:
        """Give all headers of a delivery but the signature, as the platform sends them."""
        raise NotImplementedError

    def sign(self, body: bytes, secret: Secret) -> str:
        """Compute the platform's signature by the test's own means."""
        raise NotImplementedError

    def foreign_signatures(self, body: bytes, secret: Secret) -> Mapping[str, str]:
        """Give signatures made with the right secret for another use, by their use."""
        raise NotImplementedError

    def order_body(self, currency: str = "EUR", total: str = "43.74") -> bytes:
        """Give an order as the platform sends it."""
        raise NotImplementedError

    def redelivery(self, delivery: WebhookDelivery) -> WebhookDelivery:
        """Give the same delivery as the platform sends it again."""
        return replace(delivery, received_at=delivery.received_at + timedelta(minutes=7))

    # Helpers.

    def delivery(
        self, topic: str | None = None, body: bytes | None = None, secret: Secret | None = None
    ) -> WebhookDelivery:
        """Make a rightly signed delivery."""
        topic = self.order_topic if topic is None else topic
        body = self.order_body() if body is None else body
        headers = self.headers(topic, body)
        headers[self.signature_header] = self.sign(body, secret or self.secret)
        return WebhookDelivery(ShopId("1"), headers, body, NOW)

    def only_order(self, body: bytes) -> Order:
        """Parse a body that holds one order."""
        events = self.bare_adapter().parse(self.delivery(body=body))
        orders = [event.order for event in events if event.order is not None]
        assert len(orders) == 1
        return orders[0]

    def actions(self, adapter: ShopAdapter, ref: OrderRef) -> dict[Capability, WriteBack]:
        """Give one write of each capability."""
        status = adapter.info.statuses[0] if adapter.info.statuses else "completed"
        code = CreateDiscountCode(
            code="gracias-7k2m9x4q",
            kind=DiscountKind.PERCENT,
            value="10",
            currency="EUR",
            title="Gracias",
            marker=MARKER,
            starts_at=datetime.now(UTC).replace(microsecond=0),
            ends_at=datetime.now(UTC).replace(microsecond=0) + timedelta(days=30),
            usage_limit=1,
            order_ref=ref,
        )
        return {
            Capability.NOTE: AddNote(ref, "Gracias por su compra", MARKER),
            Capability.NOTE_TO_BUYER: AddNote(ref, "Gracias por su compra", MARKER, to_buyer=True),
            Capability.TAG: AddTags(ref, ("postventa-welcome",)),
            Capability.META: SetMeta(ref, "survey", "sent"),
            Capability.STATUS: SetStatus(ref, status),
            Capability.DISCOUNT_CODE: code,
            Capability.DISCOUNT_FREE_SHIPPING: replace(
                code, kind=DiscountKind.FREE_SHIPPING, value="0", code="envio-7k2m9x4q"
            ),
        }
