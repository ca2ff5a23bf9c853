"""Codes and marks that follow from the effect, so that a repeat meets itself."""

import hashlib
import hmac
from typing import Final

# 32 characters, none of 0, O, 1 and I: five random bits each, safe to read aloud.
ALPHABET: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_LETTERS: Final = 12
_MARK_DIGITS: Final = 10


def coupon_code(prefix: str, effect_key: str, secret: bytes) -> str:
    """Derive the discount code of an effect, like `GRACIAS-7K2M9QWXTRB4`.

    The same effect has the same code at every try; without the secret its 60 bits
    cannot be guessed.
    """
    digest = hmac.new(secret, b"coupon\0" + effect_key.encode(), hashlib.sha256).digest()
    number = int.from_bytes(digest)
    letters = "".join(ALPHABET[(number >> (5 * place)) % 32] for place in range(_LETTERS))
    start = prefix.upper().strip("-")
    return f"{start}-{letters}" if start else letters


def marker(effect_key: str) -> str:
    """Give the short mark of an effect, like `pv-3f9ac1d2e4`.

    It stands in notes and in the descriptions of codes, where it is found again.
    """
    return "pv-" + hashlib.sha256(effect_key.encode()).hexdigest()[:_MARK_DIGITS]
