"""The ready configuration of the app asks for what the operations need, and for no more."""

import tomllib
from pathlib import Path
from typing import Any, Final

from graphql import (
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    parse,
    visit,
)

from adapters.shops.shopify import hooks, webhook
from adapters.shops.shopify.auth import SCOPES
from webhooks.install.shopify import app_url, callback_url
from webhooks.sandbox.shopify.schema import published
from webhooks.urls import SHOPIFY_HOOK

ROOT: Final = Path(__file__).parents[3]
FOLDER: Final = ROOT / "adapters" / "shops" / "shopify"
BASE: Final = "https://postventa.example.com"
# Quirk(shopify): without them a list is empty and no error is raised; we read none of these.
READ_ALL: Final = "read_all_orders"
# Source: shopify.dev, webhook topics, 2026-10, checked 2026-11-22.
TOPICS: Final = {
    "orders": "read_orders",
    "refunds": "read_orders",
    "fulfillments": "read_fulfillments",
    "fulfillment_events": "read_fulfillments",
}


class _Needs(Visitor):
    """Collects, for each thing that is asked for, the scopes of which one is enough."""

    def __init__(self, info: TypeInfo) -> None:
        super().__init__()
        self._info = info
        self.found: dict[str, tuple[str, ...]] = {}

    def enter_field(self, node: Any, *_args: Any) -> None:
        """Look up one field."""
        parent = self._info.get_parent_type()
        told = self._info.get_type()
        if parent is None or told is None:
            return
        table = published().scopes
        name = node.name.value
        if parent.name == "Mutation":
            needed = table.get(("Mutation", name), ())
        else:
            needed = table.get(get_named_type(told).name.removesuffix("Connection"), ())
        if needed:
            self.found[f"{parent.name}.{name}"] = needed


def needs() -> dict[str, tuple[str, ...]]:
    """Give what our operations need by the published table, and our webhooks."""
    document = parse((FOLDER / "operations.graphql").read_text(encoding="utf-8"))
    info = TypeInfo(published().schema)
    visitor = _Needs(info)
    visit(document, TypeInfoVisitor(info, visitor))
    subscribed = {
        f"webhook {topic}": (TOPICS[topic.partition("/")[0]],)
        for topic in hooks.TOPICS
        if topic != "app/uninstalled"
    }
    return {**visitor.found, **subscribed}


def config() -> dict[str, Any]:
    """Read the configuration."""
    return tomllib.loads((FOLDER / "app" / "shopify.app.toml").read_text(encoding="utf-8"))


def with_reading(scopes: set[str]) -> set[str]:
    """Add what is included: a right to write includes the one to read."""
    return scopes | {scope.replace("write_", "read_", 1) for scope in scopes}


def test_every_operation_is_allowed() -> None:
    """For each type and mutation one of the scopes that open it is asked for."""
    held = with_reading(set(config()["access_scopes"]["scopes"].split(",")))
    found = needs()
    assert len(found) > 10
    assert {name: one for name, one in found.items() if not held & set(one)} == {}


def test_no_scope_is_asked_for_in_vain() -> None:
    """Without any one of them some operation would be refused."""
    asked = set(config()["access_scopes"]["scopes"].split(","))
    found = needs()
    for scope in asked:
        left = with_reading(asked - {scope})
        assert any(not left & set(one) for one in found.values()), scope


def test_the_same_scopes_everywhere() -> None:
    """The file, the address that asks the owner, and the page that explains them agree."""
    access = config()["access_scopes"]
    assert access["scopes"].split(",") == list(SCOPES)
    assert access["optional_scopes"] == [READ_ALL]
    for page in ("shopify-app.md", "shopify-app.es.md"):
        text = (ROOT / "docs" / "howto" / page).read_text(encoding="utf-8")
        assert all(f"`{scope}`" in text for scope in (*SCOPES, READ_ALL)), page


def test_addresses_and_topics_are_ours() -> None:
    """The addresses are those the server answers at; the API version is the pinned one."""
    told = config()
    client = told["client_id"]
    assert told["application_url"] == app_url(BASE, client)
    assert told["auth"]["redirect_urls"] == [callback_url(BASE, client)]
    assert told["embedded"] is True
    assert told["webhooks"]["api_version"] == webhook.API_VERSION
    [privacy] = told["webhooks"]["subscriptions"]
    assert privacy["uri"] == BASE + SHOPIFY_HOOK
    assert set(privacy["compliance_topics"]) == set(webhook.ABOUT_SHOP) - {"app/uninstalled"}
