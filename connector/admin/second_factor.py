"""The second factor: codes that change with time (RFC 6238), and codes for once."""

import base64
import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import pyotp

from connector.secret import Secret

RECOVERY_CODES: Final = 10
_STEP_S: Final = 30
# A telephone's clock may be wrong by one step.
_SKEW: Final = 1
_ISSUER: Final = "Postventa"
_DIGITS: Final = 6


def new_secret() -> Secret:
    """Make the secret that a telephone keeps."""
    return Secret(pyotp.random_base32())


def setup_link(secret: Secret, name: str) -> str:
    """Give the link (`otpauth://…`) that apps for codes read."""
    return pyotp.TOTP(secret.reveal()).provisioning_uri(name=name, issuer_name=_ISSUER)


def step_of(secret: Secret, code: str, now: datetime) -> int | None:
    """Tell for which step of time a code is the right one; None when for none near now."""
    digits = "".join(code.split())
    if len(digits) != _DIGITS or not digits.isascii() or not digits.isdecimal():
        return None
    current = int(now.timestamp()) // _STEP_S
    totp = pyotp.TOTP(secret.reveal())
    found = None
    for step in range(current - _SKEW, current + _SKEW + 1):
        if secrets.compare_digest(totp.at(step * _STEP_S), digits):
            found = step
    return found


def new_recovery_codes() -> Sequence[str]:
    """Make codes that each work once, like `k7qd-2mfa-x4wp`."""
    return [_recovery_code() for _ in range(RECOVERY_CODES)]


def recovery_digest(code: str) -> str:
    """Give the form in which a recovery code is kept."""
    plain = "".join(letter for letter in code.casefold() if letter.isalnum())
    return hashlib.sha256(plain.encode()).hexdigest()


def _recovery_code() -> str:
    # 60 bits: nobody guesses one, so a plain digest of it gives nothing away.
    letters = base64.b32encode(secrets.token_bytes(8)).decode("ascii").lower()[:12]
    return "-".join(letters[start : start + 4] for start in range(0, 12, 4))
