"""The server itself: slow, silent, rude and many clients, and an orderly end."""

import asyncio
import hashlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from connector.model.order import ShopId
from connector.secret import Secret
from connector.storage.records import ShopRecord, ShopState
from tests.running import Running
from tests.support import until
from tests.web.test_receiver import SECRET, TOKEN, signature
from webhooks import bodies
from webhooks.server import BUFFER_BYTES, HttpServer, WebServer

HOOK = f"/hooks/woocommerce/{TOKEN}"


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """A server with one shop."""
    with Running(tmp_path) as running:
        running.add_shop(
            ShopRecord(
                id=ShopId("swoo"),
                platform="woocommerce",
                name="Woo",
                address="http://127.0.0.1:9",
                hook_token=TOKEN,
                state=ShopState.CONNECTED,
                created_at=datetime(2026, 11, 1, tzinfo=UTC),
                settings={"url": "http://127.0.0.1:9"},
                secrets={
                    "consumer_key": Secret("ck_a"),
                    "consumer_secret": Secret("cs_b"),
                    "webhook_secret": Secret(SECRET),
                },
                currency="EUR",
                timezone="Europe/Madrid",
            )
        )
        yield running


def signed(number: int) -> tuple[bytes, dict[str, str]]:
    """Make a delivery that nobody has sent before."""
    body = json.dumps({"id": number}).encode()
    return body, {
        "Content-Type": "application/json",
        "X-WC-Webhook-Source": "https://shop.example/",
        "X-WC-Webhook-Topic": "order.updated",
        "X-WC-Webhook-Signature": signature(body, SECRET),
        "X-WC-Webhook-ID": "7",
        "X-WC-Webhook-Delivery-ID": hashlib.md5(body, usedforsecurity=False).hexdigest(),
    }


def head(number: int, *more: str, version: str = "1.1") -> tuple[bytes, bytes]:
    """Write the head of a request as it goes over the wire, and its body."""
    body, headers = signed(number)
    lines = [f"POST {HOOK} HTTP/{version}", "Host: x", f"Content-Length: {len(body)}", *more]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode(), body


def client(running: Running) -> socket.socket:
    """Open a connection."""
    return socket.create_connection(("127.0.0.1", running.port), timeout=60)


def heard(connection: socket.socket, times: int = 1) -> bytes:
    """Read until so many answers are there, or the server closes."""
    text = b""
    while text.count(b"}\n") < times and (part := connection.recv(65_536)):
        text += part
    return text


def rows(running: Running) -> int:
    """Count what is stored."""
    with running.storage.reading() as tx:
        return sum(tx.counts().deliveries.values())


