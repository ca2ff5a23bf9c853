"""Take keys and tokens out of every text that people or logs may see."""

import logging
import re
from collections.abc import Sequence
from typing import Any, Final

from connector.secret import Secret

MASK: Final = "****"
EXCERPT_LENGTH: Final = 200

_PATTERNS: Final = (
    # Query pairs, form pairs and JSON members, also when they are percent-encoded.
    (
        re.compile(
            r"(?i)((?:consumer_key|consumer_secret|oauth_[a-z_]+|client_secret|access_token"
            r"|refresh_token|password|secret|api_key|hmac|signature)"
            r"(?:=|%3D|\"\s*:\s*\"?|:\s*))([^\s&\"'<>,}%]|%(?!26))+"
        ),
        rf"\g<1>{MASK}",
    ),
    (
        re.compile(
            r"(?i)((?:authorization|x-shopify-access-token)[\"']?\s*[:=]\s*[\"']?)[^\r\n\"']+"
        ),
        rf"\g<1>{MASK}",
    ),
    (re.compile(r"(?i)\b(?:basic|bearer)\s+[a-z0-9+/=._~-]{8,}"), MASK),
    (re.compile(r"\b[cs][ks]_[0-9A-Za-z]{16,}"), MASK),
    (re.compile(r"\bshp(?:at|ss|ca|pa|ua|rt|it)_[0-9A-Za-z]{8,}"), MASK),
    (re.compile(r"[^\s@<>\"'=&:]+@[^\s@<>\"'=&]+\.[A-Za-z]{2,}"), "…@…"),
)


def redact(text: str, secrets: Sequence[Secret] = ()) -> str:
    """Blank out keys, tokens, signatures and e-mail addresses.

    Args: secrets: values known to be secret, blanked wherever they stand.
    """
    for secret in secrets:
        value = secret.reveal()
        if value:
            text = text.replace(value, MASK)
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def excerpt(body: bytes, secrets: Sequence[Secret] = ()) -> str:
    """Cut a short, redacted piece from an answer, fit for an error."""
    # Redacted before it is cut, so that no half of a key is left at the end.
    text = redact(body[:4096].decode("utf-8", "replace"), secrets)
    return " ".join(text.split())[:EXCERPT_LENGTH]


class RedactingFilter(logging.Filter):
    """Redact the log lines of the HTTP library: at DEBUG they hold whole URLs."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record in place; let it pass."""
        args: Any = record.args
        if isinstance(args, tuple):
            record.args = tuple(redact(arg) if isinstance(arg, str) else arg for arg in args)
        record.msg = redact(record.msg) if isinstance(record.msg, str) else record.msg
        return True


def guard_library_logs() -> None:
    """Put the filter before the HTTP library's loggers, once."""
    for name in ("urllib3.connectionpool", "urllib3.util.retry", "urllib3.connection"):
        logger = logging.getLogger(name)
        if not any(isinstance(item, RedactingFilter) for item in logger.filters):
            logger.addFilter(RedactingFilter())
