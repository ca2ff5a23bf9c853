"""The admin pages in a real browser: every page, both languages, light and dark, two widths.

Pictures of all of them are kept; the run says where.
"""

import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from connector.admin.sessions import open_session
from connector.storage.access import Door, Role
from tests.running import Running
from tests.support import FrozenClock
from tests.web.admin.console import Console
from tests.web.admin.world import HOSTILE, PASSWORD, Filled, add_user, an_order, fill_shop

ROOT = Path(__file__).parents[3]
PICTURES = ROOT / ".screenshots" / "admin"
AXE = ROOT / ".npm-data" / "axe.min.js"
WIDTHS = (390, 1280)
LANGUAGES = {"es": "es-ES", "en": "en-GB"}


@dataclass(frozen=True, slots=True)
class Scene:
    """A server with things to look at, and a browser."""

    running: Running
    shop: Filled
    browser: Browser
    cookie: str
    clock: FrozenClock


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Fill two shops, sign in, start the browser."""
    clock = FrozenClock()
    with (
        Running(tmp_path_factory.mktemp("browser"), clock=clock) as running,
        sync_playwright() as playwright,
    ):
        shop = fill_shop(running, "Ours")
        fill_shop(running, "Theirs", platform="shopify")
        with running.storage.transaction() as tx:
            for number in range(12):
                order = an_order("Núria", f"o{number}", f"#{number + 1}", clock.now())
                tx.put_order(shop.id, order, buyer_id=None, seen_at=clock.now())
        add_user(running, "ana")
        add_user(running, "vera@a-rather-long-name.example.com", {shop.id: Role.VIEWER})
        console = Console(running, "ana")
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("POSTVENTA_TEST_CHROMIUM") or "/usr/bin/chromium",
            # The backends of shops that frames stand in are made up, and our server is near.
            args=["--no-sandbox", "--disable-features=LocalNetworkAccessChecks"],
        )
        try:
            yield Scene(running, shop, browser, console.http.cookies["postventa"], clock)
        finally:
            browser.close()
        print(f"\nPictures of the admin pages: {PICTURES}")  # noqa: T201 - for who runs the tests


def places(shop: Filled) -> dict[str, str]:
    """Name every page with its address."""
    base = f"/admin/shops/{shop.id}"
    return {
        "login": "/admin/login",
        "home": "/admin/",
        "shop": f"{base}/",
        "orders": f"{base}/orders",
        "orders-none": f"{base}/orders?q=nobody",
        "order": f"{base}/orders/{shop.ref}",
        "delivery": f"{base}/deliveries/{shop.delivery}",
        "scheduled": f"{base}/effects",
        "failed": f"{base}/failed",
        "settings": f"{base}/settings",
        "shops": "/admin/shops",
        "users": "/admin/users",
        "account": "/admin/account",
        "audit": "/admin/audit",
        "missing": "/admin/no/such/page",
    }


def watch(page: Page) -> list[str]:
    """Collect what a browser complains about, and requests to other places."""
    said: list[str] = []
    page.on("console", lambda line: said.append(line.text) if line.type != "log" else None)
    page.on("pageerror", lambda err: said.append(str(err)))
    page.on("dialog", lambda dialog: said.append(f"dialog {dialog.message}"))
    page.on("requestfailed", lambda request: said.append(f"failed {request.url}"))
    return said


def open_page(scene: Scene, look: str, language: str, width: int, *, inside: bool = True) -> Page:
    """Open a tab with one look."""
    context = scene.browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if look == "dark" else "light",
        locale=LANGUAGES[language],
        reduced_motion="reduce",
    )
    context.set_default_timeout(60_000)
    if inside:
        context.add_cookies(
            [{"name": "postventa", "value": scene.cookie, "url": scene.running.url}]
        )
    return context.new_page()


def serious(page: Page) -> list[dict[str, Any]]:
    """Ask axe-core for what is serious or critical on a page."""
    # By the browser's own side door: the pages' policy lets no script of others in.
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        {"id": one["id"], "where": [node["target"] for node in one["nodes"]][:5]}
        for one in found["violations"]
        if one["impact"] in {"serious", "critical"}
    ]


@pytest.mark.parametrize(
    ("language", "look", "width"),
    list(itertools.product(LANGUAGES, ("light", "dark"), WIDTHS)),
)
def test_every_page(scene: Scene, language: str, look: str, width: int) -> None:
    """Each page is free of serious faults, complaints and sideways scrolling; texts stay texts."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    wrong: dict[str, Any] = {}
    inside = open_page(scene, look, language, width)
    outside = open_page(scene, look, language, width, inside=False)
    heard = {inside: watch(inside), outside: watch(outside)}
    for name, path in places(scene.shop).items():
        page = outside if name == "login" else inside
        said = heard[page]
        said.clear()
        page.goto(f"{scene.running.url}{path}{'&' if '?' in path else '?'}lang={language}")
        if name == "order":
            page.evaluate("document.querySelectorAll('main details').forEach(d => d.open = true)")
        page.screenshot(path=PICTURES / f"{name}-{language}-{look}-{width}.png", full_page=True)
        # Structure is the same in all; colors and widths are judged in both kinds.
        if (look, width) in {("light", WIDTHS[0]), ("dark", WIDTHS[1])} and language == "es":
            said += [f"axe: {one}" for one in serious(page)]
        sideways = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if sideways > 0:
            said.append(f"{sideways} px wider than the window")
        if page.title() == "fired":
            said.append("a script of a buyer ran")
        if page.evaluate("document.documentElement.lang") != language:
            said.append("another language")
        # The browser itself tells of every answer that is no success.
        if name == "missing":
            said[:] = [one for one in said if "404" not in one]
        if said:
            wrong[name] = list(said)
    for page in (inside, outside):
        page.context.close()
    assert wrong == {}


