"""The story of the demo: what buyers and the merchant do, and what is waited for."""

from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any, Final

from connector.errors import AdapterError
from connector.flows.reconcile import reconcile
from connector.jobs.worker import KILL_SWITCH
from connector.model.effect import EffectState
from connector.model.event import OccurrenceKind
from connector.model.order import OrderRef, ShopId
from connector.storage.records import EffectRecord
from webhooks.demo import cast
from webhooks.demo.expect import SHOPIFY, WOO
from webhooks.demo.narrator import Narrator
from webhooks.demo.stage import QUEUE_S, Stage
from webhooks.sandbox.faults import Fault
from webhooks.sandbox.shopify.shop import ShopifyShop
from webhooks.sandbox.woocommerce.shop import WooShop

FINAL: Final = frozenset({EffectState.DONE, EffectState.SKIPPED, EffectState.DEAD})
# Long enough that nothing leaves before the story says so.
HELD_BACK_S: Final = 3_600.0
# Message, note and tag of the welcome, code and note of the gift.
MARTAS: Final = 5
_WRITES_WOO: Final = ("POST /wp-json/wc/v3", "PUT /wp-json/wc/v3")
_WRITES_SHOPIFY: Final = ("mutation",)

Say = Callable[[str], None]


class Story:
    """Plays the story; `orders` tells which order of the shop each name in it became."""

    def __init__(self, stage: Stage, narrator: Narrator) -> None:
        self.stage = stage
        self.tell = narrator
        self.orders: dict[str, str] = {}
        self._numbers: dict[str, str] = {}
        self._shops: dict[str, ShopId] = {}
        self._told: set[str] = set()

    def play(self) -> None:
        """Play it from beginning to end.

        Raises: Interrupted: the demo is to end.
        """
        self._set_webhooks("duplicate")
        self._first_order()
        self._second_order()
        self._transfer()
        self._english_buyer()
        self._parcels()
        self._refunds()
        self._copies()
        self._cancellation()
        self._wrong_order()
        self._lost_webhooks()
        self._lost_answers()
        with self.tell.step("Everything comes to rest"):
            self._rest()

    def _first_order(self) -> None:
        with self.tell.step(
            "Ana Ruiz buys for the first time, in WooCommerce; every webhook is sent twice"
        ) as say:
            self._place("ana", self.stage.woo, cast.ANA.order(cast.MUG, paid=True))
            self._settled(say, "ana", 5)

    def _second_order(self) -> None:
        with self.tell.step(
            "Ana buys again, in Shopify, and is recognized: a confirmation, no second welcome"
        ) as say:
            order = cast.ANA.order(cast.TEA, paid=True, accepts_marketing=True)
            # People write their address as they like.
            self._place("ana_again", self.stage.shopify, {**order, "email": "Ana.Ruiz@Example.com"})
            self._settled(say, "ana_again", 1)

    def _transfer(self) -> None:
        with self.tell.step("Luis Ortega pays by bank transfer: his order is on hold") as say:
            order = cast.LUIS.order(cast.PLATES, status="on-hold", payment_method="bacs")
            self._place("luis", self.stage.woo, order)
            self._settled(say, "luis", 2)
        with self.tell.step("Luis's transfer arrives: now he is welcomed") as say:
            self._act("luis", "pay")
            self._settled(say, "luis", 7)

    def _english_buyer(self) -> None:
        with self.tell.step(
            "Emily Carter buys for the first time, in Shopify: her welcome is in English"
        ) as say:
            self._place("emily", self.stage.shopify, cast.EMILY.order(cast.TEAPOT, paid=True))
            self._settled(say, "emily", 5)

    def _parcels(self) -> None:
        with self.tell.step(
            "Three parcels leave and arrive; who allowed offers is thanked a second time"
        ) as say:
            self._act("ana", "ship", carrier="Correos", number="PQ1001ES", complete=True)
            self._act("ana_again", "ship", carrier="SEUR", number="SE2002")
            self._act("emily", "ship", carrier="DHL", number="JD3003GB")
            self._act("ana_again", "deliver")
            self._act("emily", "deliver")
            self._settled(say, "ana", 6)
            self._settled(say, "ana_again", 5)
            self._settled(say, "emily", 6)
            for key in ("ana_again", "emily"):
                self._happened(key, OccurrenceKind.PARCEL_DELIVERED)
            for key in ("ana", "emily"):
                self._judged(key, "second_thanks")

    def _refunds(self) -> None:
        with self.tell.step("Luis and Emily each get a part of their money back") as say:
            self._act("luis", "refund", amount="5.00", reason="Un plato desportillado")
            self._act("emily", "refund", amount="4.50", reason="Arrived late")
            self._settled(say, "luis", 8)
            self._settled(say, "emily", 7)

    def _copies(self) -> None:
        with self.tell.step("No webhook is sent twice any more; so far the shops sent") as say:
            self._rest()
            for name, sent in ((WOO, self._sent(WOO)), (SHOPIFY, self._sent(SHOPIFY))):
                say(f"{name}: {len(sent)} webhooks, {len(sent) - len(set(sent))} of them copies")
            self._set_webhooks("normal")

    def _sent(self, name: str) -> list[str]:
        """List the signed webhooks that left, so that copies look alike."""
        shop = self.stage.woo if name == WOO else self.stage.shopify
        sender = shop.hooks.sender
        return [
            f"{entry['topic']} {sorted(entry['headers'].items())} {entry['body']}"
            for entry in sender.log()
            if entry["topic"] != "ping" and entry["outcome"] != "dropped"
        ]

    def _cancellation(self) -> None:
        with self.tell.step(
            "Marta Vidal pays; the owner holds everything back; she cancels; it is let go again"
        ) as say:
            # With the owner's stop switch the cancellation surely comes before the delay
            # is over, on the slowest machine too.
            self._switch("stopped by the demo")
            self._place("marta", self.stage.woo, cast.MARTA.order(cast.PLATES, paid=True))
            self.tell.wait(
                "Marta's effects to be planned", lambda: len(self._effects("marta")) == MARTAS
            )
            self._act("marta", "cancel")
            self._happened("marta", OccurrenceKind.ORDER_CANCELED)
            self._switch("")
            self._settled(say, "marta", MARTAS)

    def _switch(self, value: str) -> None:
        with self.stage.app.storage.transaction() as tx:
            tx.set_value(KILL_SWITCH, value)
        self.stage.app.bell.ring("")

    def _wrong_order(self) -> None:
        with self.tell.step(
            "Carlos Peña orders, pays and gets his parcel; the webhooks arrive newest first"
        ) as say:
            shop = self.stage.shopify
            shop.apply_settings({"webhooks": "reorder", "queue_interval_s": HELD_BACK_S})
            self._place("carlos", shop, cast.CARLOS.order(cast.TEA, cast.TEAPOT, paid=False))
            self._act("carlos", "pay")
            self._act("carlos", "ship", carrier="Correos Express", number="CE4004")
            known = len(shop.sender.log())
            shop.sender.flush()
            self._settled(say, "carlos", 6)
            topics = [entry["topic"] for entry in shop.sender.log()[known:]]
            shop.apply_settings({"webhooks": "normal", "queue_interval_s": QUEUE_S})
            say(f"They came as {', '.join(topics)}")
            # What our own writes set off was held back as well.
            shop.sender.flush()

    def _lost_webhooks(self) -> None:
        with self.tell.step(
            "Every webhook of Sofía Núñez's order is lost: it is found by asking the shop"
        ) as say:
            shop = self.stage.woo
            self._rest()
            shop.apply_settings({"webhooks": "drop"})
            self._place("sofia", shop, cast.SOFIA.order(cast.MUG, cast.PLATES, paid=True))
            self.tell.wait("the lost webhooks", lambda: self._dropped("sofia") > 1)
            shop.apply_settings({"webhooks": "normal"})
            self._reconcile(say)
            self._settled(say, "sofia", 5)

    def _dropped(self, key: str) -> int:
        """Count the webhooks of an order that the shop did not send."""
        return sum(
            1
            for entry in self.stage.woo.deliveries()
            if entry["order"] == self.orders[key] and entry["outcome"] == "dropped"
        )

    def _reconcile(self, say: Say) -> None:
        engine = self.stage.app.engine
        shop = engine.shop(self.stage.woo_id)
        if shop is None:
            self.tell.missed.append("The WooCommerce shop is not stored any more")
            return
        try:
            found = reconcile(engine, shop)
        except AdapterError as err:
            self.tell.missed.append(f"The shop could not be asked what changed: {err}")
            return
        say(f"The shop lists {found.seen} changed orders; {found.missed} had not been told of")

    def _lost_answers(self) -> None:
        with self.tell.step(
            "Nuria Soler and James Walsh buy; the shops write and drop the line each time"
        ) as say:
            for shop, writes in (
                (self.stage.woo, _WRITES_WOO),
                (self.stage.shopify, _WRITES_SHOPIFY),
            ):
                for match in writes:
                    shop.faults.add(Fault("drop_after", match=match, times=None))
            self._place("nuria", self.stage.woo, cast.NURIA.order(cast.MUG, paid=True))
            self._place("james", self.stage.shopify, cast.JAMES.order(cast.TEAPOT, paid=True))
            self._settled(say, "nuria", 5)
            self._settled(say, "james", 5)
            lost = 0
            for shop in (self.stage.woo, self.stage.shopify):
                shop.faults.clear()
                lost += sum(1 for call in shop.calls_json() if call["fault"] == "drop_after")
            say(f"{lost} answers were lost; each write was looked up before anything was repeated")

    def _set_webhooks(self, mode: str) -> None:
        self.stage.woo.apply_settings({"webhooks": mode})
        self.stage.shopify.apply_settings({"webhooks": mode})

    def _place(self, key: str, shop: WooShop | ShopifyShop, data: dict[str, Any]) -> None:
        made = shop.create_order(data)
        self.orders[key] = str(made["id"])
        is_woo = shop is self.stage.woo
        number = str(made["number"]).lstrip("#")
        self._numbers[key] = f"{WOO if is_woo else SHOPIFY} #{number}"
        self._shops[key] = self.stage.woo_id if is_woo else self.stage.shopify_id

    def _act(self, key: str, verb: str, **data: Any) -> None:
        is_woo = self._shops[key] == self.stage.woo_id
        shop = self.stage.woo if is_woo else self.stage.shopify
        shop.act(self.orders[key], verb, data)

    def _effects(self, key: str) -> list[EffectRecord]:
        with self.stage.app.storage.reading() as tx:
            return list(tx.effects_of(self._shops[key], OrderRef(self.orders[key])))

    def _settled(self, say: Say, key: str, count: int) -> None:
        """Wait until an order has so many effects and all have come to an end."""

        def seen() -> bool:
            effects = self._effects(key)
            return len(effects) >= count and all(item.state in FINAL for item in effects)

        self.tell.wait(f"{count} effects of {self._name(key)}", seen)
        fresh = [item for item in self._effects(key) if item.key not in self._told]
        self._told.update(item.key for item in fresh)
        say(f"{self._name(key)} → {told(fresh) or 'nothing'}")

    def _name(self, key: str) -> str:
        return self._numbers[key]

    def _happened(self, key: str, kind: OccurrenceKind) -> None:
        def seen() -> bool:
            with self.stage.app.storage.reading() as tx:
                found = tx.occurrences_of(self._shops[key], OrderRef(self.orders[key]))
            return any(item.occurrence.kind is kind for item in found)

        self.tell.wait(f"{kind} of {self._name(key)}", seen)

    def _judged(self, key: str, rule_id: str) -> None:
        """Wait until a rule was asked about an order."""

        def seen() -> bool:
            return any(
                str(row["order"]) == self.orders[key] and row["rule"] == rule_id
                for row in self.stage.app.storage.iterate("evaluations", self._shops[key])
            )

        self.tell.wait(f"the rule {rule_id} to look at {self._name(key)}", seen)

    def _rest(self) -> None:
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
