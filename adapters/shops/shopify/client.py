"""Ask the Admin GraphQL API of one shop, and say what went wrong in our words.

Source: shopify.dev, API response codes, rate limits, error handling, 2026-10,
checked 2026-11-22.
"""

import logging
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

import msgspec
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt

from adapters import _json
from adapters._answer import error_of
from adapters._http import Answer, HttpClient
from adapters._redact import EXCERPT_LENGTH
from adapters.shops.shopify.envelope import Envelope, Problem, problems_of, throttle_s
from adapters.shops.shopify.operations import is_mutation, text_of
from adapters.shops.shopify.tokens import Tokens
from adapters.shops.shopify.webhook import API_VERSION
from connector.errors import (
    AdapterError,
    AuthRejected,
    InvalidRequest,
    NotFound,
    OutcomeUnknown,
    PayloadInvalid,
    PlatformDown,
    RateLimited,
    ShopResting,
)
from connector.secret import Secret

GRAPHQL: Final = f"admin/api/{API_VERSION}/graphql.json"
# Longer waits are left to whoever plans the work: a worker must not sleep on a shop.
LONGEST_WAIT_S: Final = 8.0
TRIES: Final = 4
_FAILED: Final = frozenset({"INTERNAL_SERVER_ERROR", "TIMEOUT", "SERVICE_UNAVAILABLE"})
_OWN_ID: Final[tuple[list[str] | None, ...]] = (None, [], ["id"], ["input", "id"])
_GONE: Final = ("does not exist", "not found", "not exist")
_log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Told(Generic[T]):
    """Data, and what could not be told: one sentence for each gap."""

    data: T
    gaps: tuple[str, ...] = ()


