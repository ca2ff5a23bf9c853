"""Every page declares who may see it, and no form is taken that is not ours."""

import re
from typing import Final

import pytest

from connector.admin.sessions import csrf_token
from connector.model.order import ShopId
from connector.storage.access import Door, Role
from tests.running import Running
from tests.web.admin.console import Console
from tests.web.admin.routes import admin_routes, parts_of
from tests.web.admin.world import Filled, add_user
from webhooks.admin.access import Needs, Scope
from webhooks.admin.forms import local_path
from webhooks.app import create_app


def test_every_page_says_what_it_needs(running: Running) -> None:
    """Each address of the admin pages declares who may see it; those for a shop name it."""
    routes = admin_routes(running)
    assert len(routes) > 25
    assert [(r.method, r.rule.rule) for r in routes if r.needs is None] == []
    for route in routes:
        assert route.needs is not None
        named = "shop_id" in route.rule.arguments
        assert named == (route.needs.scope is Scope.SHOP), route.rule


def test_what_changes_something_needs_more_than_a_look(running: Running) -> None:
    """No form about a shop is open to viewers, and none that changes anything is a GET."""
    for route in admin_routes(running):
        assert route.needs is not None
        if route.method == "POST" and route.needs.scope is Scope.SHOP:
            assert route.needs.role is not Role.VIEWER, route.rule
    public = {
        route.rule.rule
        for route in admin_routes(running)
        if route.needs and route.needs.scope is Scope.PUBLIC and not route.is_door
    }
    assert public == {"/admin/login", "/admin/totp", "/admin/static/<path:name>"}


def test_an_unguarded_page_is_not_shown(running: Running, owner: Console) -> None:
    """A page that declares nothing answers as if it were not there."""
    web = create_app(running.app, running.server.receiver)
    web.view_functions["admin.home.start"] = lambda: "open to all"
    word = owner.http.cookies["postventa"]
    client = web.test_client()
    client.set_cookie("postventa", word)
    answer = client.get("/admin/")
    assert answer.status_code == 404
    assert b"open to all" not in answer.data


def test_who_is_not_signed_in_sees_nothing(running: Running, ours: Filled) -> None:
    """Every page but those at the door sends a stranger to the door, with the way back."""
    stranger = Console(running)
    for route in admin_routes(running):
        assert route.needs is not None
        for path in route.paths(parts_of(ours)):
            if route.needs.scope is Scope.PUBLIC:
                continue
            stranger.get("/admin/login")
            answer = stranger.get(path) if route.method == "GET" else stranger.post(path)
            assert answer.status_code == 303, path
            assert answer.headers["Location"].startswith("/admin/login"), path
            text = answer.text.replace(ours.ref, "").replace(f"{ours.canary}-rule", "")
            assert ours.canary not in text, path


def test_a_viewer_changes_nothing(running: Running, ours: Filled, viewer: Console) -> None:
    """Every form about a shop, and every page for owners of all, is refused to a viewer."""
    for route in admin_routes(running):
        assert route.needs is not None
        if route.needs.scope is Scope.EVERYWHERE or (
            route.needs.scope is Scope.SHOP and route.needs.role is not Role.VIEWER
        ):
            for path in route.paths(parts_of(ours)):
                viewer.get("/admin/account")
                answer = viewer.get(path) if route.method == "GET" else viewer.post(path)
                assert answer.status_code == 403, path


