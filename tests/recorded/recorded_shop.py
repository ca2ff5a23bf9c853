"""A shop that answers order reads with the last body that the recordings hold."""

import json
import threading
from collections.abc import Iterable
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from connector.model.order import ShopId
from connector.secret import Secret
from connector.storage.records import ShopRecord, ShopState

GONE = {
    "code": "woocommerce_rest_shop_order_invalid_id",
    "message": "Invalid ID.",
    "data": {"status": 404},
}
SECRET = "whsec-recordings"
TOKEN = "recorded-shop-token-0123456789abcdef"
SHOP_ID = ShopId("srecorded")
PREFIX = "/wp-json/wc/v3/orders/"


def last_bodies(deliveries: Iterable[dict[str, Any]]) -> dict[str, str]:
    """Give the newest whole order of each id, text as delivered."""
    newest: dict[str, tuple[str, str]] = {}
    for delivery in deliveries:
        topic = delivery["headers"].get("X-WC-Webhook-Topic", "")
        if not topic.startswith("order."):
            continue
        body = json.loads(delivery["body"])
        if "line_items" not in body or body["status"] == "checkout-draft":
            continue
        ref, modified = str(body["id"]), body["date_modified_gmt"]
        if ref not in newest or modified >= newest[ref][0]:
            newest[ref] = (modified, delivery["body"])
    return {ref: text for ref, (_, text) in newest.items()}


class RecordedShop:
    """Answers `GET orders/<id>`; everything else is 404."""

    def __init__(self, bodies: dict[str, str], *, gone: Iterable[str] = ()) -> None:
        self.reads: list[str] = []
        shop = self
        absent = set(gone)

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                path = urlsplit(self.path).path
                ref = path.removeprefix(PREFIX)
                shop.reads.append(ref)
                text = bodies.get(ref) if ref not in absent else None
                body = (text if text is not None else json.dumps(GONE)).encode()
                self.send_response(200 if text is not None else 404)
                self.send_header("Content-Type", "application/json; charset=UTF-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


def record_of(shop: RecordedShop) -> ShopRecord:
    """Describe the recorded shop as it was connected, at the address where it answers now."""
    return ShopRecord(
        id=SHOP_ID,
        platform="woocommerce",
        name="Recorded",
        address=shop.url,
        hook_token=TOKEN,
        state=ShopState.CONNECTED,
        created_at=datetime(2026, 11, 1, tzinfo=UTC),
        settings={"url": shop.url},
        secrets={
            "consumer_key": Secret("ck_" + "a" * 40),
            "consumer_secret": Secret("cs_" + "b" * 40),
            "webhook_secret": Secret(SECRET),
        },
        currency="EUR",
        timezone="Europe/Madrid",
        country="ES",
    )
