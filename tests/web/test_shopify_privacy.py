"""What platforms ask for people is done: exported, erased, and erased for good."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from adapters.storage.tables import metadata
from connector.flows.privacy import Subject, erase_buyer, export_buyer
from connector.flows.privacy_requests import finish_erasures
from connector.model.order import ShopId
from connector.storage.records import DeliveryState, ShopRecord, ShopState
from tests.postgresql import Cluster
from tests.running import Running
from tests.support import FrozenClock, until
from tests.web.connected import ask, connect, put_rules
from webhooks.sandbox.shopify.shop import ShopifyShop
from webhooks.sandbox.woocommerce.shop import WooShop

CANARIES = (
    "canary.buyer@example.com",
    "Canaria",
    "Kanarienvogel",
    "+34655443322",
    "Calle del Canario 7",
    "CANARYNOTE",
    "TRACKCANARY42",
)
CANARY = {
    "email": "Canary.Buyer@example.com",
    "first_name": "Canaria",
    "last_name": "Kanarienvogel",
    "phone": "+34655443322",
    "note": "CANARYNOTE ring twice",
    "lines": [{"sku": "TAZA", "name": "Taza", "quantity": 2, "price": "15.00"}],
    "address1": "Calle del Canario 7",
    "address": "Calle del Canario 7",
    "paid": True,
}
OTHER = {
    "email": "other@example.com",
    "first_name": "Otra",
    "last_name": "Persona",
    "phone": "+34611000111",
    "lines": [{"sku": "TAZA", "name": "Taza", "quantity": 1, "price": "15.00"}],
    "paid": True,
}
RULES = """
rules:
  - id: thanks
    name: {es: Gracias, en: Thanks}
    trigger: order.paid
    conditions:
      all:
        - {field: order.city, op: ne, value: "Nowhere"}
    actions:
      - note: {text: "Gracias {{ buyer.first_name }}", to_buyer: false}
      - message: {template: welcome, channel: email, class: service}
    enabled: true
  - id: later
    name: {es: Luego, en: Later}
    trigger: order.paid
    delay: 5d
    actions:
      - tag: {add: [later]}
    enabled: true
"""
SUBJECT = Subject(email="canary.buyer@EXAMPLE.com")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Give a PostgreSQL server."""
    with Cluster() as running:
        yield running


BOTH = pytest.mark.parametrize(
    "running",
    ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)],
    indirect=True,
)


@pytest.fixture
def running(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Running]:
    """Run a server on SQLite, or on the database asked for."""
    url = ""
    if getattr(request, "param", "sqlite") == "postgresql":
        server: Cluster = request.getfixturevalue("cluster")
        url = server.url(server.new_database())
    with Running(tmp_path, database_url=url) as one:
        yield one


@pytest.fixture(params=["shopify", "woocommerce"])
def sandbox(request: pytest.FixtureRequest) -> Iterator[ShopifyShop | WooShop]:
    """Run a pretend shop of each kind."""
    made = (
        ShopifyShop(queue_interval_s=0.02)
        if request.param == "shopify"
        else WooShop(queue_interval_s=0.05)
    )
    with made as shop:
        yield shop


def story(running: Running, sandbox: ShopifyShop | WooShop) -> tuple[ShopRecord, Any]:
    """Connect, buy, ship; give the shop and the order of the canary."""
    shop = connect(running, sandbox)
    put_rules(running, shop, RULES)
    order = ask(sandbox, "POST", "/_sandbox/orders", CANARY)
    ask(sandbox, "POST", "/_sandbox/orders", OTHER)
    until(lambda: orders_held(running, shop) == 2, what="both orders")
    ask(
        sandbox,
        "POST",
        f"/_sandbox/orders/{order['id']}/ship",
        {"carrier": "Correos", "number": "TRACKCANARY42", "url": "https://t.example/TRACKCANARY42"},
    )
    until(
        lambda: work(running) and "TRACKCANARY42" in json.dumps(running.export("orders")),
        what="the parcel",
    )
    settle(running)
    return shop, order


def work(running: Running) -> bool:
    """Work off what is due."""
    running.drain()
    return True


