"""How the adapter calls Shopify: operations, tokens, errors, reads, writes, webhooks."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from graphql import OperationDefinitionNode, parse, validate
from graphql.validation import NoDeprecatedCustomRule

from adapters.shops.shopify import schema
from adapters.shops.shopify.adapter import ShopifyAdapter, clean_domain
from adapters.shops.shopify.envelope import Cost, Extensions, Throttle, throttle_s
from adapters.shops.shopify.operations import names, text_of
from connector.errors import (
    AuthRejected,
    ConfigurationError,
    Conflict,
    InvalidRequest,
    NotFound,
    OutcomeUnknown,
    PlatformDown,
    RateLimited,
    ShopPaused,
    TemporaryFailure,
    Unsupported,
)
from connector.model.order import OrderRef, UnreadableOrder
from connector.model.write import (
    AddNote,
    AddTags,
    CreateDiscountCode,
    DiscountKind,
    RemoveTags,
    SetMeta,
    SetStatus,
)
from tests.adapters.shops.shopify_support import DOMAIN, SECRET, connected
from webhooks.sandbox.faults import Fault
from webhooks.sandbox.shopify.cost import Counter
from webhooks.sandbox.shopify.schema import published
from webhooks.sandbox.shopify.shop import ShopifyShop

HOOK = "https://postventa.example/hooks/shopify"
START = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


@pytest.fixture
def shop() -> Iterator[ShopifyShop]:
    """Run a pretend shop whose webhooks go nowhere."""
    with ShopifyShop() as running:
        yield running


def place(shop: ShopifyShop, **data: Any) -> OrderRef:
    """Place an order."""
    return OrderRef(str(shop.create_order(data)["id"]))


def seen(shop: ShopifyShop, ref: OrderRef) -> dict[str, Any]:
    """Give what the merchant sees of an order."""
    return next(item for item in shop.state()["orders"] if str(item["id"]) == ref)


def fault_json(text: str, match: str, status: int = 200) -> Fault:
    """Answer one call with a body of our choice."""
    return Fault("status", match=match, status=status, body=text)


def calls(shop: ShopifyShop) -> list[str]:
    """List the calls the shop got, oldest first."""
    return [str(call) for call in shop.calls_json()]


# Operations.


@pytest.mark.parametrize("name", names())
def test_each_operation_is_valid_on_the_published_schema(name: str) -> None:
    """Each operation, sent alone, is valid, uses nothing deprecated and costs under 1000."""
    schema, document = published().schema, parse(text_of(name))
    assert validate(schema, document) == []
    assert validate(schema, document, [NoDeprecatedCustomRule]) == []
    [operation] = [
        node for node in document.definitions if isinstance(node, OperationDefinitionNode)
    ]
    assert operation.name is not None
    assert operation.name.value == name
    assert Counter(schema, document, {}).requested(operation) <= 1000


# Settings and domain.


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("my-shop.myshopify.com", "my-shop.myshopify.com"),
        ("  HTTPS://My-Shop.myshopify.com/admin ", "my-shop.myshopify.com"),
        ("my-shop", "my-shop.myshopify.com"),
    ],
)
def test_domain_is_brought_into_one_form(text: str, domain: str) -> None:
    """A domain with scheme, path or capitals, or its name alone, is understood."""
    assert clean_domain(text) == domain


@pytest.mark.parametrize(
    "text",
    ["", "shop.example.com", "a.myshopify.com.evil.com", "ab.myshopify.com@evil.com", "a b"],
)
def test_other_domains_are_refused(text: str) -> None:
    """What is not surely a Shopify domain is refused."""
    with pytest.raises(ConfigurationError, match="myshopify"):
        clean_domain(text)


def test_keys_are_needed() -> None:
    """Without token and without client id and secret there is no adapter."""
    with pytest.raises(ConfigurationError, match="client_id"):
        ShopifyAdapter({"domain": DOMAIN}, {"client_secret": SECRET})


# Tokens.


def test_token_is_asked_once_and_kept(shop: ShopifyShop) -> None:
    """Many threads at once share one token request."""
    adapter, ref = connected(shop, static=False), place(shop)
    threads = [threading.Thread(target=adapter.fetch_order, args=(ref,)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum("oauth" in call for call in calls(shop)) == 1


def test_dead_token_is_replaced_once(shop: ShopifyShop) -> None:
    """A token that died is replaced and the call repeated, also for a write."""
    adapter, ref = connected(shop, static=False), place(shop)
    adapter.fetch_order(ref)
    shop.forget_tokens()
    adapter.write(AddTags(ref, ("late",)))
    assert seen(shop, ref)["tags"] == ["late"]
    assert sum("oauth" in call for call in calls(shop)) == 2


def test_wrong_client_secret_is_explained(shop: ShopifyShop) -> None:
    """A refused client secret says what to do."""
    adapter = connected(shop, static=False)
    shop.client_secret = "shpss_other"
    with pytest.raises(AuthRejected, match="client secret"):
        adapter.look_at_shop()


def test_uninstalled_app_is_explained_out_of_a_page(shop: ShopifyShop) -> None:
    """The refusal `app_not_installed` comes as a web page and is understood."""
    adapter = connected(shop, static=False)
    shop.installed = False
    with pytest.raises(AuthRejected, match="not installed") as caught:
        adapter.look_at_shop()
    assert caught.value.code == "app_not_installed"


def test_dead_static_token_is_rejected(shop: ShopifyShop) -> None:
    """A pasted token cannot be renewed: the shop counts as disconnected."""
    adapter = connected(shop)
    shop.installed = False
    with pytest.raises(AuthRejected, match="uninstalled"):
        adapter.look_at_shop()


# Errors inside of 200.


def test_long_throttling_is_left_to_the_caller(shop: ShopifyShop) -> None:
    """When the bucket needs long, the wait is told and nobody sleeps."""
    adapter, ref = connected(shop), place(shop)
    shop.bucket.resize(1000.0, 1.0)
    shop.bucket.level = 0.0
    with pytest.raises(RateLimited) as caught:
        adapter.fetch_order(ref)
    assert caught.value.retry_after_s is not None
    assert caught.value.retry_after_s > 500


def test_short_throttling_is_waited_out(shop: ShopifyShop) -> None:
    """When the bucket needs a second or two, the call waits and succeeds."""
    adapter, ref = connected(shop), place(shop)
    shop.bucket.resize(2000.0, 1000.0)
    shop.bucket.level = 0.0
    assert adapter.fetch_order(ref).ref == ref


@pytest.mark.parametrize(
    ("requested", "available", "rate", "wait"),
    [(700.0, 200.0, 100.0, 5.0), (700.0, 690.0, 100.0, 1.0), (700.0, 0.0, 0.0, 1.0)],
)
def test_wait_of_a_throttled_call(
    requested: float, available: float, rate: float, wait: float
) -> None:
    """The wait is what is missing by the rate, at least a second, also for rate 0."""
    assert throttle_s(Extensions(Cost(requested, Throttle(available, rate)))) == wait


def test_missing_scope_is_named(shop: ShopifyShop) -> None:
    """A denied write names the scope that is missing."""
    adapter, ref = connected(shop), place(shop)
    shop.scopes = frozenset({"read_orders", "read_customers"})
    with pytest.raises(AuthRejected, match="write_orders") as caught:
        adapter.write(AddTags(ref, ("late",)))
    assert caught.value.code == "ACCESS_DENIED"


@pytest.mark.parametrize(
    ("text", "read", "write"),
    [
        (
            '{"errors":[{"message":"Oh","extensions":{"code":"INTERNAL_SERVER_ERROR"}}]}',
            PlatformDown,
            OutcomeUnknown,
        ),
        ('{"data":null}', PlatformDown, OutcomeUnknown),
        ("[]", PlatformDown, OutcomeUnknown),
        ('{"data":{"order":{"id":5}}}', PlatformDown, OutcomeUnknown),
        ('{"errors":"[API] Invalid API key or access token (x)"}', AuthRejected, AuthRejected),
        ('{"errors":[{"message":"Field \'x\' missing"}]}', InvalidRequest, InvalidRequest),
        ('{"errors":{"query":"Required parameter missing"}}', InvalidRequest, InvalidRequest),
    ],
)
def test_errors_inside_of_an_answer(
    shop: ShopifyShop, text: str, read: type[Exception], write: type[Exception]
) -> None:
    """An answer with status 200 may still be an error; after a write some are unclear."""
    adapter, ref = connected(shop), place(shop)
    shop.faults.add(fault_json(text, "query OrderById"))
    with pytest.raises(read):
        adapter.fetch_order(ref)
    shop.faults.add(fault_json(text, "mutation TagsAdd"))
    with pytest.raises(write):
        adapter.write(AddTags(ref, ("late",)))


@pytest.mark.parametrize("status", [402, 423])
def test_frozen_shop_is_paused(shop: ShopifyShop, status: int) -> None:
    """A shop that Shopify froze or locked is looked at again later."""
    adapter, ref = connected(shop), place(shop)
    shop.faults.add(Fault("status", match="query OrderById", status=status))
    with pytest.raises(ShopPaused):
        adapter.fetch_order(ref)


def test_missing_approval_keeps_the_rest(shop: ShopifyShop) -> None:
    """A field without approval is left out and told; the order is read all the same."""
    adapter, ref = connected(shop), place(shop)
    shop.faults.add(fault_json(PARTIAL, "query OrderById"))
    order = adapter.fetch_order(ref)
    assert (order.total_minor, order.buyer.email) == (2490, None)
    problems = adapter.look_at_shop().problems
    assert len(problems) == 1
    assert problems[0].startswith("Shopify does not tell order.customer: This app is not approved")


PARTIAL = """{"data":{"order":{"id":"gid://shopify/Order/5","name":"#1",
"createdAt":"2026-11-20T10:00:00Z","processedAt":"2026-11-20T10:00:00Z",
"updatedAt":"2026-11-20T10:00:00Z","currencyCode":"EUR","customer":null,
"totalPriceSet":{"shopMoney":{"amount":"24.9"}},"lineItems":{"nodes":[]}}},
"errors":[{"message":"This app is not approved to access the Customer object.",
"path":["order","customer"],"extensions":{"code":"ACCESS_DENIED"}}]}"""


def test_lost_shop_is_not_a_lost_order(shop: ShopifyShop) -> None:
    """A 404 of the API is about the shop; no order may count as deleted for it."""
    adapter, ref = connected(shop), place(shop)
    shop.faults.add(Fault("status", match="query OrderById", status=404))
    with pytest.raises(InvalidRequest, match="check the domain"):
        adapter.fetch_order(ref)


# Reads.


def test_order_with_many_lines_is_read_whole(shop: ShopifyShop) -> None:
    """All lines of a long order are read, by its own address and in a list."""
    adapter = connected(shop)
    lines = [{"sku": f"S-{n}", "name": f"S {n}", "quantity": 1, "price": "1.00"} for n in range(75)]
    ref = place(shop, lines=lines)
    wanted = [f"S-{n}" for n in range(75)]
    assert [line.sku for line in adapter.fetch_order(ref).lines] == wanted
    [listed] = adapter.orders_changed_since(START - timedelta(days=3650))
    assert [line.sku for line in listed.lines] == wanted


def test_paid_and_delivered_times_are_read(shop: ShopifyShop) -> None:
    """The API tells when money came in and when a parcel arrived."""
    adapter, ref = connected(shop), place(shop)
    arrived = {"happened_at": "2026-11-22T08:30:00Z"}
    shop.act(ref, "ship", {"number": "PK1", "carrier": "Correos"})
    shop.act(ref, "deliver", arrived)
    order = adapter.fetch_order(ref)
    assert order.paid_at is not None
    assert order.parcels[0].delivered_at == datetime(2026, 11, 22, 8, 30, tzinfo=UTC)


def test_deleted_order_is_not_found(shop: ShopifyShop) -> None:
    """An order that was deleted is not found, with and without read_all_orders."""
    adapter = connected(shop)
    place(shop)
    ref = place(shop)
    shop.act(ref, "delete", {})
    with pytest.raises(NotFound):
        adapter.fetch_order(ref)
    shop.scopes = frozenset({"write_orders", "read_customers", "read_fulfillments"})
    with pytest.raises(NotFound):
        adapter.fetch_order(ref)


def test_order_too_old_to_see_is_not_taken_for_deleted(shop: ShopifyShop) -> None:
    """Without read_all_orders an order of 61 days is hidden, and that is said."""
    adapter = connected(shop)
    old = (datetime.now(UTC) - timedelta(days=61)).isoformat()
    ref = place(shop, created_at=old)
    assert adapter.fetch_order(ref).ref == ref
    shop.scopes = frozenset({"write_orders", "read_customers", "read_fulfillments"})
    with pytest.raises(Unsupported, match="read_all_orders"):
        adapter.fetch_order(ref)
    place(shop)
    with pytest.raises(Unsupported, match="60 days"):
        adapter.fetch_order(ref)


def test_strange_reference_is_refused(shop: ShopifyShop) -> None:
    """A reference that is no number never reaches the shop."""
    with pytest.raises(InvalidRequest):
        connected(shop).fetch_order(OrderRef("5/../6"))
    assert calls(shop) == []


def test_changed_orders_come_once_over_pages(shop: ShopifyShop) -> None:
    """All orders changed since a time are listed once, oldest change first."""
    adapter = connected(shop)
    refs = [place(shop) for _ in range(11)]
    found = list(adapter.orders_changed_since(datetime.now(UTC) - timedelta(hours=1)))
    assert sorted(order.ref for order in found) == sorted(refs)
    times = [order.modified_at for order in found]
    assert times == sorted(times)
    assert list(adapter.orders_changed_since(datetime.now(UTC) + timedelta(hours=1))) == []


def test_an_order_that_cannot_be_read_is_given_as_such(shop: ShopifyShop) -> None:
    """Its number, its body and what does not fit are told; nothing is raised."""
    adapter = connected(shop)
    ref = place(shop)
    variables = {"query": "", "sortKey": "UPDATED_AT", "after": None}
    told = adapter._client.ask("OrdersPage", variables, schema.OrdersData)
    (node,) = told.data.orders.nodes
    odd = adapter._reader._of_page(msgspec.structs.replace(node, updated_at="yesterday"))
    assert isinstance(odd, UnreadableOrder)
    assert (odd.ref, json.loads(odd.body)["updatedAt"]) == (ref, "yesterday")
    assert "updated_at" in odd.why


def test_orders_of_a_span_are_listed_and_counted(shop: ShopifyShop) -> None:
    """The beginning of a span is included, its end is not; old orders count when imported."""
    adapter = connected(shop)
    for hour in (8, 9, 10, 11):
        place(shop, created_at=f"2026-11-20T{hour:02}:00:00Z")
    since, until = (datetime(2026, 11, 20, hour, tzinfo=UTC) for hour in (9, 11))
    found = [order.placed_at.hour for order in adapter.orders_placed_between(since, until)]
    assert found == [9, 10]
    assert adapter.count_orders_placed(since, until) == 2


# Writes.


def test_note_is_added_to_what_stands_there(shop: ShopifyShop) -> None:
    """A note joins the order's own as one line and is written once."""
    adapter, ref = connected(shop), place(shop, note="Timbre roto\n")
    action = AddNote(ref, "Bienvenida\n enviada", "pv-1a2b")
    adapter.write(action)
    again = adapter.write(action)
    assert again.adopted
    assert seen(shop, ref)["note"] == "Timbre roto\nBienvenida enviada [pv-1a2b]"
    assert again.modified_at == adapter.fetch_order(ref).modified_at


