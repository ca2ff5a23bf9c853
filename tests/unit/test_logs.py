"""Logs: JSON lines with keys, and never what an error says."""

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from connector.errors import PayloadInvalid
from connector.secret import Secret
from webhooks.logs import log_event, set_up_logs

CANARY = "ana@example.com-8f1c"


@pytest.fixture(autouse=True)
def _own_logger() -> Iterator[None]:
    """Put the product's logger back as it was."""
    logger = logging.getLogger("postventa")
    before = (logger.handlers[:], logger.level, logger.propagate)
    yield
    logger.handlers[:], logger.propagate = before[0], before[2]
    logger.setLevel(before[1])


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """Read what was logged; every line must be one JSON object."""
    out, err = capsys.readouterr()
    assert out == ""
    found = [json.loads(line) for line in err.splitlines()]
    assert all(isinstance(line, dict) for line in found)
    return found


def test_event_is_one_json_line(capsys: pytest.CaptureFixture[str]) -> None:
    """An event is one line of JSON on stderr with its name and keys."""
    set_up_logs("INFO")
    log_event("delivery.done", shop_id="s1", attempt=2, order_ref=None)
    log_event("effect.done", key="s1:r:1:1")
    assert lines(capsys) == [
        {"event": "delivery.done", "shop_id": "s1", "attempt": 2, "order_ref": None},
        {"event": "effect.done", "key": "s1:r:1:1"},
    ]


def test_values_cannot_forge_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """Line ends, percent signs and letters of any kind in a value stay inside it."""
    set_up_logs("INFO")
    odd = 'a\n{"event": "forged"}\r\u2028%s %(message)s \x1b[2J "ñ" \udcff'
    log_event("delivery.done", topic=odd)
    assert lines(capsys) == [{"event": "delivery.done", "topic": odd}]


def test_values_of_other_types(capsys: pytest.CaptureFixture[str]) -> None:
    """A time is written as text, and a secret as stars."""
    set_up_logs("INFO")
    log_event("x.seen", at=datetime(2026, 11, 22, tzinfo=UTC), key=Secret(CANARY))
    assert lines(capsys) == [{"event": "x.seen", "at": "2026-11-22 00:00:00+00:00", "key": "****"}]


def _inner() -> None:
    raise ValueError(f"cannot read {CANARY}")


def _outer() -> None:
    try:
        _inner()
    except ValueError as err:
        raise PayloadInvalid(f"body of {CANARY}") from err


def test_fault_tells_type_and_places_only(capsys: pytest.CaptureFixture[str]) -> None:
    """Of an error only its type and the places in the code are written, never its text."""
    set_up_logs("INFO")
    try:
        _outer()
    except PayloadInvalid as err:
        err.add_note(CANARY)
        log_event("worker.fault", fault=err, shop_id="s1")
    out, err_text = capsys.readouterr()
    assert CANARY not in out + err_text
    (line,) = [json.loads(text) for text in err_text.splitlines()]
    assert set(line) == {"event", "shop_id", "fault", "places"}
    assert (line["event"], line["shop_id"], line["fault"]) == (
        "worker.fault",
        "s1",
        "PayloadInvalid",
    )
    names = [place.rpartition(":")[0] for place in line["places"]]
    assert names == ["test_fault_tells_type_and_places_only", "_outer"]
    assert all(place.rpartition(":")[2].isdigit() for place in line["places"])


def test_deep_fault_keeps_the_innermost_places(capsys: pytest.CaptureFixture[str]) -> None:
    """Of a deep error the eight innermost places are kept."""
    set_up_logs("INFO")

    def dig(depth: int) -> None:
        if depth == 0:
            _inner()
        dig(depth - 1)

    try:
        dig(30)
    except ValueError as err:
        log_event("worker.fault", fault=err)
    (line,) = lines(capsys)
    assert [place.rpartition(":")[0] for place in line["places"]] == ["dig"] * 7 + ["_inner"]


def test_fault_never_raised(capsys: pytest.CaptureFixture[str]) -> None:
    """An error that was made and not raised has no places, and is written all the same."""
    set_up_logs("INFO")
    log_event("worker.fault", fault=RuntimeError(CANARY))
    assert lines(capsys) == [{"event": "worker.fault", "fault": "RuntimeError", "places": []}]


@pytest.mark.parametrize(
    ("level", "written"),
    [
        ("DEBUG", ["delivery.done", "delivery.not_stored", "worker.fault"]),
        ("INFO", ["delivery.done", "delivery.not_stored", "worker.fault"]),
        ("WARNING", ["delivery.not_stored", "worker.fault"]),
        ("ERROR", []),
    ],
)
def test_levels(level: str, written: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """What went wrong is a warning, the rest is for information."""
    set_up_logs(level)
    for event in ("delivery.done", "delivery.not_stored", "worker.fault"):
        log_event(event)
    assert [line["event"] for line in lines(capsys)] == written


def test_set_up_twice(capsys: pytest.CaptureFixture[str]) -> None:
    """Setting up twice does not write every event twice."""
    set_up_logs("INFO")
    set_up_logs("INFO")
    log_event("delivery.done")
    assert len(lines(capsys)) == 1
