"""Run GraphQL requests on the published schema, as the platform does."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from graphql import (
    DocumentNode,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    execute_sync,
    get_named_type,
    parse,
    validate,
)

from webhooks.sandbox.shopify import cost
from webhooks.sandbox.shopify.pages import Info
from webhooks.sandbox.shopify.schema import published

if TYPE_CHECKING:
    from webhooks.sandbox.shopify.shop import ShopifyShop

Resolver = Callable[[Info, dict[str, Any]], Any]
NO_FIELD: Final = re.compile(r"Cannot query field '(\w+)' on type '(\w+)'")
# Quirk(shopify): missing fulfillment-order scopes hide the orders, without an error.
HIDDEN_NOT_DENIED: Final = frozenset({"FulfillmentOrder"})
NOT_PRETENDED: Final = "SANDBOX_NOT_PRETENDED"


# Level 2: name, address, e-mail, phone.
PROTECTED: Final = {
    "Order": frozenset({"email", "phone", "shippingAddress", "billingAddress"}),
    "Customer": frozenset({"firstName", "lastName", "email", "phone", "defaultEmailAddress"}),
}


@dataclass(slots=True)
class Context:
    """What every resolver can reach.

    Args:
        scopes: granted scopes, reading ones implied; None grants all.
        bulk: a bulk operation, which walks whole connections.
    """

    shop: ShopifyShop
    scopes: frozenset[str] | None
    bulk: bool = False


@dataclass(frozen=True, slots=True)
class Engine:
    """The resolvers of one shop."""

    reads: Mapping[str, Resolver]
    writes: Mapping[str, Resolver]

    def resolve(self, source: Any, info: Info, **args: Any) -> Any:
        """Find the value of one field; a gap is an error, never a null."""
        name, parent = info.field_name, info.parent_type.name
        _check_scope(info)
        _check_approval(info)
        table = {"QueryRoot": self.reads, "Mutation": self.writes}.get(parent)
        if table is not None and source is None:
            if name not in table:
                raise _gap(parent, name)
            return table[name](info, args)
        if not isinstance(source, dict) or name not in source:
            raise _gap(parent, name)
        value = source[name]
        return value(info, args) if callable(value) else value

    def run(
        self,
        context: Context,
        document: DocumentNode,
        variables: dict[str, Any],
        operation: str | None,
    ) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
        """Run a valid document; give data and errors."""
        result = execute_sync(
            published().schema,
            document,
            context_value=context,
            variable_values=variables,
            operation_name=operation,
            field_resolver=self.resolve,
            type_resolver=lambda value, _info, _kind: value["__typename"],
        )
        return result.data, [shown(error) for error in result.errors or ()]


def expanded(scopes: frozenset[str] | None) -> frozenset[str] | None:
    """Add the reading scope that every writing scope contains."""
    if scopes is None:
        return None
    return scopes | {name.replace("write_", "read_", 1) for name in scopes}


@lru_cache(maxsize=512)
def read_document(query: str) -> tuple[DocumentNode | None, list[dict[str, Any]]]:
    """Parse and check a query against the published schema, once a text."""
    try:
        document = parse(query)
    except GraphQLError as error:
        return None, [shown(error)]
    errors = validate(published().schema, document)
    return document, [shown(error) for error in errors]


def operation_of(document: DocumentNode, name: str | None) -> OperationDefinitionNode | None:
    """Pick the operation that a request means; None if that is unclear."""
    found = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if name:
        return next((node for node in found if node.name and node.name.value == name), None)
    return found[0] if len(found) == 1 else None


def answer(shop: ShopifyShop, body: dict[str, Any]) -> dict[str, Any]:
    """Answer one GraphQL request, cost included."""
    document, errors = read_document(str(body["query"]))
    if document is None or errors:
        return {"errors": errors}
    operation = operation_of(document, body.get("operationName"))
    if operation is None:
        return {"errors": [{"message": "An operation name is required"}]}
    variables = dict(body.get("variables") or {})
    writes = operation.operation is OperationType.MUTATION
    points = cost.Counter(published().schema, document, dict(variables)).requested(operation)
    if points > cost.MAX_QUERY:
        message = f"Query cost is {points}, which exceeds the single query max cost limit (1000)."
        code = {"code": "MAX_COST_EXCEEDED", "cost": points, "maxCost": cost.MAX_QUERY}
        return {"errors": [{"message": message, "extensions": code}]}
    if not shop.bucket.take(points):
        return {
            "errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}],
            "extensions": {"cost": _cost(shop, points, None)},
        }
    context = Context(shop, expanded(shop.scopes))
    name = operation.name.value if operation.name else None
    data, problems = shop.engine.run(context, document, variables, name)
    used = min(points, cost.actual(data, writes=writes))
    shop.bucket.give_back(points - used)
    found: dict[str, Any] = {"errors": problems} if problems else {}
    if data is not None or problems == [] or not _refused(problems):
        found["data"] = data
    return {**found, "extensions": {"cost": _cost(shop, points, used)}}


def _refused(problems: list[dict[str, Any]]) -> bool:
    return all("path" not in problem for problem in problems)


def _cost(shop: ShopifyShop, requested: int, used: int | None) -> dict[str, Any]:
    return {
        "requestedQueryCost": requested,
        "actualQueryCost": used,
        "throttleStatus": shop.bucket.status(),
    }


def shown(error: GraphQLError) -> dict[str, Any]:
    """Show an error in the platform's shape."""
    entry: dict[str, Any] = {"message": error.message}
    if error.locations:
        entry["locations"] = [{"line": at.line, "column": at.column} for at in error.locations]
    if error.path:
        entry["path"] = list(error.path)
    if error.extensions:
        entry["extensions"] = dict(error.extensions)
    missing = NO_FIELD.match(error.message)
    if missing:
        field, kind = missing.groups()
        entry["message"] = f"Field '{field}' doesn't exist on type '{kind}'"
        entry["extensions"] = {"code": "undefinedField", "typeName": kind, "fieldName": field}
    elif error.original_error is not None and not isinstance(error.original_error, GraphQLError):
        entry["extensions"] = {"code": "INTERNAL_SERVER_ERROR"}
    elif error.message.startswith("Variable '$") and "extensions" not in entry:
        entry["extensions"] = {"code": "INVALID_VARIABLE"}
    return entry


