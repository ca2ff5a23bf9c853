"""The pretend Shopify's GraphQL API, driven over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.sandbox.shopify_support import Client, operations
from webhooks.sandbox.faults import Fault
from webhooks.sandbox.shopify.shop import ShopifyShop

PLAN = "query P($q: String!, $n: Int!, $c: String) { orders(first: $n, after: $c, query: $q, "
PAGE = PLAN + "sortKey: UPDATED_AT) { nodes { id name } pageInfo { hasNextPage endCursor } } }"


@pytest.fixture
def client() -> Iterator[Client]:
    """Run a shop and give a client of it."""
    with ShopifyShop() as shop:
        yield Client(shop)


def coupon(code: str, **more: Any) -> dict[str, Any]:
    """Write the input of a ten percent coupon for everyone."""
    return {
        "title": code,
        "code": code,
        "startsAt": "2026-01-01T00:00:00Z",
        "context": {"all": "ALL"},
        "customerGets": {"value": {"percentage": 0.1}, "items": {"all": True}},
        **more,
    }


def test_every_read_of_the_operations_file_runs(client: Client) -> None:
    """Each query an app may send is answered without errors."""
    order = client.order(lines=[{"sku": "A", "name": "Tea", "quantity": 2, "price": "10.00"}])
    client.act(order, "ship", carrier="Correos", number="PK1", url="https://example.com/PK1")
    client.act(order, "deliver")
    parcel = client.state()["orders"][0]["fulfillments"][0]["id"]
    found = client.run("OrderById", id=order["gid"])["order"]
    product = found["lineItems"]["nodes"][0]["product"]["id"]
    for name in ("ShopInfo", "AppInstallationScopes", "Locations", "WebhookList", "BulkList"):
        client.run(name)
    client.run("ReturnReasons")
    client.run("OrderLinesPage", id=order["gid"])
    client.run("OrderFulfillmentOrders", id=order["gid"])
    client.run("FulfillmentEvents", id=f"gid://shopify/Fulfillment/{parcel}")
    client.run("SuggestedRefund", orderId=order["gid"], full=True)
    client.run("ReturnableFulfillments", orderId=order["gid"])
    client.run("CustomerById", id=found["customer"]["id"])
    client.run("CustomerByEmail", email="ANA@example.com")
    client.run("ProductForUpsell", id=product)
    client.run("DisputeById", id="gid://shopify/ShopifyPaymentsDispute/1")


def test_order_shows_money_lines_and_customer(client: Client) -> None:
    """Totals are worked out by hand: 2 x 10.00 + 4.90 shipping, tax 21 % inside."""
    order = client.order(
        lines=[{"sku": "A", "name": "Tea", "quantity": 2, "price": "10.00"}],
        email="luz@example.com",
        accepts_marketing=True,
        orders_before=2,
    )
    found = client.run("OrderById", id=order["gid"])["order"]
    money = {"amount": "24.9", "currencyCode": "EUR"}
    assert found["totalPriceSet"] == {"shopMoney": money, "presentmentMoney": money}
    assert found["displayFinancialStatus"] == "PAID"
    assert found["displayFulfillmentStatus"] == "UNFULFILLED"
    line = found["lineItems"]["nodes"][0]
    assert (line["quantity"], line["unfulfilledQuantity"]) == (2, 2)
    assert line["originalUnitPriceSet"]["shopMoney"]["amount"] == "10.0"
    assert found["customer"]["numberOfOrders"] == "3"  # 64-bit numbers are texts
    assert found["customer"]["defaultEmailAddress"]["marketingState"] == "SUBSCRIBED"
    assert found["transactions"][0]["kind"] == "SALE"
    tax = client.post(
        "query T($id: ID!) { order(id: $id) { totalTaxSet { shopMoney { amount } } } }",
        {"id": order["gid"]},
    ).json()
    # 24.90 * 21 / 121 = 4.3214...
    assert tax["data"]["order"]["totalTaxSet"]["shopMoney"]["amount"] == "4.32"


def test_ids_above_two_to_the_53_are_exact(client: Client) -> None:
    """Every second order has an id that a double cannot hold."""
    client.order()
    order = client.order()
    assert order["id"] > 2**53
    assert int(float(order["id"])) != order["id"]
    found = client.run("OrderById", id=order["gid"])["order"]
    assert found["legacyResourceId"] == str(order["id"])


def test_presentment_currency_and_zero_decimals(client: Client) -> None:
    """A buyer who pays in yen sees yen: 24.90 euro at 160 are 3984 yen."""
    order = client.order(presentment_currency="JPY", presentment_rate="160")
    found = client.run("OrderById", id=order["gid"])["order"]
    assert found["totalPriceSet"]["presentmentMoney"] == {"amount": "3984.0", "currencyCode": "JPY"}
    assert found["currencyCode"] == "EUR"


def test_token_grant_gives_a_day_and_refuses_a_wrong_secret(client: Client) -> None:
    """Client credentials give a token that works; a wrong secret is invalid_client."""
    url = f"{client.shop.api_url}/admin/oauth/access_token"
    form = {
        "client_id": client.shop.client_id,
        "client_secret": client.shop.client_secret,
        "grant_type": "client_credentials",
    }
    given = requests.post(url, data=form, timeout=30).json()
    assert given["expires_in"] == 86399
    assert "write_orders" in given["scope"].split(",")
    answer = client.post("{ shop { name } }", token=given["access_token"])
    assert answer.json()["data"]["shop"]["name"] == "Sandbox Shopify"
    wrong = requests.post(url, json={**form, "client_secret": "no"}, timeout=30)
    assert (wrong.status_code, wrong.json()) == (400, {"error": "invalid_client"})


def test_wrong_token_is_401_with_a_text_as_errors(client: Client) -> None:
    """The platform's 401 carries `errors` as one text, not as a list."""
    answer = client.post("{ shop { name } }", token="shpat_wrong")
    assert answer.status_code == 401
    assert answer.json()["errors"].startswith("[API] Invalid API key or access token")
    assert answer.headers["X-Request-Id"]
    assert answer.headers["X-Shopify-API-Version"] == "2026-10"


