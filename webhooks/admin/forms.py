"""Forms: whether one is really ours, what was typed, and where to go on."""

from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from flask import Request, redirect, url_for
from werkzeug.wrappers import Response

from connector.admin.sessions import is_csrf_token
from webhooks.wiring import Application

CSRF_FIELD: Final = "csrf"
BEFORE_FIELD: Final = "before"
"""Name of the cookie that stands for a session while there is none."""
_MOST: Final = 2_000
SEE_OTHER: Final = 303


def comes_from_us(incoming: Request, app: Application) -> bool:
    """Tell whether a browser says that a request was made by a page of ours.

    Other sites cannot set these headers, and no browser of today leaves both out.
    """
    site = incoming.headers.get("Sec-Fetch-Site")
    if site is not None and site != "same-origin":
        return False
    origin = incoming.headers.get("Origin")
    if origin is None:
        return site is not None
    told = urlsplit(origin)
    ours = urlsplit(app.settings.base_url)
    return bool(told.netloc) and (
        told.netloc == incoming.host or (told.scheme, told.netloc) == (ours.scheme, ours.netloc)
    )


def carries_our_word(incoming: Request, session: str) -> bool:
    """Tell whether a form carries the word of this very session."""
    return bool(session) and is_csrf_token(incoming.form.get(CSRF_FIELD, ""), session)


def typed(incoming: Request, name: str) -> str:
    """Give what was typed into a field, without spaces at its ends."""
    return incoming.form.get(name, "")[:_MOST].strip()


def local_path(text: str | None, otherwise: str) -> str:
    """Give a path of the admin pages to go on to; anything else becomes `otherwise`."""
    if not text or len(text) > _MOST or not text.startswith("/admin/"):
        return otherwise
    if "\\" in text or any(ord(letter) <= ord(" ") or ord(letter) == 127 for letter in text):  # noqa: PLR2004 - DEL
        return otherwise
    parts = urlsplit(text)
    return otherwise if parts.scheme or parts.netloc or "//" in parts.path else text


def go_on(endpoint: str, said: str = "", **values: Any) -> Response:
    """Go on to another page after a change.

    Args: said: what the page tells then: a word of the catalog's `said`.
    """
    return redirect(url_for(endpoint, said=said or None, **values), SEE_OTHER)


def local_time(text: str, zone: ZoneInfo) -> datetime | None:
    """Read what a field for a day and a time gives; None when it is none."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
