"""Stock of the one location: read, set and adjusted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from graphql import GraphQLError

from webhooks.sandbox.shopify.metafields import user_error
from webhooks.sandbox.shopify.pages import Args, Info, listed
from webhooks.sandbox.shopify.reach import store_of
from webhooks.sandbox.shopify.schema import gid, number_of
from webhooks.sandbox.shopify.store import Store, stamp
from webhooks.sandbox.shopify.writes_orders import idempotency_key

if TYPE_CHECKING:
    from webhooks.sandbox.shopify.engine import Resolver

View = dict[str, Any]
AT_FIRST: Final = 10  # units of every item before anything is changed


def _known(store: Store, item_id: int) -> str | None:
    for order in store.orders.values():
        for line in order.lines:
            if line.variant_id is not None and line.variant_id + 1 == item_id:
                return line.sku or ""
    return None


def _read(info: Info, args: Args) -> View | None:
    store, number = store_of(info), number_of(args["id"], "InventoryItem")
    sku = _known(store, number)
    if sku is None:
        return None
    have = store.stock.get(number, AT_FIRST)

    def quantities(_info: Info, wanted: Args) -> list[View]:
        return [
            {
                "id": gid("InventoryQuantity", number),
                "name": name,
                "quantity": 0 if name == "committed" else have,
            }
            for name in wanted["names"]
        ]

    level = {
        "id": gid("InventoryLevel", number),
        "isActive": True,
        "updatedAt": stamp(store.now()),
        "location": {"id": gid("Location", store.location_id), "name": "Main warehouse"},
        "quantities": quantities,
    }
    return {
        "id": args["id"],
        "sku": sku,
        "tracked": True,
        "requiresShipping": True,
        "inventoryLevels": listed([level], lambda one: one),
    }


def _change(info: Info, args: Args) -> View:
    store, given = store_of(info), args["input"]
    sets = info.field_name == "inventorySetQuantities"
    rows = given["quantities"] if sets else given["changes"]
    if any("changeFromQuantity" not in row for row in rows):
        # Optional in the schema, compulsory at run time since 2026-04.
        message = "changeFromQuantity must be given; null skips the check"
        raise GraphQLError(message, extensions={"code": "BAD_REQUEST"})
    key, wanted = idempotency_key(info), json.dumps(given, sort_keys=True)
    known = store.idempotent.get(key)
    if known is not None:
        if known[0] != wanted:
            code = "IDEMPOTENCY_KEY_PARAMETER_MISMATCH"
            return _refused(["input"], "The key was used with other parameters.", code)
        return {"inventoryAdjustmentGroup": known[1], "userErrors": []}
    for place, row in enumerate(rows):
        number, path = number_of(row["inventoryItemId"], "InventoryItem"), ["input", str(place)]
        if _known(store, number) is None:
            message = "The specified inventory item could not be found."
            return _refused(path, message, "INVALID_INVENTORY_ITEM")
        if number_of(row["locationId"], "Location") != store.location_id:
            message = "The specified location could not be found."
            return _refused(path, message, "INVALID_LOCATION")
        if row["changeFromQuantity"] not in {None, store.stock.get(number, AT_FIRST)}:
            message = "The quantity has changed since it was read."
            return _refused(path, message, "CHANGE_FROM_QUANTITY_STALE")
    changes = []
    for row in rows:
        number = number_of(row["inventoryItemId"])
        before = store.stock.get(number, AT_FIRST)
        after = row["quantity"] if sets else before + row["delta"]
        store.stock[number] = after
        delta = after - before
        changes.append({"name": given["name"], "delta": delta, "quantityAfterChange": after})
    group = {
        "id": gid("InventoryAdjustmentGroup", store.next_id()),
        "createdAt": stamp(store.now()),
        "reason": given["reason"],
        "referenceDocumentUri": given.get("referenceDocumentUri"),
        "changes": changes,
    }
    store.idempotent[key] = (wanted, group)
    return {"inventoryAdjustmentGroup": group, "userErrors": []}


def _refused(field: list[str], message: str, code: str) -> View:
    error = user_error(field, message, code)
    return {"inventoryAdjustmentGroup": None, "userErrors": [error]}


READS: Final[dict[str, Resolver]] = {"inventoryItem": _read}
WRITES: Final[dict[str, Resolver]] = {
    "inventorySetQuantities": _change,
    "inventoryAdjustQuantities": _change,
}
