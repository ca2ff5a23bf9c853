"""Status, exports, reconcile, replay and dead letters, over orders of a pretend shop."""

import json
import re
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connector.model.effect import EffectState
from connector.model.order import ShopId
from connector.storage.records import DeliverySource, DeliveryState, NewDelivery
from tests.web.cli import Cli
from webhooks.sandbox.faults import Fault
from webhooks.sandbox.woocommerce.shop import WooShop

RULES = """
rules:
  - id: gracias
    name: Gracias
    trigger: order.paid
    conditions: {field: buyer.order_count, op: eq, value: 1}
    actions:
      - tag: {add: [postventa-welcome]}
      - coupon: {kind: percent, value: "10", prefix: GRACIAS}
      - message: {template: welcome, channel: email, class: service}
    enabled: true
"""
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


@pytest.fixture(scope="module")
def woo() -> Iterator[WooShop]:
    """Run a pretend WooCommerce."""
    with WooShop(queue_interval_s=60) as shop:
        yield shop


@pytest.fixture
def cli(tmp_path: Path, woo: WooShop) -> Iterator[Cli]:
    """Give commands over an empty data folder."""
    yield Cli(tmp_path)
    woo.faults.clear()


@pytest.fixture
def shop_id(cli: Cli, woo: WooShop) -> str:
    """Connect the shop without webhooks; give its id."""
    made: str = cli.add(woo, "--no-register")["id"]
    return made


def buy(woo: WooShop, email: str, **more: Any) -> str:
    """Place a paid order of 2 mugs at 15.00; give its id."""
    line = {"sku": "TAZA", "name": "Taza", "quantity": 2, "price": "15.00"}
    # A number of its own: the same telephone would be the same buyer.
    phone = f"+346{zlib.crc32(email.encode()) % 10**8:08}"
    made = woo.create_order({"email": email, "phone": phone, "paid": True, "lines": [line], **more})
    return str(made["id"])


def put_rules(cli: Cli, shop_id: str) -> None:
    """Import the rules of this module, switched on."""
    file = cli.folder / "rules.yaml"
    file.write_text(RULES, encoding="utf-8")
    cli.ok("rules", "import", str(file), "--shop", shop_id)


def worked(cli: Cli, shop_id: str, woo: WooShop, email: str) -> str:
    """Let one order go all the way; give its id."""
    put_rules(cli, shop_id)
    ref = buy(woo, email)
    done = cli.data("reconcile", "--shop", shop_id)
    assert len(done["shops"][0]["missed"]) >= 1
    return ref


def dead_letter(cli: Cli, shop_id: str) -> int:
    """Store a delivery that could not be read."""
    delivery = NewDelivery(
        shop_id=ShopId(shop_id),
        key="k1",
        source=DeliverySource.POLL,
        topic="order",
        lane="77",
        headers={},
        body=b"{",
        received_at=datetime.now(UTC),
        state=DeliveryState.DEAD,
        reason="cannot be read",
    )
    with cli.opened() as app, app.storage.transaction() as tx:
        (number,) = tx.add_deliveries([delivery])
    assert number is not None
    return number


def test_status_of_an_empty_store(cli: Cli) -> None:
    """The status has every key of its shape before anything happened."""
    status = cli.data("status")
    assert set(status["inbox"]) == {"waiting", "working", "done", "dead", "rejected"}
    assert status["effects"] == dict.fromkeys(
        ["planned", "waiting", "sending", "done", "skipped", "unknown", "dead"], 0
    )
    assert status["storage"]["kind"] == "sqlite"
    assert (status["storage"]["journal_mode"], status["storage"]["synchronous"]) == ("wal", "full")
    assert (status["oldest_waiting_s"], status["shops"]) == (0, [])
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", status["version"])
    assert "No shop is connected yet" in cli.ok("status")


def test_status_counts_what_was_done(cli: Cli, shop_id: str, woo: WooShop) -> None:
    """`planned` is the sum of all other states of effects."""
    worked(cli, shop_id, woo, "status@example.com")
    status = cli.data("status")
    effects = status["effects"]
    assert effects["planned"] == sum(n for name, n in effects.items() if name != "planned") >= 3
    assert status["inbox"]["done"] >= 1
    (shop,) = status["shops"]
    assert (shop["id"], shop["state"], shop["last_delivery_at"]) == (shop_id, "connected", None)
    assert shop["webhooks"] == {}


def test_export_orders(cli: Cli, shop_id: str, woo: WooShop) -> None:
    """An order line holds what was sold: 2 mugs at 15.00 are 3000 minor units."""
    ref = worked(cli, shop_id, woo, "orders@example.com")
    lines = {line["ref"]: line for line in cli.lines("export", "orders", "--shop", shop_id)}
    line = lines[ref]
    assert (line["shop"], line["currency"], line["payment_state"]) == (shop_id, "EUR", "paid")
    assert line["state"] in {"paid", "processing"}
    assert line["platform_state"] == "processing"
    assert (line["buyer"]["email"], line["buyer"]["order_count"]) == ("orders@example.com", 1)
    (mug,) = line["lines"]
    assert (mug["sku"], mug["quantity"], mug["total_minor"]) == ("TAZA", 2, 3000)
    assert line["total_minor"] == 3000 + line["shipping_minor"]
    assert TIME.fullmatch(line["placed_at"])
    assert TIME.fullmatch(line["paid_at"])
    assert line["completed_at"] is None
    assert (line["refunds"], line["parcels"], line["test"]) == ([], [], False)


