"""What the store can do: one Protocol for SQLite and PostgreSQL.

Every verb of `Transaction` works inside one database transaction: all of it is
stored, or nothing. Times are aware UTC. A verb that claims gives rows to one caller
only and raises their fence; a verb that settles does nothing and returns False when
the fence is old.

Long because it is one Protocol, and each verb says what it promises.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol

from connector.model.effect import EffectState, Evaluation, PlannedEffect
from connector.model.event import Occurrence, OccurrenceKind
from connector.model.message import Message
from connector.model.order import Order, OrderRef, ShopId
from connector.storage.access import AccessVerbs
from connector.storage.history import HistoryVerbs
from connector.storage.install import InstallVerbs
from connector.storage.ledger import LedgerVerbs
from connector.storage.limits import LimitVerbs, RebuildVerbs, RetentionVerbs
from connector.storage.listings import ListingVerbs
from connector.storage.privacy import PrivacyVerbs
from connector.storage.records import (
    Counts,
    DeliveryRecord,
    DeliveryState,
    EffectRecord,
    NewDelivery,
    OccurrenceRecord,
    RuleRecord,
    ShopRecord,
    ShopState,
    StorageFacts,
    StoredOrder,
)
from connector.storage.tickets import TicketVerbs


class Transaction(
    InstallVerbs,
    PrivacyVerbs,
    LedgerVerbs,
    LimitVerbs,
    RetentionVerbs,
    RebuildVerbs,
    TicketVerbs,
    AccessVerbs,
    ListingVerbs,
    HistoryVerbs,
    Protocol,
):
    """One unit of work on the store."""

    # Shops

    def add_shop(self, shop: ShopRecord) -> None:
        """Store a new shop; its secrets are sealed.

        Raises: Conflict: a connected shop has this address already.
        """
        ...

    def shop(self, shop_id: ShopId) -> ShopRecord | None:
        """Read one shop, with its secrets."""
        ...

    def shops(self) -> Sequence[ShopRecord]:
        """Read all shops that are not removed, oldest first."""
        ...

    def shop_by_token(self, hook_token: str) -> ShopRecord | None:
        """Find the shop of a webhook address."""
        ...

    def shop_by_address(self, platform: str, address: str) -> ShopRecord | None:
        """Find a shop, not removed, by its address."""
        ...

    def update_shop(
        self,
        shop_id: ShopId,
        *,
        state: ShopState | None = None,
        last_delivery_at: datetime | None = None,
        polled_until: datetime | None = None,
        webhooks: Mapping[str, str] | None = None,
        secrets: Mapping[str, Any] | None = None,
        settings: Mapping[str, str] | None = None,
        facts: Mapping[str, str] | None = None,
    ) -> None:
        """Change what is given; `facts`: name, currency, timezone, country, region, locale.

        `secrets` holds Secret values and replaces those of the same name.
        """
        ...

    # Inbox

    def add_deliveries(self, deliveries: Sequence[NewDelivery]) -> Sequence[int | None]:
        """Store inbox rows; None stands for one that was there already."""
        ...

    def claim_deliveries(
        self, *, now: datetime, lease_until: datetime, limit: int, busy: Sequence[ShopId] = ()
    ) -> Sequence[DeliveryRecord]:
        """Take waiting rows that are due, and working ones whose lease is over.

        At most one row of a lane (a lane that is leased gives none), oldest first,
        shops in turn, `busy` shops left out. Attempts are counted here, before the run.
        """
        ...

    def settle_delivery(
        self,
        delivery_id: int,
        fence: int,
        *,
        state: DeliveryState,
        reason: str,
        now: datetime,
        due_at: datetime | None = None,
        uncount: bool = False,
    ) -> bool:
        """Close a claimed row, or put it back as waiting until `due_at`.

        Args: uncount: this claim was no attempt (it had only to wait).
        """
        ...

    def wake_deliveries(self, shop_id: ShopId, *, now: datetime) -> int:
        """Make all waiting rows of a shop due; tell how many waited for later."""
        ...

    def delivery(self, delivery_id: int) -> DeliveryRecord | None:
        """Read one inbox row."""
        ...

    def waiting_in_lane(self, shop_id: ShopId, lane: str) -> Sequence[DeliveryRecord]:
        """Read the waiting rows of a lane, oldest first."""
        ...

    def reopen_delivery(self, delivery_id: int, *, now: datetime) -> bool:
        """Make a done or dead row wait again; its attempts start anew."""
        ...

    def dead_deliveries(self, shop_id: ShopId | None, limit: int) -> Sequence[DeliveryRecord]:
        """Read dead rows, newest first."""
        ...

    def count_rejected(self, shop_id: ShopId | None, reason: str, count: int) -> None:
        """Add to the number of refused requests."""
        ...

    # Orders and buyers

    def lock_order(self, shop_id: ShopId, ref: OrderRef) -> None:
        """Wait until no other transaction works on this order."""
        ...

    def order(self, shop_id: ShopId, ref: OrderRef) -> StoredOrder | None:
        """Read the newest known state of an order."""
        ...

    def put_order(
        self,
        shop_id: ShopId,
        order: Order,
        *,
        buyer_id: int | None,
        seen_at: datetime,
        fetched_at: datetime | None = None,
    ) -> None:
        """Store the newest known state; the caller has compared.

        Args: fetched_at: when the shop was asked for it; None keeps what is stored.
        """
        ...

    def find_buyer(self, keys: Sequence[str]) -> int:
        """Find the buyer with one of the keys, or make one; new keys are added.

        Args: keys: like `email:a@b.es`, `phone:+34600…`, `ref:<shop>:<customer id>`,
            strongest first; the buyer of the strongest known key wins.
        """
        ...

    def count_buyer_orders(
        self, buyer_id: int, *, before: datetime, shop_id: ShopId, ref: OrderRef
    ) -> int:
        """Count the buyer's other orders in all shops that count as bought.

        Counted are those placed before (or at the same time, with the smaller shop and
        number), in whatever order they came, whose state is none of pending, failed,
        canceled, deleted, and that are no test orders; a thousand at most.
        """
        ...

    # Occurrences, rules, evaluations

    def add_occurrence(self, occurrence: Occurrence, *, seen_at: datetime, own: bool) -> int | None:
        """Store an occurrence; None when it was there already.

        Of two times for the same occurrence the earlier is kept.
        """
        ...

    def occurrences_of(self, shop_id: ShopId, ref: OrderRef) -> Sequence[OccurrenceRecord]:
        """Read what happened to an order, oldest number first."""
        ...

    def occurrence(self, occurrence_id: int) -> OccurrenceRecord | None:
        """Read one occurrence."""
        ...

    def rules(self, shop_id: ShopId) -> Sequence[RuleRecord]:
        """Read the newest version of each rule that is not deleted, in the order imported."""
        ...

    def rule(self, shop_id: ShopId, rule_id: str, version: int) -> RuleRecord | None:
        """Read one version of a rule."""
        ...

    def put_rule(
        self,
        shop_id: ShopId,
        rule_id: str,
        source: Mapping[str, Any],
        *,
        enabled: bool,
        now: datetime,
    ) -> int:
        """Store a new version, unless the newest is the same; give its number."""
        ...

    def enable_rule(self, shop_id: ShopId, rule_id: str, *, enabled: bool) -> bool:
        """Switch a rule; False when there is none."""
        ...

    def delete_rule(self, shop_id: ShopId, rule_id: str) -> bool:
        """Take a rule out of use; its versions stay."""
        ...

    def rules_revision(self) -> int:
        """Give a number that grows with every change of any rule."""
        ...

    def add_evaluation(self, given: Evaluation) -> None:
        """Store why rules acted on one occurrence or not; what is stored stays."""
        ...

    def claim_once(self, shop_id: ShopId, rule_id: str, once_key: str, occurrence_id: int) -> bool:
        """Take the one time a rule may act for an order, parcel or buyer."""
        ...

    def release_once(self, shop_id: ShopId, rule_id: str, occurrence_id: int) -> None:
        """Give it back when nothing came of it."""
        ...

    def note_own_write(
        self, shop_id: ShopId, ref: OrderRef, kind: OccurrenceKind, at: datetime
    ) -> None:
        """Remember that a write of ours will cause this kind of occurrence."""
        ...

    def own_writes_of(self, shop_id: ShopId, ref: OrderRef) -> frozenset[OccurrenceKind]:
        """Name the kinds of occurrence that writes of ours were meant to cause."""
        ...

    def forget_own_write(self, shop_id: ShopId, ref: OrderRef, kind: OccurrenceKind) -> None:
        """Take it back when the write was surely not done."""
        ...

    # Effects

    def add_effects(self, effects: Sequence[PlannedEffect], *, now: datetime) -> int:
        """Plan effects; those whose key is known are passed over. Tell how many are new."""
        ...

    def claim_effects(
        self, *, now: datetime, lease_until: datetime, limit: int, busy: Sequence[ShopId] = ()
    ) -> Sequence[EffectRecord]:
        """Take effects that are due: planned, unknown, or sending with an ended lease.

        Gives each in the state it had before (an ended `sending` as `unknown`); in the
        store it is `sending` then. At most one of an order at a time (effect or inbox
        row of the order's lane alike), none that waits for one that is still open, only
        of shops that are connected. Attempts are counted here.
        """
        ...

    def settle_effect(
        self,
        key: str,
        fence: int,
        *,
        state: EffectState,
        reason: str,
        now: datetime,
        due_at: datetime | None = None,
        result: Mapping[str, Any] | None = None,
        probed: bool = False,
        uncount: bool = False,
    ) -> bool:
        """Close a claimed effect, or put it back for later.

        Args: probed: one more look-up was made. uncount: this claim was no attempt
            (it had only to wait).
        """
        ...

    def effect(self, key: str) -> EffectRecord | None:
        """Read one effect."""
        ...

    def effects_of(self, shop_id: ShopId, ref: OrderRef) -> Sequence[EffectRecord]:
        """Read the effects of an order, in the order they were planned."""
        ...

    def dead_effects(self, shop_id: ShopId | None, limit: int) -> Sequence[EffectRecord]:
        """Read effects that need a person, newest first."""
        ...

    def reopen_effect(self, key: str, *, now: datetime) -> bool:
        """Let a dead effect be tried again; its outcome is looked up first."""
        ...

    def plan_again(self, first: EffectRecord, *, reason: str, now: datetime) -> int:
        """Let effects that waited for this one be tried after all; tell how many.

        Args: reason: how the reason begins for which they were skipped.
        """
        ...

    def add_message(
        self, message: Message, *, sent_at: datetime, result: Mapping[str, str]
    ) -> None:
        """Keep a message that was handed over; unique on its key."""
        ...

    # Leases, values, reports

    def extend_leases(
        self, deliveries: Mapping[int, int], effects: Mapping[str, int], *, lease_until: datetime
    ) -> int:
        """Keep claimed rows, each given with its fence; tell how many are still claimed so."""
        ...

    def claim_job(self, name: str, *, now: datetime, every_s: float) -> bool:
        """Take the turn of a recurring job: True at most once in `every_s` for all processes."""
        ...

    def value(self, name: str) -> str | None:
        """Read one small value of the whole installation."""
        ...

    def set_value(self, name: str, value: str) -> None:
        """Store one small value of the whole installation."""
        ...

    def counts(self) -> Counts:
        """Count rows by state, all in one instant."""
        ...

    def next_due_at(self, *, now: datetime, busy: Sequence[ShopId] = ()) -> datetime | None:
        """Tell when the next row can be claimed; None when nothing waits.

        Args: busy: shops to pass over. Rows that are due and blocked do not count.
        """
        ...

    def export(
        self, what: str, shop_id: ShopId | None, *, after: int, limit: int
    ) -> Sequence[tuple[int, Mapping[str, Any]]]:
        """Read one page of `orders`, `occurrences`, `evaluations`, `effects`, `messages`.

        Returns: (position, raw columns) in a stable order; orders come with `order`
            (an Order) and `order_count`, effects as `record` (an EffectRecord),
            messages as `message` (a Message), `sent_at`, `result`.
        """
        ...


class Storage(Protocol):
    """The store: transactions, and what is outside of them."""

    def transaction(self) -> AbstractContextManager[Transaction]:
        """Open a unit of work that may write.

        Raises: StorageUnavailable: full, locked, broken or unreachable.
        """
        ...

    def reading(self) -> AbstractContextManager[Transaction]:
        """Open a unit of work that only reads, without waiting for writers."""
        ...

    def submit(self, work: Callable[[Transaction], None]) -> None:
        """Run a short piece of writing in a commit shared with others; wait for it.

        Returns after the commit that holds it is on disk. An exception of the work
        comes back to its own caller only. The work may run twice, when that of another
        caller fails: nothing of the first run is stored then, and the last one counts.
        """
        ...

    def store_soon(
        self,
        delivery: NewDelivery,
        settled: Callable[[int | None, BaseException | None], None],
        *,
        mark: bool = False,
    ) -> None:
        """Store one row in a commit shared with others; come back at once.

        `settled` is called once, by another thread, when the commit that holds the row
        is on disk: with the row's number (None when it was there already) and no error.
        Or with an error: nothing of it is stored then. It must not wait.

        Args: mark: also note that the shop has sent something at `received_at`.
        Raises: StorageUnavailable: the store is closed, and nobody will hear anything.
        """
        ...

    def facts(self) -> StorageFacts:
        """Tell kind, version and durability settings."""
        ...

    def iterate(self, what: str, shop_id: ShopId | None) -> Iterator[Mapping[str, Any]]:
        """Give all rows of an export, page by page."""
        ...

    def scrub(self) -> bool:
        """Take what was deleted off the disk as well; False when it must wait.

        SQLite: its log is folded into the file and emptied. PostgreSQL does it when it
        vacuums.
        """
        ...

    def close(self) -> None:
        """Let go of all connections."""
        ...
