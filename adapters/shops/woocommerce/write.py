"""Write notes, labels, extra fields and states into WooCommerce, and find them again."""

import html
import re
from datetime import datetime
from typing import Any, Final

import msgspec

from adapters.shops.woocommerce.client import WooClient
from adapters.shops.woocommerce.mapping import META_PREFIX, TAGS_KEY, tags_of, time_of
from adapters.shops.woocommerce.payload import MetaEntry
from connector.errors import InvalidRequest, OutcomeUnknown, PayloadInvalid
from connector.model.order import OrderRef
from connector.model.write import AddNote, AddTags, RemoveTags, SetMeta, SetStatus, WriteResult

PLATFORM: Final = "woocommerce"
# Source: seen on WooCommerce 10.2.4: 70,000 letters are a 500; the column holds 65,535 bytes.
_LONGEST_NOTE: Final = 65_000
_META_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_]{0,49}")
_STATUS: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
# Not states of an order: a basket, an empty form, and the trash.
_NO_STATES: Final = frozenset({"checkout-draft", "auto-draft", "trash"})


class NoteBody(msgspec.Struct, frozen=True):
    """A note of an order."""

    id: int
    note: str = ""


class _Part(msgspec.Struct, frozen=True):
    """What a write needs to know of an order."""

    id: int
    status: str
    date_modified_gmt: str | None = None
    meta_data: list[MetaEntry] = []

    @property
    def modified_at(self) -> datetime | None:
        return _stamp(self.date_modified_gmt)


def find_note(client: WooClient, action: AddNote) -> WriteResult | None:
    """Look for the note by its marker."""
    mark = f"[{action.marker}]"
    notes = client.read(list[NoteBody], f"orders/{_id(action.order_ref)}/notes")
    for note in notes:
        if mark in note.note:
            return _note_result(note.id, adopted=True)
    return None


def add_note(client: WooClient, action: AddNote) -> WriteResult:
    """Add a note; the shop mails it when it is for the buyer.

    # Quirk(woocommerce): HTML in a note goes unescaped into the mail to the buyer.
    # Source: seen on WooCommerce 10.2.4; a `<script>` that a customer typed arrived there.
    """
    text = f"{html.escape(action.text, quote=False)} [{action.marker}]"
    if len(text.encode()) > _LONGEST_NOTE:
        raise InvalidRequest("The note is too long for WooCommerce.", platform=PLATFORM)
    told = client.post(
        f"orders/{_id(action.order_ref)}/notes", {"note": text, "customer_note": action.to_buyer}
    )
    note_id = told.get("id") if isinstance(told, dict) else None
    if not isinstance(note_id, int):
        raise OutcomeUnknown("The shop's answer names no note.", platform=PLATFORM)
    return _note_result(note_id, adopted=False)


def _note_result(note_id: int, *, adopted: bool) -> WriteResult:
    return WriteResult(str(note_id), adopted=adopted, detail=(("note", str(note_id)),))


def find_tags(client: WooClient, action: AddTags | RemoveTags) -> WriteResult | None:
    """Tell whether the labels are as wanted already."""
    part = _read(client, action.order_ref)
    if _wanted(action, tags_of(part.meta_data)) != tags_of(part.meta_data):
        return None
    return WriteResult(action.order_ref, adopted=True, modified_at=part.modified_at)


def set_tags(client: WooClient, action: AddTags | RemoveTags) -> WriteResult:
    """Merge labels into our own field, and leave every other field alone."""
    for tag in action.tags:
        if not tag.strip() or "," in tag or len(tag) > 200:  # noqa: PLR2004 - a label, no text
            raise InvalidRequest(
                "A label may not be empty, hold a comma or be longer than 200 letters.",
                platform=PLATFORM,
            )
    part = _read(client, action.order_ref)
    before = tags_of(part.meta_data)
    after = _wanted(action, before)
    if after == before:
        # A write that changes nothing still moves the stamp and sends a webhook.
        return WriteResult(action.order_ref, adopted=True, modified_at=part.modified_at)
    return _put_meta(client, action.order_ref, TAGS_KEY, ",".join(after))


def _wanted(action: AddTags | RemoveTags, before: tuple[str, ...]) -> tuple[str, ...]:
    given = tuple(tag.strip() for tag in action.tags)
    if isinstance(action, AddTags):
        return tuple(dict.fromkeys((*before, *given)))
    return tuple(tag for tag in before if tag not in given)


def find_meta(client: WooClient, action: SetMeta) -> WriteResult | None:
    """Tell whether our field holds the value already."""
    part = _read(client, action.order_ref)
    key = _meta_key(action.name)
    if any(entry.key == key and entry.value == action.value for entry in part.meta_data):
        return WriteResult(action.order_ref, adopted=True, modified_at=part.modified_at)
    return None


def set_meta(client: WooClient, action: SetMeta) -> WriteResult:
    """Set one of our own fields."""
    return _put_meta(client, action.order_ref, _meta_key(action.name), action.value)


def _meta_key(name: str) -> str:
    key = META_PREFIX + name
    if not _META_NAME.fullmatch(name) or key == TAGS_KEY:
        raise InvalidRequest(
            "The name of a field is made of a-z, 0-9 and _; `tags` is taken.", platform=PLATFORM
        )
    return key


def find_status(client: WooClient, action: SetStatus) -> WriteResult | None:
    """Tell whether the order is in the state already."""
    part = _read(client, action.order_ref)
    if part.status != action.status:
        return None
    return WriteResult(action.order_ref, adopted=True, modified_at=part.modified_at)


def set_status(client: WooClient, action: SetStatus) -> WriteResult:
    """Set the order's state; the shop sends the mails that belong to it.

    One order at a time: a batch would turn an unknown state into `pending`.
    """
    if action.status in _NO_STATES or not _STATUS.fullmatch(action.status):
        raise InvalidRequest(f"{action.status[:40]!r} is no state to set.", platform=PLATFORM)
    told = client.put(f"orders/{_id(action.order_ref)}", {"status": action.status})
    return _order_result(action.order_ref, told)


def _put_meta(client: WooClient, ref: OrderRef, key: str, value: str) -> WriteResult:
    told = client.put(f"orders/{_id(ref)}", {"meta_data": [{"key": key, "value": value}]})
    return _order_result(ref, told)


def _order_result(ref: OrderRef, told: Any) -> WriteResult:
    stamp = told.get("date_modified_gmt") if isinstance(told, dict) else None
    return WriteResult(ref, modified_at=_stamp(stamp))


def _stamp(text: Any) -> datetime | None:
    """Read the stamp of the last change; a write stands without it too."""
    try:
        return time_of(text, "date_modified_gmt") if isinstance(text, str) else None
    except PayloadInvalid:
        return None


def _read(client: WooClient, ref: OrderRef) -> _Part:
    return client.read(_Part, f"orders/{_id(ref)}", _fields="id,status,date_modified_gmt,meta_data")


def _id(ref: OrderRef) -> str:
    if not (ref.isascii() and ref.isdigit()):
        raise InvalidRequest(f"{ref[:40]!r} is no order of WooCommerce.", platform=PLATFORM)
    return ref
