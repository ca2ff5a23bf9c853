"""The HTTP server under both pretend shops; it can break calls."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias
from urllib.parse import parse_qsl, unquote, urlsplit

from webhooks.sandbox import page
from webhooks.sandbox.faults import Fault, FaultList

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

JsonObject: TypeAlias = dict[str, Any]

HTML_FAULT: Final = (
    "<!DOCTYPE html><html><head><title>One moment, please</title></head>"
    "<body><h1>One moment, please</h1></body></html>"
)
CONTROL: Final = "/_sandbox/"


class Refused(Exception):
    """The control API cannot do what was asked."""

    def __init__(self, message: str, status: int = 400) -> None:
        """Keep the sentence and the status of the answer."""
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request as it came in.

    Args:
        path: decoded path without the query.
        target: path and query exactly as sent.
        query: decoded pairs in order of the query, empty values kept.
        headers: names in lower case.
    """

    method: str
    path: str
    target: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: bytes

    @property
    def params(self) -> dict[str, str]:
        """Give the query as a mapping; the last of equal names wins."""
        return dict(self.query)

    def json(self) -> JsonObject:
        """Read the body as a JSON object; an empty body is empty."""
        if not self.body.strip():
            return {}
        try:
            data = json.loads(self.body)
        except ValueError as err:
            message = "the body is not JSON"
            raise Refused(message) from err
        if not isinstance(data, dict):
            message = "the body is not a JSON object"
            raise Refused(message)
        return data


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP answer; Content-Length is added when it is sent."""

    status: int
    body: bytes = b""
    content_type: str = "application/json; charset=UTF-8"
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_json(
        cls, data: object, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> Response:
        """Answer with compact JSON."""
        body = json.dumps(data, separators=(",", ":")).encode()
        return cls(status, body, headers=headers or {})

    @classmethod
    def of_html(cls, text: str, status: int = 200) -> Response:
        """Answer with a web page."""
        return cls(status, text.encode(), "text/html; charset=utf-8")


@dataclass(frozen=True, slots=True)
class CallInfo:
    """What a call to the shop's API is, for faults and for the log.

    Args:
        label: text that `Fault.match` is searched in.
        write: whether the call wants to change something.
        operation: name of the GraphQL operation, if there is one.
    """

    label: str
    write: bool
    operation: str | None = None


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
        self._http = _Listener(("127.0.0.1", port), self, tls)
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


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(
        self, address: tuple[str, int], shop: SandboxServer, tls: ssl.SSLContext | None
    ) -> None:
        self.shop = shop
        self.tls = tls
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        # The parent class looks its own name up, which can take seconds.
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = self.socket.accept()
        if self.tls is not None:
            # The handshake happens in the connection's own thread.
            connection = self.tls.wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False
            )
        self.shop.track(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        self.shop.forget(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep quiet: broken connections are this server's trade."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Listener

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as in the parent
        """Keep quiet: the shop has its own log."""

    def _serve(self) -> None:
        shop = self.server.shop
        length = int(self.headers.get("Content-Length") or 0)
        parts = urlsplit(self.path)
        request = Request(
            method=self.command,
            path=unquote(parts.path),
            target=self.path,
            query=tuple(parse_qsl(parts.query, keep_blank_values=True)),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(length) if length else b"",
        )
        if shop.stopping.is_set():
            self._close()
            return
        inside = shop.inside(request)
        if inside is not None:
            self._send(inside)
            return
        info = shop.describe(request)
        fault = shop.faults.pick(info.label)
        if fault is None:
            answer = shop.api(request)
            shop.log_call(request, info, answer.status, None)
            self._send(answer)
            return
        self._break(request, info, fault)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _serve  # noqa: N815 - names of the parent
    do_HEAD = _serve  # noqa: N815 - name of the parent

    def _break(self, request: Request, info: CallInfo, fault: Fault) -> None:
        shop = self.server.shop
        answer = shop.api(request) if fault.acts else None
        if fault.mode in {"html_200", "html_200_after"}:
            answer = Response.of_html(HTML_FAULT)
        elif fault.mode.startswith("status"):
            answer = shop.fault_response(fault)
        elif fault.mode == "cut_body" and answer is not None:
            shop.log_call(request, info, answer.status, fault.mode)
            self._send(answer, cut=True)
            self._close()
            return
        else:
            shop.log_call(request, info, None, fault.mode)
            if fault.mode.startswith("hang"):
                shop.stopping.wait(fault.hang_s)
            self._close(reset=fault.mode.startswith("reset"))
            return
        shop.log_call(request, info, answer.status, fault.mode)
        self._send(answer)

    def _send(self, answer: Response, *, cut: bool = False) -> None:
        # send_response only fills a buffer; one write keeps it quick.
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        body = answer.body[: len(answer.body) // 2] if cut else answer.body
        if self.command == "HEAD":
            body = b""
        head = b"".join([*self._headers_buffer, b"\r\n"])
        self._headers_buffer: list[bytes] = []
        self.wfile.write(head + body)

    def _close(self, *, reset: bool = False) -> None:
        self.close_connection = True
        if reset:
            # Linger of zero makes close send RST instead of FIN.
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.server.shop.forget(self.connection)
            # A shutdown would send FIN first: close the descriptor directly.
            descriptor = self.connection.detach()
            socket.close(descriptor)
