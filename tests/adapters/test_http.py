"""The HTTP client tells what a broken exchange means, on real sockets."""

import gzip
import logging
import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from adapters._answer import error_of, find_json, json_of, retry_after_s
from adapters._http import MAX_BODY_BYTES, Answer, HttpClient
from adapters._json import decode
from adapters._redact import redact
from adapters.shops.woocommerce.payload import Line
from connector.errors import (
    ConfigurationError,
    InvalidRequest,
    OutcomeUnknown,
    PayloadInvalid,
    PlatformDown,
    TemporaryFailure,
    Unreachable,
)
from connector.secret import Secret

DATED = b"HTTP/1.1 200 OK\r\nDate: %s\r\nContent-Length: 2\r\n\r\n{}"
OK = b'HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{"a":1}'
Talk = Callable[[socket.socket], None]


class Server:
    """A raw server: each connection is handed to the next talk."""

    def __init__(self) -> None:
        self.talks: list[Talk] = []
        self.requests: list[bytes] = []
        self.connections = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        for talk in self.talks:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            with sock:
                sock.settimeout(20)
                try:
                    talk(sock)
                except OSError:
                    continue

    def read(self, sock: socket.socket) -> bytes:
        """Read one request, with the body that its length names."""
        data = b""
        while b"\r\n\r\n" not in data:
            piece = sock.recv(65536)
            if not piece:
                return data
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        length = 0
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        while len(body) < length:
            body += sock.recv(65536)
        self.requests.append(head + b"\r\n\r\n" + body)
        return self.requests[-1]


@contextmanager
def serving(*talks: Callable[[Server, socket.socket], None]) -> Iterator[Server]:
    """Run a raw server for the connections given, one after the other."""
    server = Server()
    server.talks += [lambda sock, talk=talk: talk(server, sock) for talk in talks]  # type: ignore[misc]
    server.thread.start()
    try:
        yield server
    finally:
        server.listener.close()


def client_of(server: Server, **values: float) -> HttpClient:
    """Make a client with little patience."""
    return HttpClient(
        f"http://127.0.0.1:{server.port}",
        allow_private=True,
        allow_http=True,
        platform="shop",
        secrets=[Secret("cs_geheim")],
        read_timeout_s=values.get("read_timeout_s", 1.0),
        total_timeout_s=values.get("total_timeout_s", 20.0),
    )


def answer_with(data: bytes) -> Callable[[Server, socket.socket], None]:
    """Read a request and send these bytes."""

    def talk(server: Server, sock: socket.socket) -> None:
        server.read(sock)
        sock.sendall(data)

    return talk


def test_answer_is_told_whole() -> None:
    """Status, headers in lower case and the inflated body come back."""
    body = gzip.compress(b'{"a":1}')
    head = (
        f"HTTP/1.1 201 Created\r\nX-Request-Id: r-1\r\nContent-Encoding: gzip\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    with serving(answer_with(head.encode() + body)) as server:
        answer = client_of(server).send("POST", "orders/5/notes", body=b"{}")
    assert (answer.status, answer.body, answer.request_id) == (201, b'{"a":1}', "r-1")
    assert answer.operation == "POST orders/5/notes"
    assert b"POST /orders/5/notes HTTP/1.1" in server.requests[0]
    assert f"Host: 127.0.0.1:{server.port}".encode() in server.requests[0]


def test_connection_is_kept() -> None:
    """Two calls use one connection."""

    def talk(server: Server, sock: socket.socket) -> None:
        for _ in range(2):
            server.read(sock)
            sock.sendall(OK)

    with serving(talk) as server:
        client = client_of(server)
        assert [client.send("GET", "a").status for _ in range(2)] == [200, 200]
    assert server.connections == 1


def test_the_other_sides_clock_is_that_of_its_last_answer() -> None:
    """Its time comes from the Date header and goes on; one that is no date changes nothing."""
    told = b"Thu, 02 Jan 2020 03:04:05 GMT"
    talks = [answer_with(OK), answer_with(DATED % told), answer_with(DATED % b"soon")]
    with serving(*talks) as server:
        client = client_of(server)
        assert client.server_time() is None
        client.send("GET", "a")
        assert client.server_time() is None
        for _ in range(2):
            client.send("GET", "a")
            now = client.server_time()
            assert now is not None
            passed = now - datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)
            assert 0 <= passed.total_seconds() < 60


