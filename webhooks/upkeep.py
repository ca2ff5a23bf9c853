"""What every process that works does now and then for the whole installation."""

import threading
import time
from datetime import timedelta
from typing import Final

from connector.errors import PostventaError
from connector.flows.privacy_requests import finish_erasures
from connector.flows.retention import EVERY_S, JOB, prune
from webhooks.secret_rotation import forget_old_secrets
from webhooks.wiring import Application

# How often the turn of the daily job is asked for.
_ASK_S: Final = 60.0
_STOP_S: Final = 10.0


class Upkeep:
    """Forgets what is old, once a day for all processes; holds some disk for bad days."""

    def __init__(self, app: Application) -> None:
        self._app = app
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._next_at = 0.0

    def tick(self) -> None:
        """Look whether something is due; called every second or so, never waits long.

        Raises: StorageUnavailable: the store cannot say whose turn it is.
        """
        now = time.monotonic()
        if now < self._next_at or (self._thread is not None and self._thread.is_alive()):
            return
        self._next_at = now + _ASK_S
        self._app.disk.hold_again()
        with self._app.storage.transaction() as tx:
            mine = tx.claim_job(JOB, now=self._app.clock.now(), every_s=EVERY_S)
        if mine:
            self._thread = threading.Thread(target=self._prune, name="prune", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End between two pieces."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(_STOP_S)

    def _prune(self) -> None:
        settings = self._app.settings
        try:
            prune(
                self._app.engine,
                keep_bodies=timedelta(days=settings.keep_bodies_days),
                keep_evidence=timedelta(days=settings.keep_evidence_days),
                stopping=self._stopping.is_set,
            )
            forget_old_secrets(self._app)
            finish_erasures(self._app.engine, self._stopping.is_set)
        except PostventaError as err:
            self._app.engine.log("retention.failed", error=str(err))
        except Exception as err:  # noqa: BLE001 - the process must live
            self._app.engine.log("retention.failed", fault=err)
