"""What an app writes into the pretend Shopify, driven over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.sandbox.shopify_support import Client, coupon, operations
from webhooks.sandbox.faults import Fault
from webhooks.sandbox.shopify.shop import ShopifyShop


@pytest.fixture
def client() -> Iterator[Client]:
    """Run a shop and give a client of it."""
    with ShopifyShop() as shop:
        yield Client(shop)


def test_note_tags_and_metafields_reach_the_order(client: Client) -> None:
    """Writes appear in the merchant's view; tags are added once whatever their capitals."""
    order = client.order(tags=["Old"])
    client.run("TagsAdd", id=order["gid"], tags=["thanked", "OLD"])
    client.run("TagsRemove", id=order["gid"], tags=["thanked"])
    client.run("TagsAdd", id=order["gid"], tags=["late"])
    client.run("OrderUpdate", input={"id": order["gid"], "note": "Call first"})
    field = {"ownerId": order["gid"], "namespace": "shop", "key": "case"}
    field |= {"type": "single_line_text_field", "value": "open"}
    done = client.run("MetafieldsSet", metafields=[field])["metafieldsSet"]
    assert done["userErrors"] == []
    seen = client.state()["orders"][0]
    assert (seen["tags"], seen["note"]) == (["Old", "late"], "Call first")
    assert seen["meta"] == {"shop.case": "open"}


def test_metafield_digest_guards_against_a_stale_write(client: Client) -> None:
    """A null digest means "must not exist"; a wrong one is STALE_OBJECT; nothing is half done."""
    order = client.order()
    field = {"ownerId": order["gid"], "key": "claim", "type": "single_line_text_field"}
    first = client.run("MetafieldsSet", metafields=[{**field, "value": "a", "compareDigest": None}])
    digest = first["metafieldsSet"]["metafields"][0]["compareDigest"]
    again = client.run("MetafieldsSet", metafields=[{**field, "value": "b", "compareDigest": None}])
    assert again["metafieldsSet"]["userErrors"][0]["code"] == "STALE_OBJECT"
    good = client.run(
        "MetafieldsSet", metafields=[{**field, "value": "c", "compareDigest": digest}]
    )
    assert good["metafieldsSet"]["metafields"][0]["value"] == "c"


def test_coupon_code_is_unique_whatever_its_capitals(client: Client) -> None:
    """A second code that differs in capitals is TAKEN, and is found by either spelling."""
    done = client.run("DiscountCodeBasicCreate", discount=coupon("THANKS-1", usageLimit=1))
    made = done["discountCodeBasicCreate"]
    assert made["userErrors"] == []
    assert made["codeDiscountNode"]["codeDiscount"]["status"] == "ACTIVE"
    again = client.run("DiscountCodeBasicCreate", discount=coupon("thanks-1"))
    assert again["discountCodeBasicCreate"]["userErrors"][0]["code"] == "TAKEN"
    found = client.run("DiscountByCode", code="Thanks-1")["codeDiscountNodeByCode"]
    assert found["id"] == made["codeDiscountNode"]["id"]
    assert len(client.state()["coupons"]) == 1


def test_coupon_input_is_checked(client: Client) -> None:
    """A share above 1, no buyers and an end before the start are refused."""
    gets = {"value": {"percentage": 10.0}, "items": {"all": True}}
    for wrong in (
        coupon("A", customerGets=gets),
        coupon("B", context=None),
        coupon("C", endsAt="2025-01-01T00:00:00Z"),
        coupon(" "),
    ):
        done = client.run("DiscountCodeBasicCreate", discount=wrong)["discountCodeBasicCreate"]
        assert done["codeDiscountNode"] is None
        assert len(done["userErrors"]) == 1
    assert client.state()["coupons"] == []


def test_coupon_of_one_customer_is_used_once(client: Client) -> None:
    """The buyer it belongs to gets 10 % off 20.00; nobody else can use it."""
    order = client.order(email="ana@example.com")
    customer = client.run("CustomerByEmail", email="ana@example.com")["customerByIdentifier"]
    own = {"customers": {"add": [customer["id"]]}}
    client.run("DiscountCodeBasicCreate", discount=coupon("OWN", context=own, usageLimit=1))
    client.control("orders", email="eva@example.com", coupons=["OWN"], status=409)
    order = client.order(email="ana@example.com", coupons=["own"], shipping="0.00")
    assert order["total"] == "18.00"
    client.control("orders", email="ana@example.com", coupons=["OWN"], status=409)
    assert (
        client.run("DiscountByCode", code="OWN")["codeDiscountNodeByCode"]["codeDiscount"][
            "asyncUsageCount"
        ]
        == 1
    )


