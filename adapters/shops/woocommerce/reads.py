"""Read orders from WooCommerce: one, the changed ones, a span, a count."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from adapters._http import TOO_LARGE
from adapters._json import decode
from adapters.shops.woocommerce.client import WooClient, unreadable
from adapters.shops.woocommerce.mapping import DRAFT, order_of
from adapters.shops.woocommerce.payload import OrderBody
from connector.errors import InvalidRequest, NotFound, PayloadInvalid, PlatformDown
from connector.model.order import ListedOrder, Order, OrderRef, UnreadableOrder

_PAGE_SIZES: Final = (50, 10, 1)
_MAX_PAGES: Final = 20_000
_MAX_PASSES: Final = 5
# Changes of the same second as `since`, and clocks that run apart a little.
_OVERLAP: Final = timedelta(minutes=2)
_SECOND: Final = timedelta(seconds=1)


def fetch_order(client: WooClient, ref: OrderRef) -> Order:
    """Read one order as it is now; one in the trash is `deleted`.

    Raises:
        NotFound: it was deleted for good.
        InvalidRequest: it cannot be read; the field is named.
    """
    if not (ref.isascii() and ref.isdigit()):
        raise NotFound(f"{ref[:40]!r} is no order of WooCommerce.", platform="woocommerce")
    body = client.read(OrderBody, f"orders/{ref}")
    try:
        return order_of(body)
    except PayloadInvalid as err:
        raise unreadable(err, f"GET orders/{ref}") from err


def changed_since(client: WooClient, since: datetime) -> Iterator[ListedOrder]:
    """Read the orders that changed since a time, those in the trash too; no drafts."""
    params = {"modified_after": _gmt(since - _OVERLAP), "dates_are_gmt": "true"}
    yield from _all(client, params)
    # Trashed orders are in no list but their own.
    yield from _all(client, {**params, "status": "trash"})


def placed_between(client: WooClient, since: datetime, until: datetime) -> Iterator[ListedOrder]:
    """Read the orders placed in a span by id, which is the order of placing."""
    for order in _all(client, _span(since, until)):
        # When an unreadable one was placed is not known: the shop says in this span.
        if isinstance(order, UnreadableOrder) or since <= order.placed_at < until:
            yield order


def count_placed(client: WooClient, since: datetime, until: datetime) -> int:
    """Count the orders placed in a span without drafts and without the trash."""
    everything = _total(client, _span(since, until))
    # Quirk(woocommerce): the default list holds the drafts of the block checkout.
    return everything - _total(client, {**_span(since, until), "status": DRAFT})


def _gmt(time: datetime) -> str:
    """Write a time for a filter: UTC without a zone, beside `dates_are_gmt=true`.

    # Quirk(woocommerce): a zone and the flag together shift twice, silently.
    """
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _span(since: datetime, until: datetime) -> dict[str, str]:
    # `after` and `before` leave their own second out, and times are whole seconds.
    last = until - timedelta(microseconds=1)
    return {
        "after": _gmt(since.replace(microsecond=0) - _SECOND),
        "before": _gmt(last.replace(microsecond=0) + _SECOND),
        "dates_are_gmt": "true",
    }


def _total(client: WooClient, params: dict[str, str]) -> int:
    answer = client.get("orders", **params, per_page="1", _fields="id")
    client.decode(list[msgspec.Raw], answer)
    return _header_total(answer.headers.get("x-wp-total", ""))


def _header_total(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise PlatformDown(
            "The shop's lists come without X-WP-Total: a proxy or plugin takes headers away.",
            platform="woocommerce",
        )
    return int(text)


def _all(client: WooClient, params: dict[str, str]) -> Iterator[ListedOrder]:
    """Give every order that fits, once.

    # Quirk(woocommerce): sorted by time of change, pages skip and repeat orders of the
    # same second; by id they do not. An order that leaves the list while we page (into
    # the trash) moves the rest up, so a list that shrank is read again.
    """
    seen: set[int] = set()
    for size in _PAGE_SIZES:
        try:
            yield from _passes(client, params, size, seen)
        except InvalidRequest as err:
            # Orders with hundreds of lines make pages too large for one answer.
            if err.code != TOO_LARGE or size == _PAGE_SIZES[-1]:
                raise
        else:
            return


def _passes(
    client: WooClient, params: dict[str, str], size: int, seen: set[int]
) -> Iterator[ListedOrder]:
    for _ in range(_MAX_PASSES):
        total = -1
        for page in range(1, _MAX_PAGES):
            answer = client.get(
                "orders",
                **params,
                orderby="id",
                order="asc",
                per_page=str(size),
                page=str(page),
            )
            items = client.decode(list[msgspec.Raw], answer)
            yield from _fresh(items, seen)
            text = answer.headers.get("x-wp-total", "")
            now = int(text) if text.isascii() and text.isdigit() else -1
            shrank = items and now < total
            if len(items) < size or shrank:
                break
            total = now
        if not shrank:
            return


class _Head(msgspec.Struct, frozen=True):
    id: int = 0
    status: str = ""


def _fresh(items: list[msgspec.Raw], seen: set[int]) -> Iterator[ListedOrder]:
    for item in items:
        body = bytes(item)
        ref = OrderRef("")
        # One order that cannot be read must not hide all the others.
        try:
            head = decode(_Head, body)
            if head.id in seen or head.status == DRAFT:
                continue
            if head.id > 0:
                seen.add(head.id)
                ref = OrderRef(str(head.id))
            order: ListedOrder = order_of(decode(OrderBody, body))
        except PayloadInvalid as err:
            order = UnreadableOrder(ref, str(err)[:200], body)
        yield order
