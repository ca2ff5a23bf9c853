"""Figures for Prometheus, counted from the rows at the moment of asking."""

from collections.abc import Iterator
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from connector.jobs.breaker import BreakerState
from webhooks.limits_shown import alarm_lines, breaker_line
from webhooks.wiring import Application

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


class _Rows:
    """Counts the rows by state."""

    def __init__(self, app: Application) -> None:
        self._app = app

    def collect(self) -> Iterator[Metric]:
        """Give all figures."""
        now = self._app.clock.now()
        with self._app.storage.reading() as tx:
            counts = tx.counts()
            shops = {shop.id: breaker_line(tx, shop, now) for shop in tx.shops()}
            alarms = alarm_lines(tx, now)
        inbox = GaugeMetricFamily("postventa_inbox", "Inbox rows", labels=["state"])
        for state, number in counts.deliveries.items():
            inbox.add_metric([str(state)], number)
        inbox.add_metric(["rejected"], counts.rejected)
        yield inbox
        effects = GaugeMetricFamily("postventa_effects", "Effects", labels=["state"])
        for state, number in counts.effects.items():
            effects.add_metric([str(state)], number)
        yield effects
        oldest = counts.oldest_waiting_at
        age = (self._app.clock.now() - oldest).total_seconds() if oldest else 0.0
        yield GaugeMetricFamily(
            "postventa_oldest_waiting_seconds", "Age of the oldest waiting inbox row", value=age
        )
        rings = CounterMetricFamily(
            "postventa_rings", "Rings of this process to workers elsewhere", labels=["result"]
        )
        for result, number in self._app.bell.figures().items():
            rings.add_metric([result], number)
        yield rings
        breakers = GaugeMetricFamily(
            "postventa_breaker", "1 for the state of a shop's breaker", labels=["shop", "state"]
        )
        for shop, line in shops.items():
            for state in BreakerState:
                breakers.add_metric([shop, state], float(line["breaker"] == state))
        yield breakers
        yield GaugeMetricFamily(
            "postventa_ceilings_reached", "Ceilings of a shop and hour reached in 24 h", len(alarms)
        )


def exposition(app: Application) -> bytes:
    """Write all figures in the text form of Prometheus."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Rows(app))
    return generate_latest(registry)
