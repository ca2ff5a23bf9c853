"""Wrong clocks and the two nights of the year with another hour: nothing twice or never."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.faults.clocks import jumping_clock
from tests.faults.rig import Rig
from tests.running import Running
from tests.support import FrozenClock
from tests.web.connected import connect, put_rules
from webhooks.sandbox.woocommerce.shop import WooShop

pytestmark = pytest.mark.faults

# The hour from 02:00 comes twice in October and not at all in March.
AUTUMN = datetime(2026, 10, 24, 21, 0, tzinfo=UTC)
SPRING = datetime(2027, 3, 27, 21, 0, tzinfo=UTC)
NIGHT = """
rules:
  - id: at-half-past-two
    name: Half past two
    trigger: order.paid
    delay: {at: "02:30"}
    actions:
      - note: {text: "Media {{ order.number }}", to_buyer: false}
    enabled: true
  - id: in-the-window
    name: Window
    trigger: order.paid
    delay: {window: "02:00-03:00"}
    actions:
      - note: {text: "Ventana {{ order.number }}", to_buyer: false}
    enabled: true
  - id: a-day-later
    name: A day later
    trigger: order.paid
    delay: 24h
    actions:
      - note: {text: "Dia {{ order.number }}", to_buyer: false}
    enabled: true
"""
WRONG = ((4, -24.0), (6, 25.0), (9, -0.5))
"""From which order on our clock is wrong, and by how many hours; the shop's is right."""


@pytest.mark.parametrize("wrong", [(), WRONG], ids=["right", "wrong"])
@pytest.mark.parametrize("night", [AUTUMN, SPRING], ids=["autumn", "spring"])
def test_a_night_with_another_hour(
    tmp_path: Path, night: datetime, wrong: tuple[tuple[int, float], ...]
) -> None:
    """Each order of the night gets each of the three notes once, however our clock jumps."""
    clock = FrozenClock(night)
    with (
        WooShop(queue_interval_s=3600.0) as shop,
        Running(tmp_path, clock=clock) as running,
    ):
        put_rules(running, connect(running, shop), NIGHT)
        right = night
        for number in range(1, 11):
            hours = [by for first, by in wrong if number >= first]
            clock.set(right + timedelta(hours=hours[-1] if hours else 0))
            placed_at = right.strftime("%Y-%m-%dT%H:%M:%S")
            shop.create_order({"paid": True, "placed_at": placed_at, "email": f"{number}@a.es"})
            assert shop.run_queue()
            running.drain()
            right += timedelta(minutes=30)
        for _ in range(60):
            clock.set(right)
            running.drain()
            right += timedelta(hours=1)
        orders = shop.state()["orders"]
        assert len(orders) == 10
        for order in orders:
            found = Counter(note["text"].partition(" ")[0] for note in order["notes"])
            words = {word: found[word] for word in ("Media", "Ventana", "Dia")}
            assert words == {"Media": 1, "Ventana": 1, "Dia": 1}, order["placed_at"]
        states = Counter(line["state"] for line in running.export("effects"))
        assert states == {"done": 30}


def test_a_clock_that_jumps_by_a_day(tmp_path: Path) -> None:
    """A day ahead, a day behind and right again: nothing is lost, nothing comes twice."""
    with Rig(tmp_path, seed=21, platforms=("shopify",)) as rig:
        verdict = jumping_clock(rig, "+25h", "-25h")
    assert verdict.findings == []