def test_refused_connection_is_unreachable() -> None:
    """Where nobody listens, surely nothing was done, reading or writing."""
    with serving() as server:
        pass
    for method in ("GET", "POST"):
        with pytest.raises(Unreachable):
            client_of(server).send(method, "a")


def test_dropped_read_is_tried_once_more() -> None:
    """A read whose connection is closed without a word is tried again at once."""
    with serving(lambda server, sock: server.read(sock) and None, answer_with(OK)) as server:
        assert client_of(server).send("GET", "a").status == 200
    assert server.connections == 2


def test_dropped_write_is_never_repeated() -> None:
    """A write whose connection is closed without a word is unknown, and sent once."""
    with serving(lambda server, sock: server.read(sock) and None, answer_with(OK)) as server:
        with pytest.raises(OutcomeUnknown):
            client_of(server).send("POST", "a", body=b"{}")
        assert server.connections == 1


def test_write_on_a_kept_connection_that_died_is_unknown() -> None:
    """Closed while the write was on its way: nobody knows whether it was read."""

    def talk(server: Server, sock: socket.socket) -> None:
        server.read(sock)
        sock.sendall(OK)
        server.read(sock)

    with serving(talk, answer_with(OK)) as server:
        client = client_of(server)
        client.send("GET", "a")
        with pytest.raises(OutcomeUnknown):
            client.send("POST", "a", body=b"{}")
        assert server.connections == 1


def test_write_after_the_server_closed_uses_a_new_connection() -> None:
    """A kept connection that is known to be closed is not used for a write."""
    closed = threading.Event()

    def talk(server: Server, sock: socket.socket) -> None:
        server.read(sock)
        sock.sendall(OK)
        sock.shutdown(socket.SHUT_RDWR)
        closed.set()

    with serving(talk, answer_with(OK)) as server:
        client = client_of(server)
        client.send("GET", "a")
        assert closed.wait(30)
        assert client.send("POST", "a", body=b"{}").status == 200
    assert server.connections == 2


@pytest.mark.parametrize(
    ("method", "expected"), [("GET", TemporaryFailure), ("POST", OutcomeUnknown)]
)
@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
        b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n{"a',
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
        b"garbage\r\n\r\n",
    ],
    ids=["cut length", "cut chunk", "bad gzip", "no http"],
)
def test_broken_answers(method: str, expected: type[Exception], data: bytes) -> None:
    """An answer that cannot be read whole is temporary for a read, unknown for a write."""
    with (
        serving(answer_with(data), answer_with(data)) as server,
        pytest.raises(expected),
    ):
        client_of(server).send(method, "a")


@pytest.mark.parametrize(
    ("method", "expected"), [("GET", TemporaryFailure), ("POST", OutcomeUnknown)]
)
def test_silence_ends(method: str, expected: type[Exception]) -> None:
    """A shop that says nothing is left after the read timeout."""
    free = threading.Event()

    def silent(server: Server, sock: socket.socket) -> None:
        server.read(sock)
        free.wait(30)

    with serving(silent) as server:
        with pytest.raises(expected, match="in time"):
            client_of(server, read_timeout_s=0.3).send(method, "a")
        free.set()


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\n\r\n"], ids=["head", "body"])
def test_dripping_answer_is_cut(head: bytes) -> None:
    """An answer that comes drop by drop ends with the total time, not never."""
    done = threading.Event()

    def drip(server: Server, sock: socket.socket) -> None:
        server.read(sock)
        sock.sendall(head)
        while not done.is_set():
            sock.sendall(b"x")
            time.sleep(0.05)

    with serving(drip) as server:
        with pytest.raises(OutcomeUnknown, match="in time"):
            client_of(server, total_timeout_s=0.5).send("POST", "a")
        done.set()


