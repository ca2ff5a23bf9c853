"""Write into an order, and find again what was written.

Source: Admin GraphQL schema 2026-10, checked 2026-11-22.
"""

import re
from datetime import datetime
from typing import Any, Final, assert_never

import msgspec

from adapters.shops.shopify import discounts
from adapters.shops.shopify.client import ShopifyClient, UserError, refuse
from adapters.shops.shopify.reads import order_gid
from adapters.shops.shopify.values import when
from connector.errors import (
    InvalidRequest,
    NotFound,
    OutcomeUnknown,
    PayloadInvalid,
    TemporaryFailure,
    Unsupported,
)
from connector.model.order import OrderRef
from connector.model.write import (
    AddNote,
    AddTags,
    CreateDiscountCode,
    RemoveTags,
    SetMeta,
    SetStatus,
    WriteBack,
    WriteResult,
)

# Takes long texts too; the type of a key is fixed by its first value.
META_TYPE: Final = "multi_line_text_field"
TAG_LENGTH: Final = 40  # Source: help pages on tags, order tags, checked 2026-11-22
_KEY: Final = re.compile(r"[A-Za-z0-9_-]{2,64}", re.ASCII)


class Metafield(msgspec.Struct, frozen=True, rename="camel"):
    """One extra field; the digest names this very value."""

    id: str
    value: str
    compare_digest: str = ""


class OrderNow(msgspec.Struct, frozen=True, rename="camel"):
    """What a write has to know about the order."""

    id: str
    updated_at: str
    note: str | None = None
    tags: list[str] = []
    metafield: Metafield | None = None


class NowData(msgspec.Struct, frozen=True):
    """The answer of OrderForWrite."""

    order: OrderNow | None


class Changed(msgspec.Struct, frozen=True, rename="camel"):
    """The order after a write."""

    id: str
    updated_at: str | None = None


class UpdatePayload(msgspec.Struct, frozen=True, rename="camel"):
    """What orderUpdate answers."""

    order: Changed | None = None
    user_errors: list[UserError] = []


class UpdateData(msgspec.Struct, frozen=True, rename="camel"):
    """The answer of OrderUpdate."""

    order_update: UpdatePayload


class TagsPayload(msgspec.Struct, frozen=True, rename="camel"):
    """What tagsAdd and tagsRemove answer."""

    node: Changed | None = None
    user_errors: list[UserError] = []


class TagsData(msgspec.Struct, frozen=True, rename="camel"):
    """The answer of TagsAdd or TagsRemove: one of the two is there."""

    tags_add: TagsPayload | None = None
    tags_remove: TagsPayload | None = None


class MetaPayload(msgspec.Struct, frozen=True, rename="camel"):
    """What metafieldsSet answers."""

    metafields: list[Metafield] | None = None
    user_errors: list[UserError] = []


class MetaData(msgspec.Struct, frozen=True, rename="camel"):
    """The answer of MetafieldsSet."""

    metafields_set: MetaPayload


