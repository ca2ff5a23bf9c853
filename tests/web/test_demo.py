"""The demo as people run it, and the check list that judges it."""

import copy
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests

from webhooks.demo.expect import SHOPIFY, WOO, Check, Seen, check
from webhooks.demo.report import failures_of
from webhooks.demo.truth import EXPECTED

pytestmark = pytest.mark.alone

ROOT = Path(__file__).resolve().parents[2]
# The story itself gives up after two minutes of waiting.
LIMIT_S = 240
CODES = 8


@contextmanager
def demo(*arguments: str, folder: Path | None = None) -> Iterator[subprocess.Popen[str]]:
    """Run the demo; it is killed at the end should it still run.

    Args: folder: where it may make its own folder.
    """
    process = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "webhooks.demo", *arguments],
        cwd=ROOT,
        env={
            **os.environ,
            "PYTHONIOENCODING": "utf-8",
            "PYTHONUNBUFFERED": "1",
            **({"TMPDIR": str(folder)} if folder else {}),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=60)


def seen_in(folder: Path) -> Seen:
    """Read what a run of the demo found at its end."""
    return Seen(**json.loads((folder / "seen.json").read_text("utf-8")))


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, str, str, Path]:
    """Run the story once: exit code, output, errors, and the folder that was kept."""
    folder = tmp_path_factory.mktemp("demo") / "kept"
    with demo("--once", "--keep", str(folder)) as process:
        out, err = process.communicate(timeout=LIMIT_S)
    return process.returncode, out, err, folder


def test_the_story_ends_well_and_names_everything(once: tuple[int, str, str, Path]) -> None:
    """With --once it exits 0 and names each order, note, tag, code and message in its output."""
    code, out, err, folder = once
    assert (code, err) == (0, "")
    assert "✗" not in out
    seen = seen_in(folder)
    # Lines are broken to fit the tables.
    flat = "".join(out.split())
    for name, short in ((WOO, "Woo"), (SHOPIFY, "Shopify")):
        shop = seen.shops[name]
        for order in shop["orders"]:
            assert f"{short} #{str(order['number']).lstrip('#')}" in out
        for coupon in shop["coupons"]:
            assert coupon["code"] in out
    assert sum(len(shop["coupons"]) for shop in seen.shops.values()) == CODES
    for item in EXPECTED:
        assert item.buyer in out
        for note in item.notes:
            for part in note.split("{code}"):
                assert "".join(part.split()) in flat
        for subject in item.mails:
            for part in subject.split("{number}"):
                assert part in out
    assert "52 planned = 47 done + 5 skipped + 0 waiting + 0 need a person" in out


def doctored(seen: Seen) -> Seen:
    """Copy what was seen, so that it can be changed."""
    return copy.deepcopy(seen)


def broken(seen: Seen) -> list[str]:
    """List what the check finds missing."""
    return failures_of(check(EXPECTED, seen), [])


def order_of(seen: Seen, key: str) -> dict[str, Any]:
    """Find an order of the story in the pretend shops' record."""
    orders = [order for shop in seen.shops.values() for order in shop["orders"]]
    return next(order for order in orders if str(order["id"]) == seen.orders[key])


def test_a_note_written_twice_is_named(once: tuple[int, str, str, Path]) -> None:
    """A second copy of a note breaks the expectation of exactly one, and is named."""
    seen = doctored(seen_in(once[3]))
    assert broken(seen) == []
    ana = order_of(seen, "ana")
    ana["notes"].append(next(note for note in ana["notes"] if "Welcome sent" in note["text"]))
    number = f"WooCommerce order #{ana['number']} of Ana Ruiz"
    assert broken(seen) == [
        (
            f"{number}: exactly one note “Welcome sent to Ana Ruiz: this is their first order.”; "
            "found: 2 of them"
        ),
        f"{number}: 2 notes of ours in all; found: 3 of them",
    ]


def test_a_missing_note_tag_code_and_message_are_named(
    once: tuple[int, str, str, Path],
) -> None:
    """Each thing that is not there is named with its order."""
    seen = doctored(seen_in(once[3]))
    james = order_of(seen, "james")
    james["notes"] = [note for note in james["notes"] if "pv-" not in note["text"]]
    james["tags"] = []
    coupons = seen.shops[SHOPIFY]["coupons"]
    coupons[:] = [code for code in coupons if code["customers"] != ["james.walsh@example.com"]]
    who = f"Shopify order {james['number']} of James Walsh"
    without = [mail for mail in seen.mails if mail["to"] != "james.walsh@example.com"]
    found = broken(replace(seen, mails=without))
    assert found == [
        (
            f"{who}: exactly one note “Bienvenida enviada a James Walsh: es su primer pedido.”; "
            "found: 0 of them"
        ),
        f"{who}: exactly one note “Vale no code creado para James.”; found: 0 of them",
        f"{who}: 2 notes of ours in all; found: 0 of them",
        f"{who}: the tags postventa-welcome, once each; found: no tag",
        (
            f"{who}: exactly one code HOLA-…: 10 % off, for james.walsh@example.com only, once, "
            "30 days; found: none"
        ),
        (
            f"{who}: exactly one message “Hi James, we have your order {james['number']}”; "
            "found: 0 of them"
        ),
        f"{who}: 1 message in all; found: 0: ",
        f"{SHOPIFY}: 4 orders and 4 codes in all; found: 4 and 3",
        "Outbox: 13 messages in all; found: 12",
    ]