def test_operation_invalid_on_the_published_schema_fails(client: Client) -> None:
    """A field that the schema lacks is refused with the platform's code."""
    answer = client.post('{ order(id: "gid://shopify/Order/1") { colour } }').json()
    assert "data" not in answer
    assert answer["errors"][0]["extensions"]["code"] == "undefinedField"
    assert answer["errors"][0]["message"] == "Field 'colour' doesn't exist on type 'Order'"


def test_valid_field_that_is_not_pretended_is_an_error_not_a_null(client: Client) -> None:
    """The sandbox says so when it cannot answer, so no test passes by a gap."""
    answer = client.post("{ giftCards(first: 1) { nodes { id } } }").json()
    assert answer["errors"][0]["extensions"]["code"] == "SANDBOX_NOT_PRETENDED"


def test_missing_scope_is_access_denied(client: Client) -> None:
    """A mutation without its scope does nothing and says ACCESS_DENIED."""
    order = client.order()
    client.control("settings", scopes=["read_orders"])
    answer = client.post(operations()["TagsAdd"], {"id": order["gid"], "tags": ["x"]}).json()
    assert answer["errors"][0]["extensions"]["code"] == "ACCESS_DENIED"
    answer = client.post(operations()["DiscountCodeBasicCreate"], {"discount": coupon("A")}).json()
    assert answer["errors"][0]["extensions"]["code"] == "ACCESS_DENIED"
    state = client.state()
    assert (state["orders"][0]["tags"], state["coupons"]) == ([], [])


