"""Read what a WooCommerce shop says about itself, and what is wrong with it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import msgspec

from adapters.shops.woocommerce.client import WooClient
from connector.errors import (
    AdapterError,
    AuthRejected,
    PermanentFailure,
    PlatformDown,
)
from connector.ports import ShopCheck, ShopFacts

_NAMESPACE: Final = "wc/v3"
_CLOCK_LIMIT_S: Final = 120
# High-performance order storage and today's webhooks are there from this version on.
_OLDEST: Final = 8


class Index(msgspec.Struct, frozen=True):
    """The front of the site's REST API, open to anybody."""

    namespaces: list[str]
    name: str | None = ""
    home: str | None = ""
    timezone_string: str | None = ""
    gmt_offset: str | int | float | None = 0


class _Status(msgspec.Struct, frozen=True):
    environment: dict[str, Any] = {}
    settings: dict[str, Any] = {}


class _Currency(msgspec.Struct, frozen=True):
    code: str


class _Setting(msgspec.Struct, frozen=True):
    value: str = ""


def read_index(client: WooClient) -> tuple[Index, str]:
    """Read the front of the REST API; it needs no key.

    Returns: what it says, and the `Date` of the answer.
    Raises: PlatformDown: no REST API, or WooCommerce is off.
    """
    answer = client.http.send("GET", "wp-json/")
    index = client.decode(Index, answer)
    if _NAMESPACE not in index.namespaces:
        raise PlatformDown(
            "WooCommerce is switched off in this shop: activate the plugin.",
            platform="woocommerce",
            operation="GET wp-json/",
        )
    return index, answer.headers.get("date", "")


def zone_of(index: Index) -> tuple[str, str]:
    """Find the shop's time zone.

    Returns: an IANA name, and what is wrong with the setting, empty when nothing is.
    """
    name = (index.timezone_string or "").strip()
    try:
        if name:
            return ZoneInfo(name).key, ""
        hours = float(index.gmt_offset or 0)
    except (ValueError, KeyError, OSError):
        hours = 0.0
    advice = "The shop's time zone is no city, so clock changes are missed: choose a city in "
    advice += "Settings > General."
    if not hours.is_integer() or abs(hours) > 12:  # noqa: PLR2004 - the whole-hour zones
        return "UTC", advice
    # The sign is turned round in these names: Etc/GMT-1 is one hour ahead.
    return (f"Etc/GMT{-int(hours):+d}" if hours else "UTC"), advice


def look(client: WooClient, *, now: datetime | None = None) -> ShopFacts:
    """Read the shop's facts and prove that the key reads and writes.

    Raises: AuthRejected: the key is refused; PlatformDown: there is no REST API.
    """
    index, date = read_index(client)
    zone, zone_problem = zone_of(index)
    # The proof that the key reads what we need.
    client.check(client.get("orders", per_page="1", _fields="id"), write=False)
    status = _status(client)
    apart_s = _clocks_apart_s(date, now or datetime.now(UTC))
    found = {
        "zone": zone_problem,
        "key_rights": _write_problem(client),
        "https": _address_problem(client, index),
        "clock": _clock_problem(apart_s),
        "version": _version_problem(str(status.environment.get("version") or "")),
    }
    currency = str(status.settings.get("currency") or "")
    country, region = _place(client)
    return ShopFacts(
        name=index.name or "",
        currency=currency or read_currency(client),
        timezone=zone,
        country=country,
        region=region,
        locale=str(status.environment.get("language") or "").replace("_", "-"),
        version=str(status.environment.get("version") or ""),
        problems=tuple(problem for problem in found.values() if problem),
        checks=_checks(found, apart_s, zone, status),
    )


def _checks(
    found: Mapping[str, str], apart_s: float | None, zone: str, status: _Status
) -> tuple[ShopCheck, ...]:
    """Give everything that was looked at, good or not."""

    def seen(name: str, value: str = "", bad: str = "bad") -> ShopCheck:
        return ShopCheck(name, bad if found[name] else "ok", value)

    environment, settings = status.environment, status.settings
    version = str(environment.get("version") or "")
    return (
        # We came as far as this through them.
        ShopCheck("permalinks", "ok"),
        seen("https"),
        seen("clock", "" if apart_s is None else f"{apart_s:.0f} s"),
        seen("zone", zone, bad="note"),
        _flag("cron", environment.get("wp_cron")),
        _flag("hpos", settings.get("HPOS_enabled")),
        seen("version", version) if version else ShopCheck("version", "unknown"),
        seen("key_rights"),
    )


def _flag(name: str, value: object) -> ShopCheck:
    if not isinstance(value, bool):
        return ShopCheck(name, "unknown")
    return ShopCheck(name, "ok" if value else "note")


def _version_problem(version: str) -> str:
    major = version.partition(".")[0]
    if not major.isdecimal() or int(major) >= _OLDEST:
        return ""
    return f"This WooCommerce, {version[:20]}, is older than {_OLDEST}.0: update it."


def read_currency(client: WooClient) -> str:
    """Read the shop's currency; empty when the key may not."""
    try:
        return client.read(_Currency, "data/currencies/current").code
    except (PermanentFailure, PlatformDown):
        return ""


def _status(client: WooClient) -> _Status:
    try:
        return client.read(_Status, "system_status", _fields="environment,settings")
    except (PermanentFailure, PlatformDown):
        # Needs a shop manager; the other facts are enough to work with.
        return _Status()


def _place(client: WooClient) -> tuple[str, str]:
    """Read country and region, which stand in one value like `ES:M`; both may be empty."""
    try:
        setting = client.read(_Setting, "settings/general/woocommerce_default_country")
    except AdapterError:
        return "", ""
    country, _, region = setting.value.partition(":")
    return country, region


def _write_problem(client: WooClient) -> str:
    """Ask for a batch of nothing: it changes nothing, and a key for reading is refused.

    Source: recorded on WooCommerce 10.2.4: 200 and an empty list; a read-only key is 401.
    """
    try:
        client.post("orders/batch", {})
    except AuthRejected:
        return (
            "The key may only read: make a new one with Read/Write rights in "
            "WooCommerce > Settings > Advanced > REST API."
        )
    except AdapterError:
        # The key was taken; whatever the shop says about an empty batch is no problem.
        return ""
    return ""


def _address_problem(client: WooClient, index: Index) -> str:
    ours, theirs = urlsplit(client.http.base_url), urlsplit(index.home or "")
    if ours.scheme == "http":
        return "The shop is reached without TLS: keys and orders can be read on the way."
    if theirs.hostname and (ours.scheme, ours.hostname) != (theirs.scheme, theirs.hostname):
        return (
            f"The shop calls itself {theirs.scheme}://{theirs.hostname}: connect it under that "
            "address, or redirects will swallow calls."
        )
    return ""


def _clocks_apart_s(date: str, now: datetime) -> float | None:
    """Compare the clocks; None when the shop does not tell its time."""
    try:
        theirs = parsedate_to_datetime(date)
    except (ValueError, TypeError):
        return None
    if theirs.tzinfo is None:
        theirs = theirs.replace(tzinfo=UTC)
    return abs((theirs - now).total_seconds())


def _clock_problem(apart_s: float | None) -> str:
    if apart_s is None or apart_s <= _CLOCK_LIMIT_S:
        return ""
    return f"The clocks of the shop and of this server are {apart_s:.0f} seconds apart: set them."