class Writer:
    """Writes into one shop; always looks before it overwrites.

    Args: currency: the shop's; empty when it is not known yet.
    """

    def __init__(self, client: ShopifyClient, currency: str) -> None:
        self._client = client
        self._currency = currency

    def find(self, action: WriteBack) -> WriteResult | None:
        """Look whether a write is in the shop already.

        Raises: Conflict: a discount code is taken by something that is not ours.
        """
        match action:
            case AddNote():
                _not_to_buyer(action)
                now = self._now(action.order_ref)
                return _there(now) if action.marker in (now.note or "") else None
            case AddTags():
                now = self._now(action.order_ref)
                return _there(now) if _folded(action.tags) <= _folded(now.tags) else None
            case RemoveTags():
                now = self._now(action.order_ref)
                return None if _folded(action.tags) & _folded(now.tags) else _there(now)
            case SetMeta():
                now = self._now(action.order_ref, action.name)
                field = now.metafield
                if field is None or field.value != action.value:
                    return None
                return WriteResult(field.id, adopted=True)
            case SetStatus():
                raise _no_status()
            case CreateDiscountCode():
                return discounts.find(self._client, action)
            case _:
                assert_never(action)

    def write(self, action: WriteBack) -> WriteResult:
        """Write once; see the port for what is raised."""
        match action:
            case AddNote():
                return self._note(action)
            case AddTags():
                return self._tags("TagsAdd", action.order_ref, action.tags)
            case RemoveTags():
                return self._tags("TagsRemove", action.order_ref, action.tags)
            case SetMeta():
                return self._meta(action)
            case SetStatus():
                raise _no_status()
            case CreateDiscountCode():
                return discounts.create(self._client, action, self._currency)
            case _:
                assert_never(action)

    def _now(self, ref: OrderRef, key: str | None = None) -> OrderNow:
        variables = {"id": order_gid(ref)}
        if key is not None:
            variables["key"] = _meta_key(key)
        now = self._client.ask("OrderForWrite", variables, NowData).data.order
        if now is None:
            raise NotFound(
                f"Shopify does not show order {ref}: it was deleted, or it is older than 60 days"
                " and the app lacks the scope read_all_orders.",
                platform="shopify",
                operation="OrderForWrite",
            )
        return now

    def _note(self, action: AddNote) -> WriteResult:
        """Add one line to the order's note, the only note there is.

        Quirk(shopify): the note is one text that is overwritten as a whole; what a
        person writes between our read and our write is lost.
        """
        _not_to_buyer(action)
        now = self._now(action.order_ref)
        before = (now.note or "").rstrip()
        if action.marker in before:
            return _there(now)
        line = f"{' '.join(action.text.split())} [{action.marker}]"
        note = f"{before}\n{line}" if before else line
        variables = {"input": {"id": now.id, "note": note}}
        done = self._client.ask("OrderUpdate", variables, UpdateData).data.order_update
        refuse(done.user_errors, "OrderUpdate")
        return _done(now.id, done.order)

    def _tags(self, name: str, ref: OrderRef, tags: tuple[str, ...]) -> WriteResult:
        """Add or take off; Shopify joins the sets itself, nothing is overwritten."""
        for tag in tags:
            if not tag.strip() or "," in tag or len(tag) > TAG_LENGTH:
                raise InvalidRequest(
                    f"{tag[:60]!r} is not a tag: up to {TAG_LENGTH} letters, no comma.",
                    platform="shopify",
                    operation=name,
                )
        variables = {"id": order_gid(ref), "tags": list(tags)}
        data = self._client.ask(name, variables, TagsData).data
        done = data.tags_add or data.tags_remove
        if done is None:
            raise OutcomeUnknown(
                "Shopify does not say what became of the tags.", platform="shopify", operation=name
            )
        refuse(done.user_errors, name)
        return _done(order_gid(ref), done.node)

    def _meta(self, action: SetMeta) -> WriteResult:
        """Set a field in the namespace that only this app may write.

        The digest makes the write fail when another process was quicker.
        """
        now = self._now(action.order_ref, action.name)
        field = now.metafield
        if field is not None and field.value == action.value:
            return WriteResult(field.id, adopted=True)
        wanted: dict[str, Any] = {
            "ownerId": now.id,
            "key": _meta_key(action.name),
            "type": META_TYPE,
            "value": action.value,
            "compareDigest": field.compare_digest if field else None,
        }
        data = self._client.ask("MetafieldsSet", {"metafields": [wanted]}, MetaData).data
        done = data.metafields_set
        if any(error.code == "STALE_OBJECT" for error in done.user_errors):
            raise TemporaryFailure(
                "The field was changed at the same moment; nothing was written.",
                platform="shopify",
                operation="MetafieldsSet",
                code="STALE_OBJECT",
            )
        refuse(done.user_errors, "MetafieldsSet")
        return WriteResult(done.metafields[0].id if done.metafields else action.name)


def _not_to_buyer(action: AddNote) -> None:
    if action.to_buyer:
        raise Unsupported(
            "Shopify cannot mail a note to the buyer: use a message instead.",
            platform="shopify",
            operation="AddNote",
        )


def _no_status() -> Unsupported:
    return Unsupported(
        "A Shopify order has no status that can be set: it follows from payment and shipping.",
        platform="shopify",
        operation="SetStatus",
    )


def _meta_key(name: str) -> str:
    if not _KEY.fullmatch(name):
        raise InvalidRequest(
            f"{name[:60]!r} cannot name a field: 2 to 64 letters a-z, digits, - and _.",
            platform="shopify",
            operation="MetafieldsSet",
        )
    return name


def _folded(tags: tuple[str, ...] | list[str]) -> set[str]:
    return {tag.strip().casefold() for tag in tags}


def _there(now: OrderNow) -> WriteResult:
    return WriteResult(now.id, adopted=True, modified_at=_time(now.updated_at))


def _done(ref: str, order: Changed | None) -> WriteResult:
    return WriteResult(ref, modified_at=_time(order.updated_at) if order else None)


def _time(text: str | None) -> datetime | None:
    try:
        return when(text, "updatedAt") if text else None
    except PayloadInvalid:
        # The write is done: an odd stamp costs the echo guard only.
        return None
