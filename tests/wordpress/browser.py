"""A real Chromium for the tests in wp-admin."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page, sync_playwright

SHOTS: Final = Path(__file__).parents[2] / ".screenshots" / "wordpress"


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Debian's Chromium without a window."""
    program = shutil.which("chromium")
    assert program is not None, "Chromium is missing: run `make browser`"
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=arguments)
        try:
            yield browser
        finally:
            browser.close()


def sign_in(page: Page, url: str, name: str) -> None:
    """Sign in to WordPress; its own form is posted, the dashboard is not waited for."""
    page.request.get(f"{url}/wp-login.php")
    form = {"log": name, "pwd": f"pw-{name}", "wp-submit": "Log In", "testcookie": "1"}
    answer = page.request.post(f"{url}/wp-login.php", form=form, max_redirects=0)
    assert answer.status == 302, answer.text()[:500]


def keep(page: Page, name: str) -> None:
    """Keep a picture of the page."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.png", full_page=True)
