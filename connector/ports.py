"""The Protocols that adapters implement; nothing else."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Protocol, runtime_checkable

from connector.model.event import ShopEvent, WebhookDelivery
from connector.model.message import Message, SendResult
from connector.model.order import ListedOrder, Order, OrderRef
from connector.model.write import WriteBack, WriteResult
from connector.secret import Secret


class Capability(StrEnum):
    """What a shop platform or a channel can do; a rule that needs more is refused."""

    NOTE = "note"
    NOTE_TO_BUYER = "note_to_buyer"
    TAG = "tag"
    META = "meta"
    STATUS = "status"
    DISCOUNT_CODE = "discount_code"
    DISCOUNT_FREE_SHIPPING = "discount_free_shipping"
    WEBHOOKS = "webhooks"
    COUNT_ORDERS = "count_orders"
    HTML = "html"


@dataclass(frozen=True, slots=True)
class AdapterSetting:
    """One value an adapter needs; `secret` ones are stored sealed."""

    name: str
    title: str
    secret: bool = False
    required: bool = True


@dataclass(frozen=True, slots=True)
class AdapterInfo:
    """What an adapter is and can do.

    Attributes:
        statuses: the platform's own words that SetStatus takes.
    """

    kind: str
    name: str
    title: str
    capabilities: frozenset[Capability]
    settings: tuple[AdapterSetting, ...] = ()
    api_version: str = ""
    docs: str = ""
    statuses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WebhookState:
    """One of our webhooks as the shop holds it.

    Attributes:
        state: `active`, `disabled`, `paused`, `missing` or `wrong_address`.
    """

    topic: str
    ref: str | None
    address: str
    state: str


@dataclass(frozen=True, slots=True)
class ShopCheck:
    """One thing that was looked at in a shop.

    Attributes:
        name: like `clock`; the pages have a title and advice for each.
        state: `ok`, `note` (works, but read it), `bad` (needs mending) or `unknown`.
        found: a value without words, like `95 s`.
    """

    name: str
    state: str
    found: str = ""


@dataclass(frozen=True, slots=True)
class ShopFacts:
    """What the shop says about itself, and what is wrong with the connection.

    Attributes:
        checks: all that was looked at; `problems` tells of those that need a person.
        timezone: an IANA name like `Europe/Madrid`.
        region: of its address, as the platform writes it, like `M`.
        problems: one sentence each, with what to do about it.
    """

    name: str = ""
    currency: str = ""
    timezone: str = "UTC"
    country: str = ""
    region: str = ""
    locale: str = ""
    version: str = ""
    problems: tuple[str, ...] = ()
    checks: tuple[ShopCheck, ...] = ()


class Clock(Protocol):
    """Where code gets the time."""

    def now(self) -> datetime:
        """Tell the time: aware, UTC."""
        ...


class CallGate(Protocol):
    """Stands before every call to a shop's host."""

    def call(self) -> AbstractContextManager[Callable[[int, float | None], None]]:
        """Hold a place for one call; its block tells status and Retry-After in seconds.

        Raises: ShopResting: no call may begin now; nothing was sent.
        """
        ...

    def pause(self, seconds: float) -> None:
        """Keep everybody from calling: the host asked for it."""
        ...

    def afford_s(self, cost: float) -> float:
        """Tell how long to wait for enough points; at 0 they are counted as spent."""
        ...

    def learn(self, available: float, maximum: float, restore: float) -> None:
        """Take what the platform told of our points."""
        ...


