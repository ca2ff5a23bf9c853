"""A repeated write whose worker dies is waited for like the first one."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from connector.jobs.worker import Worker
from tests.running import Running
from tests.support import FrozenClock
from tests.web.connected import ANA, ask, connect, merchant_sees, put_rules
from webhooks.sandbox.faults import Fault
from webhooks.sandbox.woocommerce.shop import WooShop

NOTE = """
rules:
  - id: gracias
    name: Gracias
    trigger: order.paid
    actions:
      - note: {text: "Gracias {{ order.number }}", to_buyer: false}
    enabled: true
"""


def test_the_second_request_gets_as_long_as_the_first(tmp_path: Path) -> None:
    """Killed in its second write, a look that finds nothing waits 90 s before a third."""
    clock = FrozenClock(datetime.now(UTC) + timedelta(minutes=1))
    with (
        WooShop(queue_interval_s=3600.0) as shop,
        Running(tmp_path, clock=clock) as running,
    ):
        put_rules(running, connect(running, shop), NOTE)
        shop.faults.add(Fault("drop_before", match="POST /wp-json/wc/v3/orders", times=1))
        ask(shop, "POST", "/_sandbox/orders", ANA)
        assert shop.run_queue()
        running.drain()
        assert [line["state"] for line in running.export("effects")] == ["unknown"]
        # The second try: the process ends inside of the call, and the shop takes its time.
        clock.move(seconds=130)
        (batch,) = Worker(running.app.engine).claim(10)
        assert len(batch.effects) == 1
        # Its lease is over; the request may still be worked on in the shop.
        clock.move(seconds=65)
        running.drain()
        assert [line["state"] for line in running.export("effects")] == ["unknown"]
        assert notes(shop) == []
        clock.move(seconds=95)
        running.drain()
        assert [line["state"] for line in running.export("effects")] == ["done"]
        assert len(notes(shop)) == 1


def notes(shop: WooShop) -> list[str]:
    """Read the notes that thank."""
    (order,) = merchant_sees(shop)["orders"]
    return [note["text"] for note in order["notes"] if "Gracias" in note["text"]]
