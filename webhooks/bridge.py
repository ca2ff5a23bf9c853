"""Call a WSGI application from the event loop: by a few threads, with the body read."""

import asyncio
import io
import sys
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from webhooks.hook_path import Wsgi

THREADS: Final = 8
_LEFT_OUT: Final = frozenset({"content-type", "content-length", "forwarded"})
_NO_BODY: Final = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})


@dataclass(frozen=True, slots=True)
class Page:
    """What the application answered."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class Bridge:
    """A WSGI application behind an event loop.

    Who the client is, is what the connection says: what a proxy adds is left out.
    """

    def __init__(self, application: Wsgi) -> None:
        self._application = application
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="page")

    async def answer(
        self,
        loop: asyncio.AbstractEventLoop,
        scope: Any,
        path: str,
        headers: Mapping[str, str],
        body: bytes | None,
    ) -> Page:
        """Answer one request.

        Args: body: None when it was too long.
        """
        if body is None:
            return _plain(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        environ = environment(scope, path, headers, body)
        return await loop.run_in_executor(self._threads, self._call, environ)

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _call(self, environ: dict[str, Any]) -> Page:
        started: list[tuple[int, list[tuple[str, str]]]] = []
        parts: list[bytes] = []

        def start_response(
            status: str, headers: list[tuple[str, str]], exc_info: Any = None
        ) -> Any:
            del exc_info
            started[:] = [(int(status.split(" ", 1)[0]), list(headers))]
            return parts.append

        try:
            answer: Iterable[bytes] = self._application(environ, start_response)
            try:
                parts.extend(answer)
            finally:
                if hasattr(answer, "close"):
                    answer.close()
            status, headers = started[0]
        except Exception:  # noqa: BLE001 - Flask has logged its own; the client needs an answer
            return _plain(HTTPStatus.INTERNAL_SERVER_ERROR)
        body = b"".join(parts)
        headers = [(name, value) for name, value in headers if name.lower() != "connection"]
        if environ["REQUEST_METHOD"] == "HEAD":
            # Its length stays that of the answer to a GET.
            return Page(status, headers, b"")
        if status not in _NO_BODY and not any(n.lower() == "content-length" for n, _ in headers):
            headers.append(("Content-Length", str(len(body))))
        return Page(status, headers, body)


def _plain(status: HTTPStatus) -> Page:
    body = status.phrase.encode() + b"\n"
    return Page(status.value, [("Content-Type", "text/plain; charset=utf-8")], body)


def environment(scope: Any, path: str, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """Write a request as PEP 3333 wants it."""
    server, _, port = scope.server.rpartition(":")
    client, _, client_port = scope.client.rpartition(":")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        # Bytes of UTF-8, one a character.
        "PATH_INFO": path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string,
        "SERVER_NAME": server.strip("[]"),
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": "HTTP/1.0" if scope.http_version == "1" else "HTTP/1.1",
        "REMOTE_ADDR": client.strip("[]"),
        "REMOTE_PORT": client_port,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": io.BytesIO(body),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    if "content-type" in headers:
        environ["CONTENT_TYPE"] = headers["content-type"]
    for name, value in headers.items():
        # `X_A` and `X-A` would become one name: only the latter is taken.
        if name not in _LEFT_OUT and "_" not in name and not name.startswith("x-forwarded-"):
            environ[f"HTTP_{name.replace('-', '_').upper()}"] = value
    return environ