def test_customer_is_null_with_an_error_beside_data_without_its_scope(client: Client) -> None:
    """Partial answers hold both `data` and `errors`, with the path."""
    order = client.order()
    client.control("settings", scopes=["read_orders"])
    query = "query O($id: ID!) { order(id: $id) { name customer { id } } }"
    answer = client.post(query, {"id": order["gid"]}).json()
    assert answer["data"]["order"] == {"name": "#1001", "customer": None}
    assert answer["errors"][0]["path"] == ["order", "customer"]


def test_cost_is_counted_and_a_dry_bucket_throttles_within_200(client: Client) -> None:
    """OrderById asks for 717 points; a bucket of 100 refuses it, still with HTTP 200."""
    order = client.order()
    answer = client.post(operations()["OrderById"], {"id": order["gid"]}).json()
    assert answer["extensions"]["cost"]["requestedQueryCost"] == 717
    client.control("settings", bucket_maximum=100, bucket_restore_per_s=50)
    answer = client.post(operations()["OrderById"], {"id": order["gid"]})
    assert answer.status_code == 200
    assert answer.json()["errors"][0]["extensions"]["code"] == "THROTTLED"
    status = answer.json()["extensions"]["cost"]["throttleStatus"]
    assert (status["maximumAvailable"], status["restoreRate"]) == (100.0, 50.0)


def test_query_over_a_thousand_points_is_refused(client: Client) -> None:
    """One query may ask for 1000 points at most, whatever the bucket holds."""
    variables = {"query": "status:open", "first": 250}
    answer = client.post(operations()["OrdersUpdatedSince"], variables).json()
    assert answer["errors"][0]["extensions"]["code"] == "MAX_COST_EXCEEDED"