def test_large_answer_is_refused_also_inflated() -> None:
    """An answer may be small on the wire and huge inflated: 5 MiB is the end."""
    bomb = gzip.compress(b" " * (MAX_BODY_BYTES + 1))
    assert len(bomb) < 100_000
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n"
    data = head.encode() + bomb
    with serving(answer_with(data), answer_with(data)) as server:
        with pytest.raises(InvalidRequest, match="5 MiB"):
            client_of(server).send("GET", "a")
        with pytest.raises(OutcomeUnknown, match="5 MiB"):
            client_of(server).send("POST", "a")


def test_redirects_are_not_followed() -> None:
    """A redirect comes back as it is; its target gets no key."""
    data = b"HTTP/1.1 302 Found\r\nLocation: http://10.0.0.1/\r\nContent-Length: 0\r\n\r\n"
    with serving(answer_with(data)) as server:
        client = client_of(server)
        answer = client.send("GET", "a")
    assert answer.status == 302
    assert isinstance(error_of(answer, client, write=False), PlatformDown)
    assert isinstance(error_of(answer, client, write=True), OutcomeUnknown)


def test_cookies_are_not_kept() -> None:
    """A cookie that the shop sets is not sent back."""
    data = OK.replace(b"\r\n\r\n", b"\r\nSet-Cookie: session=1; Path=/\r\n\r\n", 1)

    def talk(server: Server, sock: socket.socket) -> None:
        for _ in range(2):
            server.read(sock)
            sock.sendall(data)

    with serving(talk) as server:
        client = client_of(server)
        assert [client.send("GET", "a").status for _ in range(2)] == [200, 200]
    assert b"session=1" not in server.requests[1]


def test_other_hosts_are_refused() -> None:
    """A whole URL must stay on the shop's host."""
    with serving() as server, pytest.raises(InvalidRequest):
        client_of(server).send("GET", "http://127.0.0.1:1/a")


def test_private_shop_is_refused_without_leave() -> None:
    """Without the setting for tests no request goes to loopback, named or not."""
    with pytest.raises(ConfigurationError):
        HttpClient("https://127.0.0.1", allow_private=False, allow_http=False, platform="shop")
    client = HttpClient("https://localhost", allow_private=False, allow_http=False, platform="shop")
    with pytest.raises(InvalidRequest, match="not a public address"):
        client.send("POST", "a")


def test_each_try_is_signed_anew() -> None:
    """A signed URL counts once, so the second try of a read is signed again."""
    signed: list[str] = []

    def sign(_method: str, url: str) -> tuple[str, dict[str, str]]:
        signed.append(url)
        return f"{url}?oauth_nonce={len(signed)}", {}

    with serving(lambda server, sock: server.read(sock) and None, answer_with(OK)) as server:
        client_of(server).send("GET", "a", sign=sign)
    assert [b"oauth_nonce=1" in server.requests[0], b"oauth_nonce=2" in server.requests[1]] == [
        True,
        True,
    ]


def test_no_key_in_error_or_log(caplog: pytest.LogCaptureFixture) -> None:
    """Keys in the query are in no error, no traceback and no log line at any level."""
    caplog.set_level(logging.DEBUG)
    params = {"consumer_key": "ck_" + "1" * 40, "consumer_secret": "cs_geheim"}
    drop = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"
    with (
        serving(answer_with(drop)) as server,
        pytest.raises(TemporaryFailure) as caught,
    ):
        client_of(server).send("GET", "a", params=params)
    with pytest.raises(Unreachable) as refused:
        client_of(server).send("GET", "a", params=params)
    text = "".join(traceback.format_exception(caught.value))
    text += "".join(traceback.format_exception(refused.value))
    text += "\n".join(record.getMessage() + repr(record.__dict__) for record in caplog.records)
    assert "cs_geheim" not in text
    assert "ck_1" not in text
    assert "consumer_secret=****" in text


