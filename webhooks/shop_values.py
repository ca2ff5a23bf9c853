"""What people type about a shop: addresses, domains, keys; and advice for them."""

import base64
import re
import secrets
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from connector.errors import AdapterError, AuthRejected, ConfigurationError, TemporaryFailure
from connector.secret import Secret

AWAY: Final = "the app was not installed when it was due"
"""Why effects are not done that fell due while a shop had removed us."""
_ID_BYTES: Final = 7
_ID_LETTERS: Final = 10
_DOMAIN: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,60}\.myshopify\.com", re.ASCII)
# Pages people copy the address from; the shop's address is what stands before them.
_PAGES: Final = re.compile(r"/(wp-admin|wp-json|wp-login\.php)(/.*)?$")


def shop_address(url: str) -> str:
    """Bring a shop's address into one form, so that it cannot be connected twice.

    Returns: host in lower case, no usual port, no page of the shop's back office.
        What an adapter may not call is refused by the adapter.
    """
    text = url.strip().rstrip("/")
    try:
        parts = urlsplit(text)
        port, host = parts.port, parts.hostname
    except ValueError as err:
        raise ConfigurationError(f"The address {text[:80]!r} cannot be read.") from err
    if parts.scheme not in {"http", "https"} or not host or parts.username or parts.query:
        raise ConfigurationError(
            "Write the shop's address like https://shop.example.com, without name, password "
            "or anything from ? on."
        )
    host = f"[{host}]" if ":" in host else host.rstrip(".")
    usual = {"http": 80, "https": 443}[parts.scheme]
    place = host if port in {None, usual} else f"{host}:{port}"
    path = _PAGES.sub("", parts.path).rstrip("/")
    return urlunsplit((parts.scheme, place, path, "", parts.fragment))


def shopify_domain(text: str) -> str:
    """Bring a Shopify domain into its one form.

    Raises: ConfigurationError: it is no `….myshopify.com` name.
    """
    cleaned = text.strip().lower().removeprefix("https://").rstrip("/")
    if not _DOMAIN.fullmatch(cleaned):
        raise ConfigurationError(
            f"{text.strip()[:80]!r} is no Shopify domain. Write the one that ends in "
            ".myshopify.com; it stands in Settings > Domains of the Shopify admin."
        )
    return cleaned


def advice(err: AdapterError) -> str:
    """Say what went wrong with a shop and what to do about it."""
    text = str(err).strip().rstrip(".")
    if isinstance(err, AuthRejected):
        return (
            f"The shop refuses the key ({text}). Make a new key with read and write rights "
            "and give it with `postventa shops keys`."
        )
    if isinstance(err, TemporaryFailure):
        return f"The shop cannot be reached now ({text}). Check that it is online; try again."
    return f"{text}."


def typed_key(option: str, value: str) -> Secret:
    """Check a key as a person typed it.

    Args: option: its name in the message.
    Raises: ConfigurationError: empty, or holds what no key has.
    """
    cleaned = value.strip()
    if not cleaned or not cleaned.isascii() or not cleaned.isprintable() or " " in cleaned:
        raise ConfigurationError(f"{option} is empty or holds letters that no key has.")
    return Secret(cleaned)


def new_shop_id() -> str:
    """Make the id of a shop."""
    letters = base64.b32encode(secrets.token_bytes(_ID_BYTES)).decode("ascii").lower()
    return "s" + letters[:_ID_LETTERS]
