"""The HTTP server under both pretend shops; it can break calls."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Final, Self

from webhooks.sandbox import page
from webhooks.sandbox._messages import CallInfo, JsonObject, Refused, Request, Response
from webhooks.sandbox._wire import HTML_FAULT, Listener
from webhooks.sandbox.faults import Fault, FaultList

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["CallInfo", "JsonObject", "Refused", "Request", "Response", "SandboxServer"]

CONTROL: Final = "/_sandbox/"


class SandboxServer(ABC):
    """Serve one pretend shop on 127.0.0.1 from a thread."""

    title = "Sandbox shop"

    def __init__(self, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        """Bind the port (0 takes a free one); `start` begins to serve."""
        self.faults = FaultList()
        self.calls: list[JsonObject] = []
        self.calls_lock = threading.Lock()
        self.stopping = threading.Event()
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        self._http = Listener(("127.0.0.1", port), self, tls)
        self.port = int(self._http.server_address[1])
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)

    @abstractmethod
    def api(self, request: Request) -> Response:
        """Answer a call to the platform's own API."""

    @abstractmethod
    def describe(self, request: Request) -> CallInfo:
        """Tell what an API call is; must not change anything."""

    @abstractmethod
    def state(self) -> JsonObject:
        """Give everything a merchant could see, as JSON."""

    @abstractmethod
    def create_order(self, data: JsonObject) -> JsonObject:
        """Place an order as a buyer would."""

    @abstractmethod
    def act(self, order_ref: str, verb: str, data: JsonObject) -> JsonObject:
        """Do to an order what a merchant or buyer would do."""

    @abstractmethod
    def apply_settings(self, data: JsonObject) -> JsonObject:
        """Change how the shop behaves; give all settings back."""

    def control(self, request: Request, steps: list[str]) -> Response:
        """Answer a control call that only one platform knows."""
        del request
        message = f"no such control: {'/'.join(steps)}"
        raise Refused(message, 404)

    def fault_response(self, fault: Fault) -> Response:
        """Give the answer of a status fault; platforms may override."""
        headers = {}
        status = {"status_500": 500, "status_503": 503, "status_429": 429}.get(
            fault.mode, fault.status
        )
        wait = fault.retry_after_s
        if wait is None and fault.mode in {"status_429", "status_503"}:
            wait = 1
        if wait is not None:
            headers["Retry-After"] = f"{wait:g}"
        if fault.body is not None:
            return Response(status, fault.body.encode(), fault.content_type, headers)
        return Response(status, HTML_FAULT.encode(), "text/html", headers)

    def start(self) -> Self:
        """Begin to serve."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop serving and close every connection."""
        self.stopping.set()
        if self._thread.is_alive():
            self._http.shutdown()
            self._thread.join()
        self._http.server_close()
        with self._open_lock:
            left = list(self._open)
        for connection in left:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        """Start the shop."""
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the shop."""
        self.stop()

    def track(self, connection: socket.socket) -> None:
        """Remember an open connection, to close it at the end."""
        with self._open_lock:
            self._open.add(connection)

    def forget(self, connection: socket.socket) -> None:
        """Drop a connection that is closed."""
        with self._open_lock:
            self._open.discard(connection)

    def log_call(
        self, request: Request, info: CallInfo, status: int | None, fault: str | None
    ) -> None:
        """Write one API call to the log; status None was not answered."""
        entry = {
            "method": request.method,
            "path": request.path,
            "operation": info.operation,
            "status": status,
            "write": info.write,
            "fault": fault,
        }
        with self.calls_lock:
            self.calls.append(entry)

    def calls_json(self) -> list[JsonObject]:
        """Copy the log of API calls."""
        with self.calls_lock:
            return [dict(entry) for entry in self.calls]

    def inside(self, request: Request) -> Response | None:
        """Answer control calls and pages; None means an API call."""
        if request.path.startswith(CONTROL):
            try:
                return self._control(request)
            except Refused as refused:
                return Response.of_json({"error": str(refused)}, refused.status)
        if request.method == "GET" and request.path == "/":
            return Response.of_html(page.orders_page(self.title, self.state()))
        if request.method == "GET" and request.path.startswith("/orders/"):
            order_ref = request.path.removeprefix("/orders/")
            text = page.order_page(self.title, self.state(), order_ref)
            if text is None:
                return Response.of_html(page.missing_page(self.title), 404)
            return Response.of_html(text)
        return None

    def _control(self, request: Request) -> Response:
        steps = [part for part in request.path.removeprefix(CONTROL).split("/") if part]
        match request.method, steps:
            case "GET", ["state"]:
                return Response.of_json(self.state())
            case "GET", ["faults"]:
                return Response.of_json(self.faults.as_json())
            case "POST", ["faults"]:
                try:
                    self.faults.add(Fault.from_json(request.json()))
                except (TypeError, ValueError) as err:
                    raise Refused(str(err)) from err
                return Response.of_json(self.faults.as_json(), 201)
            case "DELETE", ["faults"]:
                self.faults.clear()
                return Response.of_json([])
            case "POST", ["settings"]:
                return Response.of_json(self.apply_settings(request.json()))
            case "POST", ["orders"]:
                return Response.of_json(self.create_order(request.json()), 201)
            case "POST", ["orders", order_ref, verb]:
                return Response.of_json(self.act(order_ref, verb, request.json()))
            case _:
                return self.control(request, steps)
