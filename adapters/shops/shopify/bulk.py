"""Read all orders of a span by a bulk operation: the shop writes them into a file.

Each line of the file is an object; those of a list inside of an order come as lines of
their own, after it. One order is in memory at a time.

Source: shopify.dev, perform bulk operations with the GraphQL Admin API, 2026-10,
checked 2026-11-22.
"""

import logging
from collections.abc import Iterator
from datetime import datetime
from typing import Final

import msgspec

from adapters import _json
from adapters._download import read_lines
from adapters._http import HttpClient
from adapters.shops.shopify import schema
from adapters.shops.shopify.client import ShopifyClient, UserError, refuse
from adapters.shops.shopify.graph import body_of, number_of
from adapters.shops.shopify.mapping import order_of
from adapters.shops.shopify.operations import text_of
from adapters.shops.shopify.reads import Reader, ref_of, span
from connector.bulk import BulkState
from connector.errors import (
    AuthRejected,
    InvalidRequest,
    NotFound,
    OutcomeUnknown,
    PayloadInvalid,
    RateLimited,
)
from connector.model.order import ListedOrder, OrderRef, UnreadableOrder

# In the operations file the query stands with a filter that is replaced here: a bulk
# query takes no variables.
_FILTER: Final = "id:0"
_BUSY: Final = "OPERATION_IN_PROGRESS"
_WAIT_S: Final = 60.0
_RUNNING: Final = frozenset({"CREATED", "RUNNING", "CANCELING"})
_log = logging.getLogger(__name__)


class Operation(msgspec.Struct, frozen=True, rename="camel"):
    """A BulkOperation."""

    id: str
    status: str = ""
    error_code: str | None = None
    url: str | None = None


class LookData(msgspec.Struct, frozen=True, rename="camel"):
    """The answer of BulkById."""

    bulk_operation: Operation | None = None


class Run(msgspec.Struct, frozen=True, rename="camel"):
    """What the mutation answers."""

    bulk_operation: Operation | None = None
    user_errors: list[UserError] = []


class RunData(msgspec.Struct, frozen=True, rename="camel"):
    """The answer of BulkRunQuery."""

    bulk_operation_run_query: Run


class _Line(msgspec.Struct, frozen=True):
    """What tells of a line where it belongs."""

    kind: str = msgspec.field(default="", name="__typename")
    parent: str = msgspec.field(default="", name="__parentId")
    id: str = ""


class _RefundCount(msgspec.Struct, frozen=True):
    refunds: list[msgspec.Raw] = []


class BulkOrders:
    """Bulk reading of one shop's orders."""

    def __init__(
        self,
        client: ShopifyClient,
        reader: Reader,
        http: HttpClient,
        *,
        allow_private: bool,
        allow_http: bool,
    ) -> None:
        self._client = client
        self._reader = reader
        self._platform = http.platform
        self._allow_private = allow_private
        self._allow_http = allow_http

    def start(self, since: datetime, until: datetime) -> str:
        """Ask for all orders placed in a span; see the port.

        Raises: RateLimited: too many operations of this app run already.
        """
        query = text_of("BulkOrders").replace(_FILTER, span(since, until))
        data = self._client.ask("BulkRunQuery", {"query": query}, RunData).data
        run = data.bulk_operation_run_query
        if any(error.code == _BUSY for error in run.user_errors):
            raise RateLimited(
                "Other bulk operations of this app are still running in the shop.",
                platform=self._platform,
                operation="BulkRunQuery",
                retry_after_s=_WAIT_S,
            )
        refuse(run.user_errors, "BulkRunQuery")
        if run.bulk_operation is None:
            raise OutcomeUnknown(
                "Shopify did not name the operation.",
                platform=self._platform,
                operation="BulkRunQuery",
            )
        return run.bulk_operation.id

    def look(self, ref: str) -> BulkState:
        """Tell how far an operation is; see the port.

        Raises: AuthRejected: it failed for want of a scope.
        """
        found = self._operation(ref)
        if found.status in _RUNNING:
            return BulkState(done=False)
        if found.error_code == "ACCESS_DENIED":
            raise AuthRejected(
                "Shopify does not let this app read all orders: grant it the missing scope.",
                platform=self._platform,
                operation="BulkById",
            )
        failed = found.status != "COMPLETED"
        return BulkState(done=True, error=(found.error_code or found.status) if failed else "")

    def orders(self, ref: str, skip: int) -> Iterator[ListedOrder | None]:
        """Read the orders of the file; see the port."""
        url = self._operation(ref).url
        if url is None:
            # Quirk(shopify): an empty result has no address.
            return
        lines = read_lines(
            url,
            allow_private=self._allow_private,
            allow_http=self._allow_http,
            platform=self._platform,
            operation="bulk result",
        )
        try:
            for number, (head, parts) in enumerate(_grouped(lines)):
                if number >= skip:
                    yield self._order(head, parts)
        except PayloadInvalid as err:
            raise InvalidRequest(
                f"The file of the orders cannot be read: {err}",
                platform=self._platform,
                operation="bulk result",
            ) from err

    def _operation(self, ref: str) -> Operation:
        found = self._client.ask("BulkById", {"id": ref}, LookData).data.bulk_operation
        if found is None:
            raise NotFound(
                "Shopify knows this bulk operation no more.",
                platform=self._platform,
                operation="BulkById",
            )
        return found

    def _order(self, head: bytes, parts: list[tuple[str, bytes]]) -> ListedOrder | None:
        name = ""
        try:
            name = _json.decode(_Line, head).id
            if _json.decode(_RefundCount, head).refunds:
                # Lists inside of lists are not allowed in bulk: its refunds are read apart.
                return self._reader.order(OrderRef(str(number_of(name))))
            return order_of(body_of(_json.decode(schema.OrderNode, _whole(head, parts))))
        except (PayloadInvalid, InvalidRequest) as err:
            return UnreadableOrder(ref_of(name), str(err)[:200], _whole(head, parts))
        except NotFound:
            _log.info("shopify.order_gone", extra={"order_ref": name})
        return None


def _grouped(lines: Iterator[bytes]) -> Iterator[tuple[bytes, list[tuple[str, bytes]]]]:
    """Bring the lines of each order together; the file is asked for in this order."""
    head = b""
    owner = ""
    parts: list[tuple[str, bytes]] = []
    for line in lines:
        if not line.strip():
            continue
        told = _json.decode(_Line, line)
        if told.parent:
            if told.parent != owner:
                raise PayloadInvalid("a line of the bulk result stands apart from its order")
            parts.append((told.kind, line))
            continue
        if head:
            yield head, parts
        head, owner, parts = line, told.id, []
    if head:
        yield head, parts


def _whole(head: bytes, parts: list[tuple[str, bytes]]) -> bytes:
    """Put the lines back into their order, as a query with pages would tell it."""
    lists = b"".join(
        b',"%s":{"nodes":[%s]}' % (field, b",".join(line for kind, line in parts if kind == name))
        for field, name in ((b"lineItems", "LineItem"), (b"shippingLines", "ShippingLine"))
    )
    return head.rstrip()[:-1] + lists + b"}"
