"""What stands around the data of a GraphQL answer: errors and costs.

Source: shopify.dev, rate limits and error handling, 2026-10, checked 2026-11-22.
"""

from dataclasses import dataclass
from typing import Any

import msgspec

from adapters._redact import EXCERPT_LENGTH


class Throttle(msgspec.Struct, frozen=True, rename="camel"):
    """How full the bucket is."""

    currently_available: float = 0.0
    restore_rate: float = 0.0
    maximum_available: float = 0.0


class Cost(msgspec.Struct, frozen=True, rename="camel"):
    """What the call asked for, in points."""

    requested_query_cost: float = 0.0
    throttle_status: Throttle | None = None


class Extensions(msgspec.Struct, frozen=True):
    """The part beside the data."""

    cost: Cost | None = None


class Envelope(msgspec.Struct, frozen=True):
    """A GraphQL answer; `errors` is a list, or a plain text, or an object."""

    data: msgspec.Raw = msgspec.Raw(b"null")
    errors: Any = None
    extensions: Extensions | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """One entry of `errors`."""

    message: str
    code: str = ""
    path: tuple[str, ...] = ()


def throttle_s(extensions: Extensions | None) -> float:
    """Work out how long the bucket needs to hold enough points: at least a second."""
    cost = extensions.cost if extensions else None
    status = cost.throttle_status if cost else None
    if cost is None or status is None or status.restore_rate <= 0:
        return 1.0
    missing = cost.requested_query_cost - status.currently_available
    return max(1.0, missing / status.restore_rate)


def problems_of(errors: Any) -> list[Problem]:
    """List what went wrong; a text or an object alone is one problem."""
    if not errors:
        return []
    if not isinstance(errors, list):
        return [Problem(errors if isinstance(errors, str) else str(errors)[:EXCERPT_LENGTH])]
    return [_problem(item) for item in errors]


def _problem(item: Any) -> Problem:
    if not isinstance(item, dict):
        return Problem(str(item)[:EXCERPT_LENGTH])
    extensions = item.get("extensions")
    code = extensions.get("code") if isinstance(extensions, dict) else None
    path = item.get("path")
    return Problem(
        str(item.get("message") or ""),
        code if isinstance(code, str) else "",
        tuple(str(step) for step in path) if isinstance(path, list) else (),
    )