def settle(running: Running) -> None:
    """Wait until nothing has come in for a second, and all of it is worked off."""
    seen = [-1, 0]

    def quiet() -> bool:
        running.drain()
        rows = running.deliveries()
        open_rows = sum(row.state is DeliveryState.WAITING for row in rows)
        seen[1] = seen[1] + 1 if (len(rows), open_rows) == (seen[0], 0) else 0
        seen[0] = len(rows)
        time.sleep(0.05)
        return seen[1] > 15

    until(quiet, what="quiet")


def orders_held(running: Running, shop: ShopRecord) -> int:
    """Count the orders of a shop that are stored."""
    running.drain()
    return len(running.export("orders", shop.id))


def everything(running: Running) -> bytes:
    """Read every cell of every table, as the database holds it."""
    parts: list[bytes] = []
    with running.storage.reading() as tx:
        names = sa.inspect(tx.connection).get_table_names()
        assert set(metadata.tables) <= set(names)
        for name in names:
            for row in tx.connection.exec_driver_sql(f"SELECT * FROM {name}"):  # noqa: S608 - names of our own tables
                for cell in row:
                    blob = isinstance(cell, bytes | memoryview)
                    parts.append(bytes(cell) if blob else str(cell).encode("utf-8", "replace"))
    return b"\n".join(parts)


def found(data: bytes) -> list[str]:
    """Name the canaries that are in it, in whatever case."""
    lowered = data.lower()
    return [one for one in CANARIES if one.lower().encode() in lowered]


def files(folder: Path) -> bytes:
    """Read all files of the database."""
    return b"".join(path.read_bytes() for path in sorted(folder.glob("postventa.db*")))


def exports(running: Running) -> bytes:
    """Give everything that can be exported."""
    what = ("orders", "occurrences", "evaluations", "effects", "messages", "attempts")
    return b"\n".join(json.dumps(running.export(one)).encode() for one in what)


@BOTH
def test_erased_means_gone(
    running: Running, sandbox: ShopifyShop | WooShop, tmp_path: Path
) -> None:
    """No byte of the buyer is left in any table, file or export; the books stay."""
    shop, order = story(running, sandbox)
    assert found(everything(running)) == list(CANARIES)
    before = {line["ref"]: line for line in running.export("orders")}
    erased = erase_buyer(running.app.engine, shop, SUBJECT)
    assert erased["orders"] == 1
    assert erased["messages"] == 1
    assert erased["effects_skipped"] == 1
    assert found(everything(running)) == []
    assert found(exports(running)) == []
    if running.storage.facts().kind == "sqlite":
        assert found(files(tmp_path)) == []
    after = {line["ref"]: line for line in running.export("orders")}
    kept = after[str(order["id"])]
    for name in ("total_minor", "tax_minor", "currency", "placed_at", "number", "state"):
        assert kept[name] == before[kept["ref"]][name]
    [other] = [line for line in after.values() if line["ref"] != kept["ref"]]
    assert other == before[other["ref"]]
    waiting = [line for line in running.export("effects") if line["state"] == "planned"]
    assert [line["order"] for line in waiting] == [other["ref"]]


def test_a_late_webhook_brings_nobody_back(
    running: Running, sandbox: ShopifyShop | WooShop
) -> None:
    """What the shop tells of an erased order later is stored without its buyer."""
    shop, order = story(running, sandbox)
    erase_buyer(running.app.engine, shop, SUBJECT)
    rows = len(running.deliveries())
    effects = len(running.export("effects"))
    ask(sandbox, "POST", f"/_sandbox/orders/{order['id']}/refund", {"amount": "5.00"})
    until(lambda: work(running) and len(running.deliveries()) > rows, what="a late webhook")

    def refunded() -> bool:
        running.drain()
        [line] = [one for one in running.export("orders") if one["ref"] == str(order["id"])]
        return bool(line["refunded_minor"] == 500)

    until(refunded, what="the books go on")
    # Each of its webhooks, once it is worked off.
    until(lambda: work(running) and not found(everything(running)), what="nobody")
    assert len(running.export("effects")) == effects
    # Erasing once more changes nothing and finds nothing new.
    erase_buyer(running.app.engine, shop, Subject(ref="x", email="canary.buyer@example.com"))
    assert found(everything(running)) == []