def test_exports_tell_why(cli: Cli, shop_id: str, woo: WooShop) -> None:
    """Occurrence, evaluation, effects and message of one order fit together."""
    ref = worked(cli, shop_id, woo, "why@example.com")

    def of_order(what: str) -> list[Any]:
        return [line for line in cli.lines("export", what) if line["order"] == ref]

    paid = next(line for line in of_order("occurrences") if line["kind"] == "order.paid")
    (why,) = of_order("evaluations")
    assert (why["rule"], why["version"], why["verdict"]) == ("gracias", 1, "matched")
    assert why["occurrence"] == paid["id"]
    assert [(one["field"], one["seen"], one["held"]) for one in why["conditions"]] == [
        ("buyer.order_count", 1, True)
    ]
    effects = {line["kind"]: line for line in of_order("effects")}
    assert set(effects) == {"tag", "coupon", "message"}
    assert {line["state"] for line in effects.values()} == {"done"}
    assert effects["coupon"]["result"]["code"].upper().startswith("GRACIAS-")
    assert TIME.fullmatch(effects["tag"]["done_at"])
    (message,) = of_order("messages")
    assert (message["to"], message["class"]) == ("why@example.com", "service")
    assert message["key"] == effects["message"]["key"]


def test_export_of_one_shop(cli: Cli, shop_id: str, woo: WooShop) -> None:
    """--shop leaves the other shops out; an unknown one is refused."""
    worked(cli, shop_id, woo, "one@example.com")
    with WooShop(queue_interval_s=60) as second:
        other = cli.add(second, "--no-register", name="Otra")["id"]
        assert cli.lines("export", "orders", "--shop", other) == []
        assert cli.lines("export", "orders") == cli.lines("export", "orders", "--shop", shop_id)
    cli.refused("export", "orders", "--shop", "s0", says="No shop has the id 's0'")
    cli.refused("export", "invoices", says="'invoices' is not one of")


@pytest.mark.usefixtures("shop_id")
def test_reconcile_finds_missed_orders(cli: Cli, woo: WooShop) -> None:
    """An order whose webhook never came is found, once."""
    ref = buy(woo, "missed@example.com")
    first = cli.data("reconcile")
    assert ref in [miss["order"] for miss in first["shops"][0]["missed"]]
    assert ref in [line["ref"] for line in cli.lines("export", "orders")]
    again = cli.data("reconcile", "--since", "1d")
    assert (again["shops"][0]["missed"], again["worked"]) == ([], 0)
    assert again["shops"][0]["seen"] >= 1


@pytest.mark.usefixtures("shop_id")
def test_reconcile_fails_for_a_shop_that_is_down(cli: Cli, woo: WooShop) -> None:
    """One shop that is down is told with exit code 1; the others are asked all the same."""
    with WooShop(queue_interval_s=60) as second:
        cli.add(second, "--no-register", name="Otra")
        ref = buy(second, "other@example.com")
        woo.faults.add(Fault("status_503", match="", times=None))
        cli.refused("reconcile", says="Mi tienda: The shop cannot be reached now", code=1)
        assert ref in [line["ref"] for line in cli.lines("export", "orders")]


@pytest.mark.usefixtures("shop_id")
@pytest.mark.parametrize(
    "since", ["yesterday", "2026-13-01", "2026-11-22T08:00:00", "7y", "-1d", "", "9999999999d"]
)
def test_bad_since_is_refused(cli: Cli, since: str) -> None:
    """A time that cannot be read is refused with the forms that can."""
    cli.refused("reconcile", f"--since={since}", says="is no time. Write a date like")


@pytest.mark.usefixtures("shop_id")
def test_since_in_the_future_is_refused(cli: Cli) -> None:
    """Nothing has changed after now."""
    tomorrow = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    cli.refused("reconcile", "--since", tomorrow, says="is in the future")


@pytest.mark.usefixtures("shop_id")
@pytest.mark.parametrize("since", ["2026-01-01", "2026-01-01T10:00:00+02:00", "90m", "36h", "7d"])
def test_good_since(cli: Cli, since: str) -> None:
    """A date, a time with its zone and a span are read; they come back in UTC."""
    line = cli.data("reconcile", "--since", since)["shops"][0]
    assert TIME.fullmatch(line["since"])
    if since.startswith("2026-01-01T"):
        assert line["since"] == "2026-01-01T08:00:00Z"


def test_replay_brings_nothing_twice(cli: Cli, shop_id: str, woo: WooShop) -> None:
    """A delivery worked off once more makes no second occurrence and no second effect."""
    worked(cli, shop_id, woo, "replay@example.com")
    before = [cli.lines("export", what) for what in ("occurrences", "effects", "messages")]
    line = cli.data("replay", "1", "--now")
    assert (line["id"], line["state"]) == (1, "done")
    assert [cli.lines("export", what) for what in ("occurrences", "effects", "messages")] == before
    assert cli.data("replay", "1")["state"] == "waiting"
    assert cli.data("status")["inbox"]["waiting"] == 1
    assert "1 rows were worked off" in cli.ok("worker", "--once")