def test_tags_keep_their_letters_and_are_checked(shop: ShopifyShop) -> None:
    """Tags are found whatever their capitals; a comma would make two of one."""
    adapter, ref = connected(shop), place(shop, tags=["VIP"])
    assert adapter.find(AddTags(ref, ("vip",))) is not None
    assert adapter.find(RemoveTags(ref, ("vip",))) is None
    done = adapter.write(AddTags(ref, ("ñandú",)))
    assert done.modified_at == adapter.fetch_order(ref).modified_at
    for bad in ("a,b", " ", "x" * 41):
        with pytest.raises(InvalidRequest):
            adapter.write(AddTags(ref, (bad,)))


def test_writes_to_a_deleted_order_are_not_found(shop: ShopifyShop) -> None:
    """A write to an order that is gone says so."""
    adapter, ref = connected(shop), place(shop)
    shop.act(ref, "delete", {})
    for action in (
        AddNote(ref, "Hola", "pv-1"),
        AddTags(ref, ("late",)),
        SetMeta(ref, "survey", "sent"),
    ):
        with pytest.raises(NotFound):
            adapter.write(action)


def test_field_is_set_and_changed(shop: ShopifyShop) -> None:
    """A field of ours is made, found by its value, and changed."""
    adapter, ref = connected(shop), place(shop)
    first = SetMeta(ref, "survey", "sent\nyesterday")
    adapter.write(first)
    assert adapter.find(first) is not None
    second = replace(first, value="answered")
    assert adapter.find(second) is None
    adapter.write(second)
    assert adapter.write(second).adopted
    assert list(seen(shop, ref)["meta"].values()) == ["answered"]
    with pytest.raises(InvalidRequest):
        adapter.write(SetMeta(ref, "ñ", "x"))


