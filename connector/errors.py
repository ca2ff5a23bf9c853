"""Every error of Postventa; the docstring of a class is its default message."""

from collections.abc import Sequence


class PostventaError(Exception):
    """Something went wrong."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())


class ConfigurationError(PostventaError):
    """A setting is wrong or missing."""


class InboundRejected(PostventaError):
    """The request was refused."""

    status: int = 400


class SignatureRejected(InboundRejected):
    """The signature does not match the body: check the webhook secret of this shop."""

    status = 401


class UnknownAddress(InboundRejected):
    """No shop listens at this address: copy the delivery URL from `postventa shops list`."""

    status = 404


class DeliveryMalformed(InboundRejected):
    """The request lacks headers that every webhook has."""

    status = 400

    def __init__(self, message: str = "", *, missing: Sequence[str] = ()) -> None:
        self.missing = tuple(missing)
        super().__init__(message or f"missing headers: {', '.join(self.missing)}")


class DeliveryTooLarge(InboundRejected):
    """The body is larger than the limit."""

    status = 413


class ContentTypeRejected(InboundRejected):
    """Webhooks are JSON: send Content-Type application/json, without Content-Encoding."""

    status = 415


class PayloadInvalid(PostventaError):
    """The body is signed but cannot be read."""


class StorageUnavailable(PostventaError):
    """The database cannot store or read at the moment."""


class AdapterError(PostventaError):
    """A call to the outside failed.

    Attributes:
        platform: which adapter, like `woocommerce`.
        operation: what was tried, like `POST orders/5/notes`.
        status: HTTP status, when there was an answer.
        request_id: the platform's own number of the call, for its support.
        excerpt: a redacted piece of the answer, at most 200 characters.
        retry_after_s: seconds the other side asked us to wait.
    """

    def __init__(
        self,
        message: str = "",
        *,
        platform: str = "",
        operation: str = "",
        status: int | None = None,
        request_id: str = "",
        excerpt: str = "",
        retry_after_s: float | None = None,
        code: str = "",
    ) -> None:
        self.platform = platform
        self.operation = operation
        self.status = status
        self.request_id = request_id
        self.excerpt = excerpt
        self.retry_after_s = retry_after_s
        self.code = code
        super().__init__(message)


class TemporaryFailure(AdapterError):
    """The other side cannot do it now; it is tried again."""


class Unreachable(TemporaryFailure):
    """No connection could be made, so nothing was done."""


class RateLimited(TemporaryFailure):
    """The other side asks for fewer calls."""


class PlatformDown(TemporaryFailure):
    """The other side is down or in maintenance."""


class ShopPaused(TemporaryFailure):
    """The platform has frozen or locked this shop; it is looked at again later."""


class ShopResting(TemporaryFailure):
    """The shop is given a rest, so nothing was sent; it is asked again later."""


class PermanentFailure(AdapterError):
    """Trying again would not help."""


class AuthRejected(PermanentFailure):
    """The shop refuses our key: make a new one with read and write rights."""


class NotFound(PermanentFailure):
    """The shop does not have this any more."""


class Conflict(PermanentFailure):
    """What should be made exists already, and is not ours."""


class InvalidRequest(PermanentFailure):
    """The shop refuses the values."""


class OutcomeUnknown(AdapterError):
    """The write may have happened: its answer was lost."""


class Unsupported(AdapterError):
    """The platform cannot do this."""


class RuleInvalid(PostventaError):
    """A rule cannot be saved.

    Attributes:
        problems: one text a problem, each with its line where known.
    """

    def __init__(self, message: str = "", *, problems: Sequence[str] = ()) -> None:
        self.problems = tuple(problems)
        super().__init__(message or "\n".join(self.problems))


class MessageInvalid(PostventaError):
    """A message template cannot be rendered."""
