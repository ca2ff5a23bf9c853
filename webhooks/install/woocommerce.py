"""Connect a WooCommerce shop by its own page for granting keys (`/wc-auth/v1/authorize`).

Who may begin has a connection code: made by the command line or in the admin pages, put
into the plugin, good for a day and one connection. To begin makes a state, good for 30
minutes and one connection. The shop brings its keys to an address with that state; the
person comes back to another one, and only then are the keys tried, stored and used. The
key for hand-overs goes into the shop with the shop's REST keys, so that nobody has it
who only began.

Source: WooCommerce 10.2.4, wc-auth; checked 2026-11-22.
"""

import base64
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from connector.errors import AdapterError, AuthRejected, ConfigurationError
from connector.secret import Secret
from connector.storage.tickets import Ticket
from webhooks.install.binding import MAX_NAME, Connected, InstallRefused, adapter_for, bind
from webhooks.shop_values import advice, shop_address
from webhooks.wiring import Application

APP_NAME: Final = "Postventa"
INSTALL: Final = "/install/woocommerce"
CODE_LIFE: Final = timedelta(hours=24)
STATE_LIFE: Final = timedelta(minutes=30)

_CODE: Final = "woocommerce code"
_STATE: Final = "woocommerce state"
# 256 bits: nobody guesses one.
_BYTES: Final = 32
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_KEY: Final = re.compile(r"ck_[0-9a-f]{40}", re.ASCII)
_KEY_SECRET: Final = re.compile(r"cs_[0-9a-f]{40}", re.ASCII)
_NONCE: Final = re.compile(r"[A-Za-z0-9_-]{22,64}", re.ASCII)
_WIDE_ENOUGH: Final = "read_write"


@dataclass(frozen=True, slots=True)
class Begun:
    """The first step: where the person goes to grant keys."""

    authorize_url: str
    state: str


def make_code(app: Application, *, by: str, url: str = "") -> str:
    """Make a connection code.

    Args: by: who made it, for the audit log. url: the only shop it is for; any when empty.
    Returns: the address to put into the plugin: this server's, with the code in it.
    """
    base, code = app.base_url(), secrets.token_urlsafe(_BYTES)
    now = app.clock.now()
    data = {"by": by, "url": shop_address(url) if url else ""}
    with app.storage.transaction() as tx:
        tx.put_ticket(_CODE, code, now=now, expires_at=now + CODE_LIFE, data=data)
    return f"{base}/connect/{code}"


def begin_with_code(app: Application, code: str, given: Mapping[str, Any]) -> Begun:
    """Begin for a plugin that has a connection code.

    Args: given: `shop` and `admin` (addresses of the site and of its wp-admin), `user`,
        `nonce` (the plugin's own, given back to it with the key), `name`, `locale`.
    Raises: InstallRefused: the code or an address is not good.
    """
    with app.storage.reading() as tx:
        ticket = tx.ticket(_CODE, code, now=app.clock.now()) if _TOKEN.fullmatch(code) else None
    if ticket is None:
        raise InstallRefused("code")
    texts = {name: str(given.get(name) or "") for name in ("shop", "admin", "user", "nonce")}
    try:
        address = shop_address(texts["shop"])
    except ConfigurationError as err:
        raise InstallRefused("address", str(err)) from err
    if ticket.data["url"] and ticket.data["url"] != address:
        raise InstallRefused("other_shop", str(ticket.data["url"]))
    if not _NONCE.fullmatch(texts["nonce"]):
        raise InstallRefused("plugin")
    admin = _admin_address(address, texts["admin"])
    return begin(
        app,
        address,
        by=f"wordpress:{_one_line(texts['user'])}",
        name=_one_line(str(given.get("name") or "")),
        locale=str(given.get("locale") or "")[:20],
        more={
            "admin": admin,
            "nonce": texts["nonce"],
            "code": code,
            "back": f"{admin}admin.php?page=postventa",
        },
    )


def begin(
    app: Application,
    url: str,
    *,
    by: str,
    name: str = "",
    locale: str = "",
    more: Mapping[str, str] | None = None,
) -> Begun:
    """Make a state and give the address at which the shop's owner grants keys.

    Args: by: who began, like `cli:ana` or `user:5`; the last page shows it.
    Raises: InstallRefused: the shop's address cannot be used.
    """
    try:
        address = shop_address(url)
        # The adapter's own check of the address; nothing is called.
        adapter_for(app, address, Secret("ck_"), Secret("cs_"))
        base = app.base_url()
    except ConfigurationError as err:
        raise InstallRefused("address", str(err)) from err
    if urlsplit(base).scheme != "https" and not app.settings.allow_http:
        raise InstallRefused("no_https")
    state, now = secrets.token_urlsafe(_BYTES), app.clock.now()
    # The shop shows it in addresses, so it opens nothing by itself.
    check = secrets.token_hex(16)
    data = {
        "url": address,
        "by": by,
        "name": name or urlsplit(address).hostname or address,
        "locale": locale,
        "check": check,
        **(more or {}),
    }
    with app.storage.transaction() as tx:
        tx.put_ticket(_STATE, state, now=now, expires_at=now + STATE_LIFE, data=data)
    query = urlencode(
        {
            "app_name": APP_NAME,
            "scope": _WIDE_ENOUGH,
            "user_id": check,
            "return_url": f"{base}{INSTALL}/return/{state}",
            "callback_url": f"{base}{INSTALL}/keys/{_keys_token(state)}",
        }
    )
    with app.storage.transaction() as tx:
        # A name of its own for the way of the keys: who sees the one cannot use the other.
        tx.put_ticket(
            _STATE + " keys",
            _keys_token(state),
            now=now,
            expires_at=now + STATE_LIFE,
            data={"check": check},
        )
    return Begun(f"{address}/wc-auth/v1/authorize?{query}", state)


