"""Passwords: what may be one, and how it is kept (Argon2id)."""

import threading
from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from connector.errors import ConfigurationError

LEAST: Final = 12
"""Letters of a password."""
MOST: Final = 1_024

_HASHER: Final = PasswordHasher()
# Each takes 64 MiB: many at once must not take the machine.
_AT_ONCE: Final = threading.Semaphore(2)
_TOO_COMMON: Final = ("password", "contraseña", "postventa", "123456", "qwerty")


def check_new(password: str, name: str) -> None:
    """Refuse what is easily guessed.

    Raises: ConfigurationError: the reason, as a sentence.
    """
    folded = password.casefold()
    if len(password) < LEAST:
        raise ConfigurationError(f"A password has at least {LEAST} letters.")
    if len(password) > MOST:
        raise ConfigurationError(f"A password has at most {MOST} letters.")
    if len(set(folded)) < LEAST // 2:
        raise ConfigurationError("This password repeats few letters: choose another one.")
    rest = folded
    for word in (name.casefold(), *_TOO_COMMON):
        rest = rest.replace(word, "") if word else rest
    if len(rest) < LEAST // 2:
        raise ConfigurationError("This password is easily guessed: choose another one.")


def hashed(password: str) -> str:
    """Give the form in which a password is kept."""
    with _AT_ONCE:
        return _HASHER.hash(password)


def matches(password: str, kept: str | None) -> bool:
    """Tell whether a password is the kept one; None takes as long and is never right."""
    with _AT_ONCE:
        try:
            _HASHER.verify(kept or _nobodys(), password[: MOST + 1])
        except (VerificationError, InvalidHashError):
            return False
    return kept is not None


def is_outdated(kept: str) -> bool:
    """Tell whether a password should be kept anew, in today's form."""
    return _HASHER.check_needs_rehash(kept)


@cache
def _nobodys() -> str:
    """Give what is compared with when there is no such user, so that the answer takes as long."""
    return _HASHER.hash("nobody has this one")
