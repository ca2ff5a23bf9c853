"""Filter, sort and cut lists as WooCommerce does, traps included."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlencode

from webhooks.sandbox.woocommerce.errors import answer, invalid_param, not_in, wrong_type
from webhooks.sandbox.woocommerce.store import STATUSES, Order, Store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from webhooks.sandbox._server import Request, Response

Item = TypeVar("Item")

LISTED: Final = ["any", "trash", "auto-draft", *STATUSES]
ORDER_BY: Final = ["date", "id", "include", "title", "slug", "modified"]
MOMENT: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?"
)


def integer(params: dict[str, str], name: str, default: int) -> int:
    """Read a whole number from the query."""
    text = params.get(name, str(default))
    if not re.fullmatch(r"-?\d+", text):
        raise wrong_type(name, "integer")
    return int(text)


def page_of(params: dict[str, str]) -> tuple[int, int]:
    """Read page and per_page.

    Raises: WooError: they are out of bounds.
    """
    size = integer(params, "per_page", 10)
    if not 1 <= size <= 100:
        message = "per_page must be between 1 (inclusive) and 100 (inclusive)"
        raise invalid_param("per_page", "rest_out_of_bounds", message)
    page = integer(params, "page", 1)
    if page < 1:
        message = "page must be greater than or equal to 1"
        raise invalid_param("page", "rest_out_of_bounds", message)
    return page, size


def cut(items: Sequence[Item], params: dict[str, str]) -> list[Item]:
    """Give one page of a list."""
    page, size = page_of(params)
    start = integer(params, "offset", (page - 1) * size)
    return list(items[start : start + size])


def list_answer(request: Request, url: str, items: list[dict[str, Any]], total: int) -> Response:
    """Answer with one page, the totals and the links to its neighbors.

    The links echo the caller's own authentication, as in a real shop.
    """
    page, size = page_of(request.params)
    pages = -(-total // size)
    if not items:
        total, pages = (total, pages) if page <= pages else (0, 0)
    headers = {"X-WP-Total": str(total), "X-WP-TotalPages": str(pages)}
    near = []
    for name, number in (("prev", page - 1), ("next", page + 1)):
        if 1 <= number <= pages:
            query = urlencode({**request.params, "page": number})
            near.append(f'<{url}{request.path}?{query}>; rel="{name}"')
    if near:
        headers["Link"] = ", ".join(near)
    wanted = request.params.get("_fields")
    return answer([only(item, wanted) for item in items], headers=headers)


def only(item: dict[str, Any], fields: str | None) -> dict[str, Any]:
    """Keep the top-level fields that were asked for."""
    if not fields:
        return item
    names = {name.strip().partition(".")[0] for name in fields.split(",")}
    return {key: value for key, value in item.items() if key in names}


def moment(store: Store, params: dict[str, str], name: str) -> datetime | None:
    """Read a date filter.

    A value without zone is shop time, or UTC with `dates_are_gmt`. A zone
    and the flag together shift twice: the value is turned into shop time
    and that is then compared with UTC.

    Source: recorded in orders_list_modified_after, WooCommerce 10.2.4.
    """
    text = params.get(name)
    if text is None:
        return None
    if not MOMENT.fullmatch(text):
        raise invalid_param(name, "rest_invalid_date", "Invalid date.")
    try:
        value = datetime.fromisoformat(text)
    except ValueError as err:
        raise invalid_param(name, "rest_invalid_date", "Invalid date.") from err
    value = value.replace(microsecond=0)
    in_gmt = params.get("dates_are_gmt", "").lower() in {"1", "true"}
    if value.tzinfo is not None:
        value = value.astimezone(store.zone)
        return value.replace(tzinfo=UTC) if in_gmt else value.astimezone(UTC)
    return value.replace(tzinfo=UTC if in_gmt else store.zone).astimezone(UTC)


def numbers(params: dict[str, str], name: str) -> list[int]:
    """Read a list of ids separated by commas."""
    return [int(part) for part in params.get(name, "").split(",") if part.strip().isdigit()]


def orders(store: Store, params: dict[str, str]) -> tuple[list[Order], int]:
    """Give one page of orders and how many match in all."""
    page, _ = page_of(params)
    by = params.get("orderby", "date")
    if by not in ORDER_BY:
        raise not_in("orderby", "orderby", ORDER_BY)
    direction = params.get("order", "desc")
    if direction not in {"asc", "desc"}:
        raise not_in("order", "order", ["asc", "desc"])
    statuses, times = _statuses(params), _Times(store, params)
    found = [
        order
        for order in store.orders.values()
        if order.status in statuses and times.hold(order) and _is_asked(order, params)
    ]
    down = direction == "desc"
    # The database leaves orders of one second in any sequence, another one
    # for each page: paging by modified can repeat an order and skip one.
    found.sort(key=lambda order: order.id, reverse=down != (by == "modified" and page % 2 == 0))
    if by == "modified":
        found.sort(key=lambda order: order.modified_at, reverse=down)
    elif by == "date":
        found.sort(key=lambda order: order.created_at, reverse=down)
    return cut(found, params), len(found)


def _statuses(params: dict[str, str]) -> set[str]:
    words = [word.strip() for word in params.get("status", "any").split(",")]
    for index, word in enumerate(words):
        if word not in LISTED:
            raise not_in("status", f"status[{index}]", LISTED)
    # Drafts of the block checkout are part of the default list.
    return set(STATUSES) if "any" in words else set(words)


class _Times:
    """The four date filters, read once."""

    def __init__(self, store: Store, params: dict[str, str]) -> None:
        self.modified_after = moment(store, params, "modified_after")
        self.modified_before = moment(store, params, "modified_before")
        self.after = moment(store, params, "after")
        self.before = moment(store, params, "before")

    def hold(self, order: Order) -> bool:
        """Tell whether an order lies in between; the limits lie outside."""
        return (
            (self.modified_after is None or order.modified_at > self.modified_after)
            and (self.modified_before is None or order.modified_at < self.modified_before)
            and (self.after is None or order.created_at > self.after)
            and (self.before is None or order.created_at < self.before)
        )


def _is_asked(order: Order, params: dict[str, str]) -> bool:
    if "include" in params and order.id not in numbers(params, "include"):
        return False
    if order.id in numbers(params, "exclude"):
        return False
    if "customer" in params and str(order.customer_id) != params["customer"]:
        return False
    if "created_via" in params and order.created_via not in params["created_via"].split(","):
        return False
    if "product" in params:
        bought = {str(line.product_id) for line in order.lines}
        if params["product"] not in bought:
            return False
    text = params.get("search", "").lower()
    return any(text in value.lower() for value in order.billing.values())
