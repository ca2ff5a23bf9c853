"""The HTTP server: granian's, with our socket, in a thread of its own."""

import asyncio
import contextlib
import logging
import os
import socket
import threading
from typing import Any, Final, Protocol

import uvloop
from granian import net
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server

from webhooks.app import create_app
from webhooks.edge import Edge
from webhooks.logs import log_event
from webhooks.receive import Receiver
from webhooks.wiring import Application

CONNECTIONS: Final = 1_000
# A client gets this long for the headers of a request, and between two requests.
HEADERS_S: Final = 30
# The server's own least is 8 KiB; it holds headers and the part of a body not yet read.
BUFFER_BYTES: Final = 32 * 1024
_BACKLOG: Final = 1_024
# For connections that neither end nor say anything, once all requests are answered.
_CLOSING_S: Final = 3.0
_JOIN_S: Final = 30.0


class Served(Protocol):
    """An application for `HttpServer`: RSGI, and two verbs for the end."""

    async def __rsgi__(self, scope: Any, proto: Any) -> None:
        """Answer one request."""
        ...

    async def drain(self) -> None:
        """Let what is under way end."""
        ...

    def close(self) -> None:
        """Let go of everything."""
        ...


class _Granian(Server):
    """Granian's embedded server on a socket that is bound and listening already.

    Its own way binds with SO_REUSEPORT: two programs would share a port unnoticed, and
    which port 0 stands for would be known too late.
    """

    def __init__(self, application: Served, listening: socket.socket) -> None:
        super().__init__(
            application,
            interface=Interfaces.RSGI,
            http=HTTPModes.http1,
            websockets=False,
            backlog=_BACKLOG,
            backpressure=CONNECTIONS,
            http1_settings=HTTP1Settings(
                header_read_timeout=HEADERS_S * 1_000, max_buffer_size=BUFFER_BYTES
            ),
            log_enabled=False,
        )
        self._listening = listening

    def _init_shared_socket(self) -> None:
        # A handle of its own: the server closes it when it ends.
        handle = os.dup(self._listening.fileno())
        holder: Any = net.SocketHolder  # type: ignore[attr-defined]  # theirs is half typed
        self._shd = holder(handle, uds=False, backlog=_BACKLOG)


class _Log(logging.Handler):
    """Writes the server's errors as events; its texts may hold data of people."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one."""
        log_event("server.fault", place=record.name, line=str(record.msg)[:60])


class HttpServer:
    """Serves one application; it listens from the first moment.

    Raises: OSError: the address cannot be listened on.
    """

    def __init__(self, application: Served, *, host: str, port: int) -> None:
        self._application = application
        self._listening = _listen(host, port)
        self.port: int = self._listening.getsockname()[1]
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event
        self._stopped = False
        self._fault: BaseException | None = None
        # Not the caller's: a signal must not strike in the middle of a request.
        self._thread = threading.Thread(target=self._serve, name="web", daemon=True)
        self._begun = False

    def run(self) -> None:
        """Serve until `stop`."""
        with self._lock:
            if self._stopped:
                return
            self._begun = True
            self._thread.start()
        self._thread.join()
        if self._fault is not None:
            raise self._fault

    def stop(self) -> None:
        """Answer what is being worked on and close all connections; wait for it."""
        with self._lock:
            self._stopped = True
            begun = self._begun
            if self._loop is not None:
                # It may have ended by itself.
                with contextlib.suppress(RuntimeError):
                    self._loop.call_soon_threadsafe(self._stopping.set)
        if begun:
            self._thread.join(_JOIN_S)
        else:
            self._listening.close()
            self._application.close()

    def _serve(self) -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self._main())
        except BaseException as err:  # noqa: BLE001 - whoever called `run` raises it
            self._fault = err
        finally:
            self._listening.close()
            self._application.close()

    async def _main(self) -> None:
        server = _Granian(self._application, self._listening)
        _quiet()
        with self._lock:
            self._stopping = asyncio.Event()
            self._loop = asyncio.get_running_loop()
            if self._stopped:
                return
        serving = asyncio.create_task(server.serve())
        stopping = asyncio.create_task(self._stopping.wait())
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not serving.done():
            await self._application.drain()
            server.stop()  # type: ignore[no-untyped-call]  # theirs is half typed
            await asyncio.wait({serving}, timeout=_CLOSING_S)
        if serving.done():
            serving.result()
        with self._lock:
            self._loop = None


class WebServer(HttpServer):
    """Our server: webhooks at the edge, the Flask app for everything else."""

    def __init__(self, app: Application, *, host: str, port: int) -> None:
        self.receiver = Receiver(app)
        limit = app.settings.body_limit_bytes
        edge = Edge(self.receiver, create_app(app, self.receiver), body_limit=limit)
        try:
            super().__init__(edge, host=host, port=port)
        except BaseException:
            edge.close()
            raise


def _listen(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listening = socket.socket(family, kind, protocol)
    try:
        # Connections of a server that just ended do not keep the port from the next one.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listening.bind(address)
        listening.listen(_BACKLOG)
    except BaseException:
        listening.close()
        raise
    return listening


def _quiet() -> None:
    """Take the server's own lines into our log, errors only."""
    logger = logging.getLogger("_granian")
    logger.handlers[:] = [_Log()]
    logger.setLevel(logging.ERROR)
    logger.propagate = False