def test_anything_too_much_is_named(once: tuple[int, str, str, Path]) -> None:
    """A code for the canceled order, a message sent twice and a lost effect are all found."""
    seen = doctored(seen_in(once[3]))
    coupons = seen.shops[WOO]["coupons"]
    coupons.append({**coupons[0], "email_restrictions": ["marta.vidal@example.com"]})
    mails = [*seen.mails, seen.mails[0]]
    effects = {**seen.effects, "done": seen.effects["done"] - 1}
    found = broken(replace(seen, mails=mails, effects=effects))
    text = "\n".join(found)
    assert "Marta Vidal: no code for marta.vidal@example.com" in text
    assert "Outbox: no message twice" in text
    assert "planned = done + skipped + waiting + needs a person; found: 52 planned" in text


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("amount", "100"),
        ("usage_limit", 2),
        ("customers", ["ana.ruiz@example.com", "carlos.pena@example.com"]),
        ("date_expires", "2099-01-01T00:00:00Z"),
        ("code", "OTHER-7K2M9QWXTRB4"),
    ],
)
def test_a_code_that_is_not_as_its_rule_says_is_named(
    once: tuple[int, str, str, Path], field: str, value: object
) -> None:
    """Worth, uses, buyer, end and prefix of a code each count."""
    seen = doctored(seen_in(once[3]))
    code = next(
        item
        for item in seen.shops[SHOPIFY]["coupons"]
        if item["customers"] == ["carlos.pena@example.com"]
    )
    code[field] = value
    found = broken(seen)
    assert any("of Carlos Peña: exactly one code HOLA-…" in text for text in found)


def test_a_step_that_was_not_seen_counts_as_missing() -> None:
    """What the story waited for in vain stands in the list as well, before the rest."""
    failed = Check(held=False, about="Effects", text="1 planned", seen="0")
    assert failures_of([failed], ["Step 1: not seen in time: a webhook"]) == [
        "Step 1: not seen in time: a webhook",
        "Effects: 1 planned; found: 0",
    ]


def test_without_once_it_serves_until_interrupted(tmp_path: Path) -> None:
    """The pages it names answer, and Ctrl-C ends it with 0 and takes its folder away."""
    with demo(folder=tmp_path) as process:
        assert process.stdout is not None
        urls = []
        for line in process.stdout:
            urls += [word for word in line.split() if word.startswith("http")]
            if "Press Ctrl-C" in line:
                break
        pages = [url for url in urls if url.endswith(("/", "/healthz", "/readyz", "/metrics"))]
        assert len(pages) == 5
        for url in pages:
            assert requests.get(url, timeout=60).status_code == 200, url
        assert [path.name[:15] for path in tmp_path.iterdir()] == ["postventa-demo-"]
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=LIMIT_S)
    assert (process.returncode, err) == (0, "")
    assert list(tmp_path.iterdir()) == []


def test_a_signal_in_the_middle_of_the_story_ends_it() -> None:
    """SIGTERM ends it cleanly at any time; with --once an unfinished story is no success."""
    with demo("--once") as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "Ana buys again" in line:
                break
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=LIMIT_S)
    assert "Ended before the story was over" in out
    assert (process.returncode, err) == (1, "")


def test_a_taken_port_is_named() -> None:
    """A port that another program holds is refused with what to do."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with demo("--once", "--port", str(port)) as process:
            out, err = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 2
    assert out == ""
    assert err == (
        f"The demo cannot start. Port {port} is taken by another program. Name another one with "
        "--port, or leave --port out and a free one is found.\n"
    )


def test_a_filled_folder_is_refused(tmp_path: Path) -> None:
    """A folder with files in it is left alone."""
    (tmp_path / "mine.txt").write_text("mine")
    with demo("--once", "--keep", str(tmp_path)) as process:
        _, err = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 2
    assert "holds files already" in err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_missing_schema_is_named_with_its_remedy() -> None:
    """Without the published schema the demo says to run `make deps`."""
    script = (
        "from webhooks.sandbox.shopify import schema; schema.FOLDER = 'nowhere'; "
        "from webhooks.demo.main import main; main(['--once'])"
    )
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_S,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "Run `make deps` first." in done.stderr
    assert "Traceback" not in done.stderr
