"""Load a server with wrk and read what it measured."""

import itertools
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools.bench.bodies import FIRST_NUMBER, MARK, PATH, Template, headers, signature, template

_SCRIPT: Final = Path(__file__).with_name("signed.lua")
# More than most of these servers answer here; what is signed and not sent is dropped.
_MOST_PER_S: Final = 12_000
_PATIENCE_S: Final = 60
_numbers = itertools.count(FIRST_NUMBER, 1_000_000)
_templates: dict[int, Template] = {}


@dataclass(frozen=True, slots=True)
class Loaded:
    """What one run of load found.

    Attributes:
        answered: requests that heard 200.
        p50_ms, p99_ms: time from sending to the answer.
    """

    answered: int
    per_s: float
    p50_ms: float
    p99_ms: float


def require_wrk() -> None:
    """Make sure that the load generator is here.

    Raises: SystemExit: it is not; says what to do.
    """
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is missing. Run as root: apt-get install wrk")


def load(
    url: str, *, size: int, connections: int, seconds: int, most_per_s: int = _MOST_PER_S
) -> Loaded:
    """Post new orders for some seconds.

    Args:
        url: of the server, without a path.
        size: bytes of each body.
        connections: held open side by side.
        seconds: of load.
        most_per_s: how many are signed beforehand; it must not answer more.

    Raises: RuntimeError: a request was not answered with 200.
    """
    return load_all(
        [url], size=size, connections=connections, seconds=seconds, most_per_s=most_per_s
    )


def load_all(
    urls: Sequence[str],
    *,
    size: int,
    connections: int,
    seconds: int,
    most_per_s: int = _MOST_PER_S,
) -> Loaded:
    """Load several servers at once; the connections are shared out among them.

    Returns: sums of what was answered, and the worst of their times.
    """
    share = connections // len(urls)
    with ExitStack() as stack:
        running = []
        for url in urls:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            first = _prepare(folder, size, most_per_s * seconds)
            running.append((url, folder, first))
        started = [_start(*item, share, seconds) for item in running]
        found = [_result(process) for process in started]
    return Loaded(
        answered=sum(item.answered for item in found),
        per_s=sum(item.per_s for item in found),
        p50_ms=max(item.p50_ms for item in found),
        p99_ms=max(item.p99_ms for item in found),
    )


def _prepare(folder: Path, size: int, count: int) -> int:
    """Write what the script sends; give the first number."""
    if size not in _templates:
        _templates[size] = template(size)
    order = _templates[size]
    first = next(_numbers)
    (folder / "body").write_bytes(order.text)
    lines = [f"{name}: {value}\n" for name, value in headers().items()]
    (folder / "headers").write_text("".join(lines), encoding="ascii")
    signatures = [signature(order.body(first + index)) + "\n" for index in range(count)]
    (folder / "signatures").write_text("".join(signatures), encoding="ascii")
    return first


def _start(
    url: str, folder: Path, first: int, connections: int, seconds: int
) -> "subprocess.Popen[str]":
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout=20s"]
    script = ["-s", str(_SCRIPT), url, "--", str(folder), MARK.decode(), str(first), PATH]
    return subprocess.Popen([*command, *script], stdout=subprocess.PIPE, text=True)


def _result(process: "subprocess.Popen[str]") -> Loaded:
    text, _ = process.communicate(timeout=_PATIENCE_S * 2)
    line = next((one for one in text.splitlines() if one.startswith("RESULT ")), None)
    if line is None:
        raise RuntimeError(f"wrk gave no result: {text}")
    requests, micros, p50, p99, refused, broken = map(int, line.split()[1:])
    if refused or broken:
        raise RuntimeError(f"{refused} requests were refused and {broken} broken: {text}")
    return Loaded(requests, requests / (micros / 1e6), p50 / 1000, p99 / 1000)
