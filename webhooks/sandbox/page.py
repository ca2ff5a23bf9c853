"""Draw what the merchant of a pretend shop sees, from its state."""

from __future__ import annotations

import json
from html import escape
from typing import Any, Final, TypeAlias

JsonObject: TypeAlias = dict[str, Any]

STYLE: Final = """
:root{color-scheme:light dark;--bg:#f6f6f4;--card:#fff;--ink:#1d1f22;--soft:#62666d;
--line:#dfe0e3;--accent:#5b3fa0;--mark:#ece6fa}
@media(prefers-color-scheme:dark){:root{--bg:#17181b;--card:#202226;--ink:#ececee;
--soft:#a2a6ae;--line:#34373d;--accent:#b9a2f5;--mark:#332a4d}}
*{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--ink);
font:16px/1.5 system-ui,sans-serif}
main{max-width:60rem;margin:0 auto;padding:1.5rem 1rem 4rem}
a{color:var(--accent)}h1{font-size:1.5rem;margin:.2rem 0 1rem}h2{font-size:1.1rem;margin:0 0 .6rem}
.top{color:var(--soft);margin:0}.card>p{margin:.2rem 0}
.card{background:var(--card);border:1px solid var(--line);
border-radius:.6rem;padding:1rem 1.2rem;margin:0 0 1rem;overflow-x:auto}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.45rem .8rem .45rem 0;
border-bottom:1px solid var(--line);vertical-align:top}tr:last-child td{border-bottom:0}
th{color:var(--soft);font-weight:600;font-size:.85rem}.num{text-align:right;padding-right:0;
white-space:nowrap}
.pill{display:inline-block;border-radius:1rem;padding:.05rem .6rem;background:var(--mark);
font-size:.85rem;margin:0 .3rem .2rem 0}.soft{color:var(--soft)}
ol.notes{list-style:none;margin:0;padding:0}ol.notes li{border-left:3px solid var(--line);
padding:.1rem 0 .1rem .8rem;margin:0 0 .8rem;white-space:pre-wrap;overflow-wrap:anywhere}
ol.notes li.buyer{border-color:var(--accent)}ol.notes small{display:block;color:var(--soft)}
code{overflow-wrap:anywhere}
"""
ITEM_HEADS: Final = ["Item", "SKU", "Quantity", "Total"]


def orders_page(title: str, state: JsonObject) -> str:
    """Draw the list of orders, with coupons and webhooks below."""
    rows = "".join(_order_row(order) for order in reversed(state["orders"]))
    orders = _table(["Order", "Buyer", "Status", "Notes", "Total"], rows, "No orders")
    coupons = _table(
        ["Code", "Worth", "For", "Ends", "Uses"],
        "".join(_coupon_row(coupon) for coupon in state["coupons"]),
        "No coupons",
    )
    hooks = _table(
        ["Topic", "Goes to", "Status"],
        "".join(
            _row(hook.get("topic"), hook.get("delivery_url"), hook.get("status"))
            for hook in state["webhooks"]
        ),
        "No webhooks",
    )
    mails = _table(
        ["To", "Subject"],
        "".join(_row(mail.get("to"), mail.get("subject")) for mail in state.get("mails", [])),
        "No messages",
    )
    return _frame(
        title,
        f"<h1>Orders</h1>{_card(orders)}"
        f"<section class=card><h2>Coupons</h2>{coupons}</section>"
        f"<section class=card><h2>Mail sent by the shop</h2>{mails}</section>"
        f"<section class=card><h2>Webhooks</h2>{hooks}</section>",
    )


def order_page(title: str, state: JsonObject, order_ref: str) -> str | None:
    """Draw one order; None if the shop has no such order."""
    order = next((item for item in state["orders"] if str(item["id"]) == order_ref), None)
    if order is None:
        return None
    lines = "".join(
        "<tr>"
        f"<td>{_text(line.get('name'))}</td><td>{_text(line.get('sku'))}</td>"
        f"<td>{_text(line.get('quantity'))}</td>"
        f"<td class=num>{_text(line.get('total'))}</td></tr>"
        for line in order.get("lines", [])
    )
    parts = [
        f"<h1>Order {_text(order.get('number'))} {_pill(order.get('status'))}</h1>",
        _card(
            f"<p>{_text(order.get('buyer'))} <span class=soft>"
            f"{_text(order.get('email'))}</span></p>"
            f"<p>Total <strong>{_text(order.get('total'))} "
            f"{_text(order.get('currency'))}</strong></p>"
            f"<p>{''.join(_pill(tag) for tag in order.get('tags', []))}</p>"
        ),
        _card("<h2>Items</h2>" + _table(ITEM_HEADS, lines, "No items")),
        _card("<h2>Notes</h2>" + _notes(order.get("notes", []))),
        _pairs("Extra fields", order.get("meta", {})),
        _refunds(order.get("refunds", [])),
        _coupons_of(order, state["coupons"]),
    ]
    return _frame(title, '<p class=top><a href="/">All orders</a></p>' + "".join(parts))


