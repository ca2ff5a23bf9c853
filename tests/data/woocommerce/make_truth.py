"""Write the truth that the recorded deliveries must lead to.

Reads `webhooks.jsonl` beside this file and writes `truth.jsonl`,
`occurrences_truth.json` and `error_bodies.json`. It reads WooCommerce's JSON by
itself and imports nothing of the product, so that the product is not measured
against its own opinion. README.md in this folder states the definitions.
"""

import html
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent

# ISO 4217 currencies without two decimals that shops really use.
EXPONENTS = {
    **dict.fromkeys(("CLP", "ISK", "JPY", "KRW", "PYG", "UGX", "VND", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}

STATES = {
    "pending": "pending",
    "on-hold": "on_hold",
    "processing": "processing",
    "completed": "completed",
    "cancelled": "canceled",
    "refunded": "refunded",
    "failed": "failed",
    "trash": "deleted",
}

ADDRESS_PARTS = {
    "company": "company",
    "line1": "address_1",
    "line2": "address_2",
    "city": "city",
    "region": "state",
    "postal_code": "postcode",
    "country": "country",
    "phone": "phone",
}

# The occurrence that being seen in a state proves.
STATE_OCCURRENCES = {
    "on-hold": "order.on_hold",
    "completed": "order.completed",
    "cancelled": "order.canceled",
    "failed": "order.failed",
    "trash": "order.deleted",
}

OCCURRENCES_COMMENT = (
    "What must have happened to each order, given every whole state that webhooks.jsonl"
    " delivers: pairs of kind and discriminator. The discriminator of order.refunded is the"
    " refund's id; every other kind happens once and has an empty one. Cash on delivery counts"
    " as paid at processing, although its date_paid stays empty until the order is completed."
    " Orders of which no whole state was ever delivered (372, 374, 375, 377) are not listed."
)

ERROR_DUTY = (
    "Answer 200 and settle the delivery: no order, no occurrence, no retry. The body names no"
    " order, so there is nothing to fetch; the order was purged before the queue ran."
)


@dataclass
class History:
    """All that the deliveries tell about one order, in order of arrival."""

    states: list[dict[str, Any]] = field(default_factory=list)
    ever_deleted: bool = False
    deleted_last: bool = False

    def final(self) -> dict[str, Any]:
        """Find the newest state; among equal seconds the later arrival."""
        newest = self.states[0]
        for state in self.states[1:]:
            if state["date_modified_gmt"] >= newest["date_modified_gmt"]:
                newest = state
        return newest


def read_deliveries(path: Path) -> list[tuple[str | None, Any]]:
    """Read topic and decoded body of each delivery; a ping has no topic."""
    deliveries: list[tuple[str | None, Any]] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        headers = {name.lower(): value for name, value in record["headers"].items()}
        topic = headers.get("x-wc-webhook-topic")
        deliveries.append((topic, json.loads(record["body"]) if topic else None))
    return deliveries


def histories(deliveries: list[tuple[str | None, Any]]) -> dict[int, History]:
    """Collect the orders that were ever seen whole and ordered."""
    found: dict[int, History] = {}
    for topic, body in deliveries:
        if topic is None or not topic.startswith("order.") or "id" not in body:
            continue
        if topic == "order.deleted":
            history = found.setdefault(body["id"], History())
            history.ever_deleted = history.deleted_last = True
        elif body["status"] != "checkout-draft":
            history = found.setdefault(body["id"], History())
            history.states.append(body)
            history.deleted_last = body["status"] == "trash"
    return {ref: history for ref, history in sorted(found.items()) if history.states}


def minor(currency: str, *texts: str) -> int:
    """Add amounts and bring them into minor units, half up."""
    total = sum((Decimal(text or "0") for text in texts), Decimal(0))
    scaled = total.scaleb(EXPONENTS.get(currency, 2))
    return int(scaled.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def utc(gmt: str | None) -> str | None:
    """Mark a time of a `*_gmt` field, which has no zone, as UTC."""
    return f"{gmt}Z" if gmt else None


def full_name(block: dict[str, str]) -> str:
    """Join first and last name with single spaces."""
    return " ".join(f"{block['first_name']} {block['last_name']}".split())


def address(order: dict[str, Any]) -> dict[str, str] | None:
    """Read where the goods go: the shipping block, else the billing one."""
    for block in (order["shipping"], order["billing"]):
        if block["address_1"] or block["city"] or block["postcode"]:
            parts = {ours: block[theirs] for ours, theirs in ADDRESS_PARTS.items()}
            return {"name": full_name(block), **parts}
    return None


def tracking(order: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield carrier, number and address of each tracking entry, by plugin."""
    meta = {entry["key"]: entry["value"] for entry in order["meta_data"]}
    for item in meta.get("_wc_shipment_tracking_items", []):
        carrier = item.get("custom_tracking_provider") or item.get("tracking_provider") or ""
        yield carrier, item.get("tracking_number", ""), item.get("custom_tracking_link", "")
    yield meta.get("_tracking_provider", ""), meta.get("_tracking_number", ""), ""
    aftership = meta.get("_aftership_tracking_provider_name", "")
    yield aftership, meta.get("_aftership_tracking_number", ""), ""
    for item in meta.get("_aftership_tracking_items", []):
        yield item.get("slug", ""), item.get("tracking_number", ""), ""
    yield meta.get("ywot_carrier_name", ""), meta.get("ywot_tracking_code", ""), ""
    yield "", meta.get("_wcst_order_trackno", ""), ""
    for item in json.loads(meta.get("_parcelpanel_shipping_numbers", "[]")):
        yield item.get("courier_code", ""), item.get("tracking_number", ""), ""


def parcels(order: dict[str, Any]) -> list[dict[str, str | None]]:
    """List one parcel for each distinct tracking number."""
    found: dict[str, dict[str, str | None]] = {}
    for carrier, text, url in tracking(order):
        if number := text.strip():
            parcel = found.setdefault(number, {"carrier": "", "tracking_number": number})
            parcel["carrier"] = parcel["carrier"] or carrier
            parcel["tracking_url"] = parcel.get("tracking_url") or url or None
            parcel["state"] = "unknown"
    return list(found.values())


def payment_state(order: dict[str, Any], refunded: int, total: int) -> str:
    """Say what became of the money; the first rule that fits wins."""
    state = order["status"]
    if refunded >= total > 0 or state == "refunded":
        return "refunded"
    if 0 < refunded < total:
        return "partially_refunded"
    if order["date_paid_gmt"] or state in {"processing", "completed"}:
        return "paid"
    return {"failed": "failed", "cancelled": "voided"}.get(state, "pending")


def snapshot(order: dict[str, Any], *, deleted: bool) -> dict[str, Any]:
    """Write one order as `export orders` prints it, without the shop."""
    currency = order["currency"]
    total = minor(currency, order["total"])
    refunds = [
        {
            "ref": str(refund["id"]),
            "amount_minor": abs(minor(currency, refund["total"])),
            "reason": refund["reason"] or None,
            "at": None,
        }
        for refund in order["refunds"]
    ]
    refunded = sum(refund["amount_minor"] for refund in refunds)
    billing = order["billing"]
    return {
        "ref": str(order["id"]),
        "number": order["number"],
        "state": "deleted" if deleted else STATES.get(order["status"], "unknown"),
        "platform_state": order["status"],
        "payment_state": payment_state(order, refunded, total),
        "fulfillment_state": "fulfilled" if order["status"] == "completed" else "unfulfilled",
        "currency": currency,
        "total_minor": total,
        "refunded_minor": refunded,
        "tax_minor": minor(currency, order["total_tax"]),
        "shipping_minor": minor(currency, order["shipping_total"], order["shipping_tax"]),
        "discount_minor": minor(currency, order["discount_total"], order["discount_tax"]),
        "placed_at": utc(order["date_created_gmt"]),
        "modified_at": utc(order["date_modified_gmt"]),
        "paid_at": utc(order["date_paid_gmt"]),
        "completed_at": utc(order["date_completed_gmt"]),
        "buyer": {
            "name": full_name(billing) or full_name(order["shipping"]),
            "email": billing["email"].strip().lower() or None,
            "phone": billing["phone"].strip() or None,
            "locale": None,
        },
        "shipping_address": address(order),
        "lines": [
            {
                "ref": str(line["id"]),
                "sku": line["sku"] or None,
                "name": html.unescape(line["name"]),
                "quantity": line["quantity"],
                "total_minor": minor(currency, line["total"], line["total_tax"]),
                "product_ref": str(line["product_id"]) if line["product_id"] else None,
                "variant_ref": str(line["variation_id"]) if line["variation_id"] else None,
            }
            for line in order["line_items"]
        ],
        "discount_codes": [coupon["code"] for coupon in order["coupon_lines"]],
        "parcels": parcels(order),
        "refunds": refunds,
        "note": order["customer_note"] or None,
        "test": False,
    }


def occurrences(history: History) -> list[list[str]]:
    """List kind and discriminator of all that happened to an order."""
    happened = {("order.created", "")}
    if history.ever_deleted:
        happened.add(("order.deleted", ""))
    for state in history.states:
        if state["date_paid_gmt"] or state["status"] in {"processing", "completed"}:
            happened.add(("order.paid", ""))
        if state["status"] in STATE_OCCURRENCES:
            happened.add((STATE_OCCURRENCES[state["status"]], ""))
        happened.update(("order.refunded", str(refund["id"])) for refund in state["refunds"])
    return [list(pair) for pair in sorted(happened)]


def error_bodies(deliveries: list[tuple[str | None, Any]]) -> list[dict[str, Any]]:
    """List the order deliveries that carry an error instead of an order."""
    found = []
    for index, (topic, body) in enumerate(deliveries):
        if topic is None or not topic.startswith("order.") or "id" in body:
            continue
        # The body names no order. The status hook of the same order stands behind it in
        # the same queue run: its argument is the order that was gone.
        order = next(
            later["arg"]
            for following, later in deliveries[index:]
            if following == "action.woocommerce_order_status_changed"
        )
        code, status = body["code"], body["data"]["status"]
        known = {"index": index, "topic": topic, "code": code, "status": status}
        found.append({**known, "order": str(order), "duty": ERROR_DUTY})
    return found


def build(deliveries: list[tuple[str | None, Any]]) -> dict[str, str]:
    """Make the text of each file of the truth.

    Returns: file name to its whole text, ASCII only, so that letters which turn the
        direction of writing cannot hide anything.
    """
    found = histories(deliveries)
    truth = [snapshot(known.final(), deleted=known.deleted_last) for known in found.values()]
    happened = {str(ref): occurrences(known) for ref, known in found.items()}
    lines = ",\n".join(f'"{ref}": {json.dumps(pairs)}' for ref, pairs in happened.items())
    return {
        "truth.jsonl": "".join(json.dumps(line) + "\n" for line in truth),
        "occurrences_truth.json": (
            f'{{"comment": {json.dumps(OCCURRENCES_COMMENT)},\n"orders": {{\n{lines}\n}}}}\n'
        ),
        "error_bodies.json": json.dumps(error_bodies(deliveries), indent=2) + "\n",
    }


def main() -> None:
    """Write the files beside this one."""
    for name, text in build(read_deliveries(HERE / "webhooks.jsonl")).items():
        (HERE / name).write_text(text, encoding="utf-8")
        print(name, len(text.splitlines()), "lines")


if __name__ == "__main__":
    main()
