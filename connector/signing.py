"""HMAC over raw bytes, compared in constant time, with several secrets at once."""

import base64
import hmac
from collections.abc import Sequence

from connector.secret import Secret


def sign_base64(body: bytes, secret: Secret) -> str:
    """Compute base64(HMAC-SHA256(body, secret)), as both platforms send it."""
    digest = hmac.digest(secret.reveal().encode(), body, "sha256")
    return base64.b64encode(digest).decode("ascii")


def matches(body: bytes, signature: str, secrets: Sequence[Secret]) -> bool:
    """Tell whether one of the secrets made this signature.

    Args: secrets: all that are valid now; during a rotation there are two.
    """
    # Bytes, because compare_digest raises on text that is not ASCII.
    given = signature.encode("utf-8", "surrogateescape")
    found = False
    for secret in secrets:
        if not secret.reveal():
            continue
        expected = sign_base64(body, secret).encode("ascii")
        # No early end: the time taken does not tell which secret fitted.
        found |= hmac.compare_digest(given, expected)
    return found
