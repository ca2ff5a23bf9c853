"""Connections that check where they go, and that know whether a byte left."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any, Final

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError

from adapters._address import resolve
from connector.errors import AdapterError

CONNECT_TIMEOUT_S: Final = 5.0


class Call(threading.local):
    """What the request of this thread has done so far."""

    left: bool = False
    sock: socket.socket | None = None
    allow_private: bool = False
    platform: str = ""


call: Final = Call()
"""The call that the current thread is making."""


def _connect(connection: HTTPConnection) -> socket.socket:
    """Connect to an address that was checked, not to the name a second time."""
    last: OSError | None = None
    for family, address, port in resolve(
        connection.host.strip("[]"),
        connection.port,
        allow_private=call.allow_private,
        platform=call.platform,
    ):
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.settimeout(CONNECT_TIMEOUT_S)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.connect((address, port))
        except OSError as err:
            sock.close()
            last = err
        else:
            return sock
    raise NewConnectionError(connection, f"no connection: {last}") from last


class _GuardedHttp(HTTPConnection):
    """A connection that checks where it goes and notes when a byte left."""

    def _new_conn(self) -> socket.socket:
        return _connect(self)

    def send(self, data: Any) -> None:
        """Send, and note that from here on the other side may have it."""
        if self.sock is None:
            self.connect()
        call.sock = self.sock
        call.left = True
        super().send(data)


class _GuardedHttps(HTTPSConnection):
    """The same over TLS; name and certificate are checked against the host."""

    def _new_conn(self) -> socket.socket:
        return _connect(self)

    def send(self, data: Any) -> None:
        """Send, and note that from here on the other side may have it."""
        if self.sock is None:
            self.connect()
        call.sock = self.sock
        call.left = True
        super().send(data)


class GuardedHttpPool(HTTPConnectionPool):
    """A pool of guarded connections."""

    ConnectionCls = _GuardedHttp


class GuardedHttpsPool(HTTPSConnectionPool):
    """A pool of guarded connections over TLS."""

    ConnectionCls = _GuardedHttps


class GuardedTransport(HTTPAdapter):
    """The way from requests to the guarded pools."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Set the pools up."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {
            "http": GuardedHttpPool,
            "https": GuardedHttpsPool,
        }


@contextlib.contextmanager
def deadline(seconds: float, expired: threading.Event) -> Iterator[None]:
    """Cut the connection when the whole call takes too long, drop by drop.

    The read timeout alone starts anew with every byte that trickles in.
    """
    mine = call.__dict__

    def cut() -> None:
        expired.set()
        sock = mine.get("sock")
        if sock is not None:
            with contextlib.suppress(OSError):
                # The plain one: that of TLS would take its state from the reader.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


class TransportNote(Exception):
    """What the HTTP library said, redacted."""


def find_ours(problem: BaseException) -> AdapterError | None:
    """Find an error of the address guard that the libraries wrapped."""
    seen: set[int] = set()
    queue: list[Any] = [problem]
    while queue:
        item = queue.pop()
        if not isinstance(item, BaseException) or id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, AdapterError):
            return item
        queue += [item.__cause__, item.__context__, *item.args, getattr(item, "reason", None)]
    return None


def is_timeout(problem: BaseException) -> bool:
    """Tell whether the library gave up waiting."""
    return isinstance(problem, (requests.Timeout, TimeoutError)) or "timed out" in str(problem)