@pytest.mark.parametrize(
    "text",
    [
        "GET /x?consumer_key=TOPSECRET&a=1",
        "x?oauth_signature=TOPSECRET%3D&oauth_nonce=TOPSECRET",
        "Authorization: Basic TOPSECRET",
        "{'Authorization': 'Bearer TOPSECRET'}",
        "X-Shopify-Access-Token: TOPSECRET",
        '{"access_token":"TOPSECRET","scope":"x"}',
        '{"client_secret": "TOPSECRET"}',
        "Link: <http://a/?page=2&consumer_secret=TOPSECRET>",
        "shpat_TOPSECRET12",
        "ck_TOPSECRET1234567890",
        "mail to TOPSECRET@example.com",
    ],
)
def test_redaction(text: str) -> None:
    """Keys, tokens, signatures and addresses are blanked in whatever form they stand."""
    assert "TOPSECRET" not in redact(text)


def test_redaction_keeps_the_rest() -> None:
    """What is no secret stays readable."""
    assert redact("GET /orders?page=2&per_page=50 500") == "GET /orders?page=2&per_page=50 500"


def test_retry_after_in_both_forms() -> None:
    """Seconds and dates are read; nonsense is not told; a day is the most."""
    now = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
    read = lambda text: retry_after_s({"retry-after": text}, now)  # noqa: E731 - short for the table
    assert read("600") == 600.0
    assert read("2.5") == 2.5
    assert read("Sun, 22 Nov 2026 09:01:00 GMT") == 60.0
    assert read("Sun, 22 Nov 2026 08:00:00 GMT") == 0.0
    assert read("999999999") == 86400.0
    assert [read(text) for text in ("", "soon", "-5", "NaN", "٣")] == [None] * 5


JSON = b'{"id":5}'


@pytest.mark.parametrize(
    "noise",
    [
        b"",
        b"\xef\xbb\xbf",
        b"\n\n  ",
        b"\xef\xbb\xbf\r\n",
        b'<br />\n<b>Warning</b>:  Undefined array key "x" in <b>/a.php</b> on line <b>2</b>\n',
        b"\nNotice: Undefined index: a[0] in /a.php on line 3\n",
        b"Deprecated: Function {closure} is old in /a.php on line 3\n",
    ],
)
def test_noise_before_json_is_passed_over(noise: bytes) -> None:
    """A byte order mark, empty lines and PHP warnings before JSON do no harm."""
    assert find_json(noise + JSON) == JSON


@pytest.mark.parametrize(
    "body",
    [
        b"<!DOCTYPE html><html><script>var a = {}</script></html>",
        b'<html><body>Warning: x {"id":5}',
        b'hello {"id":5}',
        b'Warning: x {"id":5',
        b"",
        b"   ",
    ],
)
def test_a_page_is_never_json(body: bytes) -> None:
    """A page, a text or nothing is PlatformDown for a read and unknown for a write."""
    with serving() as server:
        client = client_of(server)
    answer = Answer(200, {"content-type": "application/json"}, body, "GET orders/5")
    with pytest.raises(PlatformDown, match="permalinks"):
        json_of(answer, client, write=False)
    with pytest.raises(OutcomeUnknown):
        json_of(answer, client, write=True)


def test_maintenance_of_a_write_is_known_undone() -> None:
    """A 503 that names a time to come back is said before anything was done."""
    with serving() as server:
        client = client_of(server)
    named = Answer(503, {"retry-after": "600"}, b"{}", "POST x")
    error = error_of(named, client, write=True)
    assert isinstance(error, PlatformDown)
    assert error.retry_after_s == 600.0
    assert isinstance(error_of(Answer(503, {}, b"", "POST x"), client, write=True), OutcomeUnknown)


def test_deep_json_in_an_error_does_no_harm() -> None:
    """An error body that is nested without end is an error without a code."""
    with serving() as server:
        client = client_of(server)
    error = error_of(Answer(400, {}, b"[" * 100_000, "POST x"), client, write=True)
    assert isinstance(error, InvalidRequest)
    assert error.code == ""


def test_payload_error_names_the_path_not_the_value() -> None:
    """Who reads the error learns where it is wrong, and no personal data."""
    with pytest.raises(PayloadInvalid, match=r"\$\[0\]\.quantity") as caught:
        decode(list[Line], b'[{"id":1,"total":"1","quantity":"Nuria Puig"}]')
    assert "Nuria" not in str(caught.value)
