"""Messages to buyers and what became of them."""

from dataclasses import dataclass, field
from enum import StrEnum

from connector.model.order import OrderRef, ShopId


class MessageClass(StrEnum):
    """Why a message is sent; the law asks different things of each."""

    SERVICE = "service"
    FEEDBACK = "feedback"
    MARKETING = "marketing"


@dataclass(frozen=True, slots=True)
class Message:
    """One message, rendered and ready to leave.

    Attributes:
        key: the effect's key; the same message has the same key on every try.
        to: the address on the channel: an e-mail address, a number.
        basis: why this may be sent, like `contract` or `consent 2026-01-02 checkout`;
            a feedback or marketing message without one is refused by every channel.
        reference: an opaque id, fit for headers: derived from the key.
    """

    key: str
    shop_id: ShopId
    order_ref: OrderRef | None
    channel: str
    message_class: MessageClass
    to: str
    to_name: str
    subject: str
    text: str = field(repr=False)
    html: str = field(default="", repr=False)
    locale: str = "es"
    basis: str = ""
    reference: str = ""
    from_name: str = ""
    reply_to: str = ""
    unsubscribe: str = ""


@dataclass(frozen=True, slots=True)
class SendResult:
    """What the channel said when it took the message."""

    ref: str
    detail: tuple[tuple[str, str], ...] = ()
