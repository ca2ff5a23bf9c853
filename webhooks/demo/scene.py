"""What every step of the story needs: to do something in a shop, and to wait."""

from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any, Final

from connector.model.effect import EffectState
from connector.model.event import OccurrenceKind
from connector.model.order import OrderRef, ShopId
from connector.storage.records import EffectRecord
from webhooks.demo.expect import SHOPIFY, WOO
from webhooks.demo.narrator import Narrator
from webhooks.demo.stage import Stage
from webhooks.sandbox.shopify.shop import ShopifyShop
from webhooks.sandbox.woocommerce.shop import WooShop

FINAL: Final = frozenset({EffectState.DONE, EffectState.SKIPPED, EffectState.DEAD})

Say = Callable[[str], None]


class Scene:
    """Acts in the shops and waits; `orders` tells which order each name has become."""

    def __init__(self, stage: Stage, narrator: Narrator) -> None:
        self.stage = stage
        self.tell = narrator
        self.orders: dict[str, str] = {}
        self._numbers: dict[str, str] = {}
        self._shops: dict[str, ShopId] = {}
        self._told: set[str] = set()

    def set_webhooks(self, mode: str) -> None:
        """Choose how webhooks leave both shops."""
        self.stage.woo.apply_settings({"webhooks": mode})
        self.stage.shopify.apply_settings({"webhooks": mode})

    def place(self, key: str, shop: WooShop | ShopifyShop, data: dict[str, Any]) -> None:
        """Place an order and remember it by its name in the story."""
        made = shop.create_order(data)
        self.orders[key] = str(made["id"])
        is_woo = shop is self.stage.woo
        number = str(made["number"]).lstrip("#")
        self._numbers[key] = f"{WOO if is_woo else SHOPIFY} #{number}"
        self._shops[key] = self.stage.woo_id if is_woo else self.stage.shopify_id

    def act(self, key: str, verb: str, **data: Any) -> None:
        """Do something to an order: pay it, ship it, cancel it."""
        is_woo = self._shops[key] == self.stage.woo_id
        shop = self.stage.woo if is_woo else self.stage.shopify
        shop.act(self.orders[key], verb, data)

    def effects(self, key: str) -> list[EffectRecord]:
        """Give what was planned for an order."""
        with self.stage.app.storage.reading() as tx:
            return list(tx.effects_of(self._shops[key], OrderRef(self.orders[key])))

    def settled(self, say: Say, key: str, count: int) -> None:
        """Wait until an order has so many effects and all have come to an end."""

        def seen() -> bool:
            effects = self.effects(key)
            return len(effects) >= count and all(item.state in FINAL for item in effects)

        self.tell.wait(f"{count} effects of {self.name(key)}", seen)
        fresh = [item for item in self.effects(key) if item.key not in self._told]
        self._told.update(item.key for item in fresh)
        say(f"{self.name(key)} → {told(fresh) or 'nothing'}")

    def name(self, key: str) -> str:
        """Give an order's shop and number."""
        return self._numbers[key]

    def happened(self, key: str, kind: OccurrenceKind) -> None:
        """Wait until something has happened to an order."""

        def seen() -> bool:
            with self.stage.app.storage.reading() as tx:
                found = tx.occurrences_of(self._shops[key], OrderRef(self.orders[key]))
            return any(item.occurrence.kind is kind for item in found)

        self.tell.wait(f"{kind} of {self.name(key)}", seen)

    def judged(self, key: str, rule_id: str) -> None:
        """Wait until a rule was asked about an order."""

        def seen() -> bool:
            return any(
                str(row["order"]) == self.orders[key] and row["rule"] == rule_id
                for row in self.stage.app.storage.iterate("evaluations", self._shops[key])
            )

        self.tell.wait(f"the rule {rule_id} to look at {self.name(key)}", seen)

    def rest(self) -> None:
        """Wait until no webhook is under way and nothing is left to do."""

        def seen() -> bool:
            senders = (self.stage.woo.hooks.sender, self.stage.shopify.sender)
            if not all(sender.wait_idle(0.0) for sender in senders):
                return False
            with self.stage.app.storage.reading() as tx:
                counts = tx.counts()
            still = sum(counts.deliveries.get(state, 0) for state in ("waiting", "working"))
            return not still and not sum(
                count for state, count in counts.effects.items() if EffectState(state) not in FINAL
            )

        self.tell.wait("everything to come to rest", seen)


def told(effects: list[EffectRecord]) -> str:
    """Sum up effects by rule, like `welcome: message, note, tag`."""
    rules: dict[str, list[str]] = defaultdict(list)
    for item in effects:
        word = str(item.planned.kind)
        if item.state is not EffectState.DONE:
            word += f" {item.state}"
        rules[item.planned.rule_id].append(word)
    return "; ".join(
        f"{rule}: " + ", ".join(w if n == 1 else f"{n} {w}" for w, n in Counter(words).items())
        for rule, words in rules.items()
    )
