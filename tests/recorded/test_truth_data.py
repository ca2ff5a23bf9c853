"""The recorded WooCommerce data is what its README says it is.

Long because each odd order is written out by hand beside the rule that it proves.
"""

import base64
import hashlib
import hmac
import json
import re
import runpy
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "data" / "woocommerce"
CASSETTES = sorted((ROOT / "cassettes" / "shops" / "woocommerce").glob("*.yaml"))
SECRET = b"whsec-recordings"
FIRST_LINE = "# recorded: WooCommerce 10.2.4, WordPress 6.8.3, PHP 8.2, HPOS, 2026-11-22"


def records(name: str) -> list[dict[str, Any]]:
    """Read a file of JSON lines."""
    return [json.loads(line) for line in (DATA / name).read_text(encoding="utf-8").splitlines()]


def header(record: dict[str, Any], name: str) -> str | None:
    """Read one header, whatever its case."""
    return {key.lower(): value for key, value in record["headers"].items()}.get(name)


@pytest.fixture(scope="module")
def truth() -> dict[str, dict[str, Any]]:
    """Give the truth of each order by its ref."""
    return {line["ref"]: line for line in records("truth.jsonl")}


@pytest.fixture(scope="module")
def happened() -> dict[str, list[list[str]]]:
    """Give the occurrences of each order by its ref."""
    text = (DATA / "occurrences_truth.json").read_text(encoding="utf-8")
    return json.loads(text)["orders"]


def test_there_are_550_deliveries_and_20_of_them_are_pings() -> None:
    """The main file holds 550 deliveries: 20 unsigned pings, 530 with a topic."""
    deliveries = records("webhooks.jsonl")
    pings = [one for one in deliveries if header(one, "x-wc-webhook-topic") is None]

    assert len(deliveries) == 550
    assert len(pings) == 20
    assert all(re.fullmatch(r"webhook_id=\d+", ping["body"]) for ping in pings)
    assert all(header(ping, "x-wc-webhook-signature") is None for ping in pings)
    assert len({header(one, "x-wc-webhook-topic") for one in deliveries} - {None}) == 17


@pytest.mark.parametrize(
    ("name", "signed"),
    [
        ("webhooks.jsonl", 530),
        ("webhooks_legacy_storage.jsonl", 23),
        ("webhooks_api_v1_v2.jsonl", 12),
        ("delivery_experiments.jsonl", 33),
    ],
)
def test_every_signature_is_right(name: str, signed: int) -> None:
    """Each signed body carries the base64 HMAC-SHA256 of its own bytes."""
    expected, actual = [], []
    for record in records(name):
        signature = header(record, "x-wc-webhook-signature")
        if signature is not None:
            digest = hmac.new(SECRET, record["body"].encode(), hashlib.sha256).digest()
            expected.append(base64.b64encode(digest).decode())
            actual.append(signature)

    assert actual == expected
    assert len(actual) == signed


def test_the_truth_regenerates_byte_for_byte() -> None:
    """The three made files are what make_truth.py makes of the deliveries."""
    maker = runpy.run_path(str(DATA / "make_truth.py"))
    made = maker["build"](maker["read_deliveries"](DATA / "webhooks.jsonl"))

    assert sorted(made) == ["error_bodies.json", "occurrences_truth.json", "truth.jsonl"]
    for name, text in made.items():
        assert (DATA / name).read_bytes() == text.encode()


def test_the_maker_imports_nothing_of_the_product() -> None:
    """The truth is worked out without the code that it judges."""
    source = (DATA / "make_truth.py").read_text(encoding="utf-8")

    assert not re.search(
        r"^\s*(from|import)\s+(connector|adapters|webhooks)\b", source, re.MULTILINE
    )


def test_each_order_is_in_the_truth_once_and_drafts_are_not(
    truth: dict[str, dict[str, Any]], happened: dict[str, list[list[str]]]
) -> None:
    """Sixty-one orders were seen whole; orders known by hearsay leave no line."""
    assert len(records("truth.jsonl")) == len(truth) == 61
    assert list(happened) == list(truth)
    assert truth.keys().isdisjoint({"372", "374", "375", "377"})
    assert "checkout-draft" not in {line["platform_state"] for line in truth.values()}


