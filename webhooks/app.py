"""The Flask application: health, metrics, and the hooks for servers without the hook path."""

from flask import Flask, Response, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from connector.errors import StorageUnavailable
from webhooks import metrics
from webhooks.admin.site import admin_pages, is_admin_page, page_error
from webhooks.hook_path import inbound
from webhooks.install.pages import install_pages
from webhooks.install.plugin_calls import plugin_calls
from webhooks.receive import Receiver
from webhooks.wiring import Application


def create_app(app: Application, receiver: Receiver) -> Flask:
    """Make the web application over an open store."""
    web = Flask(__name__, static_folder=None)
    admin_pages(web, app)

    web.register_blueprint(install_pages(app))
    web.register_blueprint(plugin_calls(app))

    @web.post("/hooks/<path:rest>")
    def hooks(rest: str) -> ResponseReturnValue:
        """Take a webhook."""
        del rest
        answer = receiver.receive(inbound(request.environ, app.settings.body_limit_bytes))
        return Response(answer.body, answer.status, list(answer.headers))

    @web.get("/healthz")
    def healthz() -> ResponseReturnValue:
        """Tell that the process lives."""
        return jsonify(status="ok")

    @web.get("/readyz")
    def readyz() -> ResponseReturnValue:
        """Tell whether this server may take traffic: the store answers."""
        try:
            with app.storage.reading() as tx:
                tx.rules_revision()
        except StorageUnavailable as err:
            return jsonify(status="unavailable", detail=str(err)), 503
        return jsonify(status="ok")

    @web.get("/metrics")
    def exposition() -> ResponseReturnValue:
        """Give figures in Prometheus' text form."""
        return Response(metrics.exposition(app), mimetype=metrics.CONTENT_TYPE)

    @web.get("/")
    def root() -> ResponseReturnValue:
        """Say what listens here."""
        return Response("Postventa is running.\n", mimetype="text/plain")

    _answer_errors(web, app)
    return web


def _answer_errors(web: Flask, app: Application) -> None:
    """Answer refusals and faults, and close what no page needs."""

    @web.errorhandler(HTTPException)
    def refused(err: HTTPException) -> ResponseReturnValue:
        """Answer an error as JSON, in one form; on the admin pages as a page."""
        if is_admin_page(request.path):
            return page_error(err)
        return jsonify(status="rejected", detail=err.description), err.code or 500

    @web.errorhandler(Exception)
    def fault(err: Exception) -> ResponseReturnValue:
        """Answer a fault of ours without any of its data."""
        app.engine.log("request.fault", path=request.path, fault=err)
        if is_admin_page(request.path):
            return page_error(err)
        return jsonify(status="failed", detail="a fault of ours; it is in the log"), 500

    @web.after_request
    def harden(response: Response) -> Response:
        """Close what no page of ours needs."""
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", "no-referrer")
        response.headers.setdefault(
            "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"
        )
        return response
