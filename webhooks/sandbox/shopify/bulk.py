"""Bulk operations: a query without pages, answered as a file of lines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from graphql import FieldNode, Visitor, visit

from webhooks.sandbox.shopify.pages import Args, Info
from webhooks.sandbox.shopify.records import Bulk
from webhooks.sandbox.shopify.schema import gid, number_of
from webhooks.sandbox.shopify.store import stamp

if TYPE_CHECKING:
    from webhooks.sandbox.shopify.engine import Resolver
    from webhooks.sandbox.shopify.shop import ShopifyShop

View = dict[str, Any]
AT_ONCE = 5


class _Connections(Visitor):
    """Count the connections of a bulk query by their `edges`."""

    def __init__(self) -> None:
        super().__init__()
        self.found = 0
        self.depth = 0
        self.deepest = 0

    def enter_field(self, node: FieldNode, *_rest: Any) -> None:
        if node.name.value in {"edges", "nodes"}:
            self.found += 1
            self.depth += 1
            self.deepest = max(self.deepest, self.depth)

    def leave_field(self, node: FieldNode, *_rest: Any) -> None:
        if node.name.value in {"edges", "nodes"}:
            self.depth -= 1


def view(shop: ShopifyShop, item: Bulk) -> View:
    """Show a BulkOperation; looking at it lets it go on."""
    _advance(shop, item)
    done = item.status == "COMPLETED"
    return {
        "__typename": "BulkOperation",
        "id": gid("BulkOperation", item.id),
        "status": item.status,
        "errorCode": item.error,
        "type": "QUERY",
        "query": item.query,
        "objectCount": str(item.objects if done else 0),
        "rootObjectCount": str(item.roots if done else 0),
        "fileSize": str(len(item.result)) if done and item.result else None,
        # Quirk(shopify): an empty result has no address.
        "url": f"{shop.url}/bulk/{item.id}.jsonl" if done and item.result else None,
        "partialDataUrl": None,
        "createdAt": stamp(item.created_at),
        "completedAt": stamp(item.completed_at),
    }


def _run(info: Info, args: Args) -> View:
    from webhooks.sandbox.shopify import engine  # engine knows the resolvers, so this one is late

    shop: ShopifyShop = info.context.shop
    document, errors = engine.read_document(args["query"])
    if document is None or errors:
        return _refused(str(errors[0]["message"]), "INVALID")
    counted = _Connections()
    visit(document, counted)
    if not counted.found:
        return _refused("Bulk queries must contain at least one connection.", "INVALID")
    if counted.found > 5 or counted.deepest > 2 + 1:
        return _refused("Bulk queries are limited to five connections, two deep.", "INVALID")
    busy = [b for b in shop.store.bulks.values() if b.status in {"CREATED", "RUNNING"}]
    if len(busy) >= AT_ONCE:
        message = "A bulk query operation for this app and shop is already in progress."
        return _refused(message, "OPERATION_IN_PROGRESS")
    context = engine.Context(shop, info.context.scopes, bulk=True)
    data, problems = shop.engine.run(context, document, {}, None)
    item = Bulk(shop.store.next_id(), args["query"], shop.store.now())
    if problems:
        item.error = "ACCESS_DENIED" if _denied(problems) else "INTERNAL_SERVER_ERROR"
    lines: list[View] = []
    for value in (data or {}).values():
        item.roots += _flatten(value, None, lines)
    item.objects = len(lines)
    item.result = "".join(json.dumps(line) + "\n" for line in lines).encode()
    shop.store.bulks[item.id] = item
    return {"bulkOperation": {**view(shop, item), "status": "CREATED"}, "userErrors": []}


def _advance(shop: ShopifyShop, item: Bulk) -> None:
    following = {"CREATED": "RUNNING", "RUNNING": "COMPLETED", "CANCELING": "CANCELED"}
    if item.status not in following:
        return
    item.status = following[item.status]
    if item.status == "COMPLETED":
        item.completed_at = shop.store.now()
        if item.error is not None:
            item.status = "FAILED"
        body = {
            "admin_graphql_api_id": gid("BulkOperation", item.id),
            "completed_at": shop.store.local(item.completed_at),
            "created_at": shop.store.local(item.created_at),
            "error_code": item.error,
            "status": item.status.lower(),
            "type": "query",
        }
        shop.store.emit("bulk_operations/finish", body, "")


def _flatten(value: Any, parent: str | None, lines: list[View]) -> int:
    nodes = _nodes(value)
    if nodes is None:
        return 0
    for node in nodes:
        own = {key: item for key, item in node.items() if _nodes(item) is None}
        if parent is not None:
            own["__parentId"] = parent
        lines.append(own)
        for item in node.values():
            _flatten(item, node.get("id"), lines)
    return len(nodes)


def _nodes(value: Any) -> list[View] | None:
    if not isinstance(value, dict):
        return None
    if "edges" in value:
        return [edge["node"] for edge in value["edges"]]
    return value.get("nodes")


def _denied(problems: list[View]) -> bool:
    return any(p.get("extensions", {}).get("code") == "ACCESS_DENIED" for p in problems)


def _refused(message: str, code: str) -> View:
    error = {"field": ["query"], "message": message, "code": code}
    return {"bulkOperation": None, "userErrors": [error]}


def _cancel(info: Info, args: Args) -> View:
    shop: ShopifyShop = info.context.shop
    item = shop.store.bulks.get(number_of(args["id"], "BulkOperation"))
    if item is None:
        error = {"field": ["id"], "message": "Bulk operation does not exist"}
        return {"bulkOperation": None, "userErrors": [error]}
    if item.status in {"CREATED", "RUNNING"}:
        item.status = "CANCELING"
    shown = view(shop, item) | {"status": "CANCELING"}
    return {"bulkOperation": shown, "userErrors": []}


WRITES: dict[str, Resolver] = {"bulkOperationRunQuery": _run, "bulkOperationCancel": _cancel}
