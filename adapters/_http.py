"""The one HTTP client: guarded addresses, hard limits, and errors of ours.

A request that surely never left is Unreachable. What goes wrong later is a
TemporaryFailure of a read and an OutcomeUnknown of a write, because a lost answer
does not say what was done.

Long because what may have happened to a call is decided in one place.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import requests
import urllib3
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt

from adapters._address import check_base_url
from adapters._gate import NoGate
from adapters._redact import guard_library_logs, redact
from adapters._waits import asked_pause_s
from adapters._wire import (
    CONNECT_TIMEOUT_S,
    GuardedTransport,
    TransportNote,
    call,
    deadline,
    find_ours,
    is_timeout,
)
from connector.errors import (
    AdapterError,
    InvalidRequest,
    OutcomeUnknown,
    TemporaryFailure,
    Unreachable,
)
from connector.ports import CallGate
from connector.secret import Secret

READ_TIMEOUT_S: Final = 30.0
TOTAL_TIMEOUT_S: Final = 60.0
MAX_BODY_BYTES: Final = 5 * 1024 * 1024
TOO_LARGE: Final = "answer_too_large"
USER_AGENT: Final = "Postventa"
_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_CHUNK: Final = 64 * 1024

_log = logging.getLogger(__name__)
guard_library_logs()

Sign = Callable[[str, str], tuple[str, Mapping[str, str]]]
"""Takes method and whole URL, gives the URL to send and headers; once for every try."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: any status, the body whole and inflated.

    Attributes:
        headers: names in lower case.
        operation: what was asked, like `GET orders/5`, without any query.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    operation: str = ""

    @property
    def request_id(self) -> str:
        """Name the call as the other side's support knows it."""
        names = ("x-request-id", "cf-ray", "x-shopify-shop-request-id")
        return next((self.headers[name][:100] for name in names if self.headers.get(name)), "")


class _DroppedReadError(Exception):
    """A kept connection was closed before the answer to a read began."""


