"""What we write into a shop: a closed list, and what comes back."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from connector.model.order import OrderRef


class DiscountKind(StrEnum):
    """How a discount code counts."""

    PERCENT = "percent"
    FIXED = "fixed"
    FREE_SHIPPING = "free_shipping"


@dataclass(frozen=True, slots=True)
class AddNote:
    """A note on the order; `to_buyer` sends it by the shop's own mail.

    Attributes:
        marker: a short text that is part of the note, by which it is found again.
    """

    order_ref: OrderRef
    text: str
    marker: str
    to_buyer: bool = False


@dataclass(frozen=True, slots=True)
class AddTags:
    """Labels for the order; our own meta field on platforms without tags."""

    order_ref: OrderRef
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RemoveTags:
    """Labels to take off the order; those that are not there are passed over."""

    order_ref: OrderRef
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SetMeta:
    """One of our own extra fields on the order."""

    order_ref: OrderRef
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class SetStatus:
    """The order's state, in the platform's own word."""

    order_ref: OrderRef
    status: str


@dataclass(frozen=True, slots=True)
class CreateDiscountCode:
    """A discount code for one buyer or for all.

    Attributes:
        code: derived from the effect's key, so that a repeat meets itself.
        value: percent as decimal text, or a decimal amount of `currency`.
        buyer_email: whom the code is for; None for everybody.
        buyer_ref: the platform's customer id, where it binds codes by id.
        marker: the effect's mark, by which a found code is known as ours.
    """

    code: str
    kind: DiscountKind
    value: str
    currency: str
    title: str
    marker: str
    starts_at: datetime
    ends_at: datetime | None = None
    usage_limit: int | None = 1
    min_total: str | None = None
    buyer_email: str | None = None
    buyer_ref: str | None = None
    order_ref: OrderRef | None = None


WriteBack = AddNote | AddTags | RemoveTags | SetMeta | SetStatus | CreateDiscountCode


@dataclass(frozen=True, slots=True)
class WriteResult:
    """What the shop holds now.

    Attributes:
        ref: the platform's id of what was made, or the code itself.
        adopted: true when it was there already and was taken for ours.
        modified_at: the order's new stamp, where the answer tells it: the echo guard.
        detail: what to show people, like the note's id or the code's end.
    """

    ref: str
    adopted: bool = False
    modified_at: datetime | None = None
    detail: tuple[tuple[str, str], ...] = ()
