"""A shop that answers from what was kept, and that cannot call anybody."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, NoReturn

from connector.errors import NotFound, Unsupported
from connector.flows.kept import GONE
from connector.model.codec import decode_order
from connector.model.event import ShopEvent, WebhookDelivery
from connector.model.order import ListedOrder, Order, OrderRef
from connector.model.write import WriteBack, WriteResult
from connector.ports import AdapterInfo, ShopAdapter, ShopFacts, WebhookState
from connector.secret import Secret
from connector.storage.limits import KeptAnswer
from connector.storage.records import DeliveryRecord


@dataclass(slots=True)
class Replaying:
    """Which delivery of the old store is being played, and when that was."""

    delivery_id: int
    at: datetime


class KeptShop:
    """Understands deliveries as the real adapter does; asked for more, it looks them up.

    Args:
        inner: the real adapter, of which only what is pure is used.
        answers: what this shop answered when it was asked, oldest first.
        read: reads a kept delivery by its number.
        playing: changed by whoever plays.
    """

    info: ClassVar[AdapterInfo] = AdapterInfo(
        kind="shop", name="kept", title="Kept answers of a shop", capabilities=frozenset()
    )

    def __init__(
        self,
        inner: ShopAdapter,
        answers: Sequence[KeptAnswer],
        read: Callable[[int], DeliveryRecord | None],
        playing: Replaying,
    ) -> None:
        self._inner = inner
        self._platform = inner.info.name
        self._by_cause = {answer.cause: answer for answer in answers}
        self._by_ref: dict[str, list[KeptAnswer]] = {}
        for answer in answers:
            self._by_ref.setdefault(answer.lane, []).append(answer)
        self._read = read
        self._playing = playing

    def verify(self, delivery: WebhookDelivery, secrets: Sequence[Secret]) -> None:
        """Check nothing: it was checked when it came."""

    def key(self, delivery: WebhookDelivery) -> str:
        """Name a delivery."""
        return self._inner.key(delivery)

    def lane(self, delivery: WebhookDelivery) -> str:
        """Name its order."""
        return self._inner.lane(delivery)

    def parse(self, delivery: WebhookDelivery) -> Sequence[ShopEvent]:
        """Say what a delivery means."""
        return self._inner.parse(delivery)

    def fetch_order(self, ref: OrderRef) -> Order:
        """Give what the shop answered when this delivery was worked off.

        Raises: NotFound: it had the order no more. Unsupported: nothing was kept.
        """
        answer = self._by_cause.get(str(self._playing.delivery_id)) or self._latest(ref)
        kept = None if answer is None else self._read(answer.id)
        if answer is None or kept is None or kept.body is None:
            raise Unsupported("no answer of the shop was kept", platform=self._platform)
        if answer.topic == GONE:
            raise NotFound("the shop did not have it any more", platform=self._platform)
        return decode_order(kept.body)

    def orders_changed_since(self, since: datetime) -> Iterator[ListedOrder]:
        """Refuse: nobody is called."""
        self._refuse(since)

    def orders_placed_between(self, since: datetime, until: datetime) -> Iterator[ListedOrder]:
        """Refuse: nobody is called."""
        self._refuse(since, until)

    def count_orders_placed(self, since: datetime, until: datetime) -> int:
        """Refuse: nobody is called."""
        self._refuse(since, until)

    def find(self, action: WriteBack) -> WriteResult | None:
        """Refuse: nobody is called."""
        self._refuse(action)

    def write(self, action: WriteBack) -> WriteResult:
        """Refuse: nobody is called."""
        self._refuse(action)

    def register_webhooks(self, address: str, secret: Secret) -> Sequence[WebhookState]:
        """Refuse: nobody is called."""
        self._refuse(address, secret)

    def check_webhooks(self, address: str) -> Sequence[WebhookState]:
        """Refuse: nobody is called."""
        self._refuse(address)

    def remove_webhooks(self, address: str) -> int:
        """Refuse: nobody is called."""
        self._refuse(address)

    def look_at_shop(self) -> ShopFacts:
        """Say nothing, as a shop whose key still works: its state stays."""
        return ShopFacts()

    def _latest(self, ref: OrderRef) -> KeptAnswer | None:
        known = [one for one in self._by_ref.get(ref, ()) if one.at <= self._playing.at]
        return known[-1] if known else None

    def _refuse(self, *_given: object) -> NoReturn:
        raise Unsupported("a rebuild calls nobody", platform=self._platform)
