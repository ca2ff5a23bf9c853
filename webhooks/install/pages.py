"""The addresses of connecting a shop: for its plugin, for its server, for its owner."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Final

from flask import Blueprint, Response, jsonify, render_template, request
from flask.typing import ResponseReturnValue

from connector.ports import ShopCheck
from connector.storage.access import Door
from webhooks.admin.access import write_down
from webhooks.install.binding import Connected, InstallRefused
from webhooks.install.first_look import first_look
from webhooks.install.woocommerce import INSTALL, begin_with_code, finish, take_keys
from webhooks.install.wording import catalog, language_of, text
from webhooks.wiring import Application

# Keys and requests of the plugin are small; much more is an attack.
MAX_BYTES: Final = 64 * 1024
_AGAIN: Final = frozenset({"waiting", "unreachable"})


def install_pages(app: Application) -> Blueprint:
    """Make the pages over an open store."""
    pages = Blueprint("install", __name__, template_folder="templates")

    @pages.get("/connect/<code>")
    def what_to_do(code: str) -> ResponseReturnValue:
        """Tell a person who opens the address where it goes."""
        language = _language()
        words = catalog(language)["page"]
        return page(
            language,
            words["code_title"],
            [words["code_text"]],
            address=f"{app.settings.base_url}/connect/{code}",
        )

    @pages.post("/connect/")
    @pages.post("/connect/<code>")
    def start(code: str = "") -> ResponseReturnValue:
        """Begin for a plugin: give the address at which the owner grants keys."""
        given = request.get_json(silent=True) if small_body() else None
        given = given if isinstance(given, dict) else {}
        try:
            begun = begin_with_code(app, code, given)
        except InstallRefused as err:
            return _told(err, language_of(str(given.get("locale") or "")))
        return jsonify(status="ok", authorize=begun.authorize_url)

    @pages.post(f"{INSTALL}/keys/<token>")
    def keys(token: str) -> ResponseReturnValue:
        """Take the keys from the shop's server, which wants exactly 200."""
        try:
            take_keys(app, token, small_body())
        except InstallRefused as err:
            return _told(err, "en")
        return jsonify(status="ok")

    @pages.get(f"{INSTALL}/return/<state>")
    def back(state: str) -> ResponseReturnValue:
        """Take the person back from the shop's page; store the shop when keys came."""
        language = _language()
        words = catalog(language)["page"]
        try:
            done = finish(app, state, granted=request.args.get("success") == "1")
        except InstallRefused as err:
            sentences = [text(language, "refused", err.reason), err.detail]
            again = request.full_path if err.reason in _AGAIN else ""
            heading = words["not_connected"]
            return page(language, heading, sentences, failed=True, back=err.back, again=again), 409
        with app.storage.transaction() as tx:
            door = Door.WORDPRESS if done.back else Door.STANDALONE
            write_down(tx, "shop.connected", actor=done.started_by, door=door, shop_id=done.shop.id)
        name = done.shop.name
        heading = words["again" if done.again else "connected"].format(name=name)
        return page(
            language,
            heading,
            [words["plugin_yes" if done.plugin else "plugin_no"]],
            facts=[(words["address"], done.shop.address), (words["started_by"], done.started_by)],
            problems=[*done.problems, *_plugin_problem(done, words)],
            checks=first_look(app, done.shop),
            back=done.back,
        )

    return pages


def page(
    language: str,
    heading: str,
    sentences: Sequence[str],
    *,
    failed: bool = False,
    facts: Sequence[tuple[str, str]] = (),
    problems: Sequence[str] = (),
    checks: Sequence[ShopCheck] = (),
    back: str = "",
    again: str = "",
    address: str = "",
    go: tuple[str, str] = ("", ""),
    frame: str = "'none'",
) -> Response:
    """Write a page.

    Args: go: a way on, and what stands on its button. frame: who may show it in a frame,
        as a policy's source.
    """
    nonce = secrets.token_urlsafe(16)
    body = render_template(
        "install_page.html",
        language=language,
        words=catalog(language),
        nonce=nonce,
        heading=heading,
        sentences=[sentence for sentence in sentences if sentence],
        failed=failed,
        facts=facts,
        problems=problems,
        checks=[shown(check, language) for check in checks],
        back=back,
        again=again,
        address=address,
        go=go[0],
        go_label=go[1],
    )
    answer = Response(body, mimetype="text/html")
    answer.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; base-uri 'none'; form-action 'none'; "
        f"frame-ancestors {frame}"
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


def shown(check: ShopCheck, language: str) -> Mapping[str, str]:
    """Put a check into words."""
    mend = text(language, "check", check.name, check.state)
    found = check.found
    if check.name == "answers":
        found, mend = "", check.found
    return {
        "title": text(language, "check", check.name, "title") or check.name,
        "state": check.state,
        "found": found,
        "mend": mend,
    }


def _plugin_problem(done: Connected, words: Mapping[str, str]) -> list[str]:
    return [f"{words['plugin_failed']} ({done.plugin_error})"] if done.plugin_error else []


def _told(err: InstallRefused, language: str) -> tuple[Response, int]:
    sentence = " ".join(
        part for part in (text(language, "refused", err.reason), err.detail) if part
    )
    return jsonify(status="rejected", reason=err.reason, detail=sentence), 403


def _language() -> str:
    wanted: Any = request.args.get("lang") or request.headers.get("Accept-Language", "")
    return language_of(wanted)


def small_body() -> bytes:
    """Give the body of a request; nothing when it is larger than any of ours."""
    return request.get_data() if (request.content_length or 0) <= MAX_BYTES else b""
