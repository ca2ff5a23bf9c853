"""Write metafields: all or nothing, guarded by digests."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from webhooks.sandbox.shopify import tell, views_parts
from webhooks.sandbox.shopify.pages import Args, Info
from webhooks.sandbox.shopify.reach import store_of
from webhooks.sandbox.shopify.records import Metafield
from webhooks.sandbox.shopify.schema import gid, kind_of, number_of
from webhooks.sandbox.shopify.store import Store, moment

if TYPE_CHECKING:
    from webhooks.sandbox.shopify.engine import Resolver
View = dict[str, Any]


MAX_METAFIELDS: Final = 25


OWNERS: Final = ("Order", "Customer", "DiscountCodeNode", "Shop", "Product", "Fulfillment")


def user_error(field: list[str] | None, message: str, code: str | None = None) -> View:
    """Give one entry of userErrors."""
    return {"field": field, "message": message, "code": code}


def _owner_exists(store: Store, owner: str) -> bool:
    kind, number = kind_of(owner), number_of(owner, *OWNERS)
    tables: dict[str, Any] = {
        "Order": store.orders,
        "Customer": store.customers,
        "DiscountCodeNode": store.discounts,
        "Shop": {store.shop_id},
    }
    return kind not in tables or number in tables[kind]


def _find(store: Store, owner: str, item: View) -> Metafield | None:
    space = views_parts.app_namespace(item.get("namespace") or "$app")
    return next(
        (
            field
            for field in store.metafields[owner]
            if field.namespace == space and field.key == item["key"]
        ),
        None,
    )


def put(store: Store, owner: str, item: View) -> Metafield:
    """Write one metafield that was found good."""
    found, now = _find(store, owner, item), store.now()
    if found is None:
        found = Metafield(
            id=store.next_id(),
            namespace=views_parts.app_namespace(item.get("namespace") or "$app"),
            key=item["key"],
            type=item.get("type") or "single_line_text_field",
            value=item["value"],
            created_at=now,
            updated_at=now,
        )
        store.metafields[owner].append(found)
    found.value, found.updated_at = item["value"], now
    return found


def _problem(store: Store, owner: str, item: View, path: list[str]) -> View | None:
    found = _find(store, owner, item)
    if not _owner_exists(store, owner):
        return user_error([*path, "ownerId"], "Owner does not exist.", "INVALID")
    if not item.get("key"):
        return user_error([*path, "key"], "Key can't be blank.", "BLANK")
    if item.get("value") in {None, ""}:
        return user_error([*path, "value"], "Value can't be blank.", "BLANK")
    kind = item.get("type") or (None if found is None else found.type)
    if kind is None:
        return user_error([*path, "type"], "Type can't be blank", "BLANK")
    if found is not None and kind != found.type:
        message = f"Type must be '{found.type}'."
        return user_error([*path, "type"], message, "INVALID_TYPE")
    if not _fits(kind, item["value"]):
        message = f"Value is invalid for the type {kind}."
        return user_error([*path, "value"], message, "INVALID_VALUE")
    if "compareDigest" in item:
        held = None if found is None else views_parts.digest(found.value)
        if item["compareDigest"] != held:
            message = "The resource has been updated since it was loaded."
            return user_error(path, message, "STALE_OBJECT")
    return None


def _fits(kind: str, value: str) -> bool:
    try:
        match kind:
            case "json":
                json.loads(value)
            case "number_integer":
                int(value)
            case "number_decimal":
                float(value)
            case "date_time":
                moment(value)
            case "boolean":
                return value in {"true", "false"}
            case "single_line_text_field":
                return "\n" not in value
            case _:
                return True
    except ValueError:
        return False
    return True


def errors_of(store: Store, given: View, owner: str) -> list[View]:
    """List what is wrong with the metafields of an input."""
    found = [
        _problem(store, owner, item, ["metafields", str(place)])
        for place, item in enumerate(given.get("metafields") or [])
    ]
    return [error for error in found if error is not None]


def _metafields_set(info: Info, args: Args) -> View:
    store, given = store_of(info), args["metafields"]
    errors = []
    if len(given) > MAX_METAFIELDS:
        message = f"Exceeded the maximum metafields input limit of {MAX_METAFIELDS}."
        errors.append({**user_error(["metafields"], message, "LESS_THAN_OR_EQUAL_TO")})
    for place, item in enumerate(given):
        error = _problem(store, item["ownerId"], item, ["metafields", str(place)])
        if error is not None:
            errors.append({**error, "elementIndex": place})
    if errors:  # all or nothing
        shown = [{"elementIndex": None, **error} for error in errors]
        return {"metafields": [], "userErrors": shown}
    done = [put(store, item["ownerId"], item) for item in given]
    touched = {item["ownerId"] for item in given if kind_of(item["ownerId"]) == "Order"}
    for owner in sorted(touched):
        tell.changed(store, store.orders[number_of(owner)])
    return {"metafields": [views_parts.metafield_view(item) for item in done], "userErrors": []}


def _definition(info: Info, args: Args) -> View:
    store, given = store_of(info), args["definition"]
    name = f"{given['ownerType']}/{given.get('namespace') or '$app'}/{given['key']}"
    if name in store.jobs:
        message = "Key is in use for this owner type"
        error = user_error(["definition", "key"], message, "TAKEN")
        return {"createdDefinition": None, "userErrors": [error]}
    store.jobs[name] = True
    return {
        "createdDefinition": {
            "id": gid("MetafieldDefinition", store.next_id()),
            "namespace": views_parts.app_namespace(given.get("namespace") or "$app"),
            "key": given["key"],
            "name": given["name"],
        },
        "userErrors": [],
    }


WRITES: Final[dict[str, Resolver]] = {
    "metafieldsSet": _metafields_set,
    "metafieldDefinitionCreate": _definition,
}
