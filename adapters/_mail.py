"""What every channel checks before a message may leave."""

import re
from typing import Final

from connector.errors import MessageInvalid
from connector.model.customer import normal_email
from connector.model.message import Message, MessageClass

# A line end inside a header starts a header of the writer's choice.
_BREAKS_A_HEADER: Final = re.compile("[\u0000-\u0008\u000a-\u001f\u007f\u0085\u2028\u2029]")
_HEADERS: Final = (
    "to",
    "to_name",
    "subject",
    "from_name",
    "reply_to",
    "reference",
    "unsubscribe",
    "locale",
)


def check_before_sending(message: Message) -> None:
    """Refuse a message that has no basis or would break its own headers.

    Raises: MessageInvalid: the reason, without the address or the text.
    """
    if message.message_class is not MessageClass.SERVICE and not message.basis.strip():
        raise MessageInvalid(
            f"a {message.message_class} message needs a basis: the buyer's consent"
        )
    for name in _HEADERS:
        if _BREAKS_A_HEADER.search(getattr(message, name)):
            raise MessageInvalid(f"{name} holds a control character or a line end")
    if not message.reference:
        raise MessageInvalid("the message has no reference")


def mail_address(address: str) -> str:
    """Bring an address into the form that every mail server takes.

    Returns: plain ASCII; an international domain in its xn-- form.
    Raises: MessageInvalid: it is no address, or its first part is not plain ASCII.
    """
    cleaned = normal_email(address)
    if cleaned is None:
        raise MessageInvalid("the e-mail address is not a valid one")
    local, _, domain = cleaned.rpartition("@")
    if not local.isascii():
        raise MessageInvalid("the e-mail address has letters that mail servers do not take")
    try:
        return f"{local}@{domain.encode('idna').decode('ascii')}"
    except UnicodeError as err:
        raise MessageInvalid("the domain of the e-mail address is not a valid one") from err
