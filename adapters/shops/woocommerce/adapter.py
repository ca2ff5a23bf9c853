"""The WooCommerce adapter: puts the parts of this folder behind the port."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import ClassVar, Final, assert_never

from adapters._http import READ_TIMEOUT_S, HttpClient
from adapters.shops.woocommerce import coupons, facts, hooks, plugin, reads, webhook, write
from adapters.shops.woocommerce.client import WooClient
from adapters.shops.woocommerce.payload import API_VERSION
from connector.errors import ConfigurationError
from connector.model.event import ShopEvent, WebhookDelivery
from connector.model.order import ListedOrder, Order, OrderRef
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
    AdapterSetting,
    CallGate,
    Capability,
    ShopFacts,
    WebhookState,
)
from connector.secret import Secret

_YES: Final = frozenset({"yes", "true", "1", "on"})


class WooCommerceAdapter:
    """One connected WooCommerce shop.

    Args:
        settings: `url`; `key_in_query` (`yes` for hosts that strip Authorization);
            `timezone` and `currency` where they are known already.
        secrets: `consumer_key` and `consumer_secret`.

    Raises: ConfigurationError: one is missing, or the address is refused.
    """

    info: ClassVar[AdapterInfo] = AdapterInfo(
        kind="shop",
        name="woocommerce",
        title="WooCommerce",
        capabilities=frozenset(
            {
                Capability.NOTE,
                Capability.NOTE_TO_BUYER,
                Capability.TAG,
                Capability.META,
                Capability.STATUS,
                Capability.DISCOUNT_CODE,
                Capability.DISCOUNT_FREE_SHIPPING,
                Capability.WEBHOOKS,
                Capability.COUNT_ORDERS,
            }
        ),
        settings=(
            AdapterSetting("url", "Address of the shop"),
            AdapterSetting("consumer_key", "Consumer key", secret=True),
            AdapterSetting("consumer_secret", "Consumer secret", secret=True),
            AdapterSetting("key_in_query", "Send the key in the address", required=False),
        ),
        api_version=API_VERSION,
        docs="https://woocommerce.github.io/woocommerce-rest-api-docs/",
        statuses=(
            "completed",
            "processing",
            "on-hold",
            "pending",
            "cancelled",
            "refunded",
            "failed",
        ),
    )

    def __init__(
        self,
        settings: Mapping[str, str],
        secrets: Mapping[str, Secret],
        *,
        allow_private: bool = False,
        allow_http: bool = False,
        read_timeout_s: float = READ_TIMEOUT_S,
        gate: CallGate | None = None,
        ca_file: str | None = None,
    ) -> None:
        missing = [name for name in ("consumer_key", "consumer_secret") if not secrets.get(name)]
        if not settings.get("url"):
            missing.insert(0, "url")
        if missing:
            raise ConfigurationError(f"A WooCommerce shop needs: {', '.join(missing)}.")
        key, secret = secrets["consumer_key"], secrets["consumer_secret"]
        http = HttpClient(
            settings["url"],
            allow_private=allow_private,
            allow_http=allow_http,
            platform=self.info.name,
            secrets=(key, secret),
            read_timeout_s=read_timeout_s,
            gate=gate,
            ca_file=ca_file,
        )
        in_query = settings.get("key_in_query", "").strip().lower() in _YES
        self._client = WooClient(http, key, secret, in_query=in_query)
        self._known = coupons.ShopBase(settings.get("currency", ""), settings.get("timezone", ""))
        self._lock = threading.Lock()

    @staticmethod
    def is_ping(delivery: WebhookDelivery) -> bool:
        """Tell whether this is the unsigned ping of a webhook that was just made."""
        return webhook.is_ping(delivery)

    def verify(self, delivery: WebhookDelivery, secrets: Sequence[Secret]) -> None:
        """Check the signature; see `webhook.verify`."""
        webhook.verify(delivery, secrets)

    def key(self, delivery: WebhookDelivery) -> str:
        """Name the delivery; see `webhook.key`."""
        return webhook.key(delivery)

    def lane(self, delivery: WebhookDelivery) -> str:
        """Name the order; see `webhook.lane`."""
        return webhook.lane(delivery)

    def parse(self, delivery: WebhookDelivery) -> Sequence[ShopEvent]:
        """Say what a delivery means; see `webhook.parse`."""
        return webhook.parse(delivery)

    def fetch_order(self, ref: OrderRef) -> Order:
        """Read one order as it is now; see `reads.fetch_order`."""
        return reads.fetch_order(self._client, ref)

    def orders_changed_since(self, since: datetime) -> Iterator[ListedOrder]:
        """Read all orders that changed since a time, drafts left out."""
        return reads.changed_since(self._client, since)

    def orders_placed_between(self, since: datetime, until: datetime) -> Iterator[ListedOrder]:
        """Read all orders placed in a span, drafts and trash left out."""
        return reads.placed_between(self._client, since, until)

    def count_orders_placed(self, since: datetime, until: datetime) -> int:
        """Count the orders placed in a span, drafts and trash left out."""
        return reads.count_placed(self._client, since, until)

    def find(self, action: WriteBack) -> WriteResult | None:
        """Look whether a write is in the shop already."""
        match action:
            case AddNote():
                return write.find_note(self._client, action)
            case AddTags() | RemoveTags():
                return write.find_tags(self._client, action)
            case SetMeta():
                return write.find_meta(self._client, action)
            case SetStatus():
                return write.find_status(self._client, action)
            case CreateDiscountCode():
                return coupons.find_code(self._client, action)
            case _ as unknown:
                assert_never(unknown)

    def write(self, action: WriteBack) -> WriteResult:
        """Write once; the caller has looked before."""
        match action:
            case AddNote():
                return write.add_note(self._client, action)
            case AddTags() | RemoveTags():
                return write.set_tags(self._client, action)
            case SetMeta():
                return write.set_meta(self._client, action)
            case SetStatus():
                return write.set_status(self._client, action)
            case CreateDiscountCode():
                return coupons.create_code(self._client, action, self._base)
            case _ as unknown:
                assert_never(unknown)

    def register_webhooks(self, address: str, secret: Secret) -> Sequence[WebhookState]:
        """Make the webhooks we need, mend those that are off; leave others alone."""
        return hooks.register(self._client, address, secret)

    def check_webhooks(self, address: str) -> Sequence[WebhookState]:
        """Tell the state of each webhook we need."""
        return hooks.check(self._client, address)

    def remove_webhooks(self, address: str) -> int:
        """Delete our webhooks that point to the address; tell how many."""
        return hooks.remove(self._client, address)

    def look_at_shop(self) -> ShopFacts:
        """Read what the shop says about itself and prove that the key works."""
        return facts.look(self._client)

    def agree_with_plugin(self, values: Mapping[str, str]) -> None:
        """Give our plugin in the shop what it needs to speak to us; see `plugin.agree`."""
        plugin.agree(self._client, values)

    def server_time(self) -> datetime | None:
        """Tell the shop's time; it is asked for something small when it said nothing yet."""
        told = self._client.http.server_time()
        if told is None:
            self._client.check(self._client.get("orders", per_page="1", _fields="id"), write=False)
            told = self._client.http.server_time()
        return told

    def _base(self) -> coupons.ShopBase:
        """Know the shop's currency and zone; asked once."""
        with self._lock:
            if not self._known.timezone or not self._known.currency:
                index, _ = facts.read_index(self._client)
                self._known = coupons.ShopBase(
                    self._known.currency or facts.read_currency(self._client),
                    self._known.timezone or facts.zone_of(index)[0],
                )
            return self._known
