"""The REST routes of the pretend shop, one function each."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from webhooks.sandbox.woocommerce import catalog, coupons, listing, orders, refunds
from webhooks.sandbox.woocommerce.errors import (
    WooError,
    answer,
    invalid_id,
    missing_param,
    wrong_type,
)
from webhooks.sandbox.woocommerce.render import OrderWriter, newest_first, note_json, refund_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from webhooks.sandbox._server import Request, Response
    from webhooks.sandbox.woocommerce.hooks import Hooks
    from webhooks.sandbox.woocommerce.store import Note, Order, Refund, Store

LONGEST_NOTE: Final = 65_535
CHANGES: Final = ("PUT", "POST", "PATCH")


class Api:
    """Answer the calls; every method takes the lock where it needs it."""

    hooks: Hooks

    def __init__(self, store: Store) -> None:
        self.store = store

    def order_json(self, order: Order, decimals: int | None = None) -> dict[str, Any]:
        """Write an order."""
        return OrderWriter(self.store, order, decimals).write()

    def payload(self, topic: str, number: int) -> dict[str, Any]:
        """Build a webhook's body from what is true now."""
        resource, _, event = topic.partition(".")
        if resource == "action":
            return {"action": event, "arg": number}
        if event == "deleted":
            return {"id": number}
        try:
            match resource:
                case "order":
                    return self.order_json(orders.find(self.store, number))
                case "coupon":
                    return coupons.write(self.store, coupons.find(self.store, number))
                case "product":
                    return catalog.product(self.store, number)
                case _:
                    return catalog.customer(self.store, number)
        except WooError as error:
            return error.body()

    def orders(self, request: Request) -> Response:
        """List orders, or create one."""
        with self.store.lock:
            if request.method == "POST":
                order = orders.create(self.store, request.json())
                return self._created(request, order.id, self.order_json(order))
            found, total = listing.orders(self.store, request.params)
            places = _places(request)
            written = [self.order_json(order, places) for order in found]
            return listing.list_answer(request, self.store.url, written, total)

    def order(self, request: Request, number: int) -> Response:
        """Give, change or delete an order."""
        with self.store.lock:
            order = orders.find(self.store, number)
            if request.method == "DELETE":
                before = self.order_json(order)
                if _forced(request):
                    orders.purge(self.store, order)
                else:
                    orders.trash(self.store, order)
                return answer(before)
            if request.method in CHANGES:
                orders.update(self.store, order, request.json())
            written = self.order_json(order, _places(request))
            return answer(_fields(request, written))

    def statuses(self, request: Request) -> Response:
        """List the order statuses."""
        del request
        return answer(catalog.statuses())

    def notes(self, request: Request, number: int) -> Response:
        """List the notes of an order, or add one."""
        with self.store.lock:
            order = self._order_of_notes(number)
            if request.method == "POST":
                note = self._add_note(order, request.json())
                return self._created(request, note.id, note_json(self.store, order, note))
            kind = request.params.get("type", "any")
            wanted = {"any": (True, False), "customer": (True,), "internal": (False,)}
            found = [
                note_json(self.store, order, note)
                for note in newest_first(order.notes)
                if note.to_customer in wanted.get(kind, ())
            ]
            return answer(found)

    def note(self, request: Request, number: int, note_id: int) -> Response:
        """Give or delete a note."""
        with self.store.lock:
            order = self._order_of_notes(number)
            note = next((note for note in order.notes if note.id == note_id), None)
            if note is None:
                raise WooError(404, "woocommerce_rest_invalid_id", "Invalid resource ID.")
            if request.method == "DELETE":
                if not _forced(request):
                    text = "Webhooks do not support trashing."
                    raise WooError(501, "woocommerce_rest_trash_not_supported", text)
                order.notes.remove(note)
            return answer(note_json(self.store, order, note))

    def _order_of_notes(self, number: int) -> Order:
        order = self.store.orders.get(number)
        if order is None:
            raise WooError(404, "woocommerce_rest_order_invalid_id", "Invalid order ID.")
        return order

    def _add_note(self, order: Order, data: dict[str, Any]) -> Note:
        if "note" not in data:
            raise missing_param("note")
        text = data["note"]
        if not isinstance(text, str):
            raise wrong_type("note", "string")
        if len(text.encode()) > LONGEST_NOTE:
            message = "Cannot create order note, please try again."
            raise WooError(500, "woocommerce_api_cannot_create_order_note", message)
        author = "Tienda" if data.get("added_by_user") else "WooCommerce"
        to_customer = bool(data.get("customer_note"))
        return self.store.add_note(order, text, to_customer=to_customer, author=author)

    def refunds(self, request: Request, number: int) -> Response:
        """List the refunds of an order, or make one."""
        if request.method == "POST":
            order, refund = refunds.create(self.store, number, request.json())
            with self.store.lock:
                written = refund_json(self.store, order, refund)
                return self._created(request, refund.id, written)
        with self.store.lock:
            order = orders.find(self.store, number)
            newest = list(reversed(order.refunds))
            shown = listing.cut(newest, request.params)
            written_all = [refund_json(self.store, order, refund) for refund in shown]
            return listing.list_answer(request, self.store.url, written_all, len(newest))

    def refund(self, request: Request, number: int, refund_id: int) -> Response:
        """Give or delete a refund; deleting fires nothing."""
        with self.store.lock:
            order = orders.find(self.store, number)
            refund = _refund_of(order, refund_id)
            if request.method == "DELETE":
                order.refunds.remove(refund)
            return answer(refund_json(self.store, order, refund))

    def coupons(self, request: Request) -> Response:
        """List coupons, or create one."""
        with self.store.lock:
            if request.method == "POST":
                coupon = coupons.create(self.store, request.json())
                return self._created(request, coupon["id"], coupons.write(self.store, coupon))
            found = coupons.listed(self.store, request.params)
            shown = listing.cut(found, request.params)
            written = [coupons.write(self.store, coupon) for coupon in shown]
            return listing.list_answer(request, self.store.url, written, len(found))

    def coupon(self, request: Request, number: int) -> Response:
        """Give, change or delete a coupon."""
        with self.store.lock:
            coupon = coupons.find(self.store, number)
            if request.method in CHANGES:
                coupons.update(self.store, coupon, request.json())
            written = coupons.write(self.store, coupon)
            if request.method == "DELETE":
                coupons.remove(self.store, coupon, force=_forced(request))
            return answer(_fields(request, written))

    def webhooks(self, request: Request) -> Response:
        """List webhooks, or create one."""
        if request.method == "POST":
            written = self.hooks.create(request.json())
            return self._created(request, written["id"], written)
        with self.store.lock:
            found = self.hooks.listed(request.params)
            shown = [self.hooks.write(hook) for hook in listing.cut(found, request.params)]
            return listing.list_answer(request, self.store.url, shown, len(found))

    def webhook(self, request: Request, number: int) -> Response:
        """Give, change or delete a webhook."""
        if request.method in CHANGES:
            hook = self.hooks.find(number, status=400)
            return answer(self.hooks.update(hook, request.json()))
        with self.store.lock:
            hook = self.hooks.find(number)
            if request.method == "DELETE":
                return answer(self.hooks.remove(hook, force=_forced(request)))
            return answer(_fields(request, self.hooks.write(hook)))

    def products(self, request: Request) -> Response:
        """List products."""
        with self.store.lock:
            found = catalog.products(self.store, request.params)
            shown = listing.cut(found, request.params)
            return listing.list_answer(request, self.store.url, shown, len(found))

    def product(self, request: Request, number: int) -> Response:
        """Give a product."""
        with self.store.lock:
            return answer(_fields(request, catalog.product(self.store, number)))

    def customers(self, request: Request) -> Response:
        """List accounts."""
        with self.store.lock:
            found = catalog.customers(self.store, request.params)
            shown = listing.cut(found, request.params)
            return listing.list_answer(request, self.store.url, shown, len(found))

    def customer(self, request: Request, number: int) -> Response:
        """Give an account."""
        with self.store.lock:
            return answer(_fields(request, catalog.customer(self.store, number)))

    def system_status(self, request: Request) -> Response:
        """Describe the shop to its owner."""
        return answer(_fields(request, catalog.system_status(self.store)))

    def currency(self, request: Request) -> Response:
        """Describe the shop's currency."""
        del request
        return answer(catalog.currency(self.store))

    def place(self, request: Request) -> Response:
        """Tell where the shop is; the recorded answer names all countries there are."""
        del request
        return answer(catalog.place(self.store))

    def _created(self, request: Request, number: int, written: dict[str, Any]) -> Response:
        place = f"{self.store.url}{request.path.rstrip('/')}/{number}"
        return answer(written, 201, {"Location": place})