def test_field_changed_by_another_is_temporary(shop: ShopifyShop) -> None:
    """When another process was quicker nothing is written, and it is tried again."""
    adapter, ref = connected(shop), place(shop)
    refusal = (
        '{"data":{"metafieldsSet":{"metafields":null,"userErrors":'
        '[{"field":["metafields","0"],"message":"stale","code":"STALE_OBJECT"}]}}}'
    )
    shop.faults.add(fault_json(refusal, "mutation MetafieldsSet"))
    with pytest.raises(TemporaryFailure):
        adapter.write(SetMeta(ref, "survey", "sent"))


def test_what_shopify_cannot_do_is_unsupported(shop: ShopifyShop) -> None:
    """No mail by note, no status to set, no code for free shipping."""
    adapter, ref = connected(shop), place(shop)
    free = replace(code(), kind=DiscountKind.FREE_SHIPPING)
    for action in (AddNote(ref, "Hola", "pv-1", to_buyer=True), SetStatus(ref, "done"), free):
        with pytest.raises(Unsupported):
            adapter.write(action)


def code(**changed: Any) -> CreateDiscountCode:
    """Describe a code of ten percent for everybody."""
    wanted = CreateDiscountCode(
        code="GRACIAS-AB12",
        kind=DiscountKind.PERCENT,
        value="10",
        currency="EUR",
        title="Gracias",
        marker="pv-77",
        starts_at=START,
        ends_at=START + timedelta(days=30),
        usage_limit=1,
    )
    return replace(wanted, **changed)


