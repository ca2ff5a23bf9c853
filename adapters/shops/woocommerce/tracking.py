"""Read the parcels that WooCommerce's tracking plugins note in extra fields; pure."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from adapters.shops.woocommerce.payload import MetaEntry
from connector.model.parcel import Parcel

_MAX_PARCELS: Final = 100
_MAX_TEXT: Final = 20_000
# Names under which the plugins keep number, carrier and link inside of their lists.
_NUMBER: Final = ("tracking_number", "number", "code")
_CARRIER: Final = (
    "custom_tracking_provider",
    "tracking_provider",
    "formatted_tracking_provider",
    "courier_code",
    "courier",
    "slug",
    "carrier",
)
_LINK: Final = ("custom_tracking_link", "formatted_tracking_link", "tracking_url", "tracking_link")
# Plugins with one field for the number and others for the carrier and the link.
# Source: the plugins' order fields as seen in a shop and in their code, checked 2026-11-22.
_SINGLE: Final = (
    ("_tracking_number", ("_tracking_provider",), ("_tracking_url",)),
    ("_aftership_tracking_number", ("_aftership_tracking_provider_name",), ()),
    ("ywot_tracking_code", ("ywot_carrier_name", "ywot_carrier_id"), ("ywot_carrier_url",)),
    ("_wcst_order_trackno", ("_wcst_order_trackname",), ("_wcst_order_track_http_url",)),
)


def parcels_of(entries: list[MetaEntry]) -> tuple[Parcel, ...]:
    """Find every parcel: one for each number, the first plugin in our order wins.

    Args: entries: all extra fields of an order, of whatever shape.
    Returns: state is always UNKNOWN: a number says nothing about the way.
    """
    # The platform repeats keys; entries with the lowest id come first.
    fields: dict[str, Any] = {}
    for entry in entries:
        fields.setdefault(entry.key, entry.value)
    found: dict[str, Parcel] = {}
    for parcel in _all(fields):
        if parcel.ref not in found and len(found) < _MAX_PARCELS:
            found[parcel.ref] = parcel
    return tuple(found.values())


def _all(fields: dict[str, Any]) -> Iterator[Parcel]:
    yield from _items(fields.get("_wc_shipment_tracking_items"))
    yield from _single(fields, 0)
    yield from _single(fields, 1)
    yield from _items(fields.get("_aftership_tracking_items"))
    yield from _single(fields, 2)
    yield from _single(fields, 3)
    yield from _items(fields.get("_parcelpanel_shipping_numbers"))


def _single(fields: dict[str, Any], at: int) -> Iterator[Parcel]:
    number_key, carrier_keys, link_keys = _SINGLE[at]
    number = _text(fields.get(number_key))
    if number:
        yield _parcel(number, _first(fields, carrier_keys), _first(fields, link_keys), None)


def _items(value: Any) -> Iterator[Parcel]:
    """Read a plugin's list of parcels; a text may hold it as JSON."""
    if isinstance(value, str):
        if len(value) > _MAX_TEXT:
            return
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return
    if isinstance(value, dict):
        # PHP writes a list with gaps as an object.
        value = [value] if _first(value, _NUMBER) else list(value.values())
    if not isinstance(value, list):
        return
    for item in value:
        if isinstance(item, dict):
            number = _first(item, _NUMBER)
            if number:
                yield _parcel(
                    number, _first(item, _CARRIER), _first(item, _LINK), item.get("date_shipped")
                )
        elif _text(item):
            yield _parcel(_text(item), "", "", None)


def _parcel(number: str, carrier: str, link: str, shipped: Any) -> Parcel:
    return Parcel(
        ref=number,
        carrier=carrier,
        tracking_number=number,
        # A link that a plugin or a person typed goes to buyers: only web addresses.
        tracking_url=link if link.lower().startswith(("https://", "http://")) else None,
        shipped_at=_unix(shipped),
    )


def _unix(value: Any) -> datetime | None:
    text = _text(value)
    if not text.isascii() or not text.isdigit() or len(text) > 11:  # noqa: PLR2004 - year 5138
        return None
    return datetime.fromtimestamp(int(text), UTC)


def _first(fields: dict[str, Any], keys: tuple[str, ...]) -> str:
    for key in keys:
        text = _text(fields.get(key))
        if text:
            return text
    return ""


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return ""
    return str(value).strip()[:500]
