"""The pretend Shopify itself: tokens, API, control calls and pages."""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Iterable
from typing import Any, Final
from uuid import uuid4

from webhooks.sandbox._server import (
    CallInfo,
    JsonObject,
    Refused,
    Request,
    Response,
    SandboxServer,
)
from webhooks.sandbox.faults import Fault
from webhooks.sandbox.sender import WebhookSender
from webhooks.sandbox.shopify import (
    bulk,
    control,
    discounts,
    engine,
    hooks,
    merchant,
    metafields,
    oauth,
    stock,
    writes_gifts,
    writes_orders,
    writes_shipping,
)
from webhooks.sandbox.shopify.cost import Bucket
from webhooks.sandbox.shopify.reads import READS
from webhooks.sandbox.shopify.schema import API_VERSION, published
from webhooks.sandbox.shopify.store import Store

STATUS_TEXTS: Final = {
    402: "Unavailable Shop",
    403: "[API] This action requires merchant approval for a scope.",
    404: "Not Found",
    423: "Unavailable Shop",
    429: "Exceeded call limit. Please reduce request rates to resume uninterrupted service.",
}
WRONG_TOKEN: Final = "[API] Invalid API key or access token (unrecognized login or wrong password)"


class ShopifyShop(SandboxServer):
    """A pretend Shopify shop with one installed app.

    Args:
        queue_interval_s: how long after an event its webhook leaves.
        scopes: what the app was granted; None grants everything.
    """

    def __init__(
        self,
        port: int = 0,
        queue_interval_s: float = 0.1,
        currency: str = "EUR",
        timezone: str = "Europe/Madrid",
        domain: str = "sandbox-shop.myshopify.com",
        scopes: Iterable[str] | None = None,
        title: str = "Sandbox Shopify",
    ) -> None:
        """Build the shop; it serves when entered or started."""
        super().__init__(port)
        published()  # fail here, not in the first call, when the schema is missing
        self.title = title
        self.domain = domain
        self.api_url = self.url
        self.client_id = "5b8f3c1de2a94f60b7c1d0e9a8f76543"
        self.client_secret = "shpss_" + secrets.token_hex(16)
        self.access_token = "shpat_" + secrets.token_hex(16)
        self.scopes = None if scopes is None else frozenset(scopes)
        self.installed = True
        # Whether the app may see names, addresses, e-mail and phone.
        self.protected_data = True
        self.search_lag_s = 0.0
        self.token_life_s = float(oauth.TOKEN_LIFE_S)
        self.bucket = Bucket()
        self.store = Store(currency=currency, timezone=timezone, domain=domain, name=title)
        self.sender = WebhookSender(workers=2)
        self.hooks = hooks.Deliveries(
            self.store, self.sender, lambda: self.client_secret, queue_interval_s
        )
        self.store.emit = self.hooks.emit
        self.engine = engine.Engine(
            {**READS, **stock.READS},
            {
                **writes_orders.WRITES,
                **metafields.WRITES,
                **writes_shipping.WRITES,
                **stock.WRITES,
                **writes_gifts.WRITES,
                **discounts.WRITES,
                **hooks.WRITES,
                **bulk.WRITES,
            },
        )
        self.oauth = oauth.OAuth(self)

    def start(self) -> ShopifyShop:
        """Begin to serve and to send webhooks."""
        self.sender.start()
        super().start()
        return self

    def stop(self) -> None:
        """Stop sending and serving."""
        super().stop()
        self.sender.stop()

    def describe(self, request: Request) -> CallInfo:
        """Name a call by its operation, such as `mutation TagsAdd`."""
        label = f"{request.method} {request.target}"
        try:
            query = str(request.json().get("query") or "")
        except Refused:
            return CallInfo(label, write=False)
        document, _errors = engine.read_document(query) if query else (None, [])
        if document is None:
            return CallInfo(label, write=False)
        operation = engine.operation_of(document, request.json().get("operationName"))
        if operation is None:
            return CallInfo(label, write=False)
        kind = operation.operation.value
        name = operation.name.value if operation.name else ""
        fields = " ".join(
            node.name.value for node in operation.selection_set.selections if hasattr(node, "name")
        )
        return CallInfo(f"{label} {kind} {name} {fields}", kind == "mutation", name or fields)

    def fault_response(self, fault: Fault) -> Response:
        """Answer 402, 403, 423 and their like in the platform's words."""
        if fault.mode != "status" or fault.body is not None or fault.status not in STATUS_TEXTS:
            return super().fault_response(fault)
        return self._json({"errors": STATUS_TEXTS[fault.status]}, fault.status)

    def api(self, request: Request) -> Response:
        """Answer a call to the platform's own API."""
        if request.path == oauth.TOKEN_PATH and request.method == "POST":
            with self.store.lock:
                return self.oauth.grant(request)
        if request.path == oauth.AUTHORIZE_PATH and request.method in {"GET", "POST"}:
            with self.store.lock:
                return self.oauth.ask(request)
        if request.path.startswith("/bulk/") and request.method == "GET":
            return self._file(request)
        parts = request.path.strip("/").split("/")
        if (
            request.method == "POST"
            and parts[:2] == ["admin", "api"]
            and parts[3:] == ["graphql.json"]
        ):
            return self._graphql(request, parts[2])
        return self._json({"errors": "Not Found"}, 404)

    def _graphql(self, request: Request, version: str) -> Response:
        if not self.knows(request.headers.get("x-shopify-access-token", "")):
            return self._json({"errors": WRONG_TOKEN}, 401)
        if len(version) != len(API_VERSION) and version != "unstable":
            return self._json({"errors": "Not Found"}, 404)
        try:
            body = request.json()
        except Refused:
            return self._json({"errors": "Invalid JSON"}, 400)
        if not body.get("query"):
            error = {"query": "Required parameter missing or invalid"}
            return self._json({"errors": error}, 400)
        with self.store.lock:
            return self._json(engine.answer(self, body))

    def _json(self, data: Any, status: int = 200) -> Response:
        headers = {"X-Request-Id": str(uuid4()), "X-Shopify-API-Version": API_VERSION}
        body = json.dumps(data, ensure_ascii=False).encode()
        return Response(status, body, "application/json; charset=utf-8", headers)

    def knows(self, token: str) -> bool:
        """Tell whether a token opens the shop now."""
        if not self.installed or not token:
            return False
        if hmac.compare_digest(token.encode(), self.access_token.encode()):
            return True
        return self.oauth.knows(token)

    def _file(self, request: Request) -> Response:
        number = request.path.removeprefix("/bulk/").removesuffix(".jsonl")
        with self.store.lock:
            item = self.store.bulks.get(int(number)) if number.isdigit() else None
        if item is None or item.status != "COMPLETED":
            return self._json({"errors": "Not Found"}, 404)
        return Response(200, item.result, "application/jsonl")

    def forget_tokens(self) -> None:
        """End every token that was handed out, as after 24 hours."""
        self.oauth.forget()

    def state(self) -> JsonObject:
        """Give everything a merchant could see, as JSON."""
        with self.store.lock:
            return merchant.state(self)

    def create_order(self, data: JsonObject) -> JsonObject:
        """Place an order as a buyer would."""
        with self.store.lock:
            return control.create_order(self, data)

    def act(self, order_ref: str, verb: str, data: JsonObject) -> JsonObject:
        """Do to an order what a merchant, buyer or carrier would do."""
        with self.store.lock:
            return control.act(self, order_ref, verb, data)

    def apply_settings(self, data: JsonObject) -> JsonObject:
        """Change how the shop behaves; give all settings back."""
        with self.store.lock:
            return control.apply_settings(self, data)

    def control(self, request: Request, steps: list[str]) -> Response:
        """Answer the control calls that only this platform knows."""
        with self.store.lock:
            match request.method, steps:
                case "POST", ["uninstall"]:
                    return Response.of_json(control.uninstall(self))
                case "POST", ["install"]:
                    self.installed = True
                    return Response.of_json({"installed": True})
                case "POST", ["open"]:
                    return Response.of_json(self.oauth.open_app(request.json()))
                case "POST", ["compliance"]:
                    return Response.of_json(control.compliance(self, request.json()))
                case _:
                    return super().control(request, steps)
