"""What a shop that hangs costs the shop beside it: work of B with A silent, and alone."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from itertools import count
from pathlib import Path
from typing import Final

from connector.model.order import ShopId
from tools.bench.arguments import Plan
from tools.bench.children import Child, child, free_port, program
from tools.bench.installation import Installation
from tools.bench.latency import ORDER, RULE, Pretended, connect
from tools.bench.table import Bar, Row, Section, interleaved, ratio_row
from webhooks.exports import export_lines
from webhooks.sandbox.faults import Fault
from webhooks.sandbox.shopify.shop import ShopifyShop
from webhooks.sandbox.woocommerce.shop import WooShop
from webhooks.wiring import Application

_BAR: Final = Bar(1.10, least=False)
# As long as a call that hangs, and a little: then what was claimed is put back.
_STOP_BAR: Final = Bar(60.0, least=False)
_HANG_S: Final = 60.0
_WAITING: Final = 20
_PATIENCE_S: Final = 300.0
_LOOK_S: Final = 0.01
_WARM: Final = 3


class Street:
    """One `postventa serve` with its four workers and two pretend shops.

    Args: hanging: answers no call for 60 s when told so; healthy: is measured.
    """

    def __init__(
        self, stack: ExitStack, folder: Path, hanging: Pretended, healthy: Pretended
    ) -> None:
        folder.mkdir()
        self.hanging, self.healthy = hanging, healthy
        for shop in (hanging, healthy):
            stack.enter_context(shop)
            if isinstance(shop, ShopifyShop):
                # A plan that is never used up: to wait for points is not measured.
                shop.bucket.resize(1_000_000, 100_000)
        port = free_port()
        at = Installation(folder, more={"POSTVENTA_BASE_URL": f"http://127.0.0.1:{port}"})
        self._app: Application = stack.enter_context(at.opened())
        words = program("serve", "--port", str(port))
        self._server: Child = stack.enter_context(child(words, folder, at.variables))
        self._server.wait_for("Listening on")
        self._ids: dict[int, ShopId] = {}
        for shop in (hanging, healthy):
            made = ShopId(connect(self._app, shop)["id"])
            self._ids[id(shop)] = made
            with self._app.storage.transaction() as tx:
                tx.put_rule(made, "note", RULE, enabled=True, now=self._app.clock.now())
        for shop in (hanging, healthy):
            self.work(shop, _WARM)

    def work(self, shop: Pretended, orders: int) -> float:
        """Place orders at a shop; give the seconds until all of them have their note."""
        before = self.done(shop)
        began = time.monotonic()
        for _ in range(orders):
            shop.create_order(dict(ORDER))
        self._until(lambda: self.done(shop) >= before + orders)
        return time.monotonic() - began

    def hang(self) -> None:
        """Let the one shop fall silent while orders wait for it."""
        self.hanging.faults.add(Fault("hang_before", times=None, hang_s=_HANG_S))
        for _ in range(_WAITING):
            self.hanging.create_order(dict(ORDER))
        shop = self.hanging
        sender = shop.hooks.sender if isinstance(shop, WooShop) else shop.sender
        # Its webhooks are taken; from here on there is only its silence.
        sender.wait_idle(_PATIENCE_S)
        self._until(lambda: any(call["fault"] for call in self.hanging.calls_json()))

    def stop(self) -> float:
        """Stop the server in the middle of it; give the seconds that took."""
        began = time.monotonic()
        self._server.ask_to_end()
        self._server.wait_end(_PATIENCE_S)
        return time.monotonic() - began

    def done(self, shop: Pretended) -> int:
        """Count the notes of a shop that are written."""
        lines = export_lines(self._app, "effects", self._ids[id(shop)])
        return sum(line["state"] == "done" for line in lines)

    @staticmethod
    def _until(check: Callable[[], bool]) -> None:
        ends = time.monotonic() + _PATIENCE_S
        while not check():
            if time.monotonic() > ends:
                raise TimeoutError("the work did not come to an end")
            time.sleep(_LOOK_S)


def measure(plan: Plan, folder: Path) -> list[Section]:
    """Compare a shop's work beside a silent one with its work alone, both ways round."""
    numbers = count()
    stops: list[float] = []
    rows: list[Row] = []
    for name, make in (
        ("Shopify beside a silent WooCommerce", (WooShop, ShopifyShop)),
        ("WooCommerce beside a silent Shopify", (ShopifyShop, WooShop)),
    ):

        def one(*, silent: bool, make: tuple[type[WooShop | ShopifyShop], ...] = make) -> float:
            with ExitStack() as stack:
                shops = [kind(queue_interval_s=0.0) for kind in make]
                street = Street(stack, folder / str(next(numbers)), *shops)
                if silent:
                    street.hang()
                took = street.work(street.healthy, plan.latencies * 10)
                if silent:
                    stops.append(street.stop())
                return took

        found = interleaved(
            plan.rounds, {"beside": partial(one, silent=True), "alone": partial(one, silent=False)}
        )
        rows.append(ratio_row(name, found["beside"], found["alone"], "s", bar=_BAR))
    rows.append(
        Row("SIGTERM while calls hang, until the end", tuple(stops), "", "", _STOP_BAR, plain="s")
    )
    return [Section("A neighbor that hangs", tuple(rows), _NOTE)]


_NOTE: Final = (
    f"One `postventa serve` with four workers and SQLite. The silent shop has {_WAITING} orders "
    f"waiting and answers no call for {_HANG_S:.0f} s; figures are seconds from the first order "
    "of the other shop to its last note. "
    "That nothing is lost by the stop is shown by a test with short waits."
)
