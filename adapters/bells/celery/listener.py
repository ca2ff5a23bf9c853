"""The Celery worker: it takes rings and wakes the threads of this process.

One ring at a time, in a thread of its own (Celery's solo pool): the work itself is done by
the threads of `webhooks/serve.py`, the same as without a broker.
"""

import threading
from collections.abc import Callable
from typing import Any, Final

from adapters.bells.celery.broker import QUEUE, TASK, celery_app
from connector.secret import Secret

# No longer than the sweeper: a ring that nobody has room for helps nobody.
_HOLD_S: Final = 5.0
# Between two tries to reach the broker: the first wait doubles, up to the last.
_AGAIN_S: Final = 1.0
_AGAIN_MOST_S: Final = 15.0
_JOIN_S: Final = 10.0


class Listener:
    """Listens until it is stopped, whatever happens to the broker.

    Args:
        rung: called for each ring.
        has_room: waits for a free worker, at most as many seconds as given.
        log: takes an event's name and its keys.
    """

    def __init__(
        self,
        broker_url: Secret,
        rung: Callable[[], None],
        has_room: Callable[[float], bool],
        log: Callable[..., None],
    ) -> None:
        self._url = broker_url
        self._rung = rung
        self._has_room = has_room
        self._log = log
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._worker: Any = None
        self._told = False
        self._pause_s = _AGAIN_S
        self._thread = threading.Thread(target=self._run, name="listen", daemon=True)

    def start(self) -> None:
        """Start to listen; the broker need not be there yet."""
        self._thread.start()

    def stop(self) -> None:
        """Take no more rings; returns at once."""
        self._stopping.set()
        with self._lock:
            self._end_loop()

    def join(self) -> None:
        """Wait until the thread has ended."""
        if self._thread.is_alive():
            self._thread.join(timeout=_JOIN_S)

    def _run(self) -> None:
        app = celery_app(self._url, sending=False)

        # Not shared: other applications of this process have a task of the same name.
        @app.task(name=TASK, shared=False)  # type: ignore[untyped-decorator] # Celery has no types
        def drain(shop_id: str) -> None:
            del shop_id
            self._rung()
            if not self._stopping.is_set():
                self._has_room(_HOLD_S)

        # For this thread only; Celery looks the task up there.
        app.set_current()
        while not self._stopping.is_set():
            self._listen_once(app)
            self._lost()
            self._stopping.wait(self._pause_s)
            self._pause_s = min(self._pause_s * 2, _AGAIN_MOST_S)

    def _listen_once(self, app: Any) -> None:
        """Listen until the end or until the connection is lost."""
        worker = app.WorkController(
            queues=[QUEUE],
            # The plain loop: Celery's other one belongs to a process, not to a thread.
            use_eventloop=False,
            without_gossip=True,
            without_mingle=True,
            without_heartbeat=True,
            ready_callback=self._reached,
        )
        with self._lock:
            self._worker = worker
        worker.start()
        with self._lock:
            self._worker = None
        worker.stop()

    def _end_loop(self) -> None:
        """Let Celery's loop end with its next look; rings that wait go to others."""
        from celery.bootsteps import CLOSE

        if self._worker is not None:
            self._worker.consumer.blueprint.state = CLOSE

    def _reached(self, consumer: object) -> None:
        del consumer
        with self._lock:
            # A stop that came while it was connecting was not seen.
            if self._stopping.is_set():
                self._end_loop()
        self._told = False
        self._pause_s = _AGAIN_S
        self._log("bell.listening")

    def _lost(self) -> None:
        """Say once that the broker is away."""
        if not self._told and not self._stopping.is_set():
            self._told = True
            self._log("bell.listen_failed")
