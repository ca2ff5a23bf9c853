"""Answer the mutations of orders, customers, tags and metafields."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from graphql import DirectiveNode, GraphQLError, value_from_ast_untyped

from webhooks.sandbox._server import Refused
from webhooks.sandbox.shopify import desk, tell, views
from webhooks.sandbox.shopify.metafields import errors_of, put, user_error
from webhooks.sandbox.shopify.money import minor
from webhooks.sandbox.shopify.pages import Args, Info
from webhooks.sandbox.shopify.reach import find_order, store_of
from webhooks.sandbox.shopify.records import Address, Customer, Order, RefundLine
from webhooks.sandbox.shopify.schema import gid, kind_of, number_of
from webhooks.sandbox.shopify.store import Store, moment

if TYPE_CHECKING:
    from webhooks.sandbox.shopify.engine import Resolver

View = dict[str, Any]
MAX_TAGS: Final = 250
TAG_LENGTH: Final = 40


def idempotency_key(info: Info) -> str:
    """Read the key of the @idempotent directive.

    Raises: GraphQLError: it is missing; compulsory since API 2026-04.
    Source: changelog "Making idempotency mandatory", checked 2026-11-22.
    """
    for directive in info.field_nodes[0].directives or ():
        if directive.name.value == "idempotent":
            return _key(directive, info.variable_values)
    raise GraphQLError(
        f"The @idempotent directive is required for the {info.field_name} mutation.",
        extensions={"code": "BAD_REQUEST"},
    )


def _key(directive: DirectiveNode, variables: Any) -> str:
    known = variables if isinstance(variables, dict) else _plain(variables)
    value = value_from_ast_untyped((directive.arguments or ())[0].value, known)
    if not value:
        raise GraphQLError("The idempotency key is empty", extensions={"code": "BAD_REQUEST"})
    return str(value)


def _plain(variables: Any) -> dict[str, Any]:
    # graphql-core 3.3 wraps the values together with where they came from.
    return dict(variables.coerced)


def _order_update(info: Info, args: Args) -> View:
    store, given = store_of(info), args["input"]
    order = find_order(info, given["id"])
    if order is None:
        return {"order": None, "userErrors": [user_error(["id"], "Order does not exist")]}
    errors = errors_of(store, given, given["id"])
    if errors:
        return {"order": None, "userErrors": errors}
    before = _fingerprint(order)
    if "note" in given:
        order.note = given["note"] or None
    if "tags" in given:
        order.tags = _clean(given["tags"] or [])
    if "customAttributes" in given:
        order.attributes = [dict(item) for item in given["customAttributes"] or []]
    order.email = given.get("email", order.email)
    order.phone = given.get("phone", order.phone)
    if given.get("shippingAddress"):
        order.shipping_address = _address(store, order, given["shippingAddress"])
    for item in given.get("metafields") or []:
        put(store, given["id"], item)
    if given.get("metafields") or _fingerprint(order) != before:
        store.note_event(order, "Changed by an app", "App")
        tell.changed(store, order)
    return {"order": views.order_view(store, order), "userErrors": []}


def _fingerprint(order: Order) -> str:
    parts = (order.note, order.tags, order.attributes, order.email, order.phone)
    return json.dumps([*parts, str(order.shipping_address)])


def _address(store: Store, order: Order, given: View) -> Address:
    known = order.shipping_address
    names = {
        "first_name": "firstName",
        "last_name": "lastName",
        "address1": "address1",
        "address2": "address2",
        "company": "company",
        "city": "city",
        "zip": "zip",
        "country_code": "countryCode",
        "province_code": "provinceCode",
        "phone": "phone",
    }
    values = {
        ours: given.get(theirs, getattr(known, ours) if known else "")
        for ours, theirs in names.items()
    }
    return Address(id=store.next_id(), **values)


def _clean(tags: list[str]) -> list[str]:
    unique: dict[str, str] = {}
    for tag in tags:
        unique.setdefault(tag.strip().lower(), tag.strip())
    return [tag for tag in unique.values() if tag]


def _tagged(info: Info, owner_gid: str) -> Order | Customer | None:
    if kind_of(owner_gid) == "Order":
        return find_order(info, owner_gid)
    return store_of(info).customers.get(number_of(owner_gid, "Order", "Customer"))


def _tags(info: Info, args: Args, *, add: bool) -> View:
    store, owner = store_of(info), _tagged(info, args["id"])
    _need(info, f"write_{kind_of(args['id']).lower()}s")
    if owner is None:
        return {"node": None, "userErrors": [user_error(["id"], "Resource not found")]}
    given = _clean(args["tags"])
    if any(len(tag) > TAG_LENGTH for tag in given):
        message = f"Tags is too long (maximum is {TAG_LENGTH} characters)"
        return {"node": None, "userErrors": [user_error(["tags"], message)]}
    before = list(owner.tags)
    if add:
        owner.tags = _clean([*owner.tags, *given])
    else:
        gone = {tag.lower() for tag in given}
        owner.tags = [tag for tag in owner.tags if tag.lower() not in gone]
    if isinstance(owner, Order):
        if owner.tags != before:
            store.note_event(owner, f"Tags: {', '.join(owner.tags) or 'none'}", "App")
            tell.changed(store, owner)
        return {"node": views.order_view(store, owner), "userErrors": []}
    owner.updated_at = store.now()
    return {"node": views.customer_view(store, owner), "userErrors": []}


def _need(info: Info, scope: str) -> None:
    granted = info.context.scopes
    if granted is not None and scope not in granted:
        raise GraphQLError(
            f"Access denied for {info.field_name} field. Required access: `{scope}` access scope.",
            extensions={"code": "ACCESS_DENIED"},
        )


def _cancel(info: Info, args: Args) -> View:
    store, order = store_of(info), find_order(info, args["orderId"])
    empty: View = {"job": None, "jobResult": None}

    def refused(message: str, code: str) -> View:
        error = user_error(["orderId"], message, code)
        return {**empty, "orderCancelUserErrors": [error], "userErrors": [error]}

    if order is None:
        return refused("Order does not exist", "NOT_FOUND")
    if any(item.status in {"OPEN", "REQUESTED"} for item in order.returns):
        return refused("Cannot cancel an order with open returns", "INVALID")
    method = args.get("refundMethod") or {}
    give_back = bool(method.get("originalPaymentMethodsRefund") or args.get("refund"))
    try:
        desk.cancel(store, order, args["reason"], give_back=give_back, restock=args["restock"])
    except Refused as refusal:
        return refused(str(refusal), "INVALID")
    job = gid("Job", store.next_id())
    store.jobs[job] = True
    if args.get("notifyCustomer"):
        store.mails.append({"to": order.email, "subject": f"Order {order.name} canceled"})
    return {
        **empty,
        "job": {"id": job, "done": False},
        "orderCancelUserErrors": [],
        "userErrors": [],
    }


def _refund(info: Info, args: Args) -> View:
    store, given = store_of(info), args["input"]
    key, wanted = idempotency_key(info), json.dumps(given, sort_keys=True)
    known = store.idempotent.get(key)
    if known is not None and known[0] != wanted:
        message = "The idempotency key was used with other parameters."
        code = {"code": "IDEMPOTENCY_KEY_PARAMETER_MISMATCH"}
        raise GraphQLError(message, extensions=code)
    order = find_order(info, given["orderId"])
    if order is None:
        return _no_refund(["orderId"], "Order does not exist")
    if known is None:
        try:
            done = _give_back(store, order, given)
        except Refused as refusal:
            return _no_refund(None, str(refusal))
        store.idempotent[key] = (wanted, done)
        known = store.idempotent[key]
        if given.get("notify"):
            store.mails.append({"to": order.email, "subject": f"Refund for {order.name}"})
    refund = next(item for item in order.refunds if item.id == known[1])
    return {
        "refund": views.refund_view(store, order, refund),
        "order": views.order_view(store, order),
        "userErrors": [],
    }


def _no_refund(field: list[str] | None, message: str) -> View:
    return {"refund": None, "order": None, "userErrors": [user_error(field, message)]}


def _give_back(store: Store, order: Order, given: View) -> int:
    rate = order.rate
    currency = given.get("currency") or rate.shop
    if rate.buyer != rate.shop and given.get("currency") != rate.buyer:
        raise Refused("Currency must be the presentment currency of the order")
    lines = []
    for item in given.get("refundLineItems") or []:
        line = order.line(number_of(item["lineItemId"], "LineItem"))
        if line is None or not 0 < item["quantity"] <= line.current_quantity:
            raise Refused("Refund line items quantity cannot refund more items than were purchased")
        lines.append(
            RefundLine(
                store.next_id(),
                line.id,
                item["quantity"],
                item.get("restockType") or "NO_RESTOCK",
                line.part_minor(item["quantity"]),
            )
        )
    amount = 0
    for move in given.get("transactions") or []:
        parent = move.get("parentId") and order.transaction(number_of(move["parentId"]))
        if move["kind"] != "REFUND" or parent is None:
            raise Refused("Transactions parent is not a transaction of this order")
        amount += rate.back(minor(move["amount"], currency))
    # With neither transactions nor methods the refund is a record that moves no money.
    return desk.refund(store, order, amount, given.get("note"), lines).id


def _customer_update(info: Info, args: Args) -> View:
    store, given = store_of(info), args["input"]
    found = store.customers.get(number_of(given.get("id") or "", "Customer"))
    if found is None:
        error = user_error(["id"], "Customer does not exist")
        return {"customer": None, "userErrors": [error]}
    names = {"note": "note", "locale": "locale", "firstName": "first_name"}
    for theirs, ours in {**names, "lastName": "last_name", "tags": "tags"}.items():
        if theirs in given:
            setattr(found, ours, given[theirs])
    for item in given.get("metafields") or []:
        put(store, given["id"], item)
    found.updated_at = store.now()
    return {"customer": views.customer_view(store, found), "userErrors": []}


def _consent(info: Info, args: Args) -> View:
    store, given = store_of(info), args["input"]
    found = store.customers.get(number_of(given["customerId"], "Customer"))
    if found is None:
        error = user_error(["input", "customerId"], "Customer not found", "INVALID")
        return {"customer": None, "userErrors": [error]}
    consent = given["emailMarketingConsent"]
    found.marketing_state = consent["marketingState"]
    found.opt_in_level = consent.get("marketingOptInLevel") or found.opt_in_level
    at = consent.get("consentUpdatedAt")
    found.consent_at = moment(at) if at else store.now()
    found.updated_at = store.now()
    return {"customer": views.customer_view(store, found), "userErrors": []}


def _sms_consent(info: Info, args: Args) -> View:
    store, given = store_of(info), args["input"]
    found = store.customers.get(number_of(given["customerId"], "Customer"))
    if found is None or not found.phone:
        error = user_error(["input", "customerId"], "Customer has no phone number", "INVALID")
        return {"customer": None, "userErrors": [error]}
    found.sms_state = given["smsMarketingConsent"]["marketingState"]
    found.updated_at = store.now()
    return {"customer": views.customer_view(store, found), "userErrors": []}


WRITES: Final[dict[str, Resolver]] = {
    "orderUpdate": _order_update,
    "tagsAdd": lambda info, args: _tags(info, args, add=True),
    "tagsRemove": lambda info, args: _tags(info, args, add=False),
    "orderCancel": _cancel,
    "refundCreate": _refund,
    "customerUpdate": _customer_update,
    "customerEmailMarketingConsentUpdate": _consent,
    "customerSmsMarketingConsentUpdate": _sms_consent,
}
