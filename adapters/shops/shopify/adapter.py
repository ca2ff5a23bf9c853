"""One connected Shopify shop."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import ClassVar, Final

from shopify.utils.shop_url import sanitize_shop_domain

from adapters._http import READ_TIMEOUT_S, HttpClient
from adapters.shops.shopify import hooks, webhook
from adapters.shops.shopify.bulk import BulkOrders
from adapters.shops.shopify.client import ShopifyClient
from adapters.shops.shopify.reads import Reader
from adapters.shops.shopify.tokens import (
    NOT_INSTALLED,
    RenewedToken,
    StaticToken,
    TokenEndpoint,
    Tokens,
)
from adapters.shops.shopify.webhook import API_VERSION
from adapters.shops.shopify.write import Writer
from connector.bulk import BulkState
from connector.errors import AuthRejected, ConfigurationError
from connector.model.event import ShopEvent, WebhookDelivery
from connector.model.order import ListedOrder, Order, OrderRef
from connector.model.token import AccessToken, MemoryKeeper, TokenKeeper
from connector.model.write import WriteBack, WriteResult
from connector.ports import (
    AdapterInfo,
    AdapterSetting,
    CallGate,
    Capability,
    ShopFacts,
    WebhookState,
)
from connector.secret import Secret

OFFLINE: Final = "offline"
"""The grant of a shop that gave its key when the app was installed."""
_DOMAIN: Final = re.compile(r"[a-z0-9][a-z0-9-]*\.myshopify\.com", re.ASCII)


def clean_domain(text: str) -> str:
    """Bring a shop's domain into its one form, like `my-shop.myshopify.com`.

    Raises: ConfigurationError: it is not the domain of a Shopify shop.
    """
    found = sanitize_shop_domain(text)
    # The package matches from the start only; the whole has to fit.
    if not isinstance(found, str) or not _DOMAIN.fullmatch(found):
        raise ConfigurationError(
            "domain: write the shop's own address, like my-shop.myshopify.com, not the address"
            " that buyers see."
        )
    return found


class ShopifyAdapter:
    """Understands one Shopify shop and writes into it.

    Args:
        settings: `domain`; `client_id`; `api_url` where the API is not at the domain;
            `grant` is "offline" where the shop gave a key when the app was installed;
            `own_secret` is "yes" when no other connected shop shares the client secret;
            `currency` of the shop, once known.
        secrets: `client_secret`, `old_client_secret`, `access_token`.
        read_timeout_s: how long an answer may take.
        keeper: keeps keys that end, for all processes.

    Raises: ConfigurationError: a value is missing or wrong.
    """

    keeps_tokens: ClassVar[bool] = True
    """Whoever makes one for a stored shop gives a keeper."""

    info: ClassVar[AdapterInfo] = AdapterInfo(
        kind="shop",
        name="shopify",
        title="Shopify",
        capabilities=frozenset(
            {
                Capability.NOTE,
                Capability.TAG,
                Capability.META,
                Capability.DISCOUNT_CODE,
                Capability.WEBHOOKS,
                Capability.COUNT_ORDERS,
            }
        ),
        settings=(
            AdapterSetting("domain", "Shop domain (my-shop.myshopify.com)"),
            AdapterSetting("api_url", "API address, if not the shop domain", required=False),
            AdapterSetting("client_id", "Client id of the app"),
            AdapterSetting("client_secret", "Client secret of the app", secret=True),
            AdapterSetting(
                "old_client_secret",
                "Old client secret, while it is being replaced",
                secret=True,
                required=False,
            ),
            AdapterSetting(
                "access_token",
                "Access token of an app made in the shop's admin before 2026",
                secret=True,
                required=False,
            ),
        ),
        api_version=API_VERSION,
        docs="https://shopify.dev/docs/api/admin-graphql/2026-10",
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
        keeper: TokenKeeper | None = None,
    ) -> None:
        self.domain = clean_domain(settings.get("domain", ""))
        self._own_secret = settings.get("own_secret", "") == "yes"
        http = HttpClient(
            settings.get("api_url") or f"https://{self.domain}",
            allow_private=allow_private,
            allow_http=allow_http,
            platform="shopify",
            secrets=tuple(secrets.values()),
            read_timeout_s=read_timeout_s,
            gate=gate,
        )
        self._http = http
        self._client = ShopifyClient(
            http, _tokens(http, settings, secrets, keeper or MemoryKeeper())
        )
        self._reader = Reader(self._client, self.domain)
        self._bulk = BulkOrders(
            self._client,
            self._reader,
            http,
            allow_private=allow_private,
            allow_http=allow_http,
        )
        self._writer = Writer(self._client, settings.get("currency", ""))

    def verify(self, delivery: WebhookDelivery, secrets: Sequence[Secret]) -> None:
        """Check the signature; see the port."""
        webhook.verify(delivery, secrets, self.domain)

    def key(self, delivery: WebhookDelivery) -> str:
        """Name the delivery by Shopify's own id of it."""
        return webhook.key(delivery)

    def lane(self, delivery: WebhookDelivery) -> str:
        """Name the order a delivery is about; never raises."""
        return webhook.lane(delivery)

    def parse(self, delivery: WebhookDelivery) -> Sequence[ShopEvent]:
        """Say what a delivery means; see the port."""
        return webhook.parse(delivery, self.domain, own_secret=self._own_secret)

    def fetch_order(self, ref: OrderRef) -> Order:
        """Read one order as it is now; see the port.

        Raises: Unsupported: it may only be older than the app is allowed to see.
        """
        return self._reader.order(ref)

    def orders_changed_since(self, since: datetime) -> Iterator[ListedOrder]:
        """Read all orders that changed since a time."""
        return self._reader.changed_since(since)

    def orders_placed_between(self, since: datetime, until: datetime) -> Iterator[ListedOrder]:
        """Read all orders placed in a span, oldest first."""
        return self._reader.placed_between(since, until)

    def count_orders_placed(self, since: datetime, until: datetime) -> int:
        """Count the orders placed in a span."""
        return self._reader.count(since, until)

    def start_bulk(self, since: datetime, until: datetime) -> str:
        """Ask for all orders placed in a span; see BulkReader."""
        return self._bulk.start(since, until)

    def look_at_bulk(self, ref: str) -> BulkState:
        """Tell how far a bulk operation is."""
        return self._bulk.look(ref)

    def read_bulk(self, ref: str, skip: int) -> Iterator[ListedOrder | None]:
        """Read the orders of a finished bulk operation."""
        return self._bulk.orders(ref, skip)

    def find(self, action: WriteBack) -> WriteResult | None:
        """Look whether a write is in the shop already; see the port."""
        return self._writer.find(action)

    def write(self, action: WriteBack) -> WriteResult:
        """Write once; see the port."""
        return self._writer.write(action)

    def register_webhooks(self, address: str, secret: Secret) -> Sequence[WebhookState]:  # noqa: ARG002 - Shopify signs with the app's own secret
        """Make the webhooks we need, mend those that are off."""
        return hooks.register(self._client, address)

    def check_webhooks(self, address: str) -> Sequence[WebhookState]:
        """Tell the state of each webhook we need."""
        return hooks.check(self._client, address)

    def remove_webhooks(self, address: str) -> int:
        """Delete our webhooks that point to the address."""
        return hooks.remove(self._client, address)

    def server_time(self) -> datetime | None:
        """Tell the shop's time; it is asked for something small when it said nothing yet."""
        told = self._http.server_time()
        if told is None:
            self._reader.facts()
            told = self._http.server_time()
        return told

    def look_at_shop(self) -> ShopFacts:
        """Read what the shop says about itself and prove that the key works."""
        return self._reader.facts()


def _tokens(
    http: HttpClient,
    settings: Mapping[str, str],
    secrets: Mapping[str, Secret],
    keeper: TokenKeeper,
) -> Tokens:
    pasted = secrets.get("access_token")
    if pasted:
        return StaticToken(pasted)
    client_id, client_secret = settings.get("client_id", ""), secrets.get("client_secret")
    if not client_id or not client_secret:
        raise ConfigurationError(
            "client_id and client_secret: copy both from the app's settings in the Dev Dashboard."
        )
    endpoint = TokenEndpoint(http, client_id, client_secret)
    if settings.get("grant", "") != OFFLINE:
        return RenewedToken(keeper, lambda _kept: endpoint.by_client(keeper.now()))

    def refresh(kept: AccessToken | None) -> AccessToken:
        if kept is None:
            raise AuthRejected(NOT_INSTALLED, platform="shopify")
        return endpoint.by_refresh(keeper.now(), kept)

    return RenewedToken(keeper, refresh, lasts=lambda kept: kept.refresh is None)
