"""The installation of an app: signed queries, the page that asks, the rights it needs.

`ShopifyAPI` keeps app and secret for the whole process, so each call makes a session type
of its own.

Source: shopify.dev, authorization code grant, checked 2026-11-22.
"""

import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from shopify.session import Session

from adapters.shops.shopify.reads import SCOPES as NEEDED
from connector.errors import AuthRejected
from connector.secret import Secret

SCOPES: Final = tuple(NEEDED)
"""What an app asks for; see `reads.SCOPES` for what each is needed for."""
# The platform's own libraries allow as much; the Python package a whole day.
FRESH_S: Final = 90
_DOMAIN: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,60}\.myshopify\.com", re.ASCII)
_TIME: Final = re.compile(r"[0-9]{1,12}", re.ASCII)
_MOST: Final = 50


def check_query(
    pairs: Sequence[tuple[str, str]], secrets: Sequence[Secret], now: datetime
) -> Mapping[str, str]:
    """Believe a query that Shopify signed: that of the app's address or of the way back.

    Args: pairs: all of them, as they came; one that comes twice is refused.
    Returns: the parameters; `shop` is the domain of a Shopify shop.
    Raises: AuthRejected: not signed by this app's secret, old, or about no shop.
    """
    told = dict(pairs)
    if len(told) != len(pairs) or len(pairs) > _MOST:
        raise _refused("a parameter comes twice")
    given = told.get("hmac", "").encode("utf-8", "surrogatepass")
    signed = False
    for secret in secrets:
        if secret:
            expected = str(_session("", secret).calculate_hmac(told)).encode("ascii")
            signed |= hmac.compare_digest(expected, given)
    if not signed:
        raise _refused("the signature does not fit")
    stamp = told.get("timestamp", "")
    if not _TIME.fullmatch(stamp) or abs(now.timestamp() - int(stamp)) > FRESH_S:
        raise _refused("it is older than 90 seconds")
    if not _DOMAIN.fullmatch(told.get("shop", "")):
        raise _refused("it names no Shopify shop")
    return told


def permission_url(shop: str, client_id: str, back: str, state: str) -> str:
    """Write the address at which the owner of a shop grants the app its rights.

    Args: shop: a domain that was checked. back: registered with the app.
    """
    session = _session(client_id, Secret(""))(shop, "unstable")
    url: str = session.create_permission_url(list(SCOPES), back, state)
    return url


def admin_url(shop: str, client_id: str) -> str:
    """Write the address of the app inside the shop's admin."""
    return f"https://admin.shopify.com/store/{shop.partition('.')[0]}/apps/{quote(client_id)}"


def missing_scopes(granted: str) -> tuple[str, ...]:
    """Name what was asked for and not granted; a right to write includes reading."""
    held = {scope.strip() for scope in granted.split(",")}
    return tuple(
        scope
        for scope in SCOPES
        if scope not in held and scope.replace("read_", "write_", 1) not in held
    )


def _session(client_id: str, secret: Secret) -> Any:
    values = {"api_key": client_id, "secret": secret.reveal()}
    return type("OneSession", (Session,), values)


def _refused(why: str) -> AuthRejected:
    return AuthRejected(
        f"This address does not come from Shopify, or is old ({why}). Begin again.",
        platform="shopify",
        code="query",
    )
