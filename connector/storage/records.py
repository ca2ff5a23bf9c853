"""The rows that the store keeps, as frozen records."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from connector.model.effect import EffectState, PlannedEffect
from connector.model.event import Occurrence
from connector.model.message import Message
from connector.model.order import Order, ShopId
from connector.secret import Secret


class ShopState(StrEnum):
    """Whether a shop is worked for."""

    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    """Its key is refused: effects wait, deliveries are kept."""
    UNINSTALLED = "uninstalled"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class ShopRecord:
    """One connected shop.

    Attributes:
        address: the shop's URL, or its `x.myshopify.com` domain.
        hook_token: the unguessable part of its webhook address.
        settings: plain values its adapter needs; `secrets`: the sealed ones.
        polled_until: orders changed before this time of the shop's clock have been pulled.
        webhooks: the last known state of its webhooks, topic to state.
        region: of its address, as the platform writes it, for its holidays.
    """

    id: ShopId
    platform: str
    name: str
    address: str
    hook_token: str
    state: ShopState
    created_at: datetime
    settings: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, Secret] = field(default_factory=dict, repr=False)
    currency: str = ""
    timezone: str = "UTC"
    country: str = ""
    locale: str = ""
    last_delivery_at: datetime | None = None
    polled_until: datetime | None = None
    webhooks: Mapping[str, str] = field(default_factory=dict)
    region: str = ""


class DeliveryState(StrEnum):
    """The life of an inbox row."""

    WAITING = "waiting"
    WORKING = "working"
    DONE = "done"
    DEAD = "dead"


class DeliverySource(StrEnum):
    """How a delivery came."""

    WEBHOOK = "webhook"
    POLL = "poll"
    BACKFILL = "backfill"
    """An order of the past: no rule acts on one placed before the shop was connected."""
    FETCH = "fetch"
    """A state read from the shop because a webhook could not be trusted as it was."""


LOST: Final = "whoever worked on it did not come to an end"
"""Reason of a row that is taken from a worker whose lease was over."""


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """One inbox row to be stored.

    Attributes:
        key: unique in the shop; a second row with the same key is not stored.
        lane: the order it is about; rows of one lane never run side by side.
        body: exact bytes; for `poll` and `fetch` an order in our own form.
    """

    shop_id: ShopId
    key: str
    source: DeliverySource
    topic: str
    lane: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    received_at: datetime
    state: DeliveryState = DeliveryState.WAITING
    reason: str = ""


@dataclass(frozen=True, slots=True)
class DeliveryRecord:
    """One inbox row.

    Attributes:
        fence: grows with every claim; a worker whose number is old may not write.
        reason: what became of it, in words.
    """

    id: int
    shop_id: ShopId
    key: str
    source: DeliverySource
    topic: str
    lane: str
    headers: Mapping[str, str]
    body: bytes | None = field(repr=False)
    received_at: datetime
    state: DeliveryState
    attempts: int
    fence: int
    reason: str
    due_at: datetime
    done_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StoredOrder:
    """The newest known state of an order, and whose it is.

    Attributes:
        fetched_at: when the shop was last asked for it; webhooks received before
            that have nothing newer to say.
    """

    order: Order
    buyer_id: int | None
    seen_at: datetime
    fetched_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class OccurrenceRecord:
    """An occurrence with its number and the time we learned of it.

    Attributes:
        own: true when a write of ours caused it: no rule runs for it.
    """

    id: int
    occurrence: Occurrence
    seen_at: datetime
    own: bool = False


@dataclass(frozen=True, slots=True)
class RuleRecord:
    """One version of a rule of a shop.

    Attributes:
        source: the rule as plain data, just as it stands in the rule file.
    """

    shop_id: ShopId
    rule_id: str
    version: int
    enabled: bool
    source: Mapping[str, Any]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class EffectRecord:
    """One effect and how far it has come.

    Attributes:
        attempts: tries started.
        probes: times that an unknown outcome was looked up.
        result: what the shop or channel gave back, like the code or the note's id.
        abandoned: claimed from a worker that was gone, perhaps in the middle of a write.
    """

    planned: PlannedEffect
    state: EffectState
    due_at: datetime
    created_at: datetime
    attempts: int = 0
    probes: int = 0
    fence: int = 0
    reason: str = ""
    done_at: datetime | None = None
    result: Mapping[str, Any] = field(default_factory=dict)
    abandoned: bool = False

    @property
    def key(self) -> str:
        """Give the effect's key."""
        return self.planned.key


@dataclass(frozen=True, slots=True)
class MessageRecord:
    """A message that was handed to a channel."""

    message: Message
    sent_at: datetime
    result: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Counts:
    """How many rows are in each state, all shops together."""

    deliveries: Mapping[str, int]
    effects: Mapping[str, int]
    rejected: int
    oldest_waiting_at: datetime | None


@dataclass(frozen=True, slots=True)
class StorageFacts:
    """What kind of database this is and whether it keeps its word."""

    kind: str
    version: str
    journal_mode: str
    synchronous: str