def test_code_stands_in_the_shop_as_asked(shop: ShopifyShop) -> None:
    """Percent, minimum, limit and end of a code are what the rule asked for."""
    connected(shop).write(code(value="12.5", min_total="30.00"))
    [made] = shop.state()["coupons"]
    kept = ("code", "title", "amount", "type", "usage_limit", "minimum_amount", "date_expires")
    assert {key: made[key] for key in kept} == {
        "code": "GRACIAS-AB12",
        "title": "Gracias [pv-77]",
        "amount": "12.5",
        "type": "percent",
        "usage_limit": 1,
        "minimum_amount": "30.00",
        "date_expires": "2026-12-22T08:00:00Z",
    }


def test_fixed_code_for_one_buyer(shop: ShopifyShop) -> None:
    """A code for one buyer is bound to the customer; a sum is in the shop's currency."""
    adapter, ref = connected(shop), place(shop, email="ana@example.com")
    buyer = adapter.fetch_order(ref).buyer
    adapter.write(
        code(kind=DiscountKind.FIXED, value="5.00", buyer_ref=buyer.ref, buyer_email=buyer.email)
    )
    [made] = shop.state()["coupons"]
    assert (made["amount"], made["type"], made["customers"]) == (
        "5.00",
        "fixed",
        ["ana@example.com"],
    )