def test_states_add_up(truth: dict[str, dict[str, Any]]) -> None:
    """The final states are those of the recorded lifecycles, counted by hand."""
    assert Counter(line["state"] for line in truth.values()) == {
        "processing": 22,
        "completed": 18,
        "pending": 12,
        "canceled": 3,
        "refunded": 3,
        "deleted": 2,
        "on_hold": 1,
    }


def test_lines_and_shipping_make_the_total(truth: dict[str, dict[str, Any]]) -> None:
    """Lines and shipping, both with tax, make the total; only A23 has fees."""
    rest = {
        ref: line["total_minor"]
        - line["shipping_minor"]
        - sum(item["total_minor"] for item in line["lines"])
        for ref, line in truth.items()
    }

    assert {ref: left for ref, left in rest.items() if left} == {"318": 300 + 150}


@pytest.mark.parametrize(
    ("ref", "expected"),
    [
        # ref: state, payment, fulfillment, currency, total, refunded, tax, shipping, discount
        ("291", "completed paid fulfilled EUR 4374 0 759 599 0"),  # A01 guest, bank transfer
        ("293", "completed paid fulfilled EUR 4145 0 720 599 394"),  # A03 ten percent off
        ("294", "completed partially_refunded fulfilled EUR 7590 2200 1317 0 500"),  # A04
        ("297", "canceled voided unfulfilled EUR 2189 0 380 599 0"),  # A06 declined, canceled
        ("301", "pending partially_refunded unfulfilled EUR 2089 100 363 599 0"),  # A34 unpaid
        ("303", "refunded refunded unfulfilled EUR 3049 3049 529 599 0"),  # A10 full refund
        ("305", "processing partially_refunded unfulfilled EUR 2384 300 414 599 600"),  # A11
        ("307", "deleted paid unfulfilled EUR 1490 0 259 0 0"),  # A12 trashed twice
        ("308", "processing paid unfulfilled EUR 0 0 0 0 0"),  # A13 nothing to pay
        ("312", "processing paid unfulfilled USD 5499 0 0 2500 0"),  # A17 29.99 + 25.00
        ("313", "processing paid unfulfilled EUR 961 0 0 0 0"),  # A18 cash on delivery
        ("317", "processing paid unfulfilled EUR 586500 0 101789 0 0"),  # A22 200 lines
        ("318", "processing paid unfulfilled EUR 3425 0 568 495 500"),  # A23 two fees
        ("322", "processing paid unfulfilled EUR 11023 0 1837 720 0"),  # A27 two shipping lines
        ("323", "pending paid unfulfilled EUR 350 0 61 0 0"),  # A28 set back after payment
        ("324", "completed paid fulfilled EUR 1590 0 276 0 0"),  # A29 edited by staff
        ("325", "refunded refunded unfulfilled EUR 4900 4900 850 0 0"),  # A30 39.00 + 10.00
        ("328", "refunded refunded unfulfilled EUR 1490 1490 259 0 0"),  # A31 by hand
        ("330", "completed partially_refunded fulfilled EUR 795 100 138 0 0"),  # A32
        ("335", "pending pending unfulfilled EUR 1490 0 259 0 0"),  # A37 purged unannounced
        ("337", "pending paid unfulfilled EUR 1231 0 0 0 0"),
        ("357", "processing refunded unfulfilled EUR 4470 4470 776 495 0"),  # seven refunds
        ("394", "completed partially_refunded fulfilled EUR 2463 100 0 0 0"),  # ADMIN, restored
        ("396", "deleted partially_refunded fulfilled EUR 3464 100 601 484 0"),
    ],
)
def test_odd_orders_end_as_worked_out_by_hand(
    truth: dict[str, dict[str, Any]], ref: str, expected: str
) -> None:
    """State and money of the odd orders, read off the payloads by hand."""
    line = truth[ref]
    names = ("total", "refunded", "tax", "shipping", "discount")
    words = [line["state"], line["payment_state"], line["fulfillment_state"], line["currency"]]

    assert words + [str(line[f"{name}_minor"]) for name in names] == expected.split()


