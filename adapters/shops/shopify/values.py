"""Read amounts and times as Shopify writes them.

Source: webhook reference, API 2026-10, checked 2026-11-22.
"""

from datetime import UTC, datetime

import msgspec

from connector.errors import PayloadInvalid
from connector.model.money import to_minor


def money(raw: msgspec.Raw, currency: str, path: str) -> int:
    """Read an amount, text or JSON number, as minor units; null is zero.

    Raises: PayloadInvalid: it is no amount.
    """
    text = number_text(raw, path)
    if text is None:
        return 0
    try:
        return to_minor(text, currency)
    except PayloadInvalid as err:
        raise PayloadInvalid(f"{path}: {err}") from err


def number_text(raw: msgspec.Raw, path: str) -> str | None:
    """Give a text or a JSON number as it was written; None for null.

    Raises: PayloadInvalid: it is a list, an object or a truth value.
    """
    written = bytes(raw)
    if written == b"null":
        return None
    if written[:1] == b'"':
        return str(msgspec.json.decode(written))
    if written[:1] in b"-0123456789":
        return written.decode("ascii")
    raise PayloadInvalid(f"{path}: expected an amount")


def when(text: str, path: str) -> datetime:
    """Read a time with its offset as UTC, to the second.

    Raises: PayloadInvalid: it is no time, or has no offset.
    """
    try:
        read = datetime.fromisoformat(text)
        if read.tzinfo is None:
            raise PayloadInvalid(f"{path}: {text[:40]!r} has no time zone")
        return read.astimezone(UTC).replace(microsecond=0)
    except (ValueError, OverflowError) as err:
        raise PayloadInvalid(f"{path}: {text[:40]!r} is not a time") from err


def maybe_when(text: str | None, path: str) -> datetime | None:
    """Read a time; None where there is none."""
    return when(text, path) if text else None