def test_a_body_that_does_not_come_is_given_up(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A body that is not there in time hears 408, and its connection is closed."""
    monkeypatch.setattr(bodies, "DEADLINE_S", 1.0)
    start, body = head(1)
    with client(running) as slow:
        slow.sendall(start + body[:3])
        text = heard(slow)
        assert text.startswith(b"HTTP/1.1 408 ")
        assert b"connection: close" in text.lower()
    assert rows(running) == 0


def test_idle_and_slow_clients_hold_nobody_up(running: Running) -> None:
    """Two hundred silent connections and fifty half-sent bodies: another one is stored."""
    start, body = head(2)
    others = [client(running) for _ in range(250)]
    try:
        for slow in others[:50]:
            slow.sendall(start + body[:3])
        payload, headers = signed(3)
        assert running.post(HOOK, payload, headers).status_code == 200
    finally:
        for other in others:
            other.close()


def test_requests_in_a_row_on_one_connection(running: Running) -> None:
    """Requests that are sent without waiting are answered one by one, in their order."""
    with client(running) as connection:
        connection.sendall(b"".join(part for n in (10, 11, 12) for part in head(n)))
        text = heard(connection, 3)
    assert text.count(b"HTTP/1.1 200 ") == text.count(b'"stored"') == 3
    assert rows(running) == 3


def test_a_client_of_old(running: Running) -> None:
    """HTTP/1.0 without keep-alive is answered and its connection closed."""
    with client(running) as connection:
        connection.sendall(b"".join(head(13, version="1.0")))
        text = b""
        while part := connection.recv(65_536):
            text += part
    assert b" 200 " in text.splitlines()[0]
    assert text.endswith(b'{"status": "stored"}\n')


def test_a_client_that_asks_first(running: Running) -> None:
    """`Expect: 100-continue` is answered before the body is sent."""
    start, body = head(14, "Expect: 100-continue")
    with client(running) as connection:
        connection.sendall(start)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 100 ")
        connection.sendall(body)
        assert b"HTTP/1.1 200 " in heard(connection)


def test_headers_have_a_limit(running: Running) -> None:
    """Headers that are too large are refused, never 200, and nothing is stored."""
    start, body = head(15, "X-Fill: " + "x" * BUFFER_BYTES * 2)
    with client(running) as connection:
        try:
            connection.sendall(start + body)
            text = connection.recv(65_536)
        except ConnectionError:
            text = b""
    assert not text or text.startswith((b"HTTP/1.1 431 ", b"HTTP/1.1 400 "))
    assert rows(running) == 0


def test_a_length_and_chunks_at_once_do_not_pass_the_limit(running: Running) -> None:
    """A small length told beside an endless chunked body is no way around the limit."""
    start, _ = head(16, "Transfer-Encoding: chunked")
    chunk = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
    text = b""
    with client(running) as connection:
        try:
            connection.sendall(start + chunk * 100 + b"0\r\n\r\n")
            text = heard(connection)
        except ConnectionError:
            pass
    assert b" 200 " not in text
    assert rows(running) == 0


def test_a_head_is_a_page_without_its_body(running: Running) -> None:
    """HEAD has the headers of GET, its length too, and no body."""
    asked, got = requests.head(running.url, timeout=60), requests.get(running.url, timeout=60)
    assert (asked.status_code, asked.content) == (200, b"")
    assert asked.headers["Content-Length"] == str(len(got.content))


def test_a_client_that_hangs_up_in_its_body(running: Running) -> None:
    """Half a body is not stored, and the next client is answered."""
    start, body = head(17)
    with client(running) as rude:
        rude.sendall(start + body[:4])
    payload, headers = signed(18)
    assert running.post(HOOK, payload, headers).status_code == 200
    assert rows(running) == 1


def test_a_client_that_does_not_wait_is_stored(running: Running) -> None:
    """A whole request is stored, even when nobody is there to hear the answer."""
    with client(running) as hasty:
        hasty.sendall(b"".join(head(19)))
    until(lambda: rows(running) == 1, what="the row")


class Slow:
    """An application that answers when the server ends."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.ended = False

    async def __rsgi__(self, scope: Any, proto: Any) -> None:
        """Answer late."""
        del scope
        self.asked.set()
        while not self.ended:  # noqa: ASYNC110 - a second loop would own the event
            await asyncio.sleep(0.05)
        proto.response_bytes(200, [], b"}\n")

    async def drain(self) -> None:
        """Let it answer."""
        self.ended = True
        await asyncio.sleep(0.2)

    def close(self) -> None:
        """Hold nothing."""


def test_an_end_waits_for_what_is_under_way() -> None:
    """A request that is worked on while the server stops is still answered."""
    slow = Slow()
    server = HttpServer(slow, host="127.0.0.1", port=0)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert slow.asked.wait(60)
        server.stop()
        assert heard(connection).startswith(b"HTTP/1.1 200 ")
    thread.join(60)
    assert not thread.is_alive()


def test_a_body_on_its_way_does_not_keep_the_server(running: Running) -> None:
    """A server that stops gives a half-sent body a moment, then asks for it again later."""
    start, body = head(20)
    with client(running) as slow:
        slow.sendall(start + body[:3])
        time.sleep(0.2)
        running.server.stop()
        text = heard(slow)
    assert text == b"" or text.startswith(b"HTTP/1.1 503 ")


def test_a_port_in_use_is_told(running: Running) -> None:
    """A second server on the same port fails at once, and does not share it."""
    with pytest.raises(OSError, match="in use"):
        WebServer(running.app, host="127.0.0.1", port=running.port)


def test_the_next_server_gets_the_port_at_once(running: Running) -> None:
    """After an end the same port is free, though clients were connected."""
    with client(running) as idle:
        payload, headers = signed(21)
        assert running.post(HOOK, payload, headers).status_code == 200
        running.server.stop()
        again = WebServer(running.app, host="127.0.0.1", port=running.port)
        thread = threading.Thread(target=again.run, daemon=True)
        thread.start()
        assert requests.get(f"{running.url}/healthz", timeout=60).status_code == 200
        again.stop()
        thread.join(60)
        del idle


def test_the_door_for_other_servers(tmp_path: Path) -> None:
    """`webhooks.wsgi` gives an application that reads its settings and answers hooks itself."""
    program = (
        "from werkzeug.test import Client\n"
        "from webhooks.wsgi import make_application\n"
        "client = Client(make_application())\n"
        "print(client.get('/readyz').status_code)\n"
        "print(client.post('/hooks/woocommerce/x', json={}).status_code)\n"
    )
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", program],
        env=os.environ | {"POSTVENTA_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout.split() == ["200", "404"], done.stderr