def test_guest_gets_no_code_for_one_buyer(shop: ShopifyShop) -> None:
    """Without a Shopify customer a code for one buyer is refused, with the way out."""
    with pytest.raises(InvalidRequest, match="guest"):
        connected(shop).write(code(buyer_email="guest@example.com"))
    assert shop.state()["coupons"] == []


@pytest.mark.parametrize(
    "changed",
    [
        {"value": "0"},
        {"value": "101"},
        {"value": "NaN"},
        {"value": "ten"},
        {"kind": DiscountKind.FIXED, "value": "-5"},
        {"kind": DiscountKind.FIXED, "value": "5", "currency": "USD"},
        {"min_total": "0"},
        {"usage_limit": 0},
        {"ends_at": START},
        {"buyer_ref": "gid"},
    ],
)
def test_wrong_values_of_a_code_never_leave(shop: ShopifyShop, changed: dict[str, Any]) -> None:
    """A code that cannot be right is refused before the shop is called."""
    with pytest.raises(InvalidRequest):
        connected(shop).write(code(**changed))
    assert calls(shop) == []


def test_taken_code_of_ours_is_adopted(shop: ShopifyShop) -> None:
    """A code that is there with our mark and value counts as done."""
    adapter = connected(shop)
    adapter.write(code())
    again = adapter.write(code(code="gracias-ab12"))
    assert again.adopted
    assert len(shop.state()["coupons"]) == 1


