"""The addresses that Shopify and its shops' owners open: install, come back, come in."""

import secrets
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, urlencode

from flask import Blueprint, current_app, g, redirect, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Response

from adapters.shops.shopify.auth import admin_url
from adapters.shops.shopify.session_token import IdToken
from connector.errors import AuthRejected
from connector.storage.access import Door, Role
from connector.storage.install import AppRecord
from connector.storage.records import ShopRecord, ShopState
from webhooks.admin.access import (
    SESSION_HEADER,
    application,
    is_secure,
    let_in,
    public,
    public_for_others,
    write_down,
)
from webhooks.install import shopify
from webhooks.install.binding import InstallRefused
from webhooks.install.pages import page
from webhooks.install.shopify_connect import PLATFORM
from webhooks.install.wording import catalog, language_of, text

ADMIN: Final = "https://admin.shopify.com"
RETRY: Final = "X-Shopify-Retry-Invalid-Session-Request"
_USED: Final = "shopify sign-in"
_COOKIE_LIFE_S: Final = 1800
_BROWSER_BYTES: Final = 32
# App Bridge is the one script of somebody else, and stands on a page without any data.
_BRIDGE: Final = (
    "default-src 'none'; script-src https://cdn.shopify.com; connect-src 'self' "
    "https://cdn.shopify.com https://admin.shopify.com; base-uri 'none'; form-action 'none'; "
    "frame-ancestors {frames}"
)

pages = Blueprint("shopify", __name__, template_folder="templates")


@pages.get("/shopify/<client_id>")
@public_for_others
def open_app(client_id: str) -> ResponseReturnValue:
    """Let somebody in whom Shopify has signed in; install the app where it is new."""
    app = application()
    try:
        record = shopify.find_app(app, client_id)
        sign_in = request.args.get("id_token", "")
        if sign_in:
            return _enter(record, sign_in)
        told = shopify.signed_query(app, record, _pairs())
        if told.get("embedded") == "1":
            return _to_bounce(record, told)
        return _outside(record, told["shop"])
    except AuthRejected:
        return _refused("id_token", 401)
    except InstallRefused as err:
        return _refused(err.reason, 404 if err.reason == "app" else 403, err.detail)


@pages.get("/shopify/<client_id>/bounce")
@public_for_others
def bounce(client_id: str) -> ResponseReturnValue:
    """Give a page with nothing but App Bridge, which comes back with a fresh sign-in."""
    app = application()
    wanted = request.args.get("shopify-reload", "")
    own = shopify.app_url(app.base_url(), client_id)
    if wanted != own and not wanted.startswith(f"{own}?"):
        # It would be opened with a sign-in in its address.
        return _refused("query", 400)
    with app.storage.reading() as tx:
        shop = tx.shop_by_address(PLATFORM, request.args.get("shop", ""))
    g.frame_ancestors = shopify.frame_of(shop.address) if shop is not None else (ADMIN,)
    g.content_policy = _BRIDGE.format(frames=" ".join(g.frame_ancestors))
    language = _language()
    return Response(
        render_template(
            "shopify_bounce.html",
            language=language,
            client_id=client_id,
            loading=text(language, "shopify", "loading"),
        ),
        mimetype="text/html",
    )


@pages.get("/shopify/<client_id>/start/<token>")
@public
def start(client_id: str, token: str) -> ResponseReturnValue:
    """Show what will be installed where, and the way on to Shopify."""
    app = application()
    try:
        record = shopify.find_app(app, client_id)
        begun = shopify.start(app, client_id, token)
    except InstallRefused as err:
        return _refused(err.reason, 404)
    return _way_on(record, begun["shop"], begun)


@pages.get("/shopify/<client_id>/callback")
@public
def callback(client_id: str) -> ResponseReturnValue:
    """Take the owner back from Shopify and connect the shop."""
    app = application()
    try:
        record = shopify.find_app(app, client_id)
        browser = request.cookies.get(_cookie_name(), "")
        done = shopify.come_back(app, record, _pairs(), browser)
    except InstallRefused as err:
        return _refused(err.reason, 404 if err.reason == "app" else 403, err.detail)
    with app.storage.transaction() as tx:
        write_down(
            tx,
            "shop.connected",
            actor="Shopify",
            door=Door.SHOPIFY,
            shop_id=done.shop.id,
            again=done.again,
        )
    words = _words()
    heading = words["again" if done.again else "connected"].format(name=done.shop.name)
    return _own(
        page(
            _language(),
            heading,
            [words["welcome"]],
            problems=done.problems,
            facts=[("Shopify", done.shop.address)],
            go=(done.admin, words["open"]),
        )
    )


