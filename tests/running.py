"""A real Postventa on a free port: real HTTP, a real database, real workers."""

import threading
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests

from connector.jobs.worker import Worker
from connector.ports import Clock
from connector.secret import Secret
from connector.settings import Settings
from connector.storage.port import Storage
from connector.storage.records import DeliveryRecord, ShopRecord
from tests.support import free_port
from webhooks.exports import export_lines
from webhooks.serve import WorkerPool
from webhooks.server import WebServer
from webhooks.wiring import Application, open_application


class Running:
    """One server with its store; workers run only when asked for.

    Args:
        workers: threads that work by themselves; 0 leaves the work to `drain`.
        database_url: another database than SQLite in `folder`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        clock: Clock | None = None,
        workers: int = 0,
        database_url: str = "",
        **settings: Any,
    ) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.settings = replace(
            Settings(
                data_dir=folder,
                base_url=self.url,
                database_url=Secret(database_url),
                allow_private_hosts=True,
                allow_http=True,
                poll_interval_s=3600.0,
            ),
            **settings,
        )
        self._clock = clock
        self._workers = workers
        self._stack = ExitStack()
        self.app: Application
        self.server: WebServer

    def __enter__(self) -> Self:
        """Start."""
        self.app = self._stack.enter_context(open_application(self.settings, clock=self._clock))
        self.server = WebServer(self.app, host="127.0.0.1", port=self.port)
        thread = threading.Thread(target=self.server.run, daemon=True)
        thread.start()
        self._stack.callback(thread.join, 30)
        self._stack.callback(self.server.stop)
        if self._workers:
            pool = WorkerPool(self.app, threads=self._workers, receiver=self.server.receiver)
            pool.start()
            self._stack.callback(pool.stop)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop, workers first."""
        self._stack.close()

    @property
    def storage(self) -> Storage:
        """Give the open store."""
        return self.app.storage

    def drain(self) -> int:
        """Work off everything that is due, in this thread."""
        return Worker(self.app.engine).drain()

    def add_shop(self, shop: ShopRecord) -> ShopRecord:
        """Store a shop as it is, without asking anybody."""
        with self.storage.transaction() as tx:
            tx.add_shop(shop)
        return shop

    def deliveries(self) -> list[DeliveryRecord]:
        """Give every inbox row, oldest first; numbers may have gaps."""
        with self.storage.reading() as tx:
            total = sum(tx.counts().deliveries.values())
            found: list[DeliveryRecord] = []
            number = 0
            while len(found) < total:
                number += 1
                row = tx.delivery(number)
                if row is not None:
                    found.append(row)
        return found

    def export(self, what: str, shop_id: str | None = None) -> list[dict[str, Any]]:
        """Give the lines that `postventa export` prints."""
        return list(export_lines(self.app, what, shop_id))

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> requests.Response:
        """Send a webhook by hand."""
        return requests.post(self.url + path, data=body, headers=dict(headers), timeout=60)