@pytest.mark.parametrize("other", [{"marker": "pv-other"}, {"value": "20"}])
def test_taken_code_of_others_is_a_conflict(shop: ShopifyShop, other: dict[str, Any]) -> None:
    """A code with another mark or another value is not ours."""
    adapter = connected(shop)
    adapter.write(code())
    for call in (adapter.find, adapter.write):
        with pytest.raises(Conflict):
            call(code(**other))


@pytest.mark.parametrize(
    "found",
    [
        {"__typename": "DiscountCodeBxgy"},
        {"title": "Gracias [pv-77]"},
        {"title": "Gracias [pv-77]", "customerGets": {"value": {"percentage": "odd"}}},
    ],
)
def test_code_of_another_kind_is_a_conflict(shop: ShopifyShop, found: dict[str, Any]) -> None:
    """A code of a kind or value that we cannot have made is never adopted."""
    node = {"id": "gid://shopify/DiscountCodeNode/1", "codeDiscount": found}
    answer = json.dumps({"data": {"codeDiscountNodeByCode": node}})
    shop.faults.add(fault_json(answer, "query DiscountByCode"))
    with pytest.raises(Conflict):
        connected(shop).find(code())


def test_odd_stamp_does_not_undo_a_write(shop: ShopifyShop) -> None:
    """A write that was done counts as done, also when its new stamp cannot be read."""
    answer = '{"data":{"tagsAdd":{"node":{"id":"x","updatedAt":"soon"},"userErrors":[]}}}'
    shop.faults.add(fault_json(answer, "mutation TagsAdd"))
    assert connected(shop).write(AddTags(OrderRef("5"), ("late",))).modified_at is None


