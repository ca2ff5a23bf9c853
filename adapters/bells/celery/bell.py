"""A bell that is heard on other machines.

A ring is a message with a shop's id and nothing else. The rows in the database stay the
truth: a lost ring costs one look of the sweeper, a doubled one an empty look.
"""

import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from adapters.bells.celery.broker import checked
from connector.secret import Secret

if TYPE_CHECKING:
    from adapters.bells.celery.broker import Sender
    from adapters.bells.celery.listener import Listener

# One ring of a shop in this time; the last of several is never left out.
APART_S: Final = 0.2
# After a failure the broker is left alone for this long; rings are gathered meanwhile.
PAUSE_S: Final = 1.0
_CLOSE_S: Final = 2.0


class CeleryBell:
    """Rings through Redis or RabbitMQ; costs the one who rings no more than a set's entry.

    Args:
        broker_url: `redis://`, `rediss://`, `amqp://` or `amqps://`.
        log: takes an event's name and its keys.
    Raises: ConfigurationError: an address that is none of these.
    """

    def __init__(self, broker_url: Secret, log: Callable[..., None]) -> None:
        self._url = checked(broker_url)
        self._log = log
        self._local = threading.Event()
        self._changed = threading.Condition()
        self._wanted: set[str] = set()
        self._sent_at: dict[str, float] = {}
        self._figures = {"sent": 0, "lost": 0}
        self._closing = False
        self._sender: threading.Thread | None = None
        self._listeners: list[Listener] = []

    def ring(self, shop_id: str) -> None:
        """Say here and on other machines that a shop has work; never waits for the broker."""
        self._local.set()
        with self._changed:
            if self._closing:
                return
            self._wanted.add(shop_id)
            if self._sender is None:
                # Not before: most commands never ring, and need no thread and no Celery.
                self._sender = threading.Thread(target=self._send_all, name="bell", daemon=True)
                self._sender.start()
            self._changed.notify()

    def wake(self) -> None:
        """End the wait of this process; others hear nothing."""
        self._local.set()

    def wait(self, timeout_s: float) -> bool:
        """Sleep until the bell rings or the time is over; tell whether it rang."""
        rang = self._local.wait(timeout_s)
        self._local.clear()
        return rang

    def listen(self, has_room: Callable[[float], bool]) -> Callable[[], None]:
        """Take the rings of other processes from now on; give what ends it.

        Args: has_room: waits for a free worker, at most as many seconds as given. While it
            waits no further ring is taken, so that the others get it.
        """
        from adapters.bells.celery.listener import Listener

        listener = Listener(self._url, self._local.set, has_room, self._log)
        self._listeners.append(listener)
        listener.start()
        return listener.stop

    def figures(self) -> Mapping[str, int]:
        """Count the rings that went out and those that no broker took."""
        with self._changed:
            return dict(self._figures)

    def close(self) -> None:
        """Let the last rings out, for two seconds at most, and end."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._sender is not None:
            self._sender.join(timeout=_CLOSE_S)
        for listener in self._listeners:
            listener.stop()
        for listener in self._listeners:
            listener.join()

    def _send_all(self) -> None:
        from adapters.bells.celery.broker import Sender

        sender = Sender(self._url)
        try:
            while (shops := self._next()) is not None:
                self._send(sender, shops)
        finally:
            sender.close()

    def _next(self) -> set[str] | None:
        """Wait for shops whose turn it is; None at the end."""
        with self._changed:
            while True:
                now = time.monotonic()
                turns = {shop: self._sent_at.get(shop, 0.0) + APART_S for shop in self._wanted}
                due = {shop for shop, at in turns.items() if at <= now or self._closing}
                if due:
                    self._wanted -= due
                    fresh = {shop: at for shop, at in self._sent_at.items() if at + APART_S > now}
                    self._sent_at = fresh | dict.fromkeys(due, now)
                    return due
                if self._closing:
                    return None
                self._changed.wait(min(turns.values()) - now if turns else None)

    def _send(self, sender: "Sender", shops: set[str]) -> None:
        failed: Exception | None = None
        sent = 0
        try:
            for shop in shops:
                sender.send(shop)
                sent += 1
        except Exception as err:  # noqa: BLE001 - whatever the broker's driver raises
            failed = err
            sender.close()
        with self._changed:
            self._figures["sent"] += sent
            self._figures["lost"] += len(shops) - sent
            if failed is None:
                return
        self._log("bell.ring_failed", error=type(failed).__name__, lost=len(shops) - sent)
        with self._changed:
            self._changed.wait_for(lambda: self._closing, PAUSE_S)