@BOTH
def test_what_waits_is_closed(running: Running, sandbox: ShopifyShop | WooShop) -> None:
    """A delivery that is claimed while its buyer is erased stores nothing of them."""
    shop = connect(running, sandbox)
    ask(sandbox, "POST", "/_sandbox/orders", CANARY)
    until(lambda: len(running.deliveries()) > 0, what="a webhook")
    now = running.app.clock.now()
    with running.storage.transaction() as tx:
        claimed = tx.claim_deliveries(now=now, lease_until=now, limit=10)
    assert claimed
    erase_buyer(running.app.engine, shop, SUBJECT)
    with running.storage.transaction() as tx:
        kept = tx.settle_delivery(
            claimed[0].id, claimed[0].fence, state=DeliveryState.DONE, reason="", now=now
        )
    assert not kept
    settle(running)
    assert found(everything(running)) == []


def test_an_export_is_whole(running: Running, sandbox: ShopifyShop | WooShop) -> None:
    """An export holds everything of the buyer and nothing of another one."""
    shop, order = story(running, sandbox)
    made = json.dumps(export_buyer(running.app.engine, shop, SUBJECT), ensure_ascii=False)
    assert found(made.encode()) == list(CANARIES)
    assert "other@example.com" not in made
    assert "Otra" not in made
    [told] = json.loads(made)["orders"]
    assert told["ref"] == str(order["id"])
    for name in ("deliveries", "occurrences", "evaluations", "effects", "messages"):
        assert told[name], name


def shopify_story(running: Running, sandbox: ShopifyShop) -> tuple[ShopRecord, Any]:
    """Tell the story with the compliance address set, as in the app's configuration."""
    shop, order = story(running, sandbox)
    ask(
        sandbox,
        "POST",
        "/_sandbox/settings",
        {"compliance_url": f"{running.url}/hooks/shopify"},
    )
    return shop, order


def comply(running: Running, sandbox: ShopifyShop, topic: str) -> str:
    """Let the platform ask; give what became of it."""
    before = len([row for row in running.deliveries() if row.topic == topic])
    ask(sandbox, "POST", "/_sandbox/compliance", {"topic": topic, "email": CANARY["email"].lower()})
    rows: list[Any] = []

    def came() -> bool:
        rows[:] = [row for row in running.deliveries() if row.topic == topic]
        return len(rows) > before

    until(came, what=topic)
    running.drain()
    with running.storage.reading() as tx:
        row = tx.delivery(rows[-1].id)
    return "" if row is None else row.reason


@pytest.fixture
def shopify() -> Iterator[ShopifyShop]:
    """Run a pretend Shopify."""
    with ShopifyShop(queue_interval_s=0.02) as shop:
        yield shop


def test_a_data_request_makes_an_export(running: Running, shopify: ShopifyShop) -> None:
    """The export is made, listed with its deadline, and gone once it was handed over."""
    shop, _order = shopify_story(running, shopify)
    reason = comply(running, shopify, "customers/data_request")
    assert "the export is ready" in reason
    with running.storage.reading() as tx:
        [request] = tx.privacy_requests(shop.id, state="open")
    assert (request.due_at - request.received_at).days == 30
    assert request.export is not None
    assert found(request.export.reveal().encode()) == list(CANARIES)
    with running.storage.reading() as tx:
        row = tx.connection.exec_driver_sql("SELECT subject, export FROM privacy_requests").one()
    assert found(bytes(row[0]) + bytes(row[1])) == []


def test_a_redaction_erases_and_counts_once(
    running: Running, shopify: ShopifyShop, tmp_path: Path
) -> None:
    """The buyer, an export made for them and the request itself name nobody afterwards."""
    shop, _order = shopify_story(running, shopify)
    comply(running, shopify, "customers/data_request")
    assert "erased" in comply(running, shopify, "customers/redact")
    assert found(everything(running)) == []
    if running.storage.facts().kind == "sqlite":
        assert found(files(tmp_path)) == []
    with running.storage.reading() as tx:
        requests = tx.privacy_requests(shop.id)
    assert {one.state for one in requests} == {"done"}
    assert all(one.export is None and one.subject is None for one in requests)
    # The same body again, as somebody who kept it might send it.
    assert "asked before" in comply(running, shopify, "customers/redact")


