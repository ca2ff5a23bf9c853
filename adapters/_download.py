"""Read a long file line by line, from an address that an answer of the shop named."""

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlsplit

import requests
import urllib3

from adapters._address import check_base_url
from adapters._http import READ_TIMEOUT_S, USER_AGENT
from adapters._wire import CONNECT_TIMEOUT_S, GuardedTransport, call, find_ours
from connector.errors import ConfigurationError, InvalidRequest, NotFound, TemporaryFailure

MAX_LINE_BYTES: Final = 5 * 1024 * 1024
_CHUNK: Final = 64 * 1024
_OK: Final = 200
# A signed address that has run out is refused or forgotten, as its keeper likes.
_GONE: Final = frozenset({400, 401, 403, 404, 410})


def read_lines(
    url: str, *, allow_private: bool, allow_http: bool, platform: str, operation: str
) -> Iterator[bytes]:
    """Give each line of a file, whole and without its end; never all of it at once.

    No key is sent: the address itself is the right to read. The address is guarded like
    a shop's own, so that no answer leads us into a private network.

    Raises:
        NotFound: the file is kept no more.
        TemporaryFailure: it did not come, or not to its end.
        InvalidRequest: the address is refused, or a line is longer than 5 MiB.
    """
    where: dict[str, Any] = {"platform": platform, "operation": operation}
    parts = urlsplit(url)
    try:
        check_base_url(
            f"{parts.scheme}://{parts.netloc}", allow_private=allow_private, allow_http=allow_http
        )
    except ConfigurationError as err:
        raise InvalidRequest(
            "The shop names a file at an address we do not call.", **where
        ) from err
    problem: Exception | None = None
    with requests.Session() as session:
        session.trust_env = False
        for scheme in ("https://", "http://"):
            session.mount(scheme, GuardedTransport(max_retries=0))
        call.left, call.sock = False, None
        call.allow_private, call.platform = allow_private, platform
        try:
            with session.get(
                url,
                headers={"User-Agent": USER_AGENT, "Accept-Encoding": "gzip"},
                timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
                allow_redirects=False,
                stream=True,
            ) as response:
                if response.status_code in _GONE:
                    raise NotFound(
                        "The shop keeps this file no more.", status=response.status_code, **where
                    )
                if response.status_code != _OK:
                    raise TemporaryFailure(
                        "The file could not be read.", status=response.status_code, **where
                    )
                yield from _lines(response, where)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as err:
            problem = err
    # Outside of the except block: the library's error holds the signed address.
    if problem is not None:
        guarded = find_ours(problem)
        if guarded is not None:
            raise guarded from None
        raise TemporaryFailure("The file broke off before its end.", **where)


def _lines(response: requests.Response, where: dict[str, Any]) -> Iterator[bytes]:
    rest = b""
    for chunk in response.raw.stream(_CHUNK, decode_content=True):
        *whole, rest = (rest + chunk).split(b"\n")
        yield from whole
        if len(rest) > MAX_LINE_BYTES:
            raise InvalidRequest("A line of the file is longer than 5 MiB.", **where)
    if rest:
        yield rest
