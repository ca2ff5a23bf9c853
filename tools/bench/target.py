"""One of the servers that are compared, as a process of its own.

All of them are the same waitress; only what it calls differs.
"""

import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import flask

from connector.storage.port import Storage, Transaction
from tools.bench.installation import Installation
from webhooks.app import create_app
from webhooks.serve import WebServer
from webhooks.wiring import Application

KINDS: Final = {
    "ours": "our receiver",
    "flask-view": "our receiver behind a Flask view",
    "commit-each": "our receiver, one commit a request",
    "bare-flask": "a Flask view that reads the body and keeps nothing",
    "bare-wsgi": "a plain function that reads the body and keeps nothing",
}


class CommitEach:
    """The store, with a commit of its own for each request."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def __getattr__(self, name: str) -> Any:
        """Hand on everything else."""
        return getattr(self._storage, name)

    def submit(self, work: Callable[[Transaction], None]) -> None:
        """Run a piece of writing and commit it."""
        with self._storage.transaction() as tx:
            work(tx)


def bare_flask() -> flask.Flask:
    """Make an app that reads what is posted and keeps nothing."""
    app = flask.Flask("bare")

    @app.post("/hooks/woocommerce/<token>")
    def take(token: str) -> flask.Response:
        del token
        flask.request.get_data()
        return flask.Response(b'{"status": "stored"}\n', mimetype="application/json")

    return app


def bare_wsgi(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Read what is posted and keep nothing."""
    environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    body = b'{"status": "stored"}\n'
    start_response(
        "200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    )
    return [body]


def make_server(kind: str, app: Application) -> WebServer:
    """Make the server of one kind, on a free port."""
    if kind == "commit-each":
        # Only `submit` differs, and the receiver uses nothing that is missing.
        each: Any = CommitEach(app.storage)
        app = replace(app, storage=each)
    server = WebServer(app, host="127.0.0.1", port=0)
    others: dict[str, Callable[[], Any]] = {
        "flask-view": lambda: create_app(app, server.receiver),
        "bare-flask": bare_flask,
        "bare-wsgi": lambda: bare_wsgi,
    }
    if kind in others:
        # The same server with the same settings; only what it calls is another.
        server._server.application = others[kind]()  # noqa: SLF001 - see above
    return server


def main(kind: str, folder: str, database_url: str = "") -> None:
    """Serve until the process is ended."""
    with Installation(Path(folder), database_url).opened() as app:
        server = make_server(kind, app)
        print(f"port {server.port}", flush=True)
        server.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