@BOTH
def test_a_shop_is_erased_after_it_left(
    running: Running, shopify: ShopifyShop, tmp_path: Path
) -> None:
    """While the app is installed nothing is erased; after it left, everything."""
    shop, _order = shopify_story(running, shopify)
    with running.storage.reading() as tx:
        assert tx.shop(shop.id) is not None
    assert "our key still works" in comply(running, shopify, "shop/redact")
    ask(shopify, "POST", "/_sandbox/uninstall")
    until(
        lambda: work(running) and state_of(running, shop) is ShopState.UNINSTALLED,
        what="uninstalled",
    )
    with running.storage.transaction() as tx:
        [row] = [one for one in running.deliveries() if one.topic == "shop/redact"]
        tx.reopen_delivery(row.id, now=running.app.clock.now())
    running.drain()
    left = everything(running)
    assert found(left) == []
    for word in (b"other@example.com", b"Otra", shopify.domain.encode(), b"Gracias"):
        assert word not in left
    if running.storage.facts().kind == "sqlite":
        assert found(files(tmp_path)) == []
    with running.storage.reading() as tx:
        assert tx.shops() == []
        [request] = tx.privacy_requests(shop.id)
    assert (request.kind, request.state) == ("erase_shop", "done")
    # What came in meanwhile is deleted by the daily look.
    assert finish_erasures(running.app.engine) == 0


def state_of(running: Running, shop: ShopRecord) -> ShopState:
    """Tell the state of a shop."""
    with running.storage.reading() as tx:
        stored = tx.shop(ShopId(shop.id))
    assert stored is not None
    return stored.state


def test_the_same_person_in_another_shop_stays(running: Running) -> None:
    """Erasing in one shop leaves what another shop needs, and only that."""
    with ShopifyShop(queue_interval_s=0.02) as first, WooShop(queue_interval_s=0.05) as second:
        one, _order = story(running, first)
        two = connect(running, second)
        ask(second, "POST", "/_sandbox/orders", {**CANARY, "phone": "+34600999888"})
        until(lambda: orders_held(running, two) == 1, what="the order in the other shop")
        erase_buyer(running.app.engine, one, SUBJECT)
        with running.storage.reading() as tx:
            assert len(tx.buyers_of(["email:canary.buyer@example.com"])) == 1
            assert tx.buyers_of(["phone:+34655443322"]) == []
            assert len(tx.buyers_of(["phone:+34600999888"])) == 1
        assert found(json.dumps(running.export("orders", one.id)).encode()) == []


def test_a_family_telephone_erases_nobody_else(running: Running) -> None:
    """Two buyers with one number: the one who asks goes, the other one stays."""
    with WooShop(queue_interval_s=0.05) as woo:
        shop = connect(running, woo)
        ask(woo, "POST", "/_sandbox/orders", CANARY)
        ask(woo, "POST", "/_sandbox/orders", {**OTHER, "phone": CANARY["phone"]})
        until(lambda: orders_held(running, shop) == 2, what="both orders")
        settle(running)
        erase_buyer(running.app.engine, shop, SUBJECT)
        told = json.dumps(running.export("orders"))
    assert "other@example.com" in told
    assert "canary.buyer" not in told.lower()


def test_erasing_stops_at_any_instant(tmp_path: Path) -> None:
    """A worker and an eraser side by side: whoever is first, nobody comes back."""
    clock = FrozenClock()
    with Running(tmp_path, clock=clock) as running, WooShop(queue_interval_s=0.02) as woo:
        shop = connect(running, woo)
        put_rules(running, shop, RULES)
        for _ in range(8):
            ask(woo, "POST", "/_sandbox/orders", CANARY)
        until(lambda: len(running.deliveries()) >= 8, what="webhooks")
        worker = threading.Thread(target=running.drain)
        worker.start()
        erase_buyer(running.app.engine, shop, SUBJECT)
        worker.join()
        settle(running)
        erase_buyer(running.app.engine, shop, SUBJECT)
        settle(running)
        assert found(everything(running)) == []