def test_bad_replay_is_refused(cli: Cli) -> None:
    """A number that no delivery has, or no number at all, is refused."""
    cli.refused("replay", "7", says="No delivery has the number 7")
    cli.refused("replay", "seven", says="'seven' is not a valid integer range")
    cli.refused("replay", "0", says="0 is not in the range")


def test_replay_of_what_cannot_be_read(cli: Cli, shop_id: str) -> None:
    """A dead letter that is still unreadable ends dead again, with exit code 1."""
    number = dead_letter(cli, shop_id)
    cli.refused("replay", str(number), "--now", says="could not be worked off", code=1)


def test_dead_letters_are_listed_and_retried(cli: Cli, shop_id: str) -> None:
    """A dead letter is listed with its reason; after a retry it waits again."""
    assert cli.data("dead-letters", "list") == []
    assert "Nothing needs a person" in cli.ok("dead-letters", "list")
    number = dead_letter(cli, shop_id)
    (line,) = cli.data("dead-letters", "list", "--shop", shop_id)
    assert (line["what"], line["id"], line["order"]) == ("delivery", str(number), "77")
    assert line["reason"] == "cannot be read"
    assert cli.data("dead-letters", "retry", str(number)) == {"reopened": [str(number)]}
    assert cli.data("status")["inbox"]["waiting"] == 1
    cli.refused("dead-letters", "retry", str(number), says="Nothing dead has the id")


def test_retry_all(cli: Cli, shop_id: str) -> None:
    """--all reopens deliveries and effects alike, of the named shop only."""
    number = dead_letter(cli, shop_id)
    assert cli.data("dead-letters", "retry", "--all") == {"reopened": [str(number)]}
    assert cli.data("dead-letters", "retry", "--all") == {"reopened": []}


def test_dead_effect_is_retried(cli: Cli, shop_id: str, woo: WooShop) -> None:
    """A dead effect is listed by its key; a retry looks for it in the shop before writing."""
    woo.faults.add(Fault("status_500", match="POST /wp-json/wc/v3/coupons", times=None))
    worked(cli, shop_id, woo, "dead@example.com")
    coupon = next(line for line in cli.lines("export", "effects") if line["kind"] == "coupon")
    with cli.opened() as app, app.storage.transaction() as tx:
        # Its tries take days of waiting; here they are said to be over.
        now = datetime.now(UTC) + timedelta(days=3)
        while claimed := tx.claim_effects(now=now, lease_until=now, limit=10):
            for row in claimed:
                tx.settle_effect(
                    row.key, row.fence, state=EffectState.DEAD, reason="needs a person", now=now
                )
    woo.faults.clear()
    listed = cli.data("dead-letters", "list")
    assert coupon["key"] in [line["id"] for line in listed]
    assert {line["what"] for line in listed} == {"effect"}
    cli.ok("dead-letters", "retry", coupon["key"])
    cli.ok("worker", "--once")
    again = {line["key"]: line for line in cli.lines("export", "effects")}[coupon["key"]]
    assert (again["state"], again["attempts"]) == ("unknown", 0)
    assert "looked up again later" in again["reason"]
    assert coupon["key"] not in [line["id"] for line in cli.data("dead-letters", "list")]


def test_bad_retry_is_usage(cli: Cli) -> None:
    """Either one id or --all, not both and not none."""
    cli.refused("dead-letters", "retry", says="Give one ID")
    cli.refused("dead-letters", "retry", "1", "--all", says="Give one ID")
    cli.refused("dead-letters", "retry", "1", "--shop", "s0", says="--shop goes with --all")
    cli.refused("dead-letters", "retry", "99999999999999999999", says="Nothing dead has the id")
    cli.refused("dead-letters", "list", "--limit", "0", says="0 is not in the range")


def test_kill_switch(cli: Cli, shop_id: str, woo: WooShop) -> None:
    """While effects are stopped everything is planned and nothing is written."""
    cli.ok("effects", "stop")
    assert cli.data("status")["effects_stopped"] is True
    worked(cli, shop_id, woo, "stop@example.com")
    effects = cli.data("status")["effects"]
    assert effects["waiting"] == effects["planned"] >= 3
    cli.ok("effects", "start")
    cli.ok("worker", "--once")
    effects = cli.data("status")["effects"]
    assert (effects["waiting"], effects["done"]) == (0, effects["planned"])


@pytest.mark.usefixtures("shop_id")
def test_json_lines_are_ascii(cli: Cli, woo: WooShop) -> None:
    """Names with accents leave as escapes, so that no pipe can break them."""
    buy(woo, "n@example.com", first_name="Bego\u00f1a")
    cli.ok("reconcile")
    text = cli.ok("export", "orders")
    assert text.isascii()
    assert any("Bego\u00f1a" in json.loads(line)["buyer"]["name"] for line in text.splitlines())
