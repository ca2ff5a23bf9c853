"""What a shop's WordPress plugin asks for, server to server, each request signed."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue

from connector.flows.privacy import Subject, erase_buyer, export_buyer
from connector.model.order import OrderRef
from connector.storage.access import Door
from connector.storage.records import ShopRecord
from webhooks.admin.access import write_down
from webhooks.install.binding import disconnect_plugin
from webhooks.install.first_look import first_look
from webhooks.install.handover import HandoverRefused, open_call
from webhooks.install.order_box import order_box
from webhooks.install.pages import shown, small_body
from webhooks.install.wording import language_of, text
from webhooks.wiring import Application

CALLS: Final = "/wordpress/v1"
TOKEN: Final = "X-Postventa-Token"  # noqa: S105 - the name of a header
# Items of an export in one answer: WordPress asks page by page.
_PAGE: Final = 100
_MAX_REF: Final = 64
_MAX_EMAIL: Final = 254

Given = Mapping[str, Any]
Answer = dict[str, Any]


def plugin_calls(app: Application) -> Blueprint:
    """Make the addresses over an open store."""
    pages = Blueprint("plugin", __name__)
    calls: dict[str, Callable[[Application, ShopRecord, Given], Answer]] = {
        "timeline": _timeline,
        "health": _health,
        "disconnect": _disconnect,
        "privacy-export": _export,
        "privacy-erase": _erase,
    }

    @pages.post(f"{CALLS}/<what>")
    def call(what: str) -> ResponseReturnValue:
        """Answer the plugin: timeline, health, privacy-export, privacy-erase, disconnect."""
        body = small_body()
        run = calls.get(what)
        try:
            shop = open_call(
                app, request.headers.get(TOKEN, ""), f"{app.base_url()}{CALLS}/{what}", body
            )
        except HandoverRefused as err:
            language = language_of(request.headers.get("Accept-Language", ""))
            detail = text(language, "handover", err.reason)
            return jsonify(status="rejected", reason=str(err.reason), detail=detail), 401
        given = request.get_json(silent=True)
        if run is None or not isinstance(given, dict):
            return jsonify(status="rejected", detail="no such call"), 404
        answer: Response = jsonify(run(app, shop, given))
        answer.headers["Cache-Control"] = "no-store"
        return answer

    return pages


def _language(given: Given) -> str:
    return language_of(str(given.get("locale") or ""))


def _timeline(app: Application, shop: ShopRecord, given: Given) -> Answer:
    ref = OrderRef(str(given.get("order") or "")[:_MAX_REF])
    with app.storage.reading() as tx:
        return {"entries": order_box(tx, shop, ref, _language(given))}


def _health(app: Application, shop: ShopRecord, given: Given) -> Answer:
    language = _language(given)
    return {"checks": [shown(check, language) for check in first_look(app, shop)]}


def _disconnect(app: Application, shop: ShopRecord, given: Given) -> Answer:
    del given
    disconnect_plugin(app, shop)
    with app.storage.transaction() as tx:
        write_down(
            tx, "plugin.disconnected", actor="WordPress", door=Door.WORDPRESS, shop_id=shop.id
        )
    app.engine.log("plugin.disconnected", shop_id=shop.id)
    return {"status": "ok"}


def _export(app: Application, shop: ShopRecord, given: Given) -> Answer:
    subject = _subject(given)
    if not subject:
        return {"items": [], "more": False}
    page = max(int(given.get("page") or 1), 1) if str(given.get("page") or 1).isdecimal() else 1
    items = list(_items(export_buyer(app.engine, shop, subject), _language(given)))
    start = (page - 1) * _PAGE
    app.engine.log("privacy.exported", shop_id=shop.id, items=len(items), page=page)
    return {"items": items[start : start + _PAGE], "more": len(items) > start + _PAGE}


def _erase(app: Application, shop: ShopRecord, given: Given) -> Answer:
    subject = _subject(given)
    removed = erase_buyer(app.engine, shop, subject) if subject else {}
    count = sum(removed.values())
    messages = [text(_language(given), "privacy", "erased")] if count else []
    # What stays has no name in it: numbers, amounts and days.
    return {"removed": count > 0, "retained": False, "messages": messages}


def _subject(given: Given) -> Subject:
    email = str(given.get("email") or "").strip()
    return Subject(email=email) if "@" in email and len(email) <= _MAX_EMAIL else Subject()


def _items(found: Mapping[str, Any], language: str) -> "list[Answer]":
    """Take an export apart into what WordPress lists: groups of names with values."""
    items: list[Answer] = []
    for order in found["orders"]:
        for group, rows in order.items():
            if group == "ref" or rows is None:
                continue
            for row in rows if isinstance(rows, list) else [rows]:
                pairs = [("order", str(order["ref"])), *_pairs(row)]
                items.append(_item(group, pairs, language))
    items += [_item("deliveries", list(_pairs(row)), language) for row in found["other_deliveries"]]
    return items


def _item(group: str, pairs: "list[tuple[str, str]]", language: str) -> Answer:
    label = text(language, "privacy", "group", group) or group
    return {"group": group, "label": label, "values": pairs}


def _pairs(value: Any, path: str = "") -> "list[tuple[str, str]]":
    if isinstance(value, Mapping):
        return [
            pair
            for name, item in value.items()
            for pair in _pairs(item, f"{path}.{name}" if path else str(name))
        ]
    if isinstance(value, list | tuple):
        return [
            pair for number, item in enumerate(value) for pair in _pairs(item, f"{path}.{number}")
        ]
    return [] if value is None or value == "" else [(path or "value", str(value))]
