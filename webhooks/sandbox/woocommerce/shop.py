"""The pretend WooCommerce shop: routes, control and settings."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlencode

from webhooks.sandbox._server import (
    CallInfo,
    JsonObject,
    Refused,
    Request,
    Response,
    SandboxServer,
)
from webhooks.sandbox.woocommerce import catalog, story
from webhooks.sandbox.woocommerce.auth import Keys, unknown_caller
from webhooks.sandbox.woocommerce.certificate import self_signed
from webhooks.sandbox.woocommerce.errors import WooError, answer, no_route
from webhooks.sandbox.woocommerce.hooks import Hooks
from webhooks.sandbox.woocommerce.routes import ROUTES, Api
from webhooks.sandbox.woocommerce.store import Store

if TYPE_CHECKING:
    from webhooks.sandbox.faults import Fault

API: Final = "/wp-json/wc/v3/"
SINGLE: Final = re.compile(r"/\d+$")


class WooShop(SandboxServer):
    """A WooCommerce 10.2.4 shop that lives in memory.

    Args:
        port: 0 takes a free one.
        queue_interval_s: seconds between two runs of the webhook queue.
        currency: ISO code.
        timezone: the shop's zone; its times are local.
        https: serve https with a self-made certificate and Basic auth.
        permissions: of the API key: read, write or read_write.
        decimals: digits after the point in amounts, whatever the currency.
        delivery_timeout_s: how long a webhook waits for its answer.

    `certificate` is the PEM text that a caller over https has to trust.
    """

    title = "Sandbox WooCommerce"

    def __init__(
        self,
        port: int = 0,
        queue_interval_s: float = 1.0,
        currency: str = "EUR",
        timezone: str = "Europe/Madrid",
        https: bool = False,
        permissions: str = "read_write",
        decimals: int = 2,
        delivery_timeout_s: float = 60.0,
    ) -> None:
        tls, self.certificate = self_signed() if https else (None, "")
        super().__init__(port, tls)
        self.consumer_key = "ck_" + secrets.token_hex(20)
        self.consumer_secret = "cs_" + secrets.token_hex(20)
        self.store = Store(self.url, currency, timezone, decimals)
        self.keys = Keys(self.url, self.consumer_key, self.consumer_secret, permissions)
        self._api = Api(self.store)
        self.hooks = Hooks(self.store, self._api.payload, queue_interval_s, delivery_timeout_s)
        self._api.hooks = self.hooks
        self.store.fire = self.hooks.fire
        catalog.stock(self.store)

    def start(self) -> Self:
        """Begin to serve and to send webhooks."""
        self.hooks.sender.start()
        return super().start()

    def stop(self) -> None:
        """Stop sending webhooks and serving."""
        self.hooks.sender.stop()
        super().stop()

    def describe(self, request: Request) -> CallInfo:
        """Label a call by method, path and query without the keys."""
        shown = [pair for pair in request.query if not pair[0].startswith(("oauth_", "consumer_"))]
        query = "?" + urlencode(shown, safe="/:,") if shown else ""
        write = request.method in {"POST", "PUT", "PATCH", "DELETE"}
        return CallInfo(f"{request.method} {request.path}{query}", write)

    def api(self, request: Request) -> Response:
        """Answer a REST call."""
        try:
            return self._answer(request)
        except WooError as error:
            return error.response()
        except Refused:
            return WooError(
                400,
                "rest_invalid_json",
                "Invalid JSON body passed.",
                {"status": 400, "json_error_code": 4, "json_error_message": "Syntax error"},
            ).response()

    def _answer(self, request: Request) -> Response:
        if request.path in {"/wp-json", "/wp-json/"}:
            return answer(catalog.index(self.store))
        known = self.keys.check(request)
        if not request.path.startswith(API):
            raise no_route()
        route = request.path.removeprefix(API).rstrip("/")
        # A POST to an object is a PUT, as in WordPress.
        for method, pattern, handler in ROUTES:
            match = pattern.fullmatch(route)
            if match is None or request.method not in method:
                continue
            if not known:
                single = SINGLE.search(request.path) is not None
                raise unknown_caller(request.method, single=single)
            numbers = [int(number) for number in match.groups()]
            return handler(self._api, request, *numbers)
        raise no_route()

    def fault_response(self, fault: Fault) -> Response:
        """Answer a 503 as a shop in maintenance, the rest as a page."""
        if fault.mode == "status_503" and fault.body is None:
            text = "Briefly unavailable for scheduled maintenance. Check back in a minute."
            body = {
                "code": "wp_die",
                "message": text,
                "data": {"status": 503},
                "additional_errors": [],
            }
            wait = 600 if fault.retry_after_s is None else fault.retry_after_s
            return answer(body, 503, {"Retry-After": f"{wait:g}"})
        if fault.mode == "status_500" and fault.body is None:
            text = "<p>There has been a critical error on this website.</p>"
            return WooError(500, "internal_server_error", text).response()
        return super().fault_response(fault)

    def state(self) -> JsonObject:
        """Give everything the merchant could see."""
        return story.state(self.store, self.hooks, self.calls_json())

    def create_order(self, data: JsonObject) -> JsonObject:
        """Place an order as a buyer; all keys are optional."""
        try:
            with self.store.lock:
                order = story.place(self.store, data)
                return self._api.order_json(order)
        except WooError as error:
            raise Refused(error.message) from error

    def act(self, order_ref: str, verb: str, data: JsonObject) -> JsonObject:
        """Pay, complete, cancel, refund, ship, edit, trash, ... an order."""
        if not order_ref.isdigit():
            message = "no such order"
            raise Refused(message, 404)
        try:
            order = story.act(self.store, int(order_ref), verb, data)
        except WooError as error:
            status = 404 if error.status == 404 else 400
            raise Refused(error.message, status) from error
        with self.store.lock:
            return self._api.order_json(order)

    def apply_settings(self, data: JsonObject) -> JsonObject:
        """Set `webhooks` (normal, drop, duplicate, reorder) and others."""
        try:
            if "webhooks" in data:
                self.hooks.sender.mode = str(data["webhooks"])
            if "queue_interval_s" in data:
                self.hooks.interval_s = float(data["queue_interval_s"])
            if "permissions" in data:
                self.keys.permissions = str(data["permissions"])
        except (TypeError, ValueError) as error:
            raise Refused(str(error)) from error
        return {
            "webhooks": self.hooks.sender.mode,
            "queue_interval_s": self.hooks.interval_s,
            "permissions": self.keys.permissions,
        }

    def run_queue(self, timeout_s: float = 30.0) -> bool:
        """Let every waiting webhook out now; False if not in time."""
        self.hooks.sender.flush()
        return self.hooks.sender.wait_idle(timeout_s)

    def deliveries(self) -> list[dict[str, Any]]:
        """List the webhooks sent, with headers and bodies."""
        return self.hooks.sender.log()

    def control(self, request: Request, steps: list[str]) -> Response:
        """Run the queue, or list the deliveries in full."""
        match request.method, steps:
            case "POST", ["queue"]:
                return Response.of_json({"done": self.run_queue()})
            case "GET", ["deliveries"]:
                return Response.of_json(self.deliveries())
            case _:
                return super().control(request, steps)
