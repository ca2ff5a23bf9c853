"""Believe what a shop's WordPress plugin says, when it is signed, fresh and new.

The plugin and this server agree on a key when the shop is connected. A token is
`<claims>.<mac>`: claims are canonical JSON (keys sorted, ASCII, no spaces) in base64url,
the mac is HMAC-SHA256 over the purpose and the claims. It counts for 60 seconds, once,
for one address of this server and one purpose.
"""

import base64
import hashlib
import hmac
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from urllib.parse import urlsplit

from connector.model.order import ShopId
from connector.secret import Secret
from connector.storage.records import ShopRecord, ShopState
from webhooks.wiring import Application

PLUGIN_KEY: Final = "plugin_key"
OLD_PLUGIN_KEY: Final = "old_plugin_key"
"""Good as well, from when a new key was made until the plugin is known to have it."""
ADMIN_ORIGIN: Final = "plugin_origin"
"""A setting of a shop: where its wp-admin is, which may show our pages in a frame."""

LIFE: Final = timedelta(seconds=60)
# The clocks of two servers are never quite the same.
EARLY: Final = timedelta(seconds=10)
MAX_TOKEN: Final = 8192

_FORM: Final = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{43})", re.ASCII)
_NONCE: Final = re.compile(r"[A-Za-z0-9_-]{22,64}", re.ASCII)
_LOCALE: Final = re.compile(r"[A-Za-z]{2,3}([_-][A-Za-z0-9]{1,8}){0,3}", re.ASCII)
_LOCAL: Final = re.compile(r"/admin/[A-Za-z0-9/_.~-]*(\?[A-Za-z0-9=&_.~%-]*)?", re.ASCII)
_ROLES: Final = {"administrator": "owner", "shop_manager": "editor"}
_NO_KEY: Final = Secret("no shop has this key")


class Purpose(StrEnum):
    """What a token is for; one for another purpose is refused."""

    ENTER = "enter"
    """A person comes into the admin pages."""
    CALL = "call"
    """The plugin asks for something by itself."""


class Reason(StrEnum):
    """Why a token was refused; the page has a sentence for each."""

    UNREADABLE = "unreadable"
    FOREIGN = "foreign"
    ALTERED = "altered"
    EXPIRED = "expired"
    CLOCK = "clock"
    USED = "used"


class HandoverRefused(Exception):
    """A token is not believed.

    Attributes:
        shop: whose key it was made with; None when that is not proven.
    """

    def __init__(self, reason: Reason, shop: ShopRecord | None = None) -> None:
        super().__init__(str(reason))
        self.reason = reason
        self.shop = shop


@dataclass(frozen=True, slots=True)
class HandedOver:
    """A person whom the shop's WordPress has signed in.

    Attributes:
        role: `owner` for administrators, `editor` for others who manage WooCommerce.
        locale: like `es_ES`. page: where to go, a local path below `/admin/`; may be empty.
    """

    shop: ShopRecord
    user_id: int
    login: str
    role: str
    locale: str
    page: str = ""

    @property
    def actor(self) -> str:
        """Name the person for the audit log."""
        return f"wordpress:{self.shop.id}:{self.user_id}:{self.login}"


