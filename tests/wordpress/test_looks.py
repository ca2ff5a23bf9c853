"""The pages of connecting, as people see them: both languages, light and dark, two widths."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.running import Running
from tests.web.admin.world import PASSWORD, add_user
from tests.wordpress.browser import chromium, keep
from tests.wordpress.granting import asked, bring_keys
from webhooks.install.woocommerce import begin, make_code
from webhooks.sandbox.woocommerce.shop import WooShop

AXE = Path(__file__).parents[2] / ".npm-data" / "axe.min.js"
WIDTHS = (390, 1280)
# In the page's own world, which no policy keeps it from.
JUDGE = (
    ";axe.run().then(r => JSON.stringify(r.violations"
    ".filter(v => ['serious', 'critical'].includes(v.impact)).map(v => [v.id, v.nodes[0].html])))"
)
WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Give a browser."""
    with chromium() as started:
        yield started


def look(page: Page, name: str) -> None:
    """Keep pictures; nothing scrolls sideways, and axe-core finds nothing serious."""
    tool = page.context.new_cdp_session(page)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        keep(page, f"{name}-{width}")
        assert not page.evaluate(WIDE), (name, width)
    judged = tool.send(
        "Runtime.evaluate",
        {
            "expression": AXE.read_text(encoding="utf-8") + JUDGE,
            "awaitPromise": True,
            "returnByValue": True,
        },
    )
    assert judged["result"]["value"] == "[]", (name, judged["result"]["value"])


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["es", "en"])
def test_pages_of_connecting_are_sound(
    browser: Browser, tmp_path: Path, language: str, scheme: str
) -> None:
    """Each page can be read by everybody, and its scripts, if any, have no faults."""
    with WooShop() as shop, Running(tmp_path) as running:
        add_user(running, "ana")
        context = browser.new_context(locale=language, color_scheme=scheme)  # type: ignore[arg-type]
        page = context.new_page()
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        end = f"{language}-{scheme}"
        begun = begin(running.app, shop.url, by="cli:ana", name="Mi tienda")
        back = asked(begun.authorize_url)["return_url"] + "?success=1"
        page.goto(back)
        look(page, f"waiting-{end}")
        bring_keys(begun.authorize_url, shop)
        page.goto(back)
        assert page.locator("html").get_attribute("lang") == language
        look(page, f"connected-{end}")
        page.goto(make_code(running.app, by="cli:ana"))
        look(page, f"code-{end}")
        page.goto(f"{running.url}/admin/login?next=/admin/connect/woocommerce")
        page.fill("[name=name]", "ana")
        page.fill("[name=password]", PASSWORD)
        page.click("main form button")
        page.fill("#url", shop.url)
        page.click("main form button")
        page.wait_for_selector("#made")
        look(page, f"console-{end}")
        context.close()
        assert faults == []
