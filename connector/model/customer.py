"""Buyers, their addresses and their consent."""

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Address:
    """A postal address; parts that are not given are empty texts."""

    name: str = ""
    company: str = ""
    line1: str = ""
    line2: str = ""
    city: str = ""
    region: str = ""
    postal_code: str = ""
    country: str = ""
    phone: str = ""


class ConsentState(StrEnum):
    """What a buyer said about offers on one channel."""

    GRANTED = "granted"
    DENIED = "denied"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Consent:
    """The buyer's word about offers on one channel, and where it comes from."""

    channel: str
    state: ConsentState
    source: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Buyer:
    """Who bought, as the shop tells it with the order.

    Attributes:
        ref: the platform's customer id; None for a guest.
        email: lower case, None when not given.
        locale: like `es` or `es-ES`; None when the shop does not tell.
        order_count: orders of this person in all connected shops, this one
            included, that were paid or are still open; None until the store has counted.
    """

    ref: str | None = None
    name: str = ""
    first_name: str = ""
    last_name: str = ""
    email: str | None = None
    phone: str | None = None
    locale: str | None = None
    order_count: int | None = None
    consents: tuple[Consent, ...] = field(default=())


_EMAIL = re.compile(r"[^@\s<>\"',;:\\]+@[^@\s<>\"',;:\\]+\.[^@\s<>\"',;:\\]+")


def normal_email(text: str | None) -> str | None:
    """Bring an e-mail address into its comparable form.

    Returns: lower case and composed; None for what is no address.
    """
    if text is None:
        return None
    cleaned = unicodedata.normalize("NFKC", text).strip().lower()
    return cleaned if _EMAIL.fullmatch(cleaned) else None


def normal_phone(text: str | None, country: str = "") -> str | None:
    """Bring a phone number into its comparable form.

    Args: country: two letters of the address, to complete a national number.
    Returns: `+` and digits, or digits alone when the country is unknown; None for fewer
        than 7 digits.
    """
    if text is None:
        return None
    plain = unicodedata.normalize("NFKC", text)
    digits = "".join(
        str(unicodedata.digit(letter))
        for letter in plain
        if unicodedata.digit(letter, None) is not None
    )
    # People also write (+34) and (0034): what stands before the first digit counts.
    international = re.match(r"[^\d+]*\+", plain) is not None
    if not international and digits.startswith("00"):
        international, digits = True, digits[2:]
    if len(digits) < 7 or len(digits) > 15:  # noqa: PLR2004 - E.164 bounds
        return None
    if international:
        return "+" + digits
    if country == "ES" and len(digits) == 9:  # noqa: PLR2004 - Spanish numbers have nine digits
        return "+34" + digits
    return digits
