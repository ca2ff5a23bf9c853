"""Applications that read what is posted and keep nothing: what a server alone can do."""

from collections.abc import Callable, Iterable
from typing import Any, Final

import flask

BODY: Final = b'{"status": "stored"}\n'
_JSON: Final = ("Content-Type", "application/json")


def flask_view() -> flask.Flask:
    """Make a Flask app with one view."""
    app = flask.Flask("bare")

    @app.post("/hooks/woocommerce/<token>")
    def take(token: str) -> flask.Response:
        del token
        flask.request.get_data()
        return flask.Response(BODY, mimetype="application/json")

    return app


def wsgi(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Read and answer by a plain WSGI function."""
    environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    start_response("200 OK", [_JSON, ("Content-Length", str(len(BODY)))])
    return [BODY]


class Rsgi:
    """Read and answer in the event loop."""

    async def __rsgi__(self, scope: Any, proto: Any) -> None:
        """Answer one request."""
        del scope
        await proto()
        proto.response_bytes(200, [_JSON], BODY)

    async def drain(self) -> None:
        """Wait for nobody."""

    def close(self) -> None:
        """End nothing."""
