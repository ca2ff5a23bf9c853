"""Somebody at the admin pages: a session that fills in forms as a browser would."""

import html
import re
from typing import Any

import requests

from tests.running import Running
from tests.web.admin.world import PASSWORD

_WORD = re.compile(r'name="csrf" value="([0-9a-f]*)"')


class Console:
    """One browser without scripts.

    Args: name: signs in as this user; empty stays outside.
    """

    def __init__(self, running: Running, name: str = "", password: str = PASSWORD) -> None:
        self.url = running.url
        self.http = requests.Session()
        self.http.headers["Accept-Language"] = "en"
        self.word = ""
        if name:
            answer = self.login(name, password)
            assert answer.status_code == 303, answer.text

    def login(self, name: str, password: str = PASSWORD, **more: str) -> requests.Response:
        """Fill in the form at the door."""
        self.get("/admin/login")
        return self.post("/admin/login", name=name, password=password, **more)

    def get(self, path: str, **words: Any) -> requests.Response:
        """Open a page; follow no redirect."""
        answer = self.http.get(self.url + path, timeout=60, allow_redirects=False, **words)
        found = _WORD.search(answer.text)
        if found:
            self.word = html.unescape(found.group(1))
        return answer

    def post(self, path: str, **fields: Any) -> requests.Response:
        """Send a form of the page that was opened last, as a browser does."""
        return self.send(path, {"csrf": self.word, **fields}, {"Origin": self.url})

    def send(self, path: str, fields: dict[str, Any], headers: dict[str, str]) -> requests.Response:
        """Send a form just as it is given."""
        return self.http.post(
            self.url + path, data=fields, headers=headers, timeout=60, allow_redirects=False
        )
