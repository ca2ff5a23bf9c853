"""Write an order, a refund or a note as WooCommerce's JSON."""

from __future__ import annotations

import json
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any, Final, TypeVar

from webhooks.sandbox.woocommerce.store import SYMBOLS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from webhooks.sandbox.woocommerce.store import Line, Note, Order, Refund, Store

Dated = TypeVar("Dated", "Refund", "Note")
ALL_METHODS: Final = ["GET", "POST", "PUT", "PATCH", "DELETE"]
# country -> rate id, code, label, percent; elsewhere no tax is charged
RATES: Final = {
    "": (9, "ES-IVA 21-1", "IVA 21", 21),
    "ES": (9, "ES-IVA 21-1", "IVA 21", 21),
    "FR": (11, "FR-TVA 20-1", "TVA 20", 20),
    "DE": (12, "DE-MWST 19-1", "MwSt 19", 19),
    "IT": (13, "IT-IVA 22-1", "IVA 22", 22),
    "PT": (14, "PT-IVA 23-1", "IVA 23", 23),
}
MICRO: Final = Decimal("0.000001")


def links(store: Store, path: str, methods: list[str] | None = None) -> dict[str, Any]:
    """Give the self and collection links of an object."""
    base = f"{store.url}/wp-json/wc/v3/"
    hints = {"allow": methods or ALL_METHODS}
    return {
        "self": [{"href": base + path, "targetHints": hints}],
        "collection": [{"href": base + path.rpartition("/")[0]}],
    }


class OrderWriter:
    """Write one order; amounts are split into net and tax here."""

    def __init__(self, store: Store, order: Order, decimals: int | None = None) -> None:
        self.store = store
        self.order = order
        self.decimals = decimals
        self.rate = RATES.get(order.billing["country"])

    def net(self, gross: Decimal) -> Decimal:
        """Take the tax out of an amount, kept to six decimals."""
        if self.rate is None:
            return gross
        factor = 1 + Decimal(self.rate[3]) / 100
        return (gross / factor).quantize(MICRO, ROUND_HALF_UP)

    def tax(self, gross: Decimal) -> Decimal:
        """Give the tax inside an amount."""
        return gross - self.net(gross)

    def text(self, amount: Decimal) -> str:
        """Write an amount."""
        return self.store.text(amount, self.decimals)

    def taxes(self, total: Decimal, subtotal: Decimal | None) -> list[dict[str, Any]]:
        """List the taxes of a line; shipping has an empty subtotal."""
        if self.rate is None:
            return []
        below = "" if subtotal is None else self.text(subtotal)
        return [{"id": self.rate[0], "total": self.text(total), "subtotal": below}]

    def line(self, line: Line) -> dict[str, Any]:
        """Write a line of goods."""
        paid = line.gross - line.off
        unit = self.net(paid) / line.quantity if line.quantity else Decimal(0)
        gone = line.product_id == 0
        return {
            "id": line.id,
            "name": line.name,
            "product_id": line.product_id,
            "variation_id": line.variation_id,
            "quantity": line.quantity,
            "tax_class": "",
            "subtotal": self.text(self.net(line.gross)),
            "subtotal_tax": self.text(self.tax(line.gross)),
            "total": self.text(self.net(paid)),
            "total_tax": self.text(self.tax(paid)),
            "taxes": self.taxes(self.tax(paid), self.tax(line.gross)),
            "meta_data": [shown_meta(entry) for entry in line.meta],
            "sku": None if gone else line.sku,
            "global_unique_id": None if gone else "",
            "price": number(unit),
            "image": {"id": 0 if gone else "", "src": ""},
            "parent_name": None,
        }

    def shipping_line(self, line: Line) -> dict[str, Any]:
        """Write a line of shipping."""
        return {
            "id": line.id,
            "method_title": line.name,
            "method_id": line.method_id,
            "instance_id": "",
            "total": self.text(self.net(line.gross)),
            "total_tax": self.text(self.tax(line.gross)),
            "taxes": self.taxes(self.tax(line.gross), None),
            "tax_status": "taxable",
            "meta_data": [shown_meta(entry) for entry in line.meta],
        }

    def fee_line(self, line: Line) -> dict[str, Any]:
        """Write a fee."""
        return {
            "id": line.id,
            "name": line.name,
            "tax_class": "",
            "tax_status": "taxable",
            "amount": self.text(self.net(line.gross)),
            "total": self.text(self.net(line.gross)),
            "total_tax": self.text(self.tax(line.gross)),
            "taxes": self.taxes(self.tax(line.gross), None),
            "meta_data": [shown_meta(entry) for entry in line.meta],
        }

    def tax_lines(self, cart_tax: Decimal, shipping_tax: Decimal) -> list[dict[str, Any]]:
        """Write the line of the order's tax."""
        if self.rate is None or not self.order.lines:  # nothing to tax
            return []
        rate_id, code, label, percent = self.rate
        return [
            {
                "id": self.order.id * 10 + 9,
                "rate_code": code,
                "rate_id": rate_id,
                "label": label,
                "compound": False,
                "tax_total": self.text(cart_tax),
                "shipping_tax_total": self.text(shipping_tax),
                "rate_percent": percent,
                "meta_data": [],
            }
        ]

    def coupon_line(self, used: dict[str, Any]) -> dict[str, Any]:
        """Write a coupon used on the order."""
        kind = None if used["discount_type"] == "fixed_cart" else used["discount_type"]
        amount = number(used["nominal_amount"])
        info = shown_meta(
            {
                "id": used["meta_id"],
                "key": "coupon_info",
                "value": _compact([used["coupon_id"], used["code"], kind, amount]),
            }
        )
        return {
            "id": used["id"],
            "code": used["code"],
            "discount": self.text(self.net(used["off"])),
            "discount_tax": self.text(self.tax(used["off"])),
            "meta_data": [info],
            "discount_type": used["discount_type"],
            "nominal_amount": amount,
            "free_shipping": False,
        }

    def write(self) -> dict[str, Any]:
        """Write the whole order, every key in the recorded sequence."""
        order, store, text = self.order, self.store, self.text
        off = sum((line.off for line in order.lines), Decimal(0))
        shipping = sum((line.gross for line in order.shipping_lines), Decimal(0))
        cart_tax = self.tax(order.total - shipping)
        pay = f"{store.url}/checkout/order-pay/{order.id}/?pay_for_order=true&key={order.key}"
        base = links(store, f"orders/{order.id}")
        base["email_templates"] = [
            {"embeddable": True, "href": base["self"][0]["href"] + "/actions/email_templates"}
        ]
        if order.customer_id:
            person = f"{store.url}/wp-json/wc/v3/customers/{order.customer_id}"
            base["customer"] = [{"href": person}]
        return {
            "id": order.id,
            "parent_id": 0,
            "status": order.status,
            "currency": order.currency,
            "version": "10.2.4",
            "prices_include_tax": True,
            "date_created": store.local(order.created_at),
            "date_modified": store.local(order.modified_at),
            "discount_total": text(self.net(off)),
            "discount_tax": text(self.tax(off)),
            "shipping_total": text(self.net(shipping)),
            "shipping_tax": text(self.tax(shipping)),
            "cart_tax": text(cart_tax),
            "total": text(order.total),
            "total_tax": text(cart_tax + self.tax(shipping)),
            "customer_id": order.customer_id,
            "order_key": order.key,
            "billing": dict(order.billing),
            "shipping": dict(order.shipping),
            "payment_method": order.payment_method,
            "payment_method_title": order.payment_method_title,
            "transaction_id": order.transaction_id,
            "customer_ip_address": "",
            "customer_user_agent": "",
            "created_via": order.created_via,
            "customer_note": order.customer_note,
            "date_completed": store.local(order.completed_at),
            "date_paid": store.local(order.paid_at),
            "cart_hash": "",
            "number": str(order.id),
            "meta_data": [dict(entry) for entry in order.meta],
            "line_items": [self.line(line) for line in order.lines],
            "tax_lines": self.tax_lines(cart_tax, self.tax(shipping)),
            "shipping_lines": [self.shipping_line(line) for line in order.shipping_lines],
            "fee_lines": [self.fee_line(line) for line in order.fee_lines],
            "coupon_lines": [self.coupon_line(used) for used in order.coupons],
            "refunds": [
                {"id": refund.id, "reason": refund.reason, "total": "-" + text(refund.amount)}
                for refund in newest_first(order.refunds)
            ],
            "payment_url": pay,
            "is_editable": order.status in {"pending", "on-hold", "auto-draft"},
            "needs_payment": order.status in {"pending", "failed"} and order.total > 0,
            "needs_processing": any(line.product_id for line in order.lines),
            "date_created_gmt": store.gmt(order.created_at),
            "date_modified_gmt": store.gmt(order.modified_at),
            "date_completed_gmt": store.gmt(order.completed_at),
            "date_paid_gmt": store.gmt(order.paid_at),
            "currency_symbol": SYMBOLS.get(order.currency, order.currency),
            "_links": base,
        }


