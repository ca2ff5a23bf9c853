"""A long file is read line by line, and what goes wrong has a name."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from adapters._download import MAX_LINE_BYTES, read_lines
from connector.errors import (
    AdapterError,
    InvalidRequest,
    NotFound,
    TemporaryFailure,
)


@contextmanager
def keeper(
    body: bytes, status: int = 200, length: int | None = None, **headers: str
) -> Iterator[str]:
    """Serve one file; give its address, which holds a signature."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body) if length is None else length))
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/file.jsonl?signature=geheim"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(30)


def read(url: str, *, allow_private: bool = True) -> list[bytes]:
    """Read all lines."""
    return list(
        read_lines(
            url,
            allow_private=allow_private,
            allow_http=True,
            platform="shopify",
            operation="bulk result",
        )
    )


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        (b"", []),
        (b"one\n", [b"one"]),
        (b"one\ntwo", [b"one", b"two"]),
        (b"one\n\ntwo\n", [b"one", b"", b"two"]),
    ],
)
def test_lines(body: bytes, lines: list[bytes]) -> None:
    """Lines come without their ends, the last one also when it has none."""
    with keeper(body) as url:
        assert read(url) == lines


def test_a_long_file_comes_whole() -> None:
    """Lines that lie across the pieces in which they arrive stay whole, also when packed."""
    lines = [b"%d %s" % (number, b"x" * (number % 7000)) for number in range(400)]
    body = b"\n".join(lines)
    with keeper(body) as url:
        assert read(url) == lines
    with keeper(gzip.compress(body), Content_Encoding="gzip") as url:
        assert read(url) == lines


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (403, NotFound),
        (404, NotFound),
        (410, NotFound),
        (302, TemporaryFailure),
        (500, TemporaryFailure),
        (503, TemporaryFailure),
    ],
)
def test_statuses(status: int, kind: type[AdapterError]) -> None:
    """A file that is kept no more is told from one that cannot be read just now."""
    with keeper(b"no", status=status) as url, pytest.raises(kind) as caught:
        read(url)
    assert caught.value.status == status


def test_a_file_that_breaks_off() -> None:
    """A file that ends before its length is no whole file; its address is in no error."""
    with keeper(b"one\ntwo\n", length=1000) as url, pytest.raises(TemporaryFailure) as caught:
        read(url)
    seen = f"{caught.value!r} {caught.value.__cause__!r} {caught.value.__context__!r}"
    assert "geheim" not in seen


def test_a_line_without_end_is_refused() -> None:
    """A line longer than five MiB does not fill the memory."""
    with (
        keeper(b"x" * (MAX_LINE_BYTES + 70_000)) as url,
        pytest.raises(InvalidRequest, match="longer"),
    ):
        read(url)


def test_no_file_in_a_private_network() -> None:
    """An address that an answer names is guarded like one that a person typed."""
    with keeper(b"one\n") as url, pytest.raises(AdapterError):
        read(url, allow_private=False)
    with pytest.raises(AdapterError):
        read("file:///etc/hostname")


def test_nobody_is_there() -> None:
    """When nobody listens, the failure is a passing one."""
    with keeper(b"") as url:
        pass
    with pytest.raises(TemporaryFailure):
        read(url)
