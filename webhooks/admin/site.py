"""The admin pages put together: guard, headers, language, errors."""

import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from flask import Blueprint, Flask, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from connector.admin.sessions import csrf_token
from connector.messages.formats import money_text
from connector.storage.access import Door, Role
from connector.storage.records import ShopRecord
from webhooks.admin import access
from webhooks.admin.access import Scope, Visitor, application, needs_of
from webhooks.admin.forms import BEFORE_FIELD, carries_our_word, comes_from_us
from webhooks.admin.guard import WHO, refusal
from webhooks.admin.language import LANGUAGES, known_language, words_of
from webhooks.wiring import Application

PREFIX: Final = "/admin"
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_TOLD: Final = frozenset({400, 401, 403, 404, 405, 413, 429, 500})


def admin_pages(web: Flask, app: Application) -> None:
    """Add the admin pages to the web application."""
    from webhooks.admin.pages import PAGES

    access.remember_application(web, app)
    admin = Blueprint("admin", __name__, url_prefix=PREFIX, template_folder="templates")
    admin.before_request(_guard)
    admin.after_request(_harden)
    admin.context_processor(_at_hand)
    for page in PAGES:
        admin.register_blueprint(page)
    web.register_blueprint(admin)
    web.jinja_env.trim_blocks = web.jinja_env.lstrip_blocks = True


def is_admin_page(path: str) -> bool:
    """Tell whether an address is one of the admin pages."""
    return path == PREFIX or path.startswith(f"{PREFIX}/")


def error_page(code: int) -> ResponseReturnValue:
    """Tell of an error in the visitor's language."""
    if "visitor" not in g:
        _set_up()
    told = code if code in _TOLD else (400 if code < 500 else 500)  # noqa: PLR2004 - faults of ours
    page = render_template("admin/error.html", code=told, **_at_hand())
    return _harden(Response(page, code, mimetype="text/html"))


def _set_up() -> None:
    """Find out who this is and which language they read."""
    app = application()
    g.shop = None
    g.visitor = access.find_visitor(app)
    g.language = _language(g.visitor)


def _guard() -> ResponseReturnValue | None:
    """Let a request through to its page, or answer it."""
    app = application()
    _set_up()
    known: Visitor | None = g.visitor
    view = _view()
    wanted = needs_of(view)
    if request.method not in _SAFE and wanted is not None and not wanted.foreign:
        session = known.session if known else request.cookies.get(_before_cookie(app), "")
        if not comes_from_us(request, app) or not carries_our_word(request, session):
            return error_page(403)
    refused = refusal(wanted, known, app)
    if refused == WHO:
        return _to_the_door()
    return error_page(refused) if refused else None


def _view() -> Callable[..., Any]:
    from flask import current_app

    view: Callable[..., Any] = current_app.view_functions[request.endpoint or ""]
    return view


def _to_the_door() -> ResponseReturnValue:
    in_frame = request.headers.get("Sec-Fetch-Dest") in {"iframe", "frame"}
    if in_frame or request.headers.get(access.SESSION_HEADER) is not None:
        # Nothing on this page can be clicked, so any frame may show it.
        g.frame_ancestors = ("*",)
        return error_page(401)
    wanted = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("admin.entrance.login", next=wanted), 303)


def _language(known: Visitor | None) -> str:
    asked = known_language(request.args.get("lang"))
    if asked:
        return asked
    if known is not None and known_language(known.locale):
        return known_language(known.locale)
    best = request.accept_languages.best_match([*LANGUAGES, *(f"{one}-*" for one in LANGUAGES)])
    preferred = [known_language(tag) for tag in request.accept_languages.values()]
    return known_language(best) or next((one for one in preferred if one), LANGUAGES[0])


def _before_cookie(app: Application) -> str:
    return f"{access.cookie_name(app)}-{BEFORE_FIELD}"


def frame_ancestors(known: Visitor | None, shop: ShopRecord | None) -> Sequence[str]:
    """Tell who may show a page in a frame: the backend that its visitor came from."""
    if known is None or not known.framed or shop is None:
        return ("'none'",)
    if known.door is Door.SHOPIFY:
        return (f"https://{shop.address}", "https://admin.shopify.com")
    parts = urlsplit(shop.address)
    return (f"{parts.scheme}://{parts.netloc}",)


def _nonce() -> str:
    if "nonce" not in g:
        g.nonce = secrets.token_urlsafe(16)
    nonce: str = g.nonce
    return nonce


def _harden(response: Response) -> Response:
    """Close what the pages do not need."""
    nonce = f"'nonce-{_nonce()}'"
    frames = g.get("frame_ancestors") or frame_ancestors(g.get("visitor"), g.get("shop"))
    policy = (
        f"default-src 'none'; script-src {nonce}; style-src {nonce}; img-src 'self'; "
        f"connect-src 'self'; form-action 'self'; base-uri 'none'; "
        f"frame-ancestors {' '.join(frames)}"
    )
    response.headers["Content-Security-Policy"] = g.get("content_policy") or policy
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    response.headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=()"
    if frames == ("'none'",):
        response.headers["X-Frame-Options"] = "DENY"
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def _at_hand() -> dict[str, Any]:
    """Give every template what it needs."""
    known: Visitor | None = g.get("visitor")
    words = words_of(g.language)
    said = request.args.get("said", "")
    return {
        "t": words,
        "languages": LANGUAGES,
        "visitor": known,
        "shop": g.get("shop"),
        "shops": _shops,
        "csrf": csrf_token(known.session) if known else g.get("before_word", ""),
        "nonce": _nonce(),
        "said": f"said.{said}" if words.has(f"said.{said}") else "",
        "local": _local,
        "iso": _iso,
        "money": lambda minor, currency: money_text(minor, currency, words.code),
        "Role": Role,
        "may": _may,
    }


def _shops() -> list[ShopRecord]:
    known: Visitor | None = g.get("visitor")
    if known is None:
        return []
    if "shops" not in g:
        with application().storage.reading() as tx:
            g.shops = access.shops_of(known, tx)
    found: list[ShopRecord] = g.shops
    return found


def _may(role: str) -> bool:
    """Tell a template whether a button makes sense here; the guard decides."""
    known: Visitor | None = g.get("visitor")
    shop: ShopRecord | None = g.get("shop")
    return known is not None and shop is not None and known.may(Role(role), shop.id)


def zone(of: ShopRecord | None = None) -> ZoneInfo:
    """Give the zone of a shop: of the page's when none is named."""
    shop: ShopRecord | None = of or g.get("shop")
    try:
        return ZoneInfo((shop.timezone if shop else "") or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def _local(at: datetime, form: str = "", of: ShopRecord | None = None) -> str:
    """Write a time as people of the shop read it."""
    there = at.astimezone(zone(of))
    if form:
        return there.strftime(form)
    return there.strftime("%d/%m/%Y %H:%M" if g.language == "es" else "%Y-%m-%d %H:%M")


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def page_error(err: Exception) -> ResponseReturnValue:
    """Tell of an error on an admin page; a fault of ours is logged by the caller."""
    return error_page((err.code or 500) if isinstance(err, HTTPException) else 500)


__all__ = ["Scope", "admin_pages", "error_page", "is_admin_page", "page_error", "zone"]
