"""One of the servers that are compared, as a process of its own.

All of them are the same granian. Ours runs in one process with its event loop; WSGI
applications run under its own command, with as many threads as connections.
"""

import os
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server import Server

from connector.errors import StorageUnavailable
from connector.storage.port import Storage
from connector.storage.records import NewDelivery
from tools.bench import bare
from tools.bench.children import free_port
from tools.bench.installation import Installation
from webhooks.edge import Edge
from webhooks.server import HttpServer, WebServer
from webhooks.wiring import Application

KINDS: Final = {
    "ours": "our receiver",
    "commit-each": "our receiver, one commit a request",
    "wsgi": "our receiver as a WSGI application",
    "bare-flask": "a Flask view that reads the body and keeps nothing",
    "bare-bridge": "the same view behind our bridge",
    "bare-rsgi": "a coroutine that reads the body and keeps nothing",
}
_THREADS: Final = 64
_WSGI: Final = {
    "wsgi": "webhooks.wsgi:make_application",
    "bare-flask": "tools.bench.bare:flask_view",
}


class CommitEach:
    """The store, with a commit of its own for each request, by one thread for each."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._threads = ThreadPoolExecutor(_THREADS)

    def __getattr__(self, name: str) -> Any:
        """Hand on everything else."""
        return getattr(self._storage, name)

    def store_soon(
        self,
        delivery: NewDelivery,
        settled: Callable[[int | None, BaseException | None], None],
        *,
        mark: bool = False,
    ) -> None:
        """Store a row and commit it."""
        self._threads.submit(self._store, delivery, settled, mark)

    def _store(self, delivery: NewDelivery, settled: Callable[..., None], mark: bool) -> None:
        try:
            with self._storage.transaction() as tx:
                (number,) = tx.add_deliveries([delivery])
                if mark:
                    tx.update_shop(delivery.shop_id, last_delivery_at=delivery.received_at)
        except StorageUnavailable as err:
            settled(None, err)
        else:
            settled(number, None)


def make_server(kind: str, app: Application) -> HttpServer:
    """Make a server of our own, of one kind, on a free port."""
    others: Mapping[str, Callable[[], Any]] = {
        "bare-bridge": lambda: Edge(
            None, bare.flask_view(), body_limit=app.settings.body_limit_bytes
        ),
        "bare-rsgi": bare.Rsgi,
    }
    if kind in others:
        return HttpServer(others[kind](), host="127.0.0.1", port=0)
    if kind == "commit-each":
        # Only `store_soon` differs, and the receiver uses nothing that is missing.
        each: Any = CommitEach(app.storage)
        app = replace(app, storage=each)
    return WebServer(app, host="127.0.0.1", port=0)


def serve_wsgi(target: str) -> None:
    """Serve a WSGI application as granian's own command does."""
    port = free_port()
    server = Server(
        target,
        address="127.0.0.1",
        port=port,
        interface=Interfaces.WSGI,
        blocking_threads=_THREADS,
        log_level=LogLevels.error,
        factory=True,
    )
    threading.Timer(1.0, lambda: print(f"port {port}", flush=True)).start()
    server.serve()


def main(kind: str, folder: str, database_url: str = "") -> None:
    """Serve until the process is ended."""
    at = Installation(Path(folder), database_url)
    if kind in _WSGI:
        os.environ.update(at.variables)
        serve_wsgi(_WSGI[kind])
        return
    with at.opened() as app:
        server = make_server(kind, app)
        print(f"port {server.port}", flush=True)
        server.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