def take_keys(app: Application, token: str, body: bytes) -> None:
    """Take the keys that the shop's server brings; they are tried later.

    The shop waits for this answer, and some can do only one thing at a time: nothing
    is asked back here. A second approval replaces the keys of the first.

    Raises: InstallRefused: unknown or used state, or keys that cannot be used.
    """
    now = app.clock.now()
    if not _TOKEN.fullmatch(token):
        raise InstallRefused("state")
    with app.storage.reading() as tx:
        ticket = tx.ticket(_STATE + " keys", token, now=now)
    if ticket is None:
        raise InstallRefused("state")
    given = _object(body)
    if not hmac.compare_digest(
        str(given.get("user_id", "")).encode(), str(ticket.data["check"]).encode()
    ):
        raise InstallRefused("state")
    if given.get("key_permissions") != _WIDE_ENOUGH:
        raise InstallRefused("rights")
    key, secret = str(given.get("consumer_key", "")), str(given.get("consumer_secret", ""))
    if not _KEY.fullmatch(key) or not _KEY_SECRET.fullmatch(secret):
        raise InstallRefused("keys")
    with app.storage.transaction() as tx:
        kept = Secret(json.dumps([key, secret]))
        if not tx.change_ticket(_STATE + " keys", token, data=ticket.data, secret=kept):
            raise InstallRefused("state")


def finish(app: Application, state: str, *, granted: bool) -> Connected:
    """Try the keys, store them, make the webhooks, agree on a key with the plugin.

    Args: granted: what the shop's page said; the keys themselves are the proof.
    Raises: InstallRefused: nothing is stored; `waiting` and `unreachable` may be tried again.
    """
    now = app.clock.now()
    ticket: Ticket | None = None
    if _TOKEN.fullmatch(state):
        with app.storage.reading() as tx:
            ticket = tx.ticket(_STATE, state, now=now)
    if ticket is None:
        raise InstallRefused("state")
    data = {str(name): str(value) for name, value in ticket.data.items()}
    back = data.get("back", "")
    if not granted:
        _drop(app, state)
        raise InstallRefused("denied", back=back)
    with app.storage.reading() as tx:
        brought = tx.ticket(_STATE + " keys", _keys_token(state), now=now)
    if brought is None or brought.secret is None:
        raise InstallRefused("waiting", back=back)
    key, secret = (Secret(text) for text in json.loads(brought.secret.reveal()))
    try:
        adapter_for(app, data["url"], key, secret).look_at_shop()
    except AuthRejected as err:
        _drop(app, state)
        raise InstallRefused("refused", str(err), back) from err
    except AdapterError as err:
        raise InstallRefused("unreachable", advice(err), back) from err
    if not _drop(app, state) or not _take_code(app, data.get("code", "")):
        raise InstallRefused("state", back=back)
    return bind(app, data, key, secret)


def _admin_address(shop: str, admin: str) -> str:
    """Check that wp-admin is on the shop's own host: people are sent back there."""
    parts, ours = urlsplit(admin), urlsplit(shop)
    plain = admin.isascii() and admin.isprintable() and "\\" not in admin and " " not in admin
    if (
        not plain
        or parts.scheme not in {"http", "https"}
        or parts.username is not None
        or parts.query
        or parts.fragment
        or parts.hostname != ours.hostname
        or not parts.path.endswith("/wp-admin/")
    ):
        raise InstallRefused("admin_address", admin[:120])
    return admin


def _keys_token(state: str) -> str:
    digest = hashlib.sha256(f"keys {state}".encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def _drop(app: Application, state: str) -> bool:
    """Use the state up; False for whoever comes second."""
    now = app.clock.now()
    with app.storage.transaction() as tx:
        tx.take_ticket(_STATE + " keys", _keys_token(state), now=now)
        return tx.take_ticket(_STATE, state, now=now) is not None


def _take_code(app: Application, code: str) -> bool:
    if not code:
        return True
    with app.storage.transaction() as tx:
        return tx.take_ticket(_CODE, code, now=app.clock.now()) is not None


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as err:
        raise InstallRefused("keys") from err
    if not isinstance(found, dict):
        raise InstallRefused("keys")
    return found


def _one_line(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable())[:MAX_NAME].strip()
