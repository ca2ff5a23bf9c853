"""Commands that run or look after the server: serve, worker, migrate, doctor."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import click

from webhooks.cli.base import FAILED, Failed, json_option, opened, print_json, print_table

_FLUSH_S: Final = 5.0
_THREADS: Final = 4
_MOST_THREADS: Final = 64


class Stopped(SystemExit):
    """A signal asked this process to end."""


@contextmanager
def _until_signaled() -> Iterator[threading.Event]:
    """Turn SIGTERM and SIGINT into an orderly end."""
    event = threading.Event()

    def stop(number: int, frame: object) -> None:
        del number, frame
        # A second signal while stopping changes nothing: rows are being settled.
        if not event.is_set():
            event.set()
            raise Stopped(0)

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield event
    except Stopped:
        pass
    finally:
        event.set()
        for number, handler in before.items():
            signal.signal(number, handler)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=8000,
    show_default=True,
    help="Port to listen on; 0 takes a free one.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, _MOST_THREADS),
    default=_THREADS,
    show_default=True,
    help="Threads that work through what came in. With POSTVENTA_BROKER_URL set there are "
    "none unless asked for: `postventa worker` does the work.",
)
@click.option("--no-worker", is_flag=True, help="Only receive; `postventa worker` does the rest.")
@click.pass_context
def serve(ctx: click.Context, host: str, port: int, workers: int, no_worker: bool) -> None:
    """Receive webhooks and, in the same process, work through them.

    Put a proxy with TLS in front of it and set POSTVENTA_BASE_URL to its address.
    """
    from click.core import ParameterSource

    from webhooks.cli.base import settings_now

    given = ctx.get_parameter_source("workers") is not ParameterSource.DEFAULT
    if no_worker and given:
        raise click.UsageError("--workers and --no-worker exclude each other.")
    if settings_now().broker_url and not given:
        no_worker = True
    with opened(logs=settings_now().log_level) as app:
        from webhooks.serve import WorkerPool
        from webhooks.server import WebServer

        app.disk.hold_ballast()
        try:
            server = WebServer(app, host=host, port=port)
        except OSError as err:
            raise Failed(
                f"Cannot listen on {host}:{port}: {err.strerror or err}. Choose another --port."
            ) from err
        pool = None if no_worker else WorkerPool(app, threads=workers, receiver=server.receiver)
        with _until_signaled() as stopping:
            flusher = threading.Thread(
                target=_flush, args=(server, stopping), name="flush", daemon=True
            )
            try:
                if pool is not None:
                    pool.start()
                else:
                    flusher.start()
                shown = f"[{host}]" if ":" in host else host
                click.echo(f"Listening on http://{shown}:{server.port}", err=True)
                server.run()
            finally:
                stopping.set()
                server.stop()
                if pool is not None:
                    pool.stop()
                else:
                    flusher.join()
                server.receiver.flush()


def _flush(server: object, stopping: threading.Event) -> None:
    """Keep the counts of refused requests in the store while nobody else does."""
    from connector.errors import StorageUnavailable
    from webhooks.server import WebServer

    assert isinstance(server, WebServer)  # noqa: S101 - a late import keeps --help quick
    while not stopping.wait(_FLUSH_S):
        try:
            server.receiver.flush()
        except StorageUnavailable:
            continue


@click.command()
@click.option(
    "--threads",
    type=click.IntRange(1, _MOST_THREADS),
    default=_THREADS,
    show_default=True,
    help="Threads that work side by side.",
)
@click.option("--once", is_flag=True, help="Work off what is due now, then end.")
def worker(threads: int, once: bool) -> None:
    """Work through what came in, without receiving anything itself.

    With POSTVENTA_BROKER_URL set it is woken by every receiver that uses the same broker;
    without, it looks every few seconds.
    """
    from webhooks.cli.base import settings_now

    with opened(logs=settings_now().log_level) as app:
        if once:
            from connector.jobs.worker import Worker

            click.echo(f"{Worker(app.engine).drain()} rows were worked off.")
            return
        from webhooks.serve import WorkerPool

        app.disk.hold_ballast()
        pool = WorkerPool(app, threads=threads)
        with _until_signaled() as stopping:
            try:
                pool.start()
                click.echo("Working; stop with Ctrl+C.", err=True)
                stopping.wait()
            finally:
                pool.stop()


@click.command()
def migrate() -> None:
    """Bring the database to the form this version needs.

    Every command does so when it starts; this one is for a deploy that wants it done
    before.
    """
    with opened() as app:
        facts = app.storage.facts()
    click.echo(f"The {facts.kind} database is ready.")


@click.command()
@click.option("--offline", is_flag=True, help="Do not call the shops.")
@json_option
def doctor(offline: bool, as_json: bool) -> None:
    """Look at everything that Postventa needs and say what to mend."""
    from webhooks.doctor import examine

    findings = examine(offline=offline)
    if as_json:
        print_json([finding.line() for finding in findings])
    else:
        marks = {"ok": "ok", "note": "note", "bad": "MEND"}
        print_table(
            ("", "what", "found", "what to do"),
            [
                (marks[finding.state], finding.what, finding.found, finding.mend)
                for finding in findings
            ],
        )
    if any(finding.state == "bad" for finding in findings):
        click.echo("Something needs mending.", err=True)
        sys.exit(FAILED)
