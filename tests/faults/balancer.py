"""The proxy in front of two receivers: takes the other one when one is away."""

import contextlib
import itertools
import selectors
import socket
import threading
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Final, Self

_PIECE: Final = 65_536


class Balancer:
    """Hands connections on, in turn; used as a context manager.

    Attributes:
        ports: of the receivers, in this machine.
    """

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listening.getsockname()[1]
        self.ports: Sequence[int] = ()
        self._turns = itertools.count()
        self._thread = threading.Thread(target=self._accept, name="balancer", daemon=True)

    def __enter__(self) -> Self:
        """Begin to hand on."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take no more connections; those that are open end by themselves."""
        # A close alone does not wake who waits in accept.
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(30)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._hand_on, args=(client,), daemon=True).start()

    def _hand_on(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            for port in self._in_turn():
                try:
                    server = socket.create_connection(("127.0.0.1", port), timeout=30)
                except OSError:
                    # Nothing was sent yet, so the other one may have it.
                    continue
                with server:
                    server.settimeout(None)
                    _both_ways(client, server)
                return

    def _in_turn(self) -> Iterator[int]:
        first = next(self._turns)
        for number in range(len(self.ports)):
            yield self.ports[(first + number) % len(self.ports)]


def _both_ways(client: socket.socket, server: socket.socket) -> None:
    """Copy until one side ends; then both are closed."""
    with selectors.DefaultSelector() as waiting:
        waiting.register(client, selectors.EVENT_READ, server)
        waiting.register(server, selectors.EVENT_READ, client)
        while True:
            for key, _ in waiting.select():
                source, target = key.fileobj, key.data
                assert isinstance(source, socket.socket)
                piece = source.recv(_PIECE)
                if not piece:
                    return
                target.sendall(piece)