class HttpClient:
    """Sends requests to one shop and tells what came back.

    Args:
        base_url: with scheme, maybe with a folder, without a query.
        allow_private: also private networks, and any port; allow_http: also without TLS.
        platform: named in every error, like `woocommerce`.
        secrets: values blanked out of every error and log line.
        ca_file: a certificate to trust instead of the public ones.
        gate: asked before every call; by default none waits.

    Raises: ConfigurationError: the address is refused.
    """

    def __init__(
        self,
        base_url: str,
        *,
        allow_private: bool,
        allow_http: bool,
        platform: str,
        secrets: Sequence[Secret] = (),
        read_timeout_s: float = READ_TIMEOUT_S,
        total_timeout_s: float = TOTAL_TIMEOUT_S,
        ca_file: str | None = None,
        gate: CallGate | None = None,
    ) -> None:
        self.gate: CallGate = gate or NoGate()
        self.base_url = check_base_url(base_url, allow_private=allow_private, allow_http=allow_http)
        self.platform = platform
        self.secrets = tuple(secrets)
        self._allow_private = allow_private
        self._allow_http = allow_http
        self._read_timeout_s = read_timeout_s
        self._total_timeout_s = total_timeout_s
        self._session = requests.Session()
        # No proxies and no .netrc from the environment: the guard must see the target.
        self._session.trust_env = False
        # No cookies: what a shop's pages set for people is not for us, nor for all threads.
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.verify = ca_file if ca_file is not None else True
        transport = GuardedTransport(pool_connections=4, pool_maxsize=8, max_retries=0)
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, transport)
        self._dated: tuple[datetime, float] | None = None

    def close(self) -> None:
        """Close the kept connections."""
        self._session.close()

    def server_time(self) -> datetime | None:
        """Tell the other side's time by the `Date` of its last answer; None before one.

        Our own clock has no part in it. A cache gives an older time than the shop has.
        """
        dated = self._dated
        if dated is None:
            return None
        return dated[0] + timedelta(seconds=time.monotonic() - dated[1])

    def redact(self, text: str) -> str:
        """Blank keys and tokens out of a text, ours by value."""
        return redact(text, self.secrets)

    def send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        sign: Sign | None = None,
        write: bool | None = None,
        operation: str = "",
    ) -> Answer:
        """Send one request and read the whole answer, whatever its status.

        Args:
            method: like `GET`, in capitals.
            path: below the base address, or a whole URL on the same host.
            params: the query; `sign` gets the URL with it.
            body: the exact bytes to send.
            headers: added to our own.
            sign: signs each try anew.
            write: whether it may change something; by default all but GET does.
            operation: the name for errors; by default method and path.

        Raises:
            Unreachable, ShopResting: surely nothing left.
            TemporaryFailure: a read got no whole answer.
            OutcomeUnknown: a write got no whole answer.
            InvalidRequest: the address is refused, or the answer to a read is too large.
        """
        is_write = method.upper() not in _READS if write is None else write
        name = operation or f"{method} {urlsplit(path).path.lstrip('/')}"
        url = self._url(path)
        if params:
            url = f"{url}{'&' if '?' in url else '?'}{urlencode(params)}"
        with self.gate.call() as told:
            # A read whose kept connection was just closed is worth one more try at once.
            for attempt in Retrying(
                stop=stop_after_attempt(2),
                retry=retry_if_exception_type(_DroppedReadError),
                reraise=True,
            ):
                with attempt:
                    final = attempt.retry_state.attempt_number > 1
                    answer = self._send_once(
                        method, url, body, headers or {}, sign, is_write, name, final=final
                    )
                    told(answer.status, asked_pause_s(answer.status, answer.headers))
                    return answer
        raise AssertionError("the retry loop always returns or raises")

    def _url(self, path: str) -> str:
        if "://" not in path:
            return f"{self.base_url}/{path.lstrip('/')}"
        mine, theirs = urlsplit(self.base_url), urlsplit(path)
        if (mine.scheme, mine.netloc) != (theirs.scheme, theirs.netloc):
            raise InvalidRequest("This URL leads away from the shop.", platform=self.platform)
        return path

    def _send_once(
        self,
        method: str,
        url: str,
        body: bytes | None,
        headers: Mapping[str, str],
        sign: Sign | None,
        write: bool,
        operation: str,
        *,
        final: bool,
    ) -> Answer:
        extra: Mapping[str, str] = {}
        if sign is not None:
            url, extra = sign(method, url)
        sent_headers = {
            "User-Agent": USER_AGENT,
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            **headers,
            **extra,
        }
        call.left, call.sock = False, None
        call.allow_private, call.platform = self._allow_private, self.platform
        started = time.monotonic()
        expired = threading.Event()
        problem: Exception | None = None
        got_head = False
        with deadline(self._total_timeout_s, expired):
            try:
                with self._session.request(
                    method,
                    url,
                    data=body,
                    headers=sent_headers,
                    timeout=(CONNECT_TIMEOUT_S, self._read_timeout_s),
                    allow_redirects=False,
                    stream=True,
                ) as response:
                    got_head = True
                    content = self._read_body(response, write, operation)
                    answer = Answer(
                        response.status_code,
                        {key.lower(): value for key, value in response.headers.items()},
                        content,
                        operation,
                    )
            except AdapterError as err:
                err.operation = err.operation or operation
                raise
            except (
                requests.RequestException,
                urllib3.exceptions.HTTPError,
                OSError,
                ValueError,
            ) as err:
                problem = err
        took = time.monotonic() - started
        if problem is None:
            self._note_date(answer.headers.get("date", ""))
        if expired.is_set():
            # Without a length, an answer that we cut looks like one that has ended.
            problem = problem or TimeoutError("the whole call took too long")
        if problem is None:
            _log.debug(
                "http.answer",
                extra={"operation": operation, "status": answer.status, "took_s": round(took, 3)},
            )
            return answer
        # Outside of the except block: the library's error holds the signed URL, and
        # a chained one would be printed with every traceback.
        guarded = find_ours(problem)
        if guarded is not None:
            guarded.operation = guarded.operation or operation
            raise guarded from None
        timed_out = expired.is_set() or is_timeout(problem)
        if not write and not final and not timed_out and not got_head and call.left:
            raise _DroppedReadError from None
        cause = TransportNote(self.redact(f"{type(problem).__name__}: {problem}")[:500])
        raise self._error(write, operation, timed_out=timed_out) from cause

    def _note_date(self, text: str) -> None:
        try:
            at = parsedate_to_datetime(text)
        except ValueError:
            return
        if at.tzinfo is not None:
            self._dated = at.astimezone(UTC), time.monotonic()

    def _error(self, write: bool, operation: str, *, timed_out: bool) -> AdapterError:
        what = "did not answer in time" if timed_out else "broke the connection"
        details: dict[str, Any] = {"platform": self.platform, "operation": operation}
        if not call.left:
            reached = "could not be reached in time" if timed_out else "cannot be reached"
            return Unreachable(f"The shop {reached}; nothing was done.", **details)
        if write:
            return OutcomeUnknown(f"The shop {what}; whether it was done is not known.", **details)
        return TemporaryFailure(f"The shop {what}.", **details)

    def _read_body(self, response: requests.Response, write: bool, operation: str) -> bytes:
        parts: list[bytes] = []
        size = 0
        for chunk in response.raw.stream(_CHUNK, decode_content=True):
            size += len(chunk)
            if size > MAX_BODY_BYTES:
                kind = OutcomeUnknown if write else InvalidRequest
                raise kind(
                    "The answer is larger than 5 MiB.",
                    platform=self.platform,
                    operation=operation,
                    status=response.status_code,
                    code=TOO_LARGE,
                )
            parts.append(chunk)
        return b"".join(parts)