class ShopifyClient:
    """Sends operations of the operations file to one shop."""

    def __init__(
        self, http: HttpClient, tokens: Tokens, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._http = http
        self._tokens = tokens
        self._sleep = sleep
        # Points that each operation asked for when it was last sent.
        self._costs: dict[str, float] = {}

    def ask(self, name: str, variables: Mapping[str, Any], kind: type[T]) -> Told[T]:
        """Run one operation; short waits for points are waited out.

        Throttling proves that nothing was done. All workers of a shop share its points,
        and some are left for the pages that a person waits for.

        Args: kind: what `data` of the answer is read as.
        Raises: AdapterError: see the table in the error sheet of the platform.
        """
        tries = Retrying(
            retry=retry_if_exception(_is_short_throttling),
            wait=_wait,
            stop=stop_after_attempt(TRIES),
            sleep=self._sleep,
            reraise=True,
        )
        return tries(self._ask_once, name, variables, kind)

    def _ask_once(self, name: str, variables: Mapping[str, Any], kind: type[T]) -> Told[T]:
        self._wait_for_points(name)
        body = msgspec.json.encode(
            {"query": text_of(name), "variables": variables, "operationName": name}
        )
        write = is_mutation(name)
        token = self._tokens.current()
        answer = self._send(name, body, token, write=write)
        if answer.status == 401:  # noqa: PLR2004 - refused before anything was done
            other = self._tokens.after_refusal(token)
            if other is not None:
                answer = self._send(name, body, other, write=write)
        return self._read(answer, name, kind, write=write)

    def _wait_for_points(self, name: str) -> None:
        """Wait until the call leaves the reserve whole; a long wait is left to the plan.

        Raises: ShopResting: it would be long.
        """
        waited_s = 0.0
        while (wait_s := self._http.gate.afford_s(self._costs.get(name, 0.0))) > 0:
            if waited_s + wait_s > LONGEST_WAIT_S:
                raise ShopResting(
                    "The points that Shopify gives us are used up for now.",
                    platform="shopify",
                    operation=name,
                    retry_after_s=wait_s,
                )
            self._sleep(wait_s)
            waited_s += wait_s

    def _learn(self, name: str, envelope: Envelope) -> None:
        """Remember what the call cost and how many points are left."""
        cost = envelope.extensions.cost if envelope.extensions else None
        if cost is None:
            return
        self._costs[name] = cost.requested_query_cost
        status = cost.throttle_status
        if status is not None and status.maximum_available > 0:
            self._http.gate.learn(
                status.currently_available, status.maximum_available, status.restore_rate
            )

    def _send(self, name: str, body: bytes, token: Secret, *, write: bool) -> Answer:
        return self._http.send(
            "POST",
            GRAPHQL,
            body=body,
            headers={
                "Content-Type": "application/json",
                "X-Shopify-Access-Token": token.reveal(),
            },
            write=write,
            operation=name,
        )

    def _read(self, answer: Answer, name: str, kind: type[T], *, write: bool) -> Told[T]:
        error = error_of(answer, self._http, write=write)
        if error is not None:
            raise self._in_our_words(answer, error, name)
        told = answer.headers.get("x-shopify-api-version", API_VERSION)
        if told != API_VERSION:
            _log.warning("shopify.version", extra={"asked": API_VERSION, "told": told[:20]})
        if reason := answer.headers.get("x-shopify-api-deprecated-reason"):
            _log.warning("shopify.deprecated", extra={"operation": name, "reason": reason[:200]})
        try:
            envelope = _json.decode(Envelope, answer.body)
            self._learn(name, envelope)
            gaps = self._judge(envelope, answer, name, write=write)
            return Told(_json.decode(kind, bytes(envelope.data)), gaps)
        except PayloadInvalid as err:
            failure = OutcomeUnknown if write else PlatformDown
            raise failure(
                f"Shopify answered something that cannot be read: {err}", **_where(answer, name)
            ) from err

    def _in_our_words(self, answer: Answer, error: AdapterError, name: str) -> AdapterError:
        """Say it for Shopify, where the common words would mislead."""
        where = _where(answer, name)
        where["excerpt"] = error.excerpt
        if answer.status in {404, 410}:
            # Not NotFound: the shop is not there, which says nothing about an order.
            text = (
                f"Shopify knows no shop with API {API_VERSION} at this address: check the domain."
            )
            return InvalidRequest(text, **where)
        if answer.status == 401:  # noqa: PLR2004 - HTTP status
            return AuthRejected(
                "Shopify refuses the access token: the app was uninstalled or the token revoked."
                " Install the app again.",
                **where,
            )
        if answer.status == 403:  # noqa: PLR2004 - HTTP status
            text = "Shopify denies access: grant the app the missing scope, then check the shop."
            return AuthRejected(text, **where)
        return error

    def _judge(
        self, envelope: Envelope, answer: Answer, name: str, *, write: bool
    ) -> tuple[str, ...]:
        """Raise what makes the answer worthless; give the rest as gaps."""
        problems = problems_of(envelope.errors)
        empty = bytes(envelope.data) == b"null"
        where = _where(answer, name)
        for problem in problems:
            # One word of path is the operation itself: nothing is left of the answer.
            if problem.code == "THROTTLED" or empty or len(problem.path) <= 1:
                raise self._error(problem, envelope, where, write=write)
        if empty:
            failure = OutcomeUnknown if write else PlatformDown
            raise failure("Shopify answered without data.", **where)
        gaps = [
            f"Shopify does not tell {'.'.join(problem.path)}:"
            f" {self._http.redact(problem.message)[:EXCERPT_LENGTH]}"
            for problem in problems
        ]
        return tuple(dict.fromkeys(gaps))

    def _error(
        self, problem: Problem, envelope: Envelope, where: dict[str, Any], *, write: bool
    ) -> AdapterError:
        said = self._http.redact(problem.message)[:EXCERPT_LENGTH]
        more = {**where, "code": problem.code, "excerpt": said}
        if problem.code == "THROTTLED":
            more["retry_after_s"] = throttle_s(envelope.extensions)
            if more["retry_after_s"] > LONGEST_WAIT_S:
                self._http.gate.pause(more["retry_after_s"])
            return RateLimited("Shopify asks for fewer calls.", **more)
        if problem.code == "ACCESS_DENIED":
            return AuthRejected(f"The app lacks a scope: {said}", **more)
        if "Invalid API key or access token" in problem.message:
            return AuthRejected("Shopify refuses the access token.", **more)
        if problem.code in _FAILED or (write and problem.path and not problem.code):
            # A mutation that was begun and failed: what it did is not known.
            failure = OutcomeUnknown if write else PlatformDown
            return failure(f"Shopify failed: {said}", **more)
        if problem.code in {"NOT_FOUND", "RESOURCE_NOT_FOUND"}:
            return NotFound(said, **more)
        return InvalidRequest(f"Shopify refuses the call: {said}", **more)


class UserError(msgspec.Struct, frozen=True):
    """One reason why a mutation was refused; nothing was done."""

    message: str = ""
    field: list[str] | None = None
    code: str | None = None


def refuse(errors: list[UserError], name: str) -> None:
    """Raise what a mutation was refused for.

    Raises: NotFound: the object is gone; InvalidRequest: all else.
    """
    if not errors:
        return
    text = "; ".join(error.message for error in errors)[:EXCERPT_LENGTH]
    code = next((error.code for error in errors if error.code), "")
    where: dict[str, Any] = {"platform": "shopify", "operation": name, "code": code}
    # Most mutations have no codes: the words are all there is.
    about_owner = all(error.field in _OWN_ID for error in errors)
    if about_owner and any(word in text.lower() for word in _GONE):
        raise NotFound(f"Shopify: {text}", **where)
    raise InvalidRequest(f"Shopify refuses the values: {text}", **where)


def _where(answer: Answer, name: str) -> dict[str, Any]:
    return {
        "platform": "shopify",
        "operation": name,
        "status": answer.status,
        "request_id": answer.request_id,
    }


def _is_short_throttling(err: BaseException) -> bool:
    return (
        isinstance(err, RateLimited)
        and err.code == "THROTTLED"
        and (err.retry_after_s or 0.0) <= LONGEST_WAIT_S
    )


def _wait(state: RetryCallState) -> float:
    err = state.outcome.exception() if state.outcome else None
    told = err.retry_after_s if isinstance(err, RateLimited) else None
    # Jitter, so that the waiting workers of a shop do not come back together.
    return (told or 1.0) + random.uniform(0.0, 0.5)  # noqa: S311 - no secret
