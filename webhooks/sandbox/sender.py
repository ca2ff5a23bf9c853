"""Send signed webhooks from background threads and keep a log."""

from __future__ import annotations

import base64
import hashlib
import heapq
import hmac
import itertools
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import requests

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MODES: Final = frozenset({"normal", "drop", "duplicate", "reorder"})


def sign(body: bytes, secret: str) -> str:
    """Sign a body as both platforms do: base64 of HMAC-SHA256."""
    digest = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One webhook request, ready to be sent.

    Args:
        order: reference of the order it is about; empty for none.
    """

    topic: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    order: str = ""


def _nothing(status: int | None) -> None:
    del status


@dataclass(frozen=True, slots=True)
class Job:
    """A webhook to be sent later.

    Args:
        build: called when it is sent; None means that it is not sent.
        settled: called afterwards with the status, None for no answer.
        key: a second job with the key of a waiting one is not queued.
        timeout_s: how long the shop waits for the answer.
    """

    build: Callable[[], Outgoing | None]
    settled: Callable[[int | None], None] = _nothing
    key: str | None = None
    timeout_s: float = 10.0


@dataclass(order=True, slots=True)
class _Waiting:
    due: float
    number: int
    job: Job = field(compare=False)


class WebhookSender:
    """Send queued webhooks when they are due.

    Args:
        workers: threads; 1 sends strictly one after the other.
    """

    def __init__(self, workers: int = 1) -> None:
        """Start empty and asleep; `start` begins to send."""
        self._mode = "normal"
        self._ready = threading.Condition()
        self._heap: list[_Waiting] = []
        self._numbers = itertools.count()
        self._busy = 0
        self._stopped = False
        self._log: list[dict[str, Any]] = []
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(workers)]

    @property
    def mode(self) -> str:
        """Tell how webhooks leave: normal, drop, duplicate or reorder."""
        return self._mode

    @mode.setter
    def mode(self, value: str) -> None:
        if value not in MODES:
            message = f"unknown webhook mode {value!r}; known: {sorted(MODES)}"
            raise ValueError(message)
        self._mode = value

    def start(self) -> None:
        """Begin to send."""
        for thread in self._threads:
            thread.start()

    def stop(self, timeout_s: float = 15.0) -> None:
        """Send nothing more; waits for a request that is under way."""
        with self._ready:
            self._stopped = True
            self._heap.clear()
            self._ready.notify_all()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(timeout_s)

    def enqueue(self, job: Job, delay_s: float = 0.0) -> bool:
        """Queue a job; False if one with its key is waiting already."""
        with self._ready:
            if self._stopped:
                return False
            if job.key is not None and any(waiting.job.key == job.key for waiting in self._heap):
                return False
            due = time.monotonic() + delay_s
            heapq.heappush(self._heap, _Waiting(due, next(self._numbers), job))
            self._ready.notify_all()
            return True

    def flush(self) -> None:
        """Make every waiting job due now."""
        with self._ready:
            for waiting in self._heap:
                waiting.due = 0.0
            heapq.heapify(self._heap)
            self._ready.notify_all()

    def wait_idle(self, timeout_s: float = 30.0) -> bool:
        """Wait until nothing is queued or under way; False if not in time."""
        with self._ready:
            return self._ready.wait_for(lambda: not self._heap and not self._busy, timeout_s)

    def log(self) -> list[dict[str, Any]]:
        """Copy the log: topic, order, url, body, headers, status, outcome."""
        with self._ready:
            return [dict(entry) for entry in self._log]

    def note(self, outgoing: Outgoing, status: int | None, outcome: str | None = None) -> None:
        """Write one request to the log; also for those sent elsewhere."""
        entry = {
            "topic": outgoing.topic,
            "order": outgoing.order,
            "url": outgoing.url,
            "status": status,
            "outcome": outcome or ("answered" if status is not None else "no answer"),
            "headers": dict(outgoing.headers),
            "body": outgoing.body.decode(),
        }
        with self._ready:
            self._log.append(entry)

    def send(
        self,
        outgoing: Outgoing,
        timeout_s: float = 10.0,
        *,
        allow_redirects: bool = False,
    ) -> int | None:
        """Send one request now; None when there was no answer."""
        with requests.Session() as session:
            session.trust_env = False  # a proxy of the machine is not for loopback
            try:
                answer = session.post(
                    outgoing.url,
                    data=outgoing.body,
                    headers=dict(outgoing.headers),
                    timeout=timeout_s,
                    allow_redirects=allow_redirects,
                )
            except requests.RequestException:
                status = None
            else:
                status = answer.status_code
        self.note(outgoing, status)
        return status

    def _take(self) -> Job | None:
        with self._ready:
            while not self._stopped:
                now = time.monotonic()
                due = [waiting for waiting in self._heap if waiting.due <= now]
                if due:
                    pick = max(due) if self._mode == "reorder" else min(due)
                    self._heap.remove(pick)
                    heapq.heapify(self._heap)
                    self._busy += 1
                    return pick.job
                wait = self._heap[0].due - now if self._heap else None
                self._ready.wait(wait)
        return None

    def _work(self) -> None:
        while (job := self._take()) is not None:
            try:
                self._run(job)
            finally:
                with self._ready:
                    self._busy -= 1
                    self._ready.notify_all()

    def _run(self, job: Job) -> None:
        outgoing = job.build()
        if outgoing is None:
            return
        if self._mode == "drop":
            self.note(outgoing, None, "dropped")
            return
        if self._mode == "duplicate":
            self.send(outgoing, job.timeout_s)
        job.settled(self.send(outgoing, job.timeout_s))