def _gap(parent: str, name: str) -> GraphQLError:
    return GraphQLError(
        f"the sandbox does not pretend {parent}.{name}", extensions={"code": NOT_PRETENDED}
    )


def _check_approval(info: Info) -> None:
    """Keep back who the buyer is from an app that is not approved for it.

    Source: protected customer data, shopify.dev, checked 2026-11-22.
    """
    if info.context.shop.protected_data or info.field_name not in PROTECTED.get(
        info.parent_type.name, ()
    ):
        return
    raise GraphQLError(
        f"This app is not approved to access the {info.field_name} field. See"
        " https://shopify.dev/docs/apps/launch/protected-customer-data for more details.",
        extensions={"code": "ACCESS_DENIED"},
    )


def _check_scope(info: Info) -> None:
    granted = info.context.scopes
    if granted is None:
        return
    table = published().scopes
    if info.parent_type.name == "Mutation":
        needed = table.get(("Mutation", info.field_name), ())
    else:
        kind = get_named_type(info.return_type).name.removesuffix("Connection")
        needed = () if kind in HIDDEN_NOT_DENIED else table.get(kind, ())
    if not needed or granted.intersection(needed):
        return
    names = " or ".join(f"`{name}`" for name in needed)
    raise GraphQLError(
        f"Access denied for {info.field_name} field. Required access: {names} access scope.",
        extensions={
            "code": "ACCESS_DENIED",
            "documentation": "https://shopify.dev/api/usage/access-scopes",
            "requiredAccess": f"{names} access scope.",
        },
    )
