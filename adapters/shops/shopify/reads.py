"""Read orders and the shop itself."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from adapters.shops.shopify import schema
from adapters.shops.shopify.client import ShopifyClient
from adapters.shops.shopify.graph import body_of, number_of
from adapters.shops.shopify.mapping import order_of
from adapters.shops.shopify.webhook import API_VERSION
from connector.errors import AdapterError, InvalidRequest, NotFound, PayloadInvalid, Unsupported
from connector.model.order import ListedOrder, Order, OrderRef, UnreadableOrder
from connector.ports import ShopFacts

# The sizes that `OrdersPage` asks for: an order that fills one may have more.
PAGE_PARTS: Final = 3
# What `OrderById` asks for; these lists have no pages, and more would cost too much.
WHOLE_PARTS: Final = 20
ALL_ORDERS: Final = "read_all_orders"
# What the adapter needs, and what is lost without it; writing includes reading.
SCOPES: Final = {
    "write_orders": "orders cannot be read, noted or tagged",
    "read_products": "rules cannot ask which products were bought",
    "read_customers": "buyers stay unknown",
    "read_fulfillments": "parcels stay unknown",
    "write_discounts": "discount codes cannot be made",
}
_log = logging.getLogger(__name__)


class SeenData(msgspec.Struct, frozen=True, rename="camel"):
    """The answer of BuyerSeen: only what is missing in it counts."""

    orders: Any = None


def order_gid(ref: OrderRef) -> str:
    """Write the global id of an order.

    Raises: InvalidRequest: the reference is no number.
    """
    if not (ref.isascii() and ref.isdecimal()):
        raise InvalidRequest(f"{ref[:40]!r} is not the number of a Shopify order.")
    return f"gid://shopify/Order/{ref}"


class Reader:
    """Reads from one shop; remembers what Shopify would not tell."""

    def __init__(self, client: ShopifyClient, domain: str) -> None:
        self._client = client
        self._domain = domain
        self._gaps: dict[str, None] = {}

    def order(self, ref: OrderRef) -> Order:
        """Read one order whole.

        Raises:
            NotFound: the shop has it no more.
            Unsupported: it may only be older than the app is allowed to see.
        """
        told = self._client.ask("OrderById", {"id": order_gid(ref)}, schema.OrderData)
        self._note(told.gaps)
        node = told.data.order
        if node is None:
            raise self._gone(ref)
        if max(len(node.fulfillments), len(node.refunds), len(node.transactions)) >= WHOLE_PARTS:
            _log.warning("shopify.order_cut", extra={"order_ref": ref, "parts": WHOLE_PARTS})
        try:
            return order_of(body_of(node, self._more_lines(node)))
        except PayloadInvalid as err:
            raise InvalidRequest(
                f"Shopify tells order {ref} in a form that cannot be read: {err}",
                platform="shopify",
                operation="OrderById",
            ) from err

    def changed_since(self, since: datetime) -> Iterator[ListedOrder]:
        """Read what changed at or after a time, oldest change first.

        The search index of the platform lags: the caller lets its spans overlap.
        """
        for order in self._orders(f"updated_at:>='{_stamp(since)}'", "UPDATED_AT"):
            # A filter that Shopify does not know is ignored without a word.
            if isinstance(order, UnreadableOrder) or order.modified_at >= since.replace(
                microsecond=0
            ):
                yield order

    def placed_between(self, since: datetime, until: datetime) -> Iterator[ListedOrder]:
        """Read what was placed in a span, oldest first."""
        for order in self._orders(span(since, until), "PROCESSED_AT"):
            if isinstance(order, UnreadableOrder) or (
                since.replace(microsecond=0) <= order.placed_at < until
            ):
                yield order

    def count(self, since: datetime, until: datetime) -> int:
        """Count what was placed in a span."""
        told = self._client.ask("OrdersCount", {"query": span(since, until)}, schema.CountData)
        return told.data.orders_count.count if told.data.orders_count else 0

    def facts(self) -> ShopFacts:
        """Read what the shop says about itself, and what is wrong."""
        data = self._client.ask("ShopInfo", {}, schema.ShopData).data
        shop = data.shop
        problems = [
            f"The app lacks the scope {scope}, so {loss}: add it in the Dev Dashboard and release"
            " a new version of the app."
            for scope, loss in SCOPES.items()
            if not _granted(scope, _scopes(data))
        ]
        if shop.myshopify_domain.lower() != self._domain:
            problems.append(
                f"The token belongs to {shop.myshopify_domain}, not to {self._domain}: connect"
                " the shop under its own domain."
            )
        self._look_at_buyers()
        problems += [
            f"{gap}. Ask for access to protected customer data in the Dev Dashboard."
            for gap in self._gaps
        ]
        return ShopFacts(
            name=shop.name,
            currency=shop.currency_code,
            timezone=shop.iana_timezone,
            country=(shop.shop_address.country_code if shop.shop_address else None) or "",
            region=(shop.shop_address.province_code if shop.shop_address else None) or "",
            version=API_VERSION,
            problems=tuple(problems),
        )

    def _look_at_buyers(self) -> None:
        """See whether the app is told who bought; without a right to it fields are empty.

        Source: shopify.dev, protected customer data, checked 2026-11-22: the answer is 200,
        the field null, and an error with its path says that the app is not approved.
        """
        try:
            told = self._client.ask("BuyerSeen", {}, SeenData)
        except AdapterError:
            # A missing scope is told already, and the rest is not what was asked.
            return
        self._note(told.gaps)

    def _gone(self, ref: OrderRef) -> NotFound | Unsupported:
        """Tell a deleted order from one that is only too old for this app.

        Quirk(shopify): without `read_all_orders` an order older than 60 days reads as
        null, like a deleted one. Numbers grow: one above the oldest visible is gone.
        """
        where: dict[str, Any] = {"platform": "shopify", "operation": "OrderById"}
        gone = NotFound(f"Shopify does not have order {ref} any more.", **where)
        if _granted(ALL_ORDERS, _scopes(self._client.ask("ShopInfo", {}, schema.ShopData).data)):
            return gone
        nodes = self._client.ask("OldestOrder", {}, schema.OldestData).data.orders.nodes
        if nodes and int(ref) > number_of(nodes[0].id):
            return gone
        return Unsupported(
            f"Shopify does not show order {ref}: it was deleted, or it is older than 60 days and"
            f" the app lacks the scope {ALL_ORDERS}.",
            **where,
        )

    def _more_lines(self, node: schema.OrderNode) -> list[schema.Line]:
        more: list[schema.Line] = []
        page = node.line_items.page_info
        while page.has_next_page:
            variables = {"id": node.id, "after": page.end_cursor}
            told = self._client.ask("OrderLinesPage", variables, schema.LinesData)
            if told.data.order is None:
                raise NotFound(
                    "The order was deleted while it was read.",
                    platform="shopify",
                    operation="OrderLinesPage",
                )
            more += told.data.order.line_items.nodes
            page = told.data.order.line_items.page_info
        return more

    def _orders(self, query: str, sort_key: str) -> Iterator[ListedOrder]:
        after: str | None = None
        while True:
            variables = {"query": query, "sortKey": sort_key, "after": after}
            told = self._client.ask("OrdersPage", variables, schema.OrdersData)
            self._note(told.gaps)
            for node in told.data.orders.nodes:
                order = self._of_page(node)
                if order is not None:
                    yield order
            page = told.data.orders.page_info
            if not page.has_next_page:
                return
            after = page.end_cursor

    def _of_page(self, node: schema.OrderNode) -> ListedOrder | None:
        full = (
            node.line_items.page_info.has_next_page
            or len(node.fulfillments) >= PAGE_PARTS
            or len(node.refunds) >= PAGE_PARTS
            or len(node.transactions) >= PAGE_PARTS
        )
        try:
            if full:
                return self.order(OrderRef(str(number_of(node.id))))
            return order_of(body_of(node))
        except (PayloadInvalid, InvalidRequest) as err:
            # One odd order must not hide all that come after it.
            return UnreadableOrder(ref_of(node.id), str(err)[:200], msgspec.json.encode(node))
        except NotFound:
            _log.info("shopify.order_gone", extra={"order_ref": node.id})
        return None

    def _note(self, gaps: tuple[str, ...]) -> None:
        for gap in gaps:
            if gap not in self._gaps and len(self._gaps) < 20:  # noqa: PLR2004 - enough to read
                _log.warning("shopify.gap", extra={"gap": gap})
                self._gaps[gap] = None


def ref_of(gid: str) -> OrderRef:
    """Read the number of an order; empty when there is none."""
    number = gid.rpartition("/")[2]
    return OrderRef(number if number.isascii() and number.isdecimal() else "")


def _scopes(data: schema.ShopData) -> frozenset[str]:
    installation = data.current_app_installation
    return (
        frozenset(scope.handle for scope in installation.access_scopes)
        if installation
        else (frozenset())
    )


def _granted(scope: str, granted: frozenset[str]) -> bool:
    return scope in granted or scope.replace("read_", "write_", 1) in granted


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def span(since: datetime, until: datetime) -> str:
    """Write the filter for orders placed in a span, whole seconds."""
    # A part of a second at the end still counts: the rest is sorted out by the caller.
    end = until + timedelta(seconds=1) if until.microsecond else until
    return f"processed_at:>='{_stamp(since)}' AND processed_at:<'{_stamp(end)}'"
