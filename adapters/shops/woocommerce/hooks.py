"""Register, check and remove our webhooks in WooCommerce."""

import html
from collections.abc import Sequence
from typing import Final

import msgspec

from adapters.shops.woocommerce.client import WooClient
from connector.errors import ConfigurationError
from connector.ports import WebhookState
from connector.secret import Secret

TOPICS: Final = ("order.created", "order.updated", "order.deleted", "order.restored")
NAME: Final = "Postventa"
_PAGE: Final = 100
_MAX_PAGES: Final = 50
_PLAIN: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")


class HookBody(msgspec.Struct, frozen=True):
    """A webhook as the shop holds it."""

    id: int
    topic: str = ""
    status: str = ""
    delivery_url: str = ""
    name: str = ""

    @property
    def address(self) -> str:
        """Give the address as it was written."""
        return html.unescape(self.delivery_url)


def register(client: WooClient, address: str, secret: Secret) -> Sequence[WebhookState]:
    """Make what is missing, switch on what is off, and set the secret of all ours.

    A webhook that points to our address is ours: nobody else can know the address.

    Raises: ConfigurationError: a secret that the shop would change.
    """
    # Quirk(woocommerce): a secret goes through HTML-entity decoding before it signs.
    if not secret or not _PLAIN.issuperset(secret.reveal()):
        raise ConfigurationError("A webhook secret is made of letters, digits, - and _.")
    ours = [hook for hook in _list(client) if hook.address == address]
    for topic in TOPICS:
        of_topic = [hook for hook in ours if hook.topic == topic]
        if of_topic:
            # The shop shows no secret, so it is set each time. The address is left
            # out: a changed one would send a ping.
            client.put(
                f"webhooks/{of_topic[0].id}", {"status": "active", "secret": secret.reveal()}
            )
        else:
            client.post(
                "webhooks",
                {
                    "name": f"{NAME} {topic}",
                    "topic": topic,
                    "delivery_url": address,
                    "secret": secret.reveal(),
                    "status": "active",
                },
            )
        for extra in of_topic[1:]:
            client.delete(f"webhooks/{extra.id}")
    return check(client, address)


def check(client: WooClient, address: str) -> Sequence[WebhookState]:
    """Tell the state of each webhook we need."""
    hooks = _list(client)
    return tuple(_state(hooks, topic, address) for topic in TOPICS)


def _state(hooks: Sequence[HookBody], topic: str, address: str) -> WebhookState:
    here = [hook for hook in hooks if hook.topic == topic and hook.address == address]
    if here:
        # Two of one topic: the one that works is the one that counts.
        best = min(here, key=lambda hook: hook.status != "active")
        known = best.status in {"active", "disabled", "paused"}
        return WebhookState(topic, str(best.id), address, best.status if known else "disabled")
    for hook in hooks:
        if hook.topic == topic and hook.name == f"{NAME} {topic}":
            return WebhookState(topic, str(hook.id), hook.address, "wrong_address")
    return WebhookState(topic, None, address, "missing")


def remove(client: WooClient, address: str) -> int:
    """Delete our webhooks that point to the address; tell how many."""
    ours = [hook for hook in _list(client) if hook.address == address]
    for hook in ours:
        client.delete(f"webhooks/{hook.id}")
    return len(ours)


def _list(client: WooClient) -> list[HookBody]:
    found: list[HookBody] = []
    for page in range(1, _MAX_PAGES):
        part = client.read(
            list[HookBody],
            "webhooks",
            per_page=str(_PAGE),
            page=str(page),
            orderby="id",
            order="asc",
        )
        found += part
        if len(part) < _PAGE:
            break
    return found