def test_goods_go_to_the_shipping_address_or_else_the_billing_one(
    truth: dict[str, dict[str, Any]],
) -> None:
    """A27 ships elsewhere, A17 has a billing address only, A20 has none at all."""
    assert truth["322"]["buyer"]["name"] == "Zoé Lefèvre"
    assert truth["322"]["shipping_address"] == {
        "name": "Zoé L.",
        "company": "",
        "line1": "Relais colis",
        "line2": "",
        "city": "Elne",
        "region": "",
        "postal_code": "66200",
        "country": "FR",
        "phone": "",
    }
    assert truth["312"]["shipping_address"] == {
        "name": "Emily O'Connor",
        "company": "",
        "line1": "350 5th Ave",
        "line2": "",
        "city": "New York",
        "region": "NY",
        "postal_code": "10118",
        "country": "US",
        "phone": "+1 212 555 0100",
    }
    assert truth["324"]["shipping_address"]["line1"] == "Nova adreça 2"
    assert truth["315"]["shipping_address"] is None
    assert truth["315"]["buyer"] == {
        "name": "Mostrador",
        "email": None,
        "phone": None,
        "locale": None,
    }


def test_lines_are_read_as_worked_out_by_hand(truth: dict[str, dict[str, Any]]) -> None:
    """Names are unescaped once; refs of nothing are null; staff edits count."""
    assert truth["312"]["lines"] == [
        {
            "ref": "368",
            "sku": "PLATO-JGO",
            "name": "Plato hondo & cuenco (juego)",
            "quantity": 1,
            "total_minor": 2999,
            "product_ref": "211",
            "variant_ref": None,
        }
    ]
    shirts = truth["294"]["lines"][0]
    assert (shirts["product_ref"], shirts["variant_ref"], shirts["quantity"]) == ("219", "221", 3)
    gone = truth["334"]["lines"][0]
    assert (gone["sku"], gone["product_ref"], gone["total_minor"]) == (None, None, 700)
    assert truth["323"]["lines"][0]["name"] == "<img src=x onerror=alert(1)> Tarjeta"
    assert [line["ref"] for line in truth["324"]["lines"]] == ["606"]
    assert len(truth["317"]["lines"]) == 200


def test_refunds_are_read_as_worked_out_by_hand(truth: dict[str, dict[str, Any]]) -> None:
    """Amounts are positive, an empty reason is null, zero refunds stay."""
    assert truth["325"]["refunds"] == [
        {"ref": "327", "amount_minor": 3900, "reason": "Devolución total", "at": None},
        {"ref": "326", "amount_minor": 1000, "reason": None, "at": None},
    ]
    assert truth["328"]["refunds"][0]["reason"] == "Order fully refunded."
    amounts = {refund["ref"]: refund["amount_minor"] for refund in truth["357"]["refunds"]}
    assert amounts == {
        "358": 1489,
        "359": 495,
        "360": 100,
        "361": 0,
        "362": 0,
        "363": 150,
        "368": 2236,
    }


def test_texts_codes_and_parcels_are_read_as_worked_out_by_hand(
    truth: dict[str, dict[str, Any]],
) -> None:
    """Customers' texts stay raw; five plugins that name one number are one parcel."""
    note = '{{customer.name}} <a href="http://example.com">x</a> &amp; \\ fin'
    assert truth["323"]["note"] == note
    assert truth["292"]["note"] is None
    assert truth["294"]["discount_codes"] == ["menos5", "enviogratis"]
    number = "PQ4F6R0712345670108001X"
    assert truth["316"]["parcels"] == [
        {
            "carrier": "correos",
            "tracking_number": number,
            "tracking_url": None,
            "state": "unknown",
        }
    ]
    parcels = [(ref, len(line["parcels"])) for ref, line in truth.items() if line["parcels"]]
    assert parcels == [("316", 1), ("396", 1)]
    assert "  " not in truth["314"]["buyer"]["name"]