def refund_json(store: Store, order: Order, refund: Refund) -> dict[str, Any]:
    """Write one refund with its details."""
    path = f"orders/{order.id}/refunds/{refund.id}"
    own_links = links(store, path, ["GET", "DELETE"])
    own_links["up"] = [{"href": f"{store.url}/wp-json/wc/v3/orders/{order.id}"}]
    return {
        "id": refund.id,
        "date_created": store.local(refund.at),
        "date_created_gmt": store.gmt(refund.at),
        "amount": store.text(refund.amount),
        "reason": refund.reason,
        "refunded_by": 1,
        "refunded_payment": refund.paid_back,
        "meta_data": refund.meta,
        "line_items": refund.lines,
        "shipping_lines": refund.shipping_lines,
        "tax_lines": refund.tax_lines,
        "fee_lines": [],
        "_links": own_links,
    }


def note_json(store: Store, order: Order, note: Note) -> dict[str, Any]:
    """Write one note."""
    own_links = links(store, f"orders/{order.id}/notes/{note.id}", ["GET", "DELETE"])
    own_links["up"] = [{"href": f"{store.url}/wp-json/wc/v3/orders/{order.id}"}]
    return {
        "id": note.id,
        "author": note.author,
        "date_created": store.local(note.at),
        "date_created_gmt": store.gmt(note.at),
        "note": note.text,
        "customer_note": note.to_customer,
        "_links": own_links,
    }


def newest_first(items: Sequence[Dated]) -> list[Dated]:
    """Sort by second, newest first; within a second the older id leads.

    Source: recorded in order_notes and refunds, WooCommerce 10.2.4.
    """
    return sorted(sorted(items, key=lambda item: item.id), key=lambda item: item.at, reverse=True)


def shown_meta(entry: dict[str, Any]) -> dict[str, Any]:
    """Write a meta entry of a line, which carries its text for people."""
    return {**entry, "display_key": entry["key"], "display_value": entry["value"]}


def number(amount: Decimal) -> int | float:
    """Write an amount as a JSON number."""
    return int(amount) if amount == amount.to_integral_value() else float(amount)


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
