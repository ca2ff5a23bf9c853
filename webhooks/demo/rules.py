"""The rules of the demo: the playbook with short delays, and a few small ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final

from connector.model.order import ShopId
from connector.rules.load import load_playbook, load_rules, rule_from_source
from webhooks.wiring import Application

# The same kinds of delay as delivered, only seconds instead of minutes and days; the window
# is left out, so that the demo ends at night too.
SHORT_DELAYS: Final = {"welcome": "1s", "confirmation": "1s", "second_thanks": "2s"}


@dataclass(frozen=True, slots=True)
class DemoRule:
    """One rule as it is stored, and what was changed about it.

    Attributes:
        delay: as delivered, in words; empty when the rule was written for the demo.
    """

    id: str
    source: Mapping[str, Any]
    delay: str = ""
    short_delay: str = ""


def demo_rules() -> tuple[DemoRule, ...]:
    """Read the rules; those of the playbook get short delays and are switched on."""
    found = []
    for name, short in SHORT_DELAYS.items():
        for rule in load_playbook(name).rules:
            source = {**rule.source, "delay": short, "enabled": True}
            rule_from_source(source)
            found.append(DemoRule(rule.id, source, _words(rule.source.get("delay", "")), short))
    own = (resources.files("webhooks.demo") / "rules.yaml").read_text(encoding="utf-8")
    found += [DemoRule(rule.id, rule.source) for rule in load_rules(own).rules]
    return tuple(found)


def _words(delay: object) -> str:
    if isinstance(delay, Mapping):
        return ", ".join(f"{name} {value}" for name, value in delay.items())
    return str(delay)


def store_rules(app: Application, shop_id: ShopId, rules: tuple[DemoRule, ...]) -> None:
    """Store the rules for a shop, switched on."""
    with app.storage.transaction() as tx:
        for rule in rules:
            tx.put_rule(shop_id, rule.id, rule.source, enabled=True, now=app.clock.now())