def missing_page(title: str) -> str:
    """Draw the page for an order that the shop does not have."""
    return _frame(title, '<h1>No such order</h1><p><a href="/">All orders</a></p>')


def _frame(title: str, inner: str) -> str:
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<link rel="icon" href="data:,"><title>{_text(title)}</title>'
        f"<style>{STYLE}</style></head><body><main>"
        f"<p class=top>{_text(title)}</p>{inner}</main></body></html>"
    )


def _text(value: object) -> str:
    return "" if value is None else escape(str(value))


def _moment(value: object) -> str:
    """Write a moment for people: a space before the clock, UTC in letters."""
    text = "" if value is None else str(value)
    return text.replace("T", " ").replace("Z", " UTC")


def _pill(value: object) -> str:
    return f"<span class=pill>{_text(value)}</span>"


def _card(inner: str) -> str:
    return f"<section class=card>{inner}</section>"


def _row(*cells: object) -> str:
    return "<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in cells) + "</tr>"


def _table(heads: list[str], rows: str, empty: str) -> str:
    if not rows:
        return f"<p class=soft>{empty}</p>"
    head = "".join(
        f"<th scope=col{' class=num' if name == 'Total' else ''}>{name}</th>" for name in heads
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _order_row(order: JsonObject) -> str:
    tags = "".join(_pill(tag) for tag in order.get("tags", []))
    return (
        f'<tr><td><a href="/orders/{_text(order["id"])}">{_text(order.get("number"))}</a></td>'
        f"<td>{_text(order.get('buyer'))}<br><span class=soft>"
        f"{_text(order.get('email'))}</span></td>"
        f"<td>{_pill(order.get('status'))}{tags}</td>"
        f"<td>{len(order.get('notes', []))}</td>"
        f"<td class=num>{_text(order.get('total'))} {_text(order.get('currency'))}</td></tr>"
    )


def _coupon_row(coupon: JsonObject) -> str:
    people = coupon.get("email_restrictions") or coupon.get("customers") or ["everyone"]
    return _row(
        coupon.get("code"),
        f"{coupon.get('amount')} ({coupon.get('type')})",
        ", ".join(str(person) for person in people),
        _moment(coupon.get("date_expires")) or "never",
        coupon.get("usage_limit") or "no limit",
    )


def _notes(notes: list[JsonObject]) -> str:
    if not notes:
        return "<p class=soft>No notes</p>"
    items = "".join(
        f'<li class="{"buyer" if note.get("to_customer") else "private"}">'
        f"<small>{'To the buyer' if note.get('to_customer') else 'Private'}, "
        f"{_text(note.get('author'))} {_text(_moment(note.get('at')))}</small>"
        f"{_text(note.get('text'))}</li>"
        for note in notes
    )
    return f"<ol class=notes>{items}</ol>"


def _pairs(heading: str, pairs: JsonObject) -> str:
    if not pairs:
        return ""
    shown = {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in pairs.items()
    }
    rows = "".join(_row(name, value) for name, value in shown.items())
    return _card(f"<h2>{heading}</h2>{_table(['Name', 'Value'], rows, '')}")


def _refunds(refunds: list[JsonObject]) -> str:
    if not refunds:
        return ""
    rows = "".join(_row(item.get("amount"), item.get("reason")) for item in refunds)
    return _card(f"<h2>Refunds</h2>{_table(['Amount', 'Reason'], rows, '')}")


def _coupons_of(order: JsonObject, coupons: list[JsonObject]) -> str:
    email = str(order.get("email") or "").lower()
    mine = [
        coupon
        for coupon in coupons
        if email
        and email
        in {
            str(person).lower()
            for person in [
                *(coupon.get("email_restrictions") or []),
                *(coupon.get("customers") or []),
            ]
        }
    ]
    if not mine:
        return ""
    rows = "".join(_coupon_row(coupon) for coupon in mine)
    heads = ["Code", "Worth", "For", "Ends", "Uses"]
    return _card(f"<h2>Coupons for this buyer</h2>{_table(heads, rows, '')}")
