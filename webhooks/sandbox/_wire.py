"""The sockets under the pretend shops; here calls get lost."""

from __future__ import annotations

import socket
import ssl
import struct
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from webhooks.sandbox._messages import CallInfo, Request, Response

if TYPE_CHECKING:
    from webhooks.sandbox._server import SandboxServer
    from webhooks.sandbox.faults import Fault

HTML_FAULT: Final = (
    "<!DOCTYPE html><html><head><title>One moment, please</title></head>"
    "<body><h1>One moment, please</h1></body></html>"
)


class Listener(ThreadingHTTPServer):
    """Accept connections for one shop, each in a thread of its own."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(
        self, address: tuple[str, int], shop: SandboxServer, tls: ssl.SSLContext | None
    ) -> None:
        self.shop = shop
        self.tls = tls
        super().__init__(address, Handler)

    def server_bind(self) -> None:
        """Bind without asking who this machine is."""
        # The parent class looks its own name up, which can take seconds.
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection."""
        connection, address = self.socket.accept()
        if self.tls is not None:
            # The handshake happens in the connection's own thread.
            connection = self.tls.wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False
            )
        self.shop.track(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        """Close a connection."""
        self.shop.forget(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep quiet: broken connections are this server's trade."""


class Handler(BaseHTTPRequestHandler):
    """Read calls, have them answered or broken, keep the connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Listener

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
