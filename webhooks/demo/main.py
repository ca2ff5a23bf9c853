"""The demo's command line: play the story, check it, then serve or end."""

import json
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import FrameType

import click
from rich.console import Console
from rich.text import Text

from connector.errors import PostventaError
from webhooks.demo.expect import SHOPIFY, WOO, Seen, check
from webhooks.demo.narrator import Interrupted, Narrator, console
from webhooks.demo.report import show_checks, show_tables
from webhooks.demo.stage import CannotStart, Stage, set_stage
from webhooks.demo.story import Story
from webhooks.demo.truth import EXPECTED

_FAILED = 1
_REFUSED = 2


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--once", is_flag=True, help="End after the story: 0 when every expectation held.")
@click.option(
    "--port",
    type=click.IntRange(1, 65_535),
    help="Port of the server; a free one when left out.",
)
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Keep database, log and what was seen in this new or empty folder.",
)
def main(once: bool, port: int | None, keep: Path | None) -> None:
    """Show Postventa at work: two pretend shops, a real server, real signed webhooks."""
    ended = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        ended.set()

    # Set by hand: a shell that starts us in the background has switched Ctrl-C off.
    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGTERM, end)
    out = console()
    try:
        with _folder(keep) as folder, set_stage(folder, port) as stage:
            code = _play(out, stage, ended, folder, once=once)
    except CannotStart as err:
        click.echo(f"The demo cannot start. {err}", err=True)
        sys.exit(_REFUSED)
    except PostventaError as err:
        click.echo(f"The demo failed: {err}", err=True)
        sys.exit(_FAILED)
    sys.exit(code)


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is None:
        made = Path(tempfile.mkdtemp(prefix="postventa-demo-"))
        try:
            yield made
        finally:
            shutil.rmtree(made, ignore_errors=True)
        return
    try:
        keep.mkdir(parents=True, exist_ok=True)
        filled = any(keep.iterdir())
    except OSError as err:
        raise CannotStart(f"The folder {keep} cannot be used: {err.strerror}.") from err
    if filled:
        raise CannotStart(
            f"The folder {keep} holds files already. Name a new or empty one with --keep."
        )
    yield keep


def _play(out: Console, stage: Stage, ended: threading.Event, folder: Path, *, once: bool) -> int:
    """Play, report and check; then serve until told to end, unless `once`."""
    _open(out, stage)
    narrator = Narrator(out, ended)
    story = Story(stage, narrator)
    try:
        story.play()
    except Interrupted:
        out.print(Text("Ended before the story was over.", style="yellow"))
        return _FAILED if once else 0
    seen = look(stage, story.orders)
    (folder / "seen.json").write_text(json.dumps(asdict(seen), ensure_ascii=False), "utf-8")
    out.print()
    show_tables(out, stage, seen)
    out.print()
    held = show_checks(out, check(EXPECTED, seen), narrator.missed)
    out.print(Text(f"The story took {narrator.seconds:.1f} s.", style="dim"))
    if once:
        return 0 if held else _FAILED
    _addresses(out, stage)
    out.print(Text("Serving. Press Ctrl-C to end.", style="bold"))
    # Short waits: a signal is only noticed between them.
    while not ended.wait(0.2):
        pass
    out.print("Ended.")
    return 0


def look(stage: Stage, orders: dict[str, str]) -> Seen:
    """Read what the shops and the outbox hold, and the sums of the effects."""
    with stage.app.storage.reading() as tx:
        effects = dict(tx.counts().effects)
    return Seen(
        orders=dict(orders),
        shops={WOO: stage.woo.state(), SHOPIFY: stage.shopify.state()},
        mails=[
            {
                "to": mail.to,
                "subject": mail.subject,
                "order": str(mail.order_ref or ""),
                "key": mail.key,
            }
            for mail in list(stage.outbox.sent)
        ],
        effects=effects,
        planned=sum(1 for _ in stage.app.storage.iterate("effects", None)),
        on=stage.app.clock.now().date().isoformat(),
    )


def _open(out: Console, stage: Stage) -> None:
    out.print(Text("Postventa demo", style="bold"))
    out.print(
        f"A real server at {stage.url}, a pretend WooCommerce at {stage.woo.url} and a pretend "
        f"Shopify at {stage.shopify.url}."
    )
    out.print(
        f"Both were connected as an owner would: {stage.registered} webhooks were made through "
        "their APIs."
    )
    delays = [f"{r.id} {r.delay} → {r.short_delay}" for r in stage.rules if r.delay]
    out.print("Rules of the playbook, delivered switched off, are on, with delays shortened:")
    for text in delays:
        out.print(f"  {text}")
    own = ", ".join(rule.id for rule in stage.rules if not rule.delay)
    out.print(f"Small rules of the demo: {own}")
    out.print()


def _addresses(out: Console, stage: Stage) -> None:
    out.print()
    out.print(Text("Open in a browser", style="bold"))
    for what, url in (
        ("WooCommerce: orders, notes, codes", stage.woo.url + "/"),
        ("Shopify: orders, notes, codes", stage.shopify.url + "/"),
        ("Postventa: health", stage.url + "/healthz"),
        ("Postventa: ready for traffic", stage.url + "/readyz"),
        ("Postventa: metrics", stage.url + "/metrics"),
    ):
        out.print(Text.assemble(f"  {what:<36}", (url, "underline cyan")))
