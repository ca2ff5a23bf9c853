"""A proxy between the program and a pretend shop that breaks one call in so many.

It reads whole requests and whole answers (both sides say how long they are) and then
does to the pair what its mode says. One thread, one asyncio loop.
"""

import asyncio
import contextlib
import random
import socket
import struct
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

_HTML: Final = b"<!DOCTYPE html><html><body><h1>Log in</h1></body></html>"
MODES: Final = (
    "drop_before",  # the request never reaches the shop
    "drop_after",  # done, and the connection closes without an answer
    "reset",  # done, a part of the answer, then a reset
    "cut_body",  # done, and the body ends early
    "busy",  # not done: 429 with Retry-After
    "html",  # not done: a page with 200
    "html_after",  # done, and a page with 200 all the same
    "hang",  # not done, silence
    "hang_after",  # done, and silence
)
_NOT_DONE: Final = frozenset({"drop_before", "busy", "html", "hang"})


@dataclass(frozen=True, slots=True)
class Message:
    """One HTTP message: its first line, its headers as sent, and its body."""

    head: bytes
    body: bytes

    @property
    def raw(self) -> bytes:
        """Give the bytes as they came."""
        return self.head + self.body


class FaultProxy:
    """Forwards to one port of this machine; used as a context manager.

    Args:
        shares: mode -> probability, together at most 1.
        hang_s: length of the silence of the hang modes.
    """

    def __init__(self, target: int, seed: int, hang_s: float) -> None:
        self._target = target
        self._chance = random.Random(seed)
        self._hang_s = hang_s
        self._shares: dict[str, float] = {}
        self._lock = threading.Lock()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="fault-proxy", daemon=True)
        self._ready = threading.Event()
        self._end: asyncio.Event
        self.port = 0
        self.done: Counter[str] = Counter()

    @property
    def url(self) -> str:
        """Give the address to connect to instead of the shop's."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        """Begin to forward."""
        self._thread.start()
        assert self._ready.wait(30), "the proxy did not start"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End."""
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(30)

    def break_calls(self, shares: Mapping[str, float]) -> None:
        """Break calls from now on; an empty mapping ends all faults."""
        assert set(shares) <= set(MODES), shares
        with self._lock:
            self._shares = dict(shares)

    def _draw(self) -> str:
        with self._lock:
            draw = self._chance.random()
            for mode, share in self._shares.items():
                if draw < share:
                    self.done[mode] += 1
                    return mode
                draw -= share
            self.done["forwarded"] += 1
        return ""

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._end = asyncio.Event()
        open_calls: set[asyncio.Task[None]] = set()

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            open_calls.add(task)
            # Whatever breaks here was to break; nobody is to hear of it.
            with contextlib.suppress(OSError, EOFError, asyncio.CancelledError):
                await self._connection(reader, writer)
            with contextlib.suppress(OSError, asyncio.CancelledError):
                writer.close()
            open_calls.discard(task)

        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        self.port = int(server.sockets[0].getsockname()[1])
        self._ready.set()
        await self._end.wait()
        server.close()
        for task in list(open_calls):
            task.cancel()
        await asyncio.gather(*open_calls, return_exceptions=True)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve the calls of one kept connection until one is broken."""
        while request := await _read(reader):
            mode = self._draw()
            answer = None if mode in _NOT_DONE else await self._ask(request)
            if not await self._answer(writer, mode, answer):
                return

    async def _ask(self, request: Message) -> Message:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._target)
        try:
            writer.write(request.raw)
            await writer.drain()
            answer = await _read(reader)
        finally:
            writer.close()
        if answer is None:
            raise EOFError("the shop did not answer")
        return answer

    async def _answer(
        self, writer: asyncio.StreamWriter, mode: str, answer: Message | None
    ) -> bool:
        """Answer in a mode; tell whether the connection lives on."""
        if mode in {"hang", "hang_after"}:
            await asyncio.sleep(self._hang_s)
            return False
        if mode == "busy":
            writer.write(_made(b"429 Too Many Requests", b"{}", b"Retry-After: 1\r\n"))
        elif mode in {"html", "html_after"}:
            writer.write(_made(b"200 OK", _HTML, b"Content-Type: text/html\r\n"))
        elif answer is None or mode == "drop_after":
            return False
        elif mode in {"reset", "cut_body"}:
            writer.write(answer.head + answer.body[: len(answer.body) // 2])
            await writer.drain()
            if mode == "reset":
                _reset(writer)
            return False
        else:
            writer.write(answer.raw)
        await writer.drain()
        return True


def _made(status: bytes, body: bytes, more: bytes) -> bytes:
    length = str(len(body)).encode()
    return (
        b"HTTP/1.1 " + status + b"\r\n" + more + b"Content-Length: " + length + b"\r\n\r\n" + body
    )


def _reset(writer: asyncio.StreamWriter) -> None:
    # A linger of zero makes the close a reset.
    sock: socket.socket = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _read(reader: asyncio.StreamReader) -> Message | None:
    """Read one message; None when the other side has closed."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    length = 0
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            length = int(value)
    return Message(head, await reader.readexactly(length) if length else b"")