def _enter(record: AppRecord, sign_in: str) -> ResponseReturnValue:
    app = application()
    person, _done = shopify.come_in(app, record, sign_in)
    with app.storage.transaction() as tx:
        fresh = tx.put_ticket(_USED, person.jti, now=app.clock.now(), expires_at=person.expires_at)
        shop = tx.shop_by_address(PLATFORM, person.shop)
    if shop is None or shop.state is ShopState.REMOVED:
        raise InstallRefused("no_key")
    if not fresh:
        # Somebody loads the frame again: App Bridge brings another sign-in.
        return _to_bounce(record, {"shop": person.shop, "host": request.args.get("host", "")})
    known = let_in(
        app,
        Door.SHOPIFY,
        actor=f"{person.user} (Shopify)",
        shop_id=shop.id,
        role=Role.OWNER,
        locale=request.args.get("locale", "")[:20],
    )
    return _first_page(shop, person, known.session)


def _first_page(shop: ShopRecord, person: IdToken, session: str) -> Response:
    """Show the shop's page in this very answer: a redirect would lose the session."""
    builder = EnvironBuilder(
        f"/admin/shops/{shop.id}/",
        method="GET",
        base_url=request.host_url,
        headers=[
            (SESSION_HEADER, session),
            ("User-Agent", request.headers.get("User-Agent", "")),
            ("Accept-Language", request.headers.get("Accept-Language", "")),
        ],
        environ_overrides={"REMOTE_ADDR": request.remote_addr or ""},
    )
    answer = Response.from_app(current_app, builder.get_environ(), buffered=True)
    # Its own headers hold; ours would be those of a page for nobody.
    g.content_policy = answer.headers.get("Content-Security-Policy")
    g.frame_ancestors = shopify.frame_of(person.shop)
    return answer


def _to_bounce(record: AppRecord, told: Mapping[str, str]) -> ResponseReturnValue:
    kept = {"shop": told.get("shop", ""), "host": told.get("host", ""), "embedded": "1"}
    own = shopify.app_url(application().base_url(), record.client_id)
    query = urlencode({**kept, "shopify-reload": f"{own}?{urlencode(kept)}"})
    g.frame_ancestors = shopify.frame_of(kept["shop"])
    return redirect(f"/admin/shopify/{quote(record.client_id, safe='')}/bounce?{query}", 302)


def _outside(record: AppRecord, shop: str) -> ResponseReturnValue:
    """Answer an opening outside of the admin: install, or show the way into it."""
    app = application()
    with app.storage.reading() as tx:
        known = tx.shop_by_address(PLATFORM, shop)
    if known is not None and known.state is ShopState.CONNECTED:
        return redirect(admin_url(shop, record.client_id), 302)
    browser, url = _begin(record, shop, {})
    return _with_cookie(redirect(url, 302), browser)


def _way_on(record: AppRecord, shop: str, begun: Mapping[str, str]) -> ResponseReturnValue:
    browser, url = _begin(record, shop, begun)
    words = _words()
    answer = page(
        _language(),
        words["start"].format(shop=shop),
        [words["start_text"]],
        facts=[("Shopify", shop)],
        go=(url, words["go"]),
    )
    return _with_cookie(_own(answer), browser)


def _begin(record: AppRecord, shop: str, begun: Mapping[str, str]) -> tuple[str, str]:
    browser = secrets.token_urlsafe(_BROWSER_BYTES)
    return browser, shopify.ask_url(application(), record, shop, browser, begun)


def _with_cookie(answer: Response, browser: str) -> Response:
    app = application()
    answer.set_cookie(
        _cookie_name(),
        browser,
        max_age=_COOKIE_LIFE_S,
        secure=is_secure(app),
        httponly=True,
        # The way back is a link on Shopify's page.
        samesite="Lax",
        path="/",
    )
    return answer


def _cookie_name() -> str:
    return "__Host-postventa-install" if is_secure(application()) else "postventa-install"


def _refused(reason: str, status: int, detail: str = "") -> ResponseReturnValue:
    words = _words()
    # Nothing on this page can be clicked, so the admin may show it.
    g.frame_ancestors = (ADMIN,)
    answer = _own(
        page(
            _language(),
            words["refused_title"],
            [words.get(reason, ""), detail],
            failed=True,
            frame=ADMIN,
        )
    )
    answer.status_code = status
    if status == 401:  # noqa: PLR2004 - App Bridge asks once more, with a new sign-in
        answer.headers[RETRY] = "1"
    return answer


def _own(answer: Response) -> Response:
    g.content_policy = answer.headers["Content-Security-Policy"]
    return answer


def _pairs() -> list[tuple[str, str]]:
    return list(request.args.items(multi=True))


def _words() -> dict[str, str]:
    words: dict[str, str] = catalog(_language())["shopify"]
    return words


def _language() -> str:
    wanted = request.args.get("locale") or request.args.get("lang")
    return language_of(wanted or request.headers.get("Accept-Language", ""))