def test_paging_meets_every_order_once(client: Client) -> None:
    """Cursors walk through five orders in pages of two."""
    names = [client.order()["number"] for _ in range(5)]
    seen: list[str] = []
    cursor = None
    while True:
        answer = client.post(PAGE, {"q": "updated_at:>'2020-01-01'", "n": 2, "c": cursor}).json()
        page = answer["data"]["orders"]
        seen += [node["name"] for node in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        cursor = page["pageInfo"]["endCursor"]
    assert sorted(seen) == names


def test_search_filters(client: Client) -> None:
    """Filters narrow the list; a misspelt one is ignored."""
    old = client.order(created_at="2026-01-02T10:00:00Z", email="old@example.com")
    new = client.order(tags=["vip"], paid=False, email="new@example.com")

    def names(query: str) -> list[str]:
        answer = client.post(PAGE, {"q": query, "n": 10, "c": None}).json()
        return sorted(node["name"] for node in answer["data"]["orders"]["nodes"])

    both = sorted([old["number"], new["number"]])
    assert names("created_at:<'2026-01-03T00:00:00Z'") == [old["number"]]
    assert names("created_at:2026-01-01..2026-01-03") == [old["number"]]
    assert names("tag:vip AND financial_status:pending") == [new["number"]]
    assert names("-tag:vip") == [old["number"]]
    assert names('email:"old@example.com" OR tag:vip') == both
    assert names("updated_att:>'2030-01-01'") == both
    assert names("updated_at:>'2100-01-01T00:00:00Z'") == []


def test_page_size_must_be_given_and_has_a_limit(client: Client) -> None:
    """A connection without first, and one of 251, are refused."""
    for part in ("", "(first: 251)"):
        answer = client.post(f"{{ customers{part} {{ nodes {{ id }} }} }}").json()
        assert answer["errors"]


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


def test_hold_handle_is_unique_and_only_ours_is_released(client: Client) -> None:
    """The same handle twice is refused; releasing one hold leaves the other."""
    order = client.order()
    shown = client.run("OrderFulfillmentOrders", id=order["gid"])["order"]["fulfillmentOrders"]
    place = shown["nodes"][0]["id"]
    hold = {"reason": "INCORRECT_ADDRESS", "handle": "address"}
    first = client.run("FulfillmentOrderHold", id=place, hold=hold)["fulfillmentOrderHold"]
    again = client.run("FulfillmentOrderHold", id=place, hold=hold)["fulfillmentOrderHold"]
    assert again["userErrors"][0]["code"] == "DUPLICATE_FULFILLMENT_HOLD_HANDLE"
    client.run("FulfillmentOrderHold", id=place, hold={"reason": "OTHER", "handle": "other"})
    held = [first["fulfillmentHold"]["id"]]
    client.run("FulfillmentOrderReleaseHold", id=place, holdIds=held)
    assert [h["handle"] for h in client.state()["orders"][0]["holds"]] == ["other"]


def test_without_its_scopes_fulfillment_orders_are_hidden_not_denied(client: Client) -> None:
    """The list is empty and there is no error."""
    order = client.order()
    client.control("settings", scopes=["read_orders"])
    found = client.run("OrderFulfillmentOrders", id=order["gid"])["order"]
    assert found["fulfillmentOrders"]["nodes"] == []


def test_fulfillment_made_by_the_app_and_its_events(client: Client) -> None:
    """The parcel carries its tracking, and the newest event is its display status."""
    order = client.order()
    shown = client.run("OrderFulfillmentOrders", id=order["gid"])["order"]["fulfillmentOrders"]
    parcel = client.run(
        "FulfillmentCreate",
        fulfillment={
            "lineItemsByFulfillmentOrder": [{"fulfillmentOrderId": shown["nodes"][0]["id"]}],
            "trackingInfo": {"company": "Correos", "number": "X1", "url": "https://e.com/X1"},
        },
    )["fulfillmentCreate"]["fulfillment"]
    late = {"fulfillmentId": parcel["id"], "status": "DELIVERED"}
    client.run("FulfillmentEventCreate", event={**late, "happenedAt": "2026-11-22T12:00:00Z"})
    early = {"fulfillmentId": parcel["id"], "status": "IN_TRANSIT"}
    client.run("FulfillmentEventCreate", event={**early, "happenedAt": "2026-11-21T12:00:00Z"})
    found = client.run("FulfillmentEvents", id=parcel["id"])["fulfillment"]
    assert found["displayStatus"] == "DELIVERED"
    assert found["deliveredAt"] == "2026-11-22T12:00:00Z"
    assert [e["status"] for e in found["events"]["nodes"]] == ["IN_TRANSIT", "DELIVERED"]
    assert found["trackingInfo"] == [
        {"company": "Correos", "number": "X1", "url": "https://e.com/X1"}
    ]


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


def test_return_goes_from_request_to_closed(client: Client) -> None:
    """A buyer's request is approved, then closed; the order shows each step."""
    order = client.order()
    client.act(order, "ship", carrier="Correos", number="X1")
    rows = client.run("ReturnableFulfillments", orderId=order["gid"])["returnableFulfillments"]
    row = rows["nodes"][0]["returnableFulfillmentLineItems"]["nodes"][0]
    line = {"fulfillmentLineItemId": row["fulfillmentLineItem"]["id"], "quantity": 1}
    given = {"orderId": order["gid"], "returnLineItems": [line]}
    made = client.run("ReturnRequest", input=given)["returnRequest"]["return"]
    assert client.state()["orders"][0]["return_status"] == "RETURN_REQUESTED"
    client.run("ReturnApproveRequest", input={"id": made["id"]})
    assert client.run("ReturnById", id=made["id"])["return"]["status"] == "OPEN"
    client.run("ReturnClose", id=made["id"])
    assert client.state()["orders"][0]["return_status"] == "RETURNED"


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


def test_merchant_pages_show_the_order_escaped(client: Client) -> None:
    """The list and the order page show what was written, never as markup."""
    order = client.order(first_name="<b>Ana</b>", tags=["vip"])
    front = requests.get(client.shop.url + "/", timeout=30).text
    page = requests.get(f"{client.shop.url}/orders/{order['id']}", timeout=30).text
    assert "#1001" in front
    for text in (front, page):
        assert "vip" in text
        assert "<b>Ana" not in text