def _refund_of(order: Order, refund_id: int) -> Refund:
    for refund in order.refunds:
        if refund.id == refund_id:
            return refund
    raise invalid_id("order_refund")


def _forced(request: Request) -> bool:
    return request.params.get("force", "").lower() in {"1", "true"}


def _places(request: Request) -> int | None:
    return listing.integer(request.params, "dp", 2) if "dp" in request.params else None


def _fields(request: Request, item: dict[str, Any]) -> dict[str, Any]:
    wanted = request.params.get("_fields")
    # A single object keeps its links whatever was asked for.
    return listing.only(item, f"{wanted},_links" if wanted else None)


def _route(
    methods: str, path: str, handler: Callable[..., Response]
) -> tuple[frozenset[str], re.Pattern[str], Callable[..., Response]]:
    pattern = re.compile(path.replace("N", r"(\d+)"))
    return frozenset(methods.split()), pattern, handler


ROUTES: Final = (
    _route("GET POST", "orders", Api.orders),
    _route("GET PUT POST PATCH DELETE", "orders/N", Api.order),
    _route("GET", "orders/statuses", Api.statuses),
    _route("GET POST", "orders/N/notes", Api.notes),
    _route("GET DELETE", "orders/N/notes/N", Api.note),
    _route("GET POST", "orders/N/refunds", Api.refunds),
    _route("GET DELETE", "orders/N/refunds/N", Api.refund),
    _route("GET POST", "coupons", Api.coupons),
    _route("GET PUT POST PATCH DELETE", "coupons/N", Api.coupon),
    _route("GET POST", "webhooks", Api.webhooks),
    _route("GET PUT POST PATCH DELETE", "webhooks/N", Api.webhook),
    _route("GET", "products", Api.products),
    _route("GET", "products/N", Api.product),
    _route("GET", "customers", Api.customers),
    _route("GET", "customers/N", Api.customer),
    _route("GET", "system_status", Api.system_status),
    _route("GET", "data/currencies/current", Api.currency),
    _route("GET", "settings/general/woocommerce_default_country", Api.place),
)