_FOREIGN: Final[list[tuple[bool, dict[str, str]]]] = [
    (True, {}),
    (True, {"Origin": "https://evil.example"}),
    (True, {"Origin": "null"}),
    (True, {"Origin": ""}),
    (True, {"Sec-Fetch-Site": "cross-site"}),
    (True, {"Sec-Fetch-Site": "same-site"}),
    (True, {"Sec-Fetch-Site": "none"}),
    (True, {"Origin": "OURS", "Sec-Fetch-Site": "cross-site"}),
    (True, {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"}),
    (False, {"Origin": "OURS", "Sec-Fetch-Site": "same-origin"}),
]


def test_forms_of_other_sites_are_refused(running: Running, ours: Filled, owner: Console) -> None:
    """No form is taken without the session's word, or from another place than our pages."""
    owner.get("/admin/account")
    for route in admin_routes(running):
        if route.method != "POST" or route.is_door:
            continue
        for path in route.paths(parts_of(ours)):
            for field, headers in _FOREIGN:
                told = {name: value.replace("OURS", running.url) for name, value in headers.items()}
                fields = {"csrf": owner.word} if field else {}
                answer = owner.send(path, fields, told)
                assert answer.status_code == 403, (path, field, headers)
    assert owner.get("/admin/account").status_code == 200


def test_the_word_of_another_session_is_refused(running: Running, owner: Console) -> None:
    """The word in a form belongs to one session: that of another, or a made up one, is none."""
    add_user(running, "eva")
    eva = Console(running, "eva")
    eva.get("/admin/account")
    for word in (eva.word, csrf_token("guess"), "", owner.word[:-1], owner.word + "0"):
        owner.get("/admin/account")
        answer = owner.send("/admin/logout", {"csrf": word}, {"Origin": running.url})
        assert answer.status_code == 403


def test_forms_with_the_word_are_taken(running: Running, owner: Console) -> None:
    """The same form with the word and from our own page is taken."""
    owner.get("/admin/account")
    headers = {"Origin": running.url, "Sec-Fetch-Site": "same-origin"}
    assert owner.send("/admin/logout", {"csrf": owner.word}, headers).status_code == 303


def test_headers_of_every_page(running: Running, ours: Filled, owner: Console) -> None:
    """Each answer forbids frames, scripts of others, and keeping a copy."""
    nonces = set()
    for route in admin_routes(running):
        if route.method != "GET" or route.is_door:
            continue
        for path in [*route.paths(parts_of(ours)), "/admin/none/such"]:
            answer = owner.get(path)
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy, path
            assert "frame-ancestors 'none'" in policy, path
            assert "unsafe" not in policy, path
            nonces.add(re.findall(r"'nonce-([\w-]{20,})'", policy)[0])
            assert answer.headers["X-Frame-Options"] == "DENY"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Referrer-Policy"] == "same-origin"
            kept = answer.headers["Cache-Control"]
            assert kept == ("public, max-age=3600" if "/static/" in path else "no-store"), path
            if "html" not in answer.headers["Content-Type"]:
                continue
            assert " style=" not in answer.text, path
            assert not re.search(r"<script(?![^>]*nonce=)|\son\w+=\"|javascript:", answer.text), (
                path
            )
    assert len(nonces) > 15


def test_a_look_changes_nothing(running: Running, ours: Filled, owner: Console) -> None:
    """Opening every page leaves effects, deliveries and sessions as they were."""

    def state() -> list[object]:
        with running.storage.reading() as tx:
            return [
                tx.effect(ours.planned),
                tx.effect(ours.dead),
                tx.delivery(ours.dead_delivery),
                tx.users(),
                [one.digest for one in tx.sessions_of("u-ana")],
            ]

    before = state()
    for route in admin_routes(running):
        for path in route.paths(parts_of(ours)):
            if route.method == "GET":
                owner.get(path)
            else:
                # A form that is opened as a link.
                assert owner.get(path).status_code < 500, path
    assert state() == before


@pytest.mark.parametrize(
    "bad",
    [
        "https://evil.example/admin/",
        "//evil.example/admin/",
        "/\\evil.example",
        "/admin/\\..\\evil",
        "/admin//evil.example",
        "\\\\evil.example",
        "/admin/\r\nLocation: https://evil.example",
        "javascript:alert(1)",
        "admin/",
        "/hooks/x",
        "http:/admin/",
        "@evil.example/admin/",
        "/admin/%0d%0aSet-Cookie:x=1\n",
        " /admin/",
        "/admin/\u2028x\x7f",
        "https:evil.example",
        "///admin/",
        "/administrator",
    ],
)
def test_only_own_pages_are_gone_on_to(bad: str) -> None:
    """A place to go on to that is not one of our pages is replaced by the first page."""
    assert local_path(bad, "/admin/") == "/admin/"
    assert local_path("/admin/shops?q=1&x=%23", "/admin/") == "/admin/shops?q=1&x=%23"


def test_signing_in_leads_to_own_pages_only(running: Running) -> None:
    """After signing in one goes on to a page of ours, whatever the address asked for."""
    add_user(running, "ana")
    console = Console(running)
    answer = console.login("ana", next="https://evil.example/admin/")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/admin/")
    again = console.get("/admin/login?next=//evil.example/admin/")
    assert again.headers["Location"] == "/admin/"


def test_a_fault_of_ours_shows_nothing(
    running: Running, owner: Console, capfd: pytest.CaptureFixture[str]
) -> None:
    """A fault gives a page in the reader's language, and neither page nor log holds its data."""
    web = create_app(running.app, running.server.receiver)

    def broken() -> str:
        raise ZeroDivisionError("secret-of-a-buyer")

    broken.needs = Needs(Scope.SIGNED_IN)  # type: ignore[attr-defined]  # what decorators set
    web.view_functions["admin.home.start"] = broken
    client = web.test_client()
    client.set_cookie("postventa", owner.http.cookies["postventa"])
    for language, told in (("es", "Algo ha ido mal"), ("en", "Something went wrong")):
        answer = client.get(f"/admin/?lang={language}")
        assert answer.status_code == 500
        assert told in answer.text
        assert "secret-of-a-buyer" not in answer.text
        assert answer.headers["Cache-Control"] == "no-store"
    assert "secret-of-a-buyer" not in "".join(capfd.readouterr())


def framed(running: Running, shop: Filled, role: Role = Role.EDITOR) -> str:
    """Begin a session as a shop's backend would; give its name."""
    from connector.admin.sessions import open_session

    with running.storage.transaction() as tx:
        return open_session(
            tx,
            door=Door.WORDPRESS,
            actor="wp:pepa",
            now=running.app.clock.now(),
            roles={ShopId(shop.id): role},
            locale="es_ES",
        )


def test_a_session_in_a_frame_needs_no_cookie(running: Running, ours: Filled) -> None:
    """Inside a shop's backend the session travels in a header or a field, never in a cookie."""
    name = framed(running, ours)
    console = Console(running)
    path = f"/admin/shops/{ours.id}/effects"
    page = console.get(path, headers={"X-Postventa-Session": name})
    assert page.status_code == 200
    assert "Set-Cookie" not in page.headers
    assert '<html lang="es">' in page.text
    policy = page.headers["Content-Security-Policy"]
    assert f"frame-ancestors https://{ours.canary.lower()}.example.com" in policy
    assert "X-Frame-Options" not in page.headers
    assert page.text.count(f'name="session" value="{name}"') == page.text.count('name="csrf"')
    # The form works without scripts: name and word stand in it.
    fields = {"csrf": console.word, "session": name, "act": "cancel", "key": ours.planned}
    done = console.send(path, fields, {"Origin": running.url})
    assert done.headers["Location"].endswith("said=canceled")
    with running.storage.reading() as tx:
        assert tx.audit(limit=1)[0].actor == "wp:pepa"


def test_sessions_of_one_door_open_no_other(running: Running, ours: Filled, owner: Console) -> None:
    """A session of a frame is none as a cookie, and that of a cookie none in a header."""
    path = f"/admin/shops/{ours.id}/"
    name = framed(running, ours)
    stranger = Console(running)
    stranger.http.cookies["postventa"] = name
    assert stranger.get(path).status_code == 303
    cookie = owner.http.cookies["postventa"]
    other = Console(running)
    refused = other.get(path, headers={"X-Postventa-Session": cookie})
    assert refused.status_code == 401
    assert "<form" not in refused.text


def test_a_frame_without_session_says_what_to_do(running: Running, ours: Filled) -> None:
    """A frame whose session is over shows where to open it again, and nothing to click."""
    answer = Console(running).get(f"/admin/shops/{ours.id}/", headers={"Sec-Fetch-Dest": "iframe"})
    assert answer.status_code == 401
    assert "Open this page again" in answer.text
    assert "<form" not in answer.text
    assert "<button" not in answer.text
