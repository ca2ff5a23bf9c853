"""The story of the demo: what buyers and the merchant do, and what is waited for."""

from typing import Final

from connector.errors import AdapterError
from connector.flows.reconcile import reconcile
from connector.jobs.switch import KILL_SWITCH
from connector.model.event import OccurrenceKind
from webhooks.demo import cast
from webhooks.demo.expect import SHOPIFY, WOO
from webhooks.demo.scene import Say, Scene
from webhooks.demo.stage import QUEUE_S
from webhooks.sandbox.faults import Fault

# Long enough that nothing leaves before the story says so.
HELD_BACK_S: Final = 3_600.0
# Message, note and tag of the welcome, code and note of the gift.
MARTAS: Final = 5
_WRITES_WOO: Final = ("POST /wp-json/wc/v3", "PUT /wp-json/wc/v3")
_WRITES_SHOPIFY: Final = ("mutation",)


class Story(Scene):
    """Plays the story, one step after the other."""

    def play(self) -> None:
        """Play it from beginning to end.

        Raises: Interrupted: the demo is to end.
        """
        self.set_webhooks("duplicate")
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
            self.rest()

    def _first_order(self) -> None:
        with self.tell.step(
            "Ana Ruiz buys for the first time, in WooCommerce; every webhook is sent twice"
        ) as say:
            self.place("ana", self.stage.woo, cast.ANA.order(cast.MUG, paid=True))
            self.settled(say, "ana", 5)

    def _second_order(self) -> None:
        with self.tell.step(
            "Ana buys again, in Shopify, and is recognized: a confirmation, no second welcome"
        ) as say:
            order = cast.ANA.order(cast.TEA, paid=True, accepts_marketing=True)
            # People write their address as they like.
            self.place("ana_again", self.stage.shopify, {**order, "email": "Ana.Ruiz@Example.com"})
            self.settled(say, "ana_again", 1)

    def _transfer(self) -> None:
        with self.tell.step("Luis Ortega pays by bank transfer: his order is on hold") as say:
            order = cast.LUIS.order(cast.PLATES, status="on-hold", payment_method="bacs")
            self.place("luis", self.stage.woo, order)
            self.settled(say, "luis", 2)
        with self.tell.step("Luis's transfer arrives: now he is welcomed") as say:
            self.act("luis", "pay")
            self.settled(say, "luis", 7)

    def _english_buyer(self) -> None:
        with self.tell.step(
            "Emily Carter buys for the first time, in Shopify: her welcome is in English"
        ) as say:
            self.place("emily", self.stage.shopify, cast.EMILY.order(cast.TEAPOT, paid=True))
            self.settled(say, "emily", 5)

    def _parcels(self) -> None:
        with self.tell.step(
            "Three parcels leave and arrive; who allowed offers is thanked a second time"
        ) as say:
            self.act("ana", "ship", carrier="Correos", number="PQ1001ES", complete=True)
            self.act("ana_again", "ship", carrier="SEUR", number="SE2002")
            self.act("emily", "ship", carrier="DHL", number="JD3003GB")
            self.act("ana_again", "deliver")
            self.act("emily", "deliver")
            self.settled(say, "ana", 6)
            self.settled(say, "ana_again", 5)
            self.settled(say, "emily", 6)
            for key in ("ana_again", "emily"):
                self.happened(key, OccurrenceKind.PARCEL_DELIVERED)
            for key in ("ana", "emily"):
                self.judged(key, "second_thanks")

    def _refunds(self) -> None:
        with self.tell.step("Luis and Emily each get a part of their money back") as say:
            self.act("luis", "refund", amount="5.00", reason="Un plato desportillado")
            self.act("emily", "refund", amount="4.50", reason="Arrived late")
            self.settled(say, "luis", 8)
            self.settled(say, "emily", 7)

    def _copies(self) -> None:
        with self.tell.step("No webhook is sent twice any more; so far the shops sent") as say:
            self.rest()
            for name, sent in ((WOO, self._sent(WOO)), (SHOPIFY, self._sent(SHOPIFY))):
                say(f"{name}: {len(sent)} webhooks, {len(sent) - len(set(sent))} of them copies")
            self.set_webhooks("normal")

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
            self.place("marta", self.stage.woo, cast.MARTA.order(cast.PLATES, paid=True))
            self.tell.wait(
                "Marta's effects to be planned", lambda: len(self.effects("marta")) == MARTAS
            )
            self.act("marta", "cancel")
            self.happened("marta", OccurrenceKind.ORDER_CANCELED)
            self._switch("")
            self.settled(say, "marta", MARTAS)

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
            self.place("carlos", shop, cast.CARLOS.order(cast.TEA, cast.TEAPOT, paid=False))
            self.act("carlos", "pay")
            self.act("carlos", "ship", carrier="Correos Express", number="CE4004")
            known = len(shop.sender.log())
            shop.sender.flush()
            self.settled(say, "carlos", 6)
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
            self.rest()
            shop.apply_settings({"webhooks": "drop"})
            self.place("sofia", shop, cast.SOFIA.order(cast.MUG, cast.PLATES, paid=True))
            self.tell.wait("the lost webhooks", lambda: self._dropped("sofia") > 1)
            shop.apply_settings({"webhooks": "normal"})
            self._reconcile(say)
            self.settled(say, "sofia", 5)

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
            self.place("nuria", self.stage.woo, cast.NURIA.order(cast.MUG, paid=True))
            self.place("james", self.stage.shopify, cast.JAMES.order(cast.TEAPOT, paid=True))
            self.settled(say, "nuria", 5)
            self.settled(say, "james", 5)
            lost = 0
            for shop in (self.stage.woo, self.stage.shopify):
                shop.faults.clear()
                lost += sum(1 for call in shop.calls_json() if call["fault"] == "drop_after")
            say(f"{lost} answers were lost; each write was looked up before anything was repeated")
