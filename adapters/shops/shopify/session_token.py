"""Believe the sign-in of a page inside the Shopify admin, or do not.

Every doubt is the same refusal: what exactly was wrong is nothing for whoever sent it.

Source: shopify.dev, "ID tokens" (formerly session tokens), checked 2026-11-22: HS256 by the
client secret, alive for about a minute; `iss` is the shop's admin, `dest` the shop.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import jwt

from connector.errors import AuthRejected
from connector.secret import Secret

SKEW_S: Final = 5
MAX_LETTERS: Final = 4096
_REQUIRED: Final = ("iss", "dest", "aud", "sub", "exp", "nbf", "iat", "jti", "sid")
_DEST: Final = re.compile(r"https://([a-z0-9][a-z0-9-]{0,60}\.myshopify\.com)", re.ASCII)
_WORD: Final = re.compile(r"[!-~]{1,200}", re.ASCII)
_LATEST: Final = 2**40


@dataclass(frozen=True, slots=True)
class IdToken:
    """A sign-in that is believed.

    Attributes:
        shop: the domain; the only thing that says which shop this is.
        user: number of the member of staff. jti: of this very token.
    """

    shop: str
    user: str
    jti: str
    expires_at: datetime


def check_id_token(text: str, client_id: str, secrets: Sequence[Secret], now: datetime) -> IdToken:
    """Check a token and tell whose it is.

    Args: secrets: the app's client secret and, during a rotation, the old one.
    Raises: AuthRejected: it is not to be believed.
    """
    if not text.isascii() or len(text) > MAX_LETTERS:
        raise _refused()
    claims: dict[str, Any] | None = None
    for secret in secrets:
        claims = _signed(text, client_id, secret)
        if claims is not None:
            break
    if claims is None:
        raise _refused()
    return _believed(claims, now)


def bearer(header: str) -> str:
    """Take the token out of an Authorization header; empty when there is none."""
    kind, _, text = header.partition(" ")
    return text.strip() if kind == "Bearer" else ""


def _signed(text: str, client_id: str, secret: Secret) -> dict[str, Any] | None:
    if not secret:
        # Anybody can sign with nothing.
        return None
    try:
        claims: dict[str, Any] = jwt.decode(
            text,
            secret.reveal(),
            algorithms=["HS256"],
            audience=client_id,
            # Times are judged below, by our own clock and strictly as numbers.
            options={
                "require": list(_REQUIRED),
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
                "strict_aud": True,
            },
        )
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        return None
    return claims


def _believed(claims: dict[str, Any], now: datetime) -> IdToken:
    at = now.timestamp()
    ends, begins, made = (_number(claims[name]) for name in ("exp", "nbf", "iat"))
    if not (begins - SKEW_S <= at < ends + SKEW_S) or made > at + SKEW_S:
        raise _refused()
    dest = claims["dest"]
    shop = _DEST.fullmatch(dest) if isinstance(dest, str) else None
    if shop is None or claims["iss"] != f"{dest}/admin":
        raise _refused()
    user, jti = claims["sub"], claims["jti"]
    for word in (user, jti, claims["sid"]):
        if not isinstance(word, str) or not _WORD.fullmatch(word):
            raise _refused()
    return IdToken(shop[1], user, jti, datetime.fromtimestamp(ends, UTC))


def _number(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < _LATEST:
        raise _refused()
    return value


def _refused() -> AuthRejected:
    return AuthRejected(
        "Shopify's sign-in for this page is not good (any more): load the page again.",
        platform="shopify",
        code="id_token",
    )
