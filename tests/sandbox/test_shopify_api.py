"""The pretend Shopify's GraphQL API, driven over HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from tests.sandbox.shopify_support import Client, coupon, operations
from webhooks.sandbox.shopify.shop import ShopifyShop

PLAN = "query P($q: String!, $n: Int!, $c: String) { orders(first: $n, after: $c, query: $q, "
PAGE = PLAN + "sortKey: UPDATED_AT) { nodes { id name } pageInfo { hasNextPage endCursor } } }"


@pytest.fixture
def client() -> Iterator[Client]:
    """Run a shop and give a client of it."""
    with ShopifyShop() as shop:
        yield Client(shop)


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


def test_merchant_pages_show_the_order_escaped(client: Client) -> None:
    """The list and the order page show what was written, never as markup."""
    order = client.order(first_name="<b>Ana</b>", tags=["vip"])
    front = requests.get(client.shop.url + "/", timeout=30).text
    page = requests.get(f"{client.shop.url}/orders/{order['id']}", timeout=30).text
    assert "#1001" in front
    for text in (front, page):
        assert "vip" in text
        assert "<b>Ana" not in text