def test_refund_needs_a_key_and_the_same_key_refunds_once(client: Client) -> None:
    """Without @idempotent nothing is done; a repeated key gives the first refund again."""
    order = client.order()
    sale = client.run("OrderById", id=order["gid"])["order"]["transactions"][0]
    move = {"orderId": order["gid"], "parentId": sale["id"], "gateway": sale["gateway"]}
    given = {"orderId": order["gid"], "transactions": [{**move, "kind": "REFUND", "amount": "5"}]}
    bare = operations()["RefundCreate"].replace("@idempotent(key: $idempotencyKey)", "")
    bare = bare.replace(", $idempotencyKey: String!", "")
    answer = client.post(bare, {"input": given}).json()
    assert answer["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    first = client.run("RefundCreate", input=given, idempotencyKey="k1")["refundCreate"]
    again = client.run("RefundCreate", input=given, idempotencyKey="k1")["refundCreate"]
    assert first["refund"]["id"] == again["refund"]["id"]
    assert first["order"]["displayFinancialStatus"] == "PARTIALLY_REFUNDED"
    assert [item["amount"] for item in client.state()["orders"][0]["refunds"]] == ["5.00"]
    other = {"orderId": order["gid"], "note": "x"}
    variables = {"input": other, "idempotencyKey": "k1"}
    answer = client.post(operations()["RefundCreate"], variables).json()
    code = answer["errors"][0]["extensions"]["code"]
    assert code == "IDEMPOTENCY_KEY_PARAMETER_MISMATCH"


def test_refund_cannot_exceed_what_was_paid(client: Client) -> None:
    """More than the 24.90 received is a userError, and nothing moves."""
    order = client.order()
    sale = client.run("OrderById", id=order["gid"])["order"]["transactions"][0]
    move = {"orderId": order["gid"], "parentId": sale["id"], "gateway": "shopify_payments"}
    given = {"orderId": order["gid"], "transactions": [{**move, "kind": "REFUND", "amount": "25"}]}
    done = client.run("RefundCreate", input=given, idempotencyKey="k")["refundCreate"]
    assert done["refund"] is None
    assert done["userErrors"]
    assert client.state()["orders"][0]["refunded"] == "0.00"


def test_cancel_refunds_and_gives_a_job(client: Client) -> None:
    """The money goes back, the job is done when asked, a second cancel is refused."""
    order = client.order()
    wanted = {"orderId": order["gid"], "reason": "CUSTOMER", "restock": True}
    wanted["refundMethod"] = {"originalPaymentMethodsRefund": True}
    done = client.run("OrderCancel", **wanted)["orderCancel"]
    assert client.run("JobStatus", id=done["job"]["id"])["job"]["done"] is True
    found = client.run("OrderById", id=order["gid"])["order"]
    assert (found["cancelReason"], found["displayFinancialStatus"]) == ("CUSTOMER", "REFUNDED")
    again = client.run("OrderCancel", **wanted)["orderCancel"]
    assert again["orderCancelUserErrors"][0]["code"] == "INVALID"


def test_bulk_operation_writes_lines_with_parents(client: Client) -> None:
    """Two orders with one line each are four lines, children naming their parent."""
    orders = [client.order(), client.order()]
    text = operations()["BulkOrdersBackfill"]
    begun = client.run("BulkRunQuery", query=text)["bulkOperationRunQuery"]
    assert begun["userErrors"] == []
    found: Any = {"status": "CREATED"}
    for _ in range(5):
        found = client.run("BulkById", id=begun["bulkOperation"]["id"])["bulkOperation"]
        if found["status"] == "COMPLETED":
            break
    assert (found["objectCount"], found["rootObjectCount"]) == ("4", "2")
    lines = [line for line in requests.get(found["url"], timeout=30).iter_lines() if line]
    assert len(lines) == 4
    assert sum(orders[1]["gid"].encode() in line for line in lines) == 2
    assert b'"__parentId": "' + orders[0]["gid"].encode() in lines[1]


def test_bulk_query_without_a_connection_is_refused(client: Client) -> None:
    """A bulk operation needs something to walk through."""
    done = client.run("BulkRunQuery", query="{ shop { name } }")["bulkOperationRunQuery"]
    assert done["userErrors"][0]["code"] == "INVALID"


def test_bulk_operation_can_be_canceled(client: Client) -> None:
    """A canceled operation ends without a file."""
    client.order()
    text = operations()["BulkOrdersBackfill"]
    begun = client.run("BulkRunQuery", query=text)["bulkOperationRunQuery"]["bulkOperation"]
    canceled = client.run("BulkCancel", id=begun["id"])["bulkOperationCancel"]
    assert canceled["bulkOperation"]["status"] == "CANCELING"
    found = client.run("BulkById", id=begun["id"])["bulkOperation"]
    assert (found["status"], found["url"]) == ("CANCELED", None)


def test_faults_hit_an_operation_by_name(client: Client) -> None:
    """A lost answer leaves the tag in place; 423 answers in the platform's words."""
    order = client.order()
    client.shop.faults.add(Fault("drop_after", match="mutation TagsAdd"))
    with pytest.raises(requests.ConnectionError):
        client.post(operations()["TagsAdd"], {"id": order["gid"], "tags": ["kept"]})
    assert client.state()["orders"][0]["tags"] == ["kept"]
    for status in (402, 403, 423):
        client.shop.faults.add(Fault("status", status=status))
        answer = client.post("{ shop { name } }")
        assert answer.status_code == status
        assert isinstance(answer.json()["errors"], str)
    calls = [call for call in client.state()["calls"] if call["write"]]
    assert [call["operation"] for call in calls] == ["TagsAdd"]


def test_gift_card_credit_draft_and_consent(client: Client) -> None:
    """Each write is recorded once a call, and shows in the merchant's view."""
    order = client.order(phone="+34600000001")
    buyer = client.run("OrderById", id=order["gid"])["order"]["customer"]["id"]
    money = {"amount": "10.00", "currencyCode": "EUR"}
    card = client.run("GiftCardCreate", input={"initialAmount": money, "customerId": buyer})
    code = card["giftCardCreate"]["giftCardCode"]
    assert card["giftCardCreate"]["giftCard"]["lastCharacters"] == code[-4:]
    for balance in ("10.0", "20.0"):
        done = client.run("StoreCreditCredit", id=buyer, creditInput={"creditAmount": money})
        account = done["storeCreditAccountCredit"]["storeCreditAccountTransaction"]["account"]
        assert account["balance"]["amount"] == balance
    lines = [{"title": "Tea", "quantity": 1, "originalUnitPriceWithCurrency": money}]
    draft = client.run("DraftOrderCreate", input={"lineItems": lines})["draftOrderCreate"]
    assert draft["draftOrder"]["invoiceUrl"].startswith("https://sandbox-shop.myshopify.com/")
    consent = {"marketingState": "UNSUBSCRIBED", "marketingOptInLevel": "SINGLE_OPT_IN"}
    given = {"customerId": buyer, "emailMarketingConsent": consent}
    client.run("CustomerEmailConsentUpdate", input=given)
    given = {"customerId": buyer, "smsMarketingConsent": {"marketingState": "SUBSCRIBED"}}
    client.run("CustomerSmsConsentUpdate", input=given)
    client.run("CustomerUpdate", input={"id": buyer, "note": "Likes tea"})
    definition = {"name": "Case", "key": "case", "type": "json", "ownerType": "ORDER"}
    client.run("MetafieldDefinitionCreate", definition=definition)
    again = client.run("MetafieldDefinitionCreate", definition=definition)
    assert again["metafieldDefinitionCreate"]["userErrors"][0]["code"] == "TAKEN"
    state = client.state()
    assert [gift["kind"] for gift in state["gifts"]] == [
        "gift_card",
        "store_credit",
        "store_credit",
    ]
    customer = state["customers"][0]
    assert (customer["marketing_state"], customer["sms_state"]) == ("UNSUBSCRIBED", "SUBSCRIBED")


def test_stock_is_adjusted_once_a_key_and_never_from_a_stale_number(client: Client) -> None:
    """Ten units plus one are eleven, whatever is repeated; a stale expectation is refused."""
    order = client.order()
    line = client.run("OrderById", id=order["gid"])["order"]["lineItems"]["nodes"][0]
    item = line["variant"]["inventoryItem"]["id"]
    place = client.run("Locations")["locations"]["nodes"][0]["id"]
    row = {"inventoryItemId": item, "locationId": place, "delta": 1, "changeFromQuantity": 10}
    given = {"name": "available", "reason": "restock", "changes": [row]}
    for _ in range(2):
        done = client.run("InventoryAdjust", input=given, idempotencyKey="a")
        change = done["inventoryAdjustQuantities"]["inventoryAdjustmentGroup"]["changes"][0]
        assert change["quantityAfterChange"] == 11
    stale = client.run("InventoryAdjust", input=given, idempotencyKey="b")
    errors = stale["inventoryAdjustQuantities"]["userErrors"]
    assert errors[0]["code"] == "CHANGE_FROM_QUANTITY_STALE"
    row = {"inventoryItemId": item, "locationId": place, "quantity": 3, "changeFromQuantity": None}
    given = {"name": "available", "reason": "correction", "quantities": [row]}
    client.run("InventorySet", input=given, idempotencyKey="c")
    level = client.run("InventoryByItem", id=item)["inventoryItem"]["inventoryLevels"]["nodes"][0]
    quantities = {one["name"]: one["quantity"] for one in level["quantities"]}
    assert quantities == {"available": 3, "on_hand": 3, "committed": 0}


def test_every_operation_is_run_by_these_tests() -> None:
    """No operation of the file is left out of the test modules."""
    folder = Path(__file__).parent
    texts = [path.read_text(encoding="utf-8") for path in folder.glob("test_shopify*.py")]
    unused = [name for name in operations() if not any(f'"{name}"' in text for text in texts)]
    assert unused == []
