"""What clients that send slowly or say nothing cost another client."""

import itertools
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from tools.bench.arguments import Plan
from tools.bench.bodies import PATH
from tools.bench.load import Loaded
from tools.bench.receiver import SMALL, Target, start
from tools.bench.table import Bar, Section, interleaved, ratio_row

SLOW: Final = 50
IDLE: Final = 200
_CLIENTS: Final = 4
_BETWEEN_S: Final = 0.1


def measure(plan: Plan, folder: Path) -> list[Section]:
    """Compare the times of some quick clients alone and among the others."""
    with ExitStack() as stack:
        target = start(stack, "ours", folder / "crowd")
        alone = partial(target.load, size=SMALL, connections=_CLIENTS, seconds=plan.load_s)
        alone()
        found = interleaved(plan.rounds, {"alone": alone, "among": partial(_among, target, alone)})
        target.check()
    rows = (
        ratio_row(
            f"p99 of {_CLIENTS} clients among {SLOW} slow and {IDLE} idle ones, against alone",
            [item.p99_ms for item in found["among"]],
            [item.p99_ms for item in found["alone"]],
            "ms",
            bar=Bar(2.0, least=False),
        ),
        ratio_row(
            "Their rate, against alone",
            [item.per_s for item in found["among"]],
            [item.per_s for item in found["alone"]],
            "/s",
            bar=Bar(0.8),
        ),
    )
    return [
        Section(
            "Slow and idle clients",
            rows,
            "Slow clients send one byte of a body now and then; idle ones hold a connection and "
            "say nothing.",
        )
    ]


def _among(target: Target, load: "partial[Loaded]") -> Loaded:
    with _crowd(target.url):
        return load()


@contextmanager
def _crowd(url: str) -> Iterator[None]:
    """Keep slow and idle connections open for the block."""
    parts = urlsplit(url)
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
        "Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n{"
    ).encode()
    stopping = threading.Event()
    with ExitStack() as stack:
        clients = [
            stack.enter_context(
                socket.create_connection((parts.hostname or "", parts.port or 0), timeout=60)
            )
            for _ in range(SLOW + IDLE)
        ]
        slow = clients[:SLOW]
        for client in slow:
            client.sendall(head)

        def trickle() -> None:
            for client in itertools.cycle(slow):
                if stopping.wait(_BETWEEN_S / SLOW):
                    return
                client.sendall(b" ")

        thread = threading.Thread(target=trickle, daemon=True)
        thread.start()
        try:
            yield
        finally:
            stopping.set()
            thread.join()