class ShopAdapter(Protocol):
    """One connected shop: how to understand it and how to write into it.

    `verify`, `key`, `lane` and `parse` are pure; the rest call the shop and raise
    AdapterError.
    """

    info: ClassVar[AdapterInfo]

    def verify(self, delivery: WebhookDelivery, secrets: Sequence[Secret]) -> None:
        """Check that the body was signed with one of the secrets.

        Raises:
            SignatureRejected: it was not.
            DeliveryMalformed: headers are missing; all are named.
        """
        ...

    def key(self, delivery: WebhookDelivery) -> str:
        """Name this delivery, the same on every redelivery; at most 200 letters."""
        ...

    def lane(self, delivery: WebhookDelivery) -> str:
        """Name the order a delivery is about, cheaply; empty when it is about none.

        Never raises: a body that cannot be read has no lane.
        """
        ...

    def parse(self, delivery: WebhookDelivery) -> Sequence[ShopEvent]:
        """Say what a delivery means.

        Returns: UNKNOWN for a topic we do not know; never an exception for it.
        Raises: PayloadInvalid: signed but not readable; the path is named.
        """
        ...

    def fetch_order(self, ref: OrderRef) -> Order:
        """Read one order as it is now.

        Raises: NotFound: the shop has it no more.
        """
        ...

    def orders_changed_since(self, since: datetime) -> Iterator[ListedOrder]:
        """Read all orders that changed since a time, drafts left out.

        One that cannot be read is given as such and hides none of the others.
        """
        ...

    def orders_placed_between(self, since: datetime, until: datetime) -> Iterator[ListedOrder]:
        """Read all orders placed in a span, oldest first, drafts left out.

        One that cannot be read is given as such.
        """
        ...

    def count_orders_placed(self, since: datetime, until: datetime) -> int:
        """Count the orders placed in a span (`since` included, `until` not)."""
        ...

    def find(self, action: WriteBack) -> WriteResult | None:
        """Look whether a write is in the shop already, by its marker or value.

        Raises: Conflict: the place is taken by something that is not ours.
        """
        ...

    def write(self, action: WriteBack) -> WriteResult:
        """Write once; the caller has looked before.

        Raises:
            OutcomeUnknown: the answer was lost after the request had left.
            TemporaryFailure: surely not done; may be tried again.
            PermanentFailure: refused.
            Unsupported: the platform cannot do this.
        """
        ...

    def register_webhooks(self, address: str, secret: Secret) -> Sequence[WebhookState]:
        """Make the webhooks we need, mend those that are off; leave others alone."""
        ...

    def check_webhooks(self, address: str) -> Sequence[WebhookState]:
        """Tell the state of each webhook we need."""
        ...

    def remove_webhooks(self, address: str) -> int:
        """Delete our webhooks that point to the address; tell how many."""
        ...

    def look_at_shop(self) -> ShopFacts:
        """Read what the shop says about itself and prove that the key works."""
        ...


@runtime_checkable
class TellsTime(Protocol):
    """What a shop adapter adds whose shop says what time it is there."""

    def server_time(self) -> datetime | None:
        """Tell the shop's own time; None when it does not say."""
        ...


class ChannelAdapter(Protocol):
    """One way to reach a buyer."""

    info: ClassVar[AdapterInfo]

    def send(self, message: Message) -> SendResult:
        """Hand the message over.

        Raises:
            MessageInvalid: no basis for its class, or an address it cannot use.
            OutcomeUnknown: it may have been taken.
            AdapterError: see ShopAdapter.write.
        """
        ...


class Bell(Protocol):
    """Wakes workers; a lost ring delays and never loses."""

    def ring(self, shop_id: str) -> None:
        """Say that a shop has work; never waits and never raises."""
        ...

    def wake(self) -> None:
        """End the wait of this process; others hear nothing."""
        ...

    def wait(self, timeout_s: float) -> bool:
        """Sleep until the bell rings or the time is over; tell whether it rang."""
        ...

    def listen(self, has_room: Callable[[float], bool]) -> Callable[[], None]:
        """Take the rings of other processes from now on; give what ends it.

        Args: has_room: waits for a free worker, at most as many seconds as given.
        """
        ...

    def figures(self) -> Mapping[str, int]:
        """Count what became of the rings: `sent` and `lost`, where they can be lost."""
        ...

    def close(self) -> None:
        """Let the last rings out, within a few seconds, and end."""
        ...