# Webhooks and the shop.


def test_webhooks_are_made_once_and_removed(shop: ShopifyShop) -> None:
    """Registering twice makes each subscription once; removing leaves those of others."""
    adapter = connected(shop)
    adapter.register_webhooks("https://other.example/hooks", SECRET)
    assert {state.state for state in adapter.check_webhooks(HOOK)} == {"wrong_address"}
    for _ in range(2):
        states = adapter.register_webhooks(HOOK, SECRET)
        assert [state.state for state in states] == ["active"] * 8
        assert {state.address for state in states} == {HOOK}
    assert len(shop.state()["webhooks"]) == 16
    assert adapter.remove_webhooks(HOOK) == 8
    assert len(shop.state()["webhooks"]) == 8


def test_deleted_and_narrowed_webhooks_are_mended(shop: ShopifyShop) -> None:
    """What is missing is made again; one that leaves fields out is made whole."""
    adapter = connected(shop)
    assert {state.state for state in adapter.check_webhooks(HOOK)} == {"missing"}
    adapter.register_webhooks(HOOK, SECRET)
    with shop.store.lock:
        first, second, *_rest = shop.store.subscriptions.values()
        del shop.store.subscriptions[first.id]
        second.include_fields = ["id"]
    states = [state.state for state in adapter.check_webhooks(HOOK)]
    assert sorted(states) == ["active"] * 6 + ["disabled", "missing"]
    assert {state.state for state in adapter.register_webhooks(HOOK, SECRET)} == {"active"}


def test_webhook_made_by_another_process_meanwhile_is_fine(shop: ShopifyShop) -> None:
    """The refusal that a subscription exists already is what was wanted."""
    adapter = connected(shop)
    adapter.register_webhooks(HOOK, SECRET)
    empty = '{"data":{"webhookSubscriptions":{"nodes":[],"pageInfo":{"hasNextPage":false}}}}'
    shop.faults.add(fault_json(empty, "query WebhookList"))
    states = adapter.register_webhooks(HOOK, SECRET)
    assert {state.state for state in states} == {"active"}
    assert len(shop.state()["webhooks"]) == 8


def test_facts_of_the_shop(shop: ShopifyShop) -> None:
    """The shop tells its name, currency, zone and country; with all scopes nothing is wrong."""
    facts = connected(shop).look_at_shop()
    assert (facts.name, facts.currency, facts.timezone, facts.country, facts.version) == (
        "Sandbox Shopify",
        "EUR",
        "Europe/Madrid",
        "ES",
        "2026-10",
    )
    assert facts.problems == ()


def test_missing_scopes_and_wrong_shop_are_problems(shop: ShopifyShop) -> None:
    """Each missing scope and a token of another shop are told, with what to do."""
    shop.scopes = frozenset({"write_orders", "write_customers"})
    shop.store.domain = "other.myshopify.com"
    problems = connected(shop).look_at_shop().problems
    assert [problem.split(",")[0] for problem in problems] == [
        "The app lacks the scope read_products",
        "The app lacks the scope read_fulfillments",
        "The app lacks the scope write_discounts",
        "The token belongs to other.myshopify.com",
    ]


def test_capabilities_are_said() -> None:
    """Notes by mail, statuses and free shipping are not promised."""
    names_of = {item.value for item in ShopifyAdapter.info.capabilities}
    assert names_of == {"note", "tag", "meta", "discount_code", "webhooks", "count_orders"}
    assert ShopifyAdapter.info.api_version == "2026-10"
