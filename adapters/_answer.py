"""Turn an HTTP answer into JSON or into one of our errors."""

import re
from typing import Any, Final

from adapters._http import Answer, HttpClient
from adapters._json import decode_any
from adapters._redact import excerpt
from adapters._waits import retry_after_s
from connector.errors import (
    AdapterError,
    AuthRejected,
    Conflict,
    InvalidRequest,
    NotFound,
    OutcomeUnknown,
    PayloadInvalid,
    PlatformDown,
    RateLimited,
    ShopPaused,
    TemporaryFailure,
)

_OK: Final = range(200, 300)
_MOVED: Final = range(300, 400)
# These ask for the very same request elsewhere, so this one did nothing.
_MOVED_UNDONE: Final = frozenset({301, 307, 308})
_PAGE: Final = re.compile(rb"<!doctype|<html|<body|<head", re.IGNORECASE)
_PHP_NOISE: Final = re.compile(rb"(?:Warning|Notice|Deprecated|Strict Standards)(?:</b>)?:")
_START: Final = re.compile(rb"[\[{]")
_MAX_NOISE: Final = 65_536
_MAX_STARTS: Final = 50


def error_of(answer: Answer, client: HttpClient, *, write: bool) -> AdapterError | None:
    """Tell which error a status means.

    A 5xx after a write may come from a server that died after the deed, so it is
    OutcomeUnknown; 429 and an announced maintenance are said before anything is done.

    Args: write: whether the request could change something.
    Returns: None for a 2xx; the error carries the platform's own code, if any.
    """
    status = answer.status
    if status in _OK:
        return None
    code = _code(answer)
    wait = retry_after_s(answer.headers)
    kind, text = _kind(status, write=write, announced=wait is not None)
    return kind(
        f"{text} ({status}{' ' + code if code else ''}).",
        platform=client.platform,
        operation=answer.operation,
        status=status,
        request_id=answer.request_id,
        excerpt=excerpt(answer.body, client.secrets),
        retry_after_s=wait,
        code=code,
    )


_KEY: Final = "The shop refuses our key: make a new one with read and write rights"
_GONE: Final = "The shop does not have this any more"
_FROZEN: Final = "The shop is frozen or locked"
_NOT_TAKEN: Final = "The shop did not take the request"
_BY_STATUS: Final[dict[int, tuple[type[AdapterError], str]]] = {
    401: (AuthRejected, _KEY),
    402: (ShopPaused, _FROZEN),
    403: (AuthRejected, _KEY),
    404: (NotFound, _GONE),
    408: (TemporaryFailure, _NOT_TAKEN),
    409: (Conflict, "The shop says that this exists already"),
    410: (NotFound, _GONE),
    423: (ShopPaused, _FROZEN),
    425: (TemporaryFailure, _NOT_TAKEN),
    429: (RateLimited, "The shop asks for fewer calls"),
}


def _kind(status: int, *, write: bool, announced: bool) -> tuple[type[AdapterError], str]:
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status in _MOVED:
        return _moved(status, write=write)
    if status < 500:  # noqa: PLR2004 - all other 4xx
        return InvalidRequest, "The shop refuses the values"
    if write and not (status == 503 and announced):  # noqa: PLR2004 - maintenance
        return OutcomeUnknown, "The shop failed; whether it was done is not known"
    if status in {502, 503, 504}:
        return PlatformDown, "The shop is down or in maintenance"
    return TemporaryFailure, "The shop failed"


def _moved(status: int, *, write: bool) -> tuple[type[AdapterError], str]:
    text = "The shop sends us to another address: check the shop's URL (http, www) and permalinks"
    if status in _MOVED_UNDONE:
        return InvalidRequest, text
    if write:
        return OutcomeUnknown, text
    return PlatformDown, text


def _code(answer: Answer) -> str:
    """Find the platform's own code; its words are translated and say less."""
    try:
        found = decode_any(answer.body) if answer.body else None
    except PayloadInvalid:
        return ""
    code = found.get("code") if isinstance(found, dict) else None
    return code[:100] if isinstance(code, str) else ""


def json_of(answer: Answer, client: HttpClient, *, write: bool) -> Any:
    """Read the JSON of an answer that succeeded.

    A page instead of JSON is PlatformDown for a read and OutcomeUnknown for a write.
    A byte order mark, empty lines and PHP warnings before the JSON are passed over.

    Raises: AdapterError: see `error_of`, or no JSON came.
    """
    error = error_of(answer, client, write=write)
    if error is not None:
        raise error
    try:
        return decode_any(find_json(answer.body))
    except PayloadInvalid as err:
        page = _PAGE.search(answer.body[:4096]) is not None
        what = "a page" if page else "something else" if answer.body.strip() else "nothing"
        kind = OutcomeUnknown if write else PlatformDown
        raise kind(
            f"The shop answered {what} instead of JSON: check its permalinks (not Plain), "
            "its maintenance mode, and plugins that guard or cache the REST API.",
            platform=client.platform,
            operation=answer.operation,
            status=answer.status,
            request_id=answer.request_id,
            excerpt=excerpt(answer.body, client.secrets),
        ) from err


def find_json(body: bytes) -> bytes:
    """Find the JSON behind what PHP may print before it.

    Returns: the body from the first `{` or `[` from which all the rest is JSON, when
        a PHP warning and no page stands before it; else the body itself.
    """
    text = body.removeprefix(b"\xef\xbb\xbf").strip()
    if text[:1] in {b"{", b"["}:
        return text
    head = text[:_MAX_NOISE]
    if _PAGE.search(head) is not None or _PHP_NOISE.search(head) is None:
        return text
    for number, match in enumerate(_START.finditer(head)):
        if number >= _MAX_STARTS:
            break
        rest = text[match.start() :]
        try:
            decode_any(rest)
        except PayloadInvalid:
            continue
        return rest
    return text
