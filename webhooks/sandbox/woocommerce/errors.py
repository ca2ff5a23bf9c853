"""Error answers in the shapes that a WooCommerce shop gives."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from webhooks.sandbox._server import Response

if TYPE_CHECKING:
    from collections.abc import Mapping


def dump(data: object) -> bytes:
    """Write JSON as PHP does: ASCII only, slashes escaped."""
    text = json.dumps(data, separators=(",", ":"))
    return text.replace("/", "\\/").encode()


class WooError(Exception):
    """The shop refuses; carries the whole answer.

    Args:
        data: what stands in `data`; None means {"status": status}.
    """

    def __init__(self, status: int, code: str, message: str, data: object = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.data = {"status": status} if data is None else data

    def body(self) -> dict[str, Any]:
        """Give the JSON of the answer."""
        return {"code": self.code, "message": self.message, "data": self.data}

    def response(self) -> Response:
        """Turn the error into an answer."""
        return answer(self.body(), self.status)


def answer(data: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with JSON and the headers that every REST answer has."""
    common = {
        "X-Content-Type-Options": "nosniff",
        "X-Robots-Tag": "noindex",
        "Access-Control-Expose-Headers": "X-WP-Total, X-WP-TotalPages, Link",
        "Cache-Control": "no-cache, must-revalidate, max-age=0, no-store, private",
    }
    return Response(status, dump(data), headers={**common, **(headers or {})})


def no_route() -> WooError:
    """Say that no such route exists."""
    message = "No route was found matching the URL and request method."
    return WooError(404, "rest_no_route", message)


def invalid_id(kind: str) -> WooError:
    """Say that the shop has no such object."""
    return WooError(404, f"woocommerce_rest_shop_{kind}_invalid_id", "Invalid ID.")


def missing_param(name: str) -> WooError:
    """Say that a required parameter is missing."""
    return WooError(
        400,
        "rest_missing_callback_param",
        f"Missing parameter(s): {name}",
        {"status": 400, "params": [name]},
    )


def invalid_param(name: str, code: str, message: str, data: object = None) -> WooError:
    """Say that a parameter has a wrong value."""
    return WooError(
        400,
        "rest_invalid_param",
        f"Invalid parameter(s): {name}",
        {
            "status": 400,
            "params": {name: message},
            "details": {name: {"code": code, "message": message, "data": data}},
        },
    )


def wrong_type(name: str, kind: str) -> WooError:
    """Say that a parameter is not of its type."""
    return invalid_param(
        name, "rest_invalid_type", f"{name} is not of type {kind}.", {"param": name}
    )


def not_in(name: str, shown: str, allowed: list[str]) -> WooError:
    """Say that a parameter is not one of the words allowed."""
    words = ", ".join(allowed[:-1]) + f", and {allowed[-1]}"
    return invalid_param(name, "rest_not_in_enum", f"{shown} is not one of {words}.")
