"""What the store promises about apps, keys that end, and requests of people."""

from dataclasses import replace
from datetime import timedelta

from connector.model.order import OrderRef
from connector.model.token import AccessToken
from connector.secret import Secret
from connector.storage.install import AppRecord
from connector.storage.port import Storage
from connector.storage.privacy import PrivacyKind, PrivacyRequest
from tests.contracts.storage_data import NOW, OTHER, SHOP, an_order, later, with_shops

TOKEN = AccessToken(
    Secret("access"), NOW, later(minutes=60), Secret("refresh"), later(minutes=600), "write_orders"
)


class InstallContract:
    """Apps, keys, requests, orders without their buyer."""

    def test_apps_are_kept_and_replaced(self, storage: Storage) -> None:
        """An app is known by platform and client id; what was there before is replaced."""
        app = AppRecord("shopify", "one", Secret("s1"), NOW, settings={"api_url": "u"})
        newer = replace(app, secret=Secret("s2"), old_secret=Secret("s1"), settings={})
        with storage.transaction() as tx:
            tx.put_app(app)
            assert tx.app("shopify", "one") == app
            tx.put_app(replace(app, client_id="two", created_at=later(minutes=1)))
            tx.put_app(newer)
        with storage.reading() as tx:
            assert [one.client_id for one in tx.apps("shopify")] == ["one", "two"]
            assert tx.app("shopify", "one") == newer
            assert tx.app("woocommerce", "one") is None

    def test_a_key_is_stored_by_whoever_has_the_turn(self, storage: Storage) -> None:
        """One holder at a time; an ended turn is taken over; a person overrules all."""
        with storage.transaction() as tx:
            assert tx.hold_shop_token(SHOP, "a", now=NOW, until=later(minutes=1))
            assert not tx.hold_shop_token(SHOP, "b", now=NOW, until=later(minutes=1))
            assert tx.hold_shop_token(OTHER, "b", now=NOW, until=later(minutes=1))
            assert tx.shop_token(SHOP) is None
            assert tx.put_shop_token(SHOP, TOKEN, holder="a")
            assert not tx.put_shop_token(SHOP, TOKEN, holder="a")
            assert tx.shop_token(SHOP) == TOKEN
            assert tx.hold_shop_token(SHOP, "b", now=NOW, until=later(minutes=1))
            late = later(minutes=1)
            assert tx.hold_shop_token(SHOP, "c", now=late, until=late + timedelta(minutes=1))
            tx.set_shop_token(SHOP, replace(TOKEN, access=Secret("new"), refresh=None))
            assert not tx.put_shop_token(SHOP, TOKEN, holder="c")
        with storage.transaction() as tx:
            kept = tx.shop_token(SHOP)
            assert kept is not None
            assert (kept.access, kept.refresh) == (Secret("new"), None)
            assert tx.drop_shop_token(SHOP)
            assert not tx.drop_shop_token(SHOP)

    def test_a_request_counts_once(self, storage: Storage) -> None:
        """The same request of a shop is stored once; the first deadline comes first."""
        asked = PrivacyRequest(
            0, SHOP, PrivacyKind.EXPORT, "topic", "d1", NOW, later(days=30), subject=Secret("who")
        )
        with storage.transaction() as tx:
            first = tx.add_privacy_request(asked)
            assert first is not None
            assert tx.add_privacy_request(asked) is None
            early = replace(asked, digest="d2", due_at=later(days=1))
            second = tx.add_privacy_request(early)
            assert second is not None
            assert tx.add_privacy_request(replace(asked, shop_id=OTHER)) is not None
            done = replace(first, state="done", done_at=NOW, subject=None, result={"orders": 1})
            tx.change_privacy_request(done)
        with storage.reading() as tx:
            assert tx.privacy_requests(SHOP) == [second, done]
            assert tx.privacy_requests(SHOP, state="open") == [second]
            assert tx.privacy_request(first.id) == done
            assert tx.privacy_request(999) is None

    def test_an_erased_order_is_remembered(self, storage: Storage) -> None:
        """It stays known as erased, in its shop alone, whether it was stored or not."""
        with_shops(storage)
        order = an_order("1")
        with storage.transaction() as tx:
            tx.put_order(SHOP, order, buyer_id=tx.find_buyer(["email:a@b.es"]), seen_at=NOW)
            kept = replace(order, erased=True)
            gone = tx.erase_order(SHOP, order.ref, kept, {}, reason="asked", now=NOW)
            tx.erase_order(SHOP, OrderRef("2"), None, {}, reason="asked", now=NOW)
            assert gone["orders"] == 1
        with storage.reading() as tx:
            assert [tx.is_erased(SHOP, OrderRef(ref)) for ref in "123"] == [True, True, False]
            assert not tx.is_erased(OTHER, OrderRef("1"))
            stored = tx.order(SHOP, order.ref)
            assert stored is not None
            assert (stored.order.erased, stored.buyer_id) == (True, None)
