"""Write orders as JSON and read them back: the form in which states are stored."""

import threading

import msgspec

from connector.errors import PayloadInvalid
from connector.model.order import Order

_encoder = msgspec.json.Encoder()
_lock = threading.Lock()
_decoders: list[msgspec.json.Decoder[Order]] = []


def encode_order(order: Order) -> bytes:
    """Write an order as compact JSON."""
    return _encoder.encode(order)


def decode_order(body: bytes) -> Order:
    """Read an order that `encode_order` wrote.

    Raises: PayloadInvalid: it is something else.
    """
    try:
        return _decoder().decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as err:
        # The last two: a text that is no UTF-8, and brackets nested without end.
        raise PayloadInvalid(f"not a stored order: {err}") from err


def _decoder() -> msgspec.json.Decoder[Order]:
    # Made and used once under a lock: two threads that meet a type for the first
    # time at once end the process (msgspec 0.22).
    with _lock:
        if not _decoders:
            decoder = msgspec.json.Decoder(Order)
            try:
                decoder.decode(b"{}")
            except msgspec.MsgspecError:
                _decoders.append(decoder)
    return _decoders[0]
