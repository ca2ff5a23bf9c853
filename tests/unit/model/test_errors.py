"""Errors: their tree, their standard texts, and what each carries."""

import inspect

import pytest

from connector import errors
from connector.errors import (
    AdapterError,
    AuthRejected,
    ConfigurationError,
    Conflict,
    ContentTypeRejected,
    DeliveryMalformed,
    DeliveryTooLarge,
    InboundRejected,
    InvalidRequest,
    MessageInvalid,
    NotFound,
    OutcomeUnknown,
    PayloadInvalid,
    PermanentFailure,
    PlatformDown,
    PostventaError,
    RateLimited,
    RuleInvalid,
    ShopPaused,
    SignatureRejected,
    TemporaryFailure,
    UnknownAddress,
    Unreachable,
    Unsupported,
)

ALL = [
    found
    for _, found in inspect.getmembers(errors, inspect.isclass)
    if issubclass(found, PostventaError)
]


@pytest.mark.parametrize("error", ALL)
def test_every_error_is_ours_and_says_something(error: type[PostventaError]) -> None:
    """Each error has a sentence of its own, and takes another text instead."""
    assert error.__doc__
    assert error.__doc__ != PostventaError.__doc__ or error is PostventaError
    assert str(error("in other words")) == "in other words"
    assert isinstance(error("x"), PostventaError)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ConfigurationError, "A setting is wrong or missing."),
        (PayloadInvalid, "The body is signed but cannot be read."),
        (Unreachable, "No connection could be made, so nothing was done."),
        (OutcomeUnknown, "The write may have happened: its answer was lost."),
        (Unsupported, "The platform cannot do this."),
    ],
)
def test_standard_text(error: type[PostventaError], text: str) -> None:
    """Without a text of its own an error says what its class is about."""
    assert str(error()) == text


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (SignatureRejected, 401),
        (UnknownAddress, 404),
        (DeliveryMalformed, 400),
        (DeliveryTooLarge, 413),
        (ContentTypeRejected, 415),
    ],
)
def test_refused_requests(error: type[InboundRejected], status: int) -> None:
    """Each way to refuse a request has its HTTP status, never a 3xx or 5xx."""
    assert issubclass(error, InboundRejected)
    assert error.status == status


def test_all_missing_headers_are_named() -> None:
    """A request without its headers is told all of them at once."""
    error = DeliveryMalformed(missing=["X-WC-Webhook-Signature", "X-WC-Webhook-Topic"])
    assert error.missing == ("X-WC-Webhook-Signature", "X-WC-Webhook-Topic")
    assert str(error) == "missing headers: X-WC-Webhook-Signature, X-WC-Webhook-Topic"


@pytest.mark.parametrize(
    ("errors_of_kind", "kind"),
    [
        ([Unreachable, RateLimited, PlatformDown, ShopPaused], TemporaryFailure),
        ([AuthRejected, NotFound, Conflict, InvalidRequest], PermanentFailure),
    ],
)
def test_temporary_or_permanent(
    errors_of_kind: list[type[AdapterError]], kind: type[AdapterError]
) -> None:
    """What is tried again and what is not are two kinds; an unknown outcome is neither."""
    other = PermanentFailure if kind is TemporaryFailure else TemporaryFailure
    for error in errors_of_kind:
        assert issubclass(error, kind)
        assert not issubclass(error, other)
    for neither in (OutcomeUnknown, Unsupported):
        assert issubclass(neither, AdapterError)
        assert not issubclass(neither, TemporaryFailure | PermanentFailure)


def test_adapter_error_carries_the_call() -> None:
    """A failed call keeps what support and retry need, and its text shows none of it."""
    error = RateLimited(
        platform="woocommerce",
        operation="POST orders/5/notes",
        status=429,
        request_id="r-1",
        excerpt="slow down",
        retry_after_s=7.0,
        code="too_many",
    )
    assert (error.platform, error.operation) == ("woocommerce", "POST orders/5/notes")
    assert (error.status, error.request_id, error.excerpt) == (429, "r-1", "slow down")
    assert (error.retry_after_s, error.code) == (7.0, "too_many")
    assert str(error) == "The other side asks for fewer calls."


def test_rule_problems_are_all_told() -> None:
    """A rule that cannot be saved tells all its problems, one a line."""
    error = RuleInvalid(problems=["line 2: a", "line 7: b"])
    assert error.problems == ("line 2: a", "line 7: b")
    assert str(error) == "line 2: a\nline 7: b"
    assert MessageInvalid().args == ("A message template cannot be rendered.",)
