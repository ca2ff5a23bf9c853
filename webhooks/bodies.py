"""Read the bodies of requests: whole, within a limit and within a time."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

# A whole body has to be there after this time, however slowly it comes.
DEADLINE_S: Final = 30.0
# Of a body that is too long some more is thrown away: a client that is cut off while it
# sends does not read the answer.
_THROWN_AWAY: Final = 4
_LOOK_S: Final = 0.5


class BodyMissing(Exception):
    """The body did not come in time, or its client hung up.

    Args: stopping: the server is stopping, and the client did nothing wrong.
    """

    def __init__(self, *, stopping: bool = False) -> None:
        super().__init__("stopping" if stopping else "late")
        self.stopping = stopping


class Bodies:
    """Reads bodies, and ends those that take too long; all in one event loop.

    Args: limit: bytes; one that is longer is not kept.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._loop: asyncio.AbstractEventLoop
        self._since: dict[asyncio.Task[Any], float] = {}
        self._ended: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._stopping = False

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to look after those that are late."""
        self._loop = loop
        self._timer = loop.call_later(_LOOK_S, self._look)

    def stop(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()

    def reading(self) -> "set[asyncio.Task[Any]]":
        """Give the requests whose bodies are on their way."""
        return set(self._since)

    def refuse(self) -> None:
        """Wait no more for any body; the server is stopping."""
        self._stopping = True
        for task in list(self._since):
            self._end(task)

    async def read(self, headers: Mapping[str, str], proto: Any) -> bytes | None:
        """Read the body of a request.

        Returns: None when it is longer than the limit.
        Raises: BodyMissing.
        """
        declared = headers.get("content-length")
        if declared is None and "transfer-encoding" not in headers:
            return b""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - the server runs each request in a task
        self._since[task] = self._loop.time()
        try:
            if self._stopping:
                raise BodyMissing(stopping=True)
            # With both, the server goes by the chunks.
            if declared is None or "transfer-encoding" in headers:
                return await self._chunks(proto)
            if int(declared) > self._limit:
                await self._throw_away(proto, int(declared))
                return None
            # With its length told, a body that is cut is an error of its own.
            body: bytes = await proto()
        except asyncio.CancelledError:
            if task not in self._ended:
                raise
            task.uncancel()
            raise BodyMissing(stopping=self._stopping) from None
        except RuntimeError as err:
            raise BodyMissing from err
        finally:
            self._since.pop(task, None)
            self._ended.discard(task)
        return body

    async def _chunks(self, proto: Any) -> bytes | None:
        """Read a body of unknown length.

        The server shows the end of a body and a client that hung up alike: such a body
        has a signature that does not fit it.
        """
        parts: list[bytes] = []
        length = 0
        async for part in proto:
            if length <= self._limit:
                parts.append(part)
            length += len(part)
            if length > self._limit:
                parts.clear()
            if length > self._limit * _THROWN_AWAY:
                break
        return None if length > self._limit else b"".join(parts)

    async def _throw_away(self, proto: Any, declared: int) -> None:
        if declared > self._limit * _THROWN_AWAY:
            return
        async for _ in proto:
            pass

    def _look(self) -> None:
        self._timer = self._loop.call_later(_LOOK_S, self._look)
        before = self._loop.time() - DEADLINE_S
        # The oldest come first.
        for task, since in list(self._since.items()):
            if since > before:
                break
            self._end(task)

    def _end(self, task: "asyncio.Task[Any]") -> None:
        if task not in self._ended:
            self._ended.add(task)
            task.cancel()
