"""Requests, answers and refusals of the pretend shops."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

JsonObject: TypeAlias = dict[str, Any]


class Refused(Exception):
    """The control API cannot do what was asked."""

    def __init__(self, message: str, status: int = 400) -> None:
        """Keep the sentence and the status of the answer."""
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request as it came in.

    Args:
        path: decoded path without the query.
        target: path and query exactly as sent.
        query: decoded pairs in order of the query, empty values kept.
        headers: names in lower case.
    """

    method: str
    path: str
    target: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: bytes

    @property
    def params(self) -> dict[str, str]:
        """Give the query as a mapping; the last of equal names wins."""
        return dict(self.query)

    def json(self) -> JsonObject:
        """Read the body as a JSON object; an empty body is empty."""
        if not self.body.strip():
            return {}
        try:
            data = json.loads(self.body)
        except ValueError as err:
            message = "the body is not JSON"
            raise Refused(message) from err
        if not isinstance(data, dict):
            message = "the body is not a JSON object"
            raise Refused(message)
        return data


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP answer; Content-Length is added when it is sent."""

    status: int
    body: bytes = b""
    content_type: str = "application/json; charset=UTF-8"
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_json(
        cls, data: object, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> Response:
        """Answer with compact JSON."""
        body = json.dumps(data, separators=(",", ":")).encode()
        return cls(status, body, headers=headers or {})

    @classmethod
    def of_html(cls, text: str, status: int = 200) -> Response:
        """Answer with a web page."""
        return cls(status, text.encode(), "text/html; charset=utf-8")


@dataclass(frozen=True, slots=True)
class CallInfo:
    """What a call to the shop's API is, for faults and for the log.

    Args:
        label: text that `Fault.match` is searched in.
        write: whether the call wants to change something.
        operation: name of the GraphQL operation, if there is one.
    """

    label: str
    write: bool
    operation: str | None = None