def test_keyboard_alone(scene: Scene) -> None:
    """The first key leads past the menu, and one signs in and acts without a mouse."""
    page = open_page(scene, "light", "en", 1280, inside=False)
    said = watch(page)
    page.goto(f"{scene.running.url}/admin/shops/{scene.shop.id}/effects")
    assert page.evaluate("document.activeElement.id") == "name"
    page.keyboard.type("ana")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector("h1:text-is('Scheduled')")
    assert HOSTILE not in page.title()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.fill("input[type=datetime-local]", "2026-11-30T10:30")
    page.focus("button[value=move]")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=It has a new time.")
    # Half past ten in Madrid.
    with scene.running.storage.reading() as tx:
        effect = tx.effect(scene.shop.planned)
    assert effect is not None
    assert effect.due_at.isoformat() == "2026-11-30T09:30:00+00:00"
    page.context.close()
    assert said == []


def test_the_language_is_remembered(scene: Scene) -> None:
    """The switch in the menu changes the language of all pages that follow."""
    page = open_page(scene, "light", "es", 390)
    page.goto(f"{scene.running.url}/admin/users")
    assert page.inner_text("h1") == "Usuarios"
    page.click("header .menu.right summary")
    page.click("button[name=language]")
    page.wait_for_selector("h1:text-is('Users')")
    page.goto(f"{scene.running.url}/admin/audit")
    assert page.inner_text("h1") == "Activity log"
    page.context.close()


def framed_page(scene: Scene, origin: str) -> Page:
    """Open a backend that shows our pages in a frame, signed in without a cookie."""
    with scene.running.storage.transaction() as tx:
        name = open_session(
            tx,
            door=Door.WORDPRESS,
            actor="pepa (WordPress)",
            now=scene.clock.now(),
            roles={scene.shop.id: Role.EDITOR},
            locale="es-ES",
        )
    page = open_page(scene, "light", "en", 1280, inside=False)
    first = f"{scene.running.url}/admin/shops/{scene.shop.id}/"
    backend = f'<!doctype html><title>wp-admin</title><iframe src="{first}" width=1200 height=800>'
    page.route(f"{origin}/**", lambda route: route.fulfill(body=backend, content_type="text/html"))
    # The hand-over itself is tried elsewhere: here only the first page is told who comes.
    headers = {"X-Postventa-Session": name}
    page.route(
        first,
        lambda route: route.continue_(headers={**route.request.headers, **headers}),
        times=1,
    )
    page.goto(f"{origin}/wp-admin/")
    return page


def test_in_a_frame_without_cookies(scene: Scene) -> None:
    """Inside a shop's backend links and forms go on working, and no cookie is ever set."""
    page = framed_page(scene, "https://canaryours.example.com")
    said = watch(page)
    frame = page.frame_locator("iframe")
    frame.locator("nav a", has_text="Pedidos").click()
    frame.locator("h1", has_text="Pedidos").wait_for()
    frame.locator("input[name=q]").fill("#7")
    frame.locator("main button", has_text="Buscar").click()
    frame.locator("tbody tr", has_text="#7").first.wait_for()
    assert frame.locator("tbody tr").count() == 1
    frame.locator("nav a", has_text="Programado").click()
    frame.locator("button", has_text="Hacer ahora").click()
    frame.locator(".flash", has_text="Se hará en cuanto").wait_for()
    assert frame.locator("button", has_text="Salir").count() == 0
    assert page.context.cookies() == []
    page.screenshot(path=PICTURES / "framed-es-light-1280.png")
    page.context.close()
    assert said == []


def test_no_other_page_shows_ours_in_a_frame(scene: Scene) -> None:
    """The browser refuses to show the frame anywhere but in that shop's backend."""
    page = framed_page(scene, "https://evil.example.com")
    page.wait_for_timeout(1_000)
    assert page.frames[1].url.startswith("chrome-error://")
    page.context.close()