def canonical(claims: dict[str, Any]) -> bytes:
    """Write claims in the one form that is signed."""
    return json.dumps(claims, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def make_token(key: Secret, purpose: Purpose, claims: dict[str, Any]) -> str:
    """Sign claims, as the plugin does."""
    text = _encode(canonical(claims))
    return f"{text}.{_encode(_mac(key, purpose, text))}"


def enter(app: Application, token: str, audience: str) -> HandedOver:
    """Believe a hand-over and spend it.

    Args: audience: the address it has to be made for.
    Raises: HandoverRefused: says why.
    """
    claims, shop = _open(app, token, Purpose.ENTER, audience)
    user_id, login, role = claims.get("uid"), claims.get("login"), claims.get("role")
    if (
        not isinstance(user_id, int)
        or isinstance(user_id, bool)
        or user_id < 1
        or not isinstance(login, str)
        or not 0 < len(login) <= 60  # noqa: PLR2004 - of WordPress' own column
        or not isinstance(role, str)
        or role not in _ROLES
    ):
        raise HandoverRefused(Reason.UNREADABLE, shop)
    locale, page = claims.get("locale", ""), claims.get("page", "")
    return HandedOver(
        shop,
        user_id,
        "".join(letter if letter.isprintable() else "?" for letter in login),
        _ROLES[role],
        locale if isinstance(locale, str) and _LOCALE.fullmatch(locale) else "",
        page if isinstance(page, str) and _LOCAL.fullmatch(page) and ".." not in page else "",
    )


def open_call(app: Application, token: str, audience: str, body: bytes) -> ShopRecord:
    """Believe a request of the plugin and spend its token; it proves the body too.

    Raises: HandoverRefused: says why.
    """
    claims, shop = _open(app, token, Purpose.CALL, audience)
    digest = hashlib.sha256(body).hexdigest()
    if not hmac.compare_digest(str(claims.get("body", "")).encode(), digest.encode()):
        raise HandoverRefused(Reason.ALTERED, shop)
    return shop


def frame_origin(shop: ShopRecord) -> str:
    """Give the origin that may show our pages of this shop in a frame."""
    parts = urlsplit(shop.settings.get(ADMIN_ORIGIN) or shop.address)
    return f"{parts.scheme}://{parts.netloc}"


def _open(
    app: Application, token: str, purpose: Purpose, audience: str
) -> tuple[dict[str, Any], ShopRecord]:
    form = _FORM.fullmatch(token) if len(token) <= MAX_TOKEN else None
    if form is None:
        raise HandoverRefused(Reason.UNREADABLE)
    text, given = form[1], form[2]
    claims = _claims(text)
    with app.storage.reading() as tx:
        shop = tx.shop(ShopId(str(claims.get("shop", ""))[:64]))
    keys = _keys(shop)
    # The dummy costs the same time, so nobody learns which shops there are.
    fits = False
    for key in keys or [_NO_KEY]:
        fits |= hmac.compare_digest(
            _encode(_mac(key, purpose, text)).encode("ascii"), given.encode("ascii")
        )
    if shop is None or not keys:
        raise HandoverRefused(Reason.FOREIGN)
    if not fits:
        raise HandoverRefused(Reason.ALTERED)
    if canonical(claims) != _decode(text):
        raise HandoverRefused(Reason.UNREADABLE, shop)
    if not hmac.compare_digest(str(claims.get("aud", "")).encode(), audience.encode()):
        raise HandoverRefused(Reason.FOREIGN, shop)
    _spend(app, shop, claims)
    return claims, shop


def _spend(app: Application, shop: ShopRecord, claims: dict[str, Any]) -> None:
    """See that a token is of now, and use it up."""
    now = app.clock.now()
    issued, nonce = claims.get("iat"), claims.get("nonce")
    if (
        not isinstance(issued, int)
        or isinstance(issued, bool)
        or not 0 < issued < 2**40
        or not isinstance(nonce, str)
        or not _NONCE.fullmatch(nonce)
    ):
        raise HandoverRefused(Reason.UNREADABLE, shop)
    issued_at = datetime.fromtimestamp(issued, UTC)
    if issued_at > now + EARLY:
        raise HandoverRefused(Reason.CLOCK, shop)
    if now >= issued_at + LIFE:
        raise HandoverRefused(Reason.EXPIRED, shop)
    with app.storage.transaction() as tx:
        # Kept past its end: the store tells a used one from a new one for a day.
        name, until = f"handover {shop.id}", issued_at + LIFE
        if not tx.put_ticket(name, nonce, now=now, expires_at=until):
            raise HandoverRefused(Reason.USED, shop)


def _keys(shop: ShopRecord | None) -> list[Secret]:
    if shop is None or shop.state is ShopState.REMOVED:
        return []
    found = (shop.secrets.get(PLUGIN_KEY), shop.secrets.get(OLD_PLUGIN_KEY))
    return [key for key in found if key]


def _claims(text: str) -> dict[str, Any]:
    try:
        claims = json.loads(_decode(text).decode("ascii"))
    except (ValueError, RecursionError) as err:
        raise HandoverRefused(Reason.UNREADABLE) from err
    if not isinstance(claims, dict):
        raise HandoverRefused(Reason.UNREADABLE)
    return claims


def _mac(key: Secret, purpose: Purpose, text: str) -> bytes:
    said = f"postventa {purpose} v1\n{text}".encode("ascii")
    return hmac.digest(key.reveal().encode(), said, "sha256")


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
