"""Decode JSON of others: typed, shallow, and with the path in every refusal."""

import re
import threading
from typing import Any, Final, TypeVar, cast

import msgspec

from connector.errors import PayloadInvalid

MAX_DEPTH: Final = 64
T = TypeVar("T")

# Possessive, and the last quote may be missing: it never goes back over the text.
_TOKEN: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)
_BOM: Final = b"\xef\xbb\xbf"

_lock: Final = threading.Lock()
_decoders: Final[dict[Any, msgspec.json.Decoder[Any]]] = {}


def check_depth(body: bytes, limit: int = MAX_DEPTH) -> None:
    """Refuse JSON that is nested too deep, before anything is built from it.

    Raises: PayloadInvalid: more than `limit` levels.
    """
    if body.count(b"[") + body.count(b"{") <= limit:
        return
    depth = 0
    for match in _TOKEN.finditer(body):
        first = body[match.start()]
        if first in b"[{":
            depth += 1
            if depth > limit:
                raise PayloadInvalid(f"the JSON is nested deeper than {limit} levels")
        elif first in b"]}":
            depth -= 1


def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    found = _decoders.get(kind)
    if found is not None:
        return found
    # Made and used once under a lock: two threads that meet a type for the first
    # time at once end the process (msgspec 0.22).
    with _lock:
        found = _decoders.get(kind)
        if found is None:
            found = msgspec.json.Decoder(kind)
            for sample in (b"{}", b"[]", b"0"):
                try:
                    found.decode(sample)
                except msgspec.MsgspecError:
                    continue
            _decoders[kind] = found
    return found


def decode(kind: type[T], body: bytes) -> T:
    """Decode JSON into a type.

    Args: kind: a msgspec.Struct or any type that msgspec reads; a byte order mark
        before the JSON is passed over.
    Raises: PayloadInvalid: names the path of the wrong value; never shows a value.
    """
    body = body.removeprefix(_BOM)
    check_depth(body)
    try:
        return cast("T", _decoder(kind).decode(body))
    except msgspec.ValidationError as err:
        raise PayloadInvalid(f"the body does not fit: {err}") from err
    except (msgspec.DecodeError, UnicodeDecodeError) as err:
        raise PayloadInvalid(f"the body is not JSON: {err}") from err
    except (RecursionError, ValueError) as err:
        raise PayloadInvalid("the body holds a number or a nesting beyond reason") from err


def decode_object(body: bytes) -> dict[str, Any]:
    """Decode a JSON object without saying what is in it.

    Raises: PayloadInvalid: it is no object.
    """
    return decode(dict[str, Any], body)


def decode_any(body: bytes) -> Any:
    """Decode any JSON value.

    Raises: PayloadInvalid: it is no JSON.
    """
    return decode(cast("type[Any]", Any), body)
