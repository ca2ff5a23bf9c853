"""The web edge: webhooks inline in the event loop, pages by threads.

A webhook takes no thread of its own: its body is read by the server, it is checked here,
in the loop, and its row goes to the thread that commits. Whatever may wait for the
database or the disk is handed to a few threads, so that the loop never stands still.
"""

import asyncio
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final

from connector.model.order import ShopId
from webhooks.bodies import Bodies, BodyMissing
from webhooks.bridge import Bridge
from webhooks.hook_path import Wsgi
from webhooks.receive import BUSY, LATE, Answer, Inbound, Receiver
from webhooks.urls import HOOKS

# Threads for requests whose shop is not at hand, and for large bodies.
CHECKS: Final = 4
# To sign more than this would hold up the others.
_LARGE: Final = 128 * 1024
# At the end of the server, bodies on their way get this much more, and then the rest.
_LAST_MOMENT_S: Final = 2.0
_DRAIN_S: Final = 10.0
_CLOSE: Final = ("Connection", "close")
# Else the server names itself.
_SERVER: Final = ("Server", "Postventa")


class Edge:
    """The application that the server calls for each request (RSGI).

    Args:
        receiver: takes webhooks; None leaves them to `otherwise`.
        otherwise: answers what is no webhook.
        body_limit: bytes.
    """

    def __init__(self, receiver: Receiver | None, otherwise: Wsgi, *, body_limit: int) -> None:
        self._receiver = receiver
        self._bodies = Bodies(body_limit)
        self._bridge = Bridge(otherwise)
        self._checks = ThreadPoolExecutor(CHECKS, thread_name_prefix="check")
        self._loop: asyncio.AbstractEventLoop
        self._settled: deque[tuple[asyncio.Future[Answer], Answer, ShopId | None]] = deque()
        self._told = False
        self._working: set[asyncio.Task[Any]] = set()
        self._closing = False

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin; called once by the server, in its loop."""
        self._loop = loop
        self._bodies.start(loop)

    async def __rsgi__(self, scope: Any, proto: Any) -> None:
        """Answer one request."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - the server runs each request in a task
        self._working.add(task)
        try:
            path: str = scope.path
            if self._receiver is not None and path.startswith(HOOKS):
                await self._hook(self._receiver, scope, proto, path)
            else:
                await self._page(scope, proto, path)
        finally:
            self._working.discard(task)

    async def drain(self) -> None:
        """Let what is under way end, for some seconds; new requests close their connection.

        Bodies that are still on their way after that are refused.
        """
        self._closing = True
        late = self._bodies.reading()
        if late:
            await asyncio.wait(late, timeout=_LAST_MOMENT_S)
        self._bodies.refuse()
        if self._working:
            await asyncio.wait(set(self._working), timeout=_DRAIN_S)

    def close(self) -> None:
        """End the threads."""
        self._bodies.stop()
        self._checks.shutdown(wait=True, cancel_futures=True)
        self._bridge.close()

    async def _hook(self, receiver: Receiver, scope: Any, proto: Any, path: str) -> None:
        headers = header_map(scope.headers)
        try:
            body = await self._bodies.read(headers, proto)
        except BodyMissing as err:
            _respond(proto, BUSY if err.stopping else LATE, closing=True)
            return
        request = Inbound(scope.method, path, headers, body)
        future: asyncio.Future[Answer] = self._loop.create_future()
        settled = partial(self._settle, future)
        if (body is None or len(body) <= _LARGE) and receiver.is_quick(request):
            answer = receiver.begin(request, settled)
        else:
            answer = await self._loop.run_in_executor(
                self._checks, receiver.begin, request, settled
            )
        if answer is None:
            answer = await future
        _respond(proto, answer, closing=self._closing or body is None)

    async def _page(self, scope: Any, proto: Any, path: str) -> None:
        headers = header_map(scope.headers)
        try:
            body = await self._bodies.read(headers, proto)
        except BodyMissing as err:
            _respond(proto, BUSY if err.stopping else LATE, closing=True)
            return
        page = await self._bridge.answer(self._loop, scope, path, headers, body)
        more = [_SERVER, _CLOSE] if self._closing or body is None else [_SERVER]
        proto.response_bytes(page.status, [*page.headers, *more], page.body)

    def _settle(
        self, future: "asyncio.Future[Answer]", answer: Answer, shop_id: ShopId | None
    ) -> None:
        """Hear from the thread that commits; a whole group wakes the loop once."""
        self._settled.append((future, answer, shop_id))
        if not self._told:
            self._told = True
            self._loop.call_soon_threadsafe(self._tell)

    def _tell(self) -> None:
        # Before the look: who adds something after it tells us again.
        self._told = False
        shops: set[ShopId] = set()
        while self._settled:
            future, answer, shop_id = self._settled.popleft()
            if not future.done():
                future.set_result(answer)
            if shop_id is not None:
                shops.add(shop_id)
        if self._receiver is not None:
            for shop_id in shops:
                self._receiver.ring(shop_id)


def header_map(headers: Any) -> dict[str, str]:
    """Give headers by name in lower case, one that comes twice joined by a comma.

    The server leaves out what is no ASCII: such a value is there, and fits nothing.
    """
    items: list[tuple[str, str]] = headers.items()
    found = dict(items)
    if len(found) < len(items):
        found.clear()
        for name, value in items:
            found[name] = f"{found[name]}, {value}" if name in found else value
    if len(found) < len(headers):
        for name in headers.keys():  # noqa: SIM118 - no mapping of Python's
            found.setdefault(name, "\ufffd")
    return found


def _respond(proto: Any, answer: Answer, *, closing: bool) -> None:
    headers = [*answer.headers, _SERVER]
    if closing:
        headers.append(_CLOSE)
    proto.response_bytes(answer.status, headers, answer.body)
