"""How long one webhook takes to become a note in the shop, while nothing else is going on."""

import statistics
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Final

from connector.model.order import ShopId
from tools.bench.arguments import Plan
from tools.bench.children import child, free_port, program
from tools.bench.installation import Installation
from tools.bench.table import Bar, Row, Section, number
from webhooks.sandbox.sender import WebhookSender
from webhooks.sandbox.shopify.shop import ShopifyShop
from webhooks.sandbox.woocommerce.shop import WooShop
from webhooks.shops import connect_shopify, connect_woocommerce
from webhooks.wiring import Application

Pretended = WooShop | ShopifyShop
_PATIENCE_S: Final = 60.0
_BETWEEN_S: Final = 0.1
_MS: Final = 1000.0
_WARM: Final = 3
RULE: Final = {
    "id": "note",
    "name": "Note",
    "trigger": "order.paid",
    "actions": [{"note": {"text": "Paid", "to_buyer": False}}],
}
ORDER: Final = {
    "email": "ana.ruiz@example.com",
    "first_name": "Ana",
    "last_name": "Ruiz",
    "lines": [{"sku": "TAZA", "name": "Taza", "quantity": 2, "price": "15.00"}],
    "paid": True,
}


class Watch:
    """Stands at the door of a pretend shop with a stopwatch.

    It sees webhooks leave and calls come in; calls are told apart from their answers, so
    that the shop's own time can be taken off.
    """

    def __init__(self, shop: Pretended) -> None:
        self._changed = threading.Condition()
        self._left_at = 0.0
        self._inside_s = 0.0
        self._found: tuple[float, float] | None = None
        sender = shop.hooks.sender if isinstance(shop, WooShop) else shop.sender
        self._wrap(shop, "api", partial(self._call, shop.api, shop.describe))
        self._wrap(sender, "send", partial(self._send, sender.send))

    def next(self, place: Callable[[], Any]) -> tuple[float, float]:
        """Place an order and wait for its note.

        Returns: seconds from the webhook to the answered write, and those of them that
            the shop itself took.
        Raises: TimeoutError: no note came.
        """
        with self._changed:
            self._found, self._left_at, self._inside_s = None, 0.0, 0.0
        place()
        with self._changed:
            return self._wait()

    def _wait(self) -> tuple[float, float]:
        self._changed.wait_for(lambda: self._found is not None, _PATIENCE_S)
        if self._found is None:
            raise TimeoutError("no note came")
        return self._found

    @staticmethod
    def _wrap(owner: Pretended | WebhookSender, name: str, by: Callable[..., Any]) -> None:
        setattr(owner, name, by)

    def _send(self, send: Callable[..., Any], *words: Any, **named: Any) -> Any:
        with self._changed:
            self._left_at = self._left_at or time.perf_counter()
        return send(*words, **named)

    def _call(self, api: Callable[..., Any], describe: Callable[..., Any], request: Any) -> Any:
        writes = describe(request).write
        began = time.perf_counter()
        answer = api(request)
        now = time.perf_counter()
        with self._changed:
            if self._left_at and self._found is None:
                self._inside_s += now - began
                if writes:
                    self._found = now - self._left_at, self._inside_s
                    self._changed.notify_all()
        return answer


def measure(plan: Plan, folder: Path) -> list[Section]:
    """Measure both platforms, in turn."""
    with ExitStack() as stack:
        watched = {
            "WooCommerce": _connected(stack, folder / "woo", WooShop(queue_interval_s=0.0)),
            "Shopify": _connected(stack, folder / "shopify", _rested_shopify()),
        }
        found: dict[str, list[list[float]]] = {name: [] for name in watched}
        shares: dict[str, list[float]] = {name: [] for name in watched}
        for _ in range(plan.rounds):
            for name, (watch, place) in watched.items():
                times = [_one(watch, place) for _ in range(plan.latencies)]
                found[name].append([(whole - inside) * _MS for whole, inside in times])
                shares[name] += [inside * _MS for _, inside in times]
    rows = [
        row for name in watched for row in _rows(name, found[name], statistics.median(shares[name]))
    ]
    return [Section("Idle latency", tuple(rows), _NOTE)]


def _rested_shopify() -> ShopifyShop:
    """Make a shop that has points enough: one order after the other is no idle system."""
    shop = ShopifyShop(queue_interval_s=0.0)
    shop.bucket.resize(40_000, 2_000)
    return shop


def _one(watch: Watch, place: Callable[[], Any]) -> tuple[float, float]:
    # A pause, so that what the order before it caused is over.
    time.sleep(_BETWEEN_S)
    return watch.next(place)


def _connected(stack: ExitStack, folder: Path, shop: Pretended) -> tuple[Watch, Callable[[], Any]]:
    """Start a server, connect a pretend shop and let some orders through."""
    folder.mkdir()
    stack.enter_context(shop)
    port = free_port()
    at = Installation(folder, more={"POSTVENTA_BASE_URL": f"http://127.0.0.1:{port}"})
    running = stack.enter_context(
        child(program("serve", "--port", str(port)), folder, at.variables)
    )
    running.wait_for("Listening on")
    with at.opened() as app:
        shop_id = connect(app, shop)["id"]
        with app.storage.transaction() as tx:
            tx.put_rule(ShopId(shop_id), "note", RULE, enabled=True, now=app.clock.now())
    watch, place = Watch(shop), partial(shop.create_order, dict(ORDER))
    for _ in range(_WARM):
        _one(watch, place)
    return watch, place


def connect(app: Application, shop: Pretended) -> Mapping[str, Any]:
    """Connect a pretend shop as its owner would."""
    if isinstance(shop, WooShop):
        return connect_woocommerce(
            app,
            name="Woo",
            url=shop.url,
            consumer_key=shop.consumer_key,
            consumer_secret=shop.consumer_secret,
        )
    return connect_shopify(
        app,
        name="Shopify",
        shop=shop.domain,
        client_id=shop.client_id,
        client_secret=shop.client_secret,
        api_url=shop.api_url,
    )


def _rows(name: str, rounds: list[list[float]], inside_ms: float) -> list[Row]:
    middle = tuple(statistics.median(times) for times in rounds)
    worst = tuple(statistics.quantiles(times, n=20)[-1] for times in rounds)
    took = f"the shop itself took {number(inside_ms)} ms more"
    return [
        Row(
            f"{name}: webhook to note, p50",
            middle,
            f"{len(rounds[0])} orders a round",
            took,
            plain="ms",
        ),
        Row(f"{name}: webhook to note, p95", worst, "", "", plain="ms"),
        Row(
            f"{name}: p95 against p50",
            tuple(high / low for high, low in zip(worst, middle, strict=True)),
            f"{number(statistics.median(worst))} ms",
            f"{number(statistics.median(middle))} ms",
            Bar(4.0, least=False),
        ),
    ]


_NOTE: Final = (
    "One order at a time, from the moment at which the pretend shop sends its webhook to the "
    "moment at which it has written the note that a rule wants. The time that the shop took for "
    "its answers is taken off; the calls over loopback, two durable commits and the reading of "
    "the order before the write are in it."
)