def test_times_are_utc_and_not_the_shops_local_time(truth: dict[str, dict[str, Any]]) -> None:
    """A01 was placed at 02:50:19 in Madrid, which is 01:50:19 in UTC."""
    order = truth["291"]

    assert order["placed_at"] == "2026-11-22T01:50:19Z"
    assert order["modified_at"] == "2026-11-22T01:59:19Z"
    assert order["paid_at"] == order["completed_at"] == "2026-11-22T01:50:21Z"
    assert truth["313"]["paid_at"] is None
    for line in truth.values():
        assert re.fullmatch(r"2026-11-22T0[12]:\d\d:\d\dZ", line["placed_at"])


@pytest.mark.parametrize(
    ("ref", "expected"),
    [
        ("291", "completed created on_hold paid"),
        ("292", "completed created paid"),  # cash on delivery: paid at processing
        ("296", "completed created failed paid"),
        ("297", "canceled created failed"),
        ("299", "canceled created"),
        ("307", "created deleted paid"),
        ("308", "created paid"),
        ("325", "completed created paid refunded:326 refunded:327"),
        ("330", "completed created paid refunded:331"),
        ("335", "created"),
        ("337", "created paid"),
        ("394", "completed created deleted paid refunded:395"),
    ],
)
def test_occurrences_are_as_worked_out_by_hand(
    happened: dict[str, list[list[str]]], ref: str, expected: str
) -> None:
    """What happened to an order, read off its recorded lifecycle."""
    names = [f"{kind}:{which}".removesuffix(":") for kind, which in happened[ref]]

    assert [name.removeprefix("order.") for name in names] == expected.split()


def test_action_hooks_agree_with_the_occurrences(happened: dict[str, list[list[str]]]) -> None:
    """The shop's own hooks name the same orders; 337 was completed unseen."""
    hooked: dict[str, set[str]] = {"completed": set(), "refunded": set()}
    for record in records("webhooks.jsonl"):
        topic = header(record, "x-wc-webhook-topic") or ""
        for kind, refs in hooked.items():
            if topic.startswith("action.") and topic.endswith(f"_{kind}"):
                refs.add(str(json.loads(record["body"])["arg"]))
    known = {
        kind: {ref for ref, pairs in happened.items() if f"order.{kind}" in dict(pairs)}
        for kind in hooked
    }

    assert hooked["refunded"] == known["refunded"]
    assert hooked["completed"] - known["completed"] == {"337"}
    assert known["completed"] - hooked["completed"] == set()


def test_the_eight_error_bodies_are_listed() -> None:
    """Eight order deliveries carry an error body, two for each purged order."""
    listed = json.loads((DATA / "error_bodies.json").read_text(encoding="utf-8"))
    deliveries = records("webhooks.jsonl")

    assert [(entry["index"], entry["order"]) for entry in listed] == [
        (419, "372"),
        (420, "372"),
        (425, "374"),
        (426, "374"),
        (431, "375"),
        (432, "375"),
        (465, "377"),
        (466, "377"),
    ]
    for entry in listed:
        body = json.loads(deliveries[entry["index"]]["body"])
        assert (body["code"], body["data"]["status"]) == (entry["code"], 404)
        assert header(deliveries[entry["index"]], "x-wc-webhook-topic") == entry["topic"]


def test_cassettes_say_where_they_come_from() -> None:
    """The first line of each of the 23 cassettes names its source."""
    firsts = {path.name: path.read_text(encoding="utf-8").split("\n", 1)[0] for path in CASSETTES}

    assert len(firsts) == 23
    assert set(firsts.values()) == {FIRST_LINE}


def test_nothing_recorded_holds_a_key_or_a_machine_path() -> None:
    """No API key, no filled-in authorization and no path of a machine is kept."""
    secret = re.compile(
        r"\bc[ks]_[0-9a-f]{40}\b|[Aa]uthorization:\s*\S*Basic\s|consumer_secret=(?!FILTERED)"
        r"|oauth_signature=(?!FILTERED)|(?<![\w/.-])/(?:root|tmp|var/www|srv)/"
    )
    files = [*CASSETTES, *DATA.glob("*.jsonl")]

    found = {path.name for path in files if secret.search(path.read_text(encoding="utf-8"))}

    assert found == set()
