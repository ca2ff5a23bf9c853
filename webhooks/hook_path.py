"""The hooks as a plain WSGI callable in front of the Flask app, for servers of others.

Our own server takes webhooks at the edge; this is the door for any WSGI server. Flask costs
more than the signature and the commit together; webhooks are most of the traffic and need
nothing of it. Body limits and answers are the receiver's own.
"""

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any, Final

from webhooks.receive import Answer, Inbound, Receiver
from webhooks.urls import HOOKS

StartResponse = Callable[..., Any]
Wsgi = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]

_STATUS: Final = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


class HookPath:
    """Answers `/hooks/…` itself and hands everything else on."""

    def __init__(self, receiver: Receiver, otherwise: Wsgi, *, body_limit: int) -> None:
        self._receiver = receiver
        self._otherwise = otherwise
        self._limit = body_limit

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        path = environ.get("PATH_INFO", "")
        if not path.startswith(HOOKS):
            return self._otherwise(environ, start_response)
        answer = self._receiver.receive(inbound(environ, self._limit))
        start_response(_STATUS[answer.status], response_headers(answer))
        return [answer.body]


def response_headers(answer: Answer) -> list[tuple[str, str]]:
    """Give the headers of an answer, its length included."""
    return [*answer.headers, ("Content-Length", str(len(answer.body)))]


def inbound(environ: dict[str, Any], limit: int) -> Inbound:
    """Read a WSGI request, at most one byte more than the limit.

    A chunked body has no length here: the server in front has read it whole, so it is
    read up to the limit; one that is longer counts as too large, never as cut.
    """
    headers = {
        key[5:].replace("_", "-").lower(): value
        for key, value in environ.items()
        if key.startswith("HTTP_")
    }
    if environ.get("CONTENT_TYPE"):
        headers["content-type"] = environ["CONTENT_TYPE"]
    return Inbound(
        environ.get("REQUEST_METHOD", ""),
        environ.get("PATH_INFO", ""),
        headers,
        _body(environ, limit),
    )


def _body(environ: dict[str, Any], limit: int) -> bytes | None:
    declared = environ.get("CONTENT_LENGTH") or ""
    if declared.isdigit():
        if int(declared) > limit:
            return None
        wanted = int(declared)
    elif environ.get("HTTP_TRANSFER_ENCODING") or environ.get("wsgi.input_terminated"):
        wanted = limit + 1
    else:
        # Without either there is no body, and to read would wait for the client.
        return b""
    stream = environ["wsgi.input"]
    body: bytes = stream.read(wanted)
    return None if len(body) > limit else body
