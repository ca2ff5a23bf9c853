"""A message as an e-mail; pure."""

from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from typing import Any, Final
from urllib.parse import quote

from adapters._mail import check_before_sending, mail_address
from connector.model.message import Message, MessageClass

# Longest header line a mail server must take. Source: RFC 5322 section 2.1.1.
MAX_LINE: Final = 998
_MAX_SUBJECT: Final = 250
_NOT_FOLDED: Final = frozenset({"list-unsubscribe"})


class _Policy(EmailPolicy):
    """Folds headers, but leaves addresses of the web in one piece.

    The library would write a long address as encoded words, which no mail program
    follows.
    """

    def fold(self, name: str, value: Any) -> str:
        if name.lower() in _NOT_FOLDED:
            return f"{name}: {value}{self.linesep}"
        return str(super().fold(name, value))

    def fold_binary(self, name: str, value: Any) -> bytes:
        if name.lower() in _NOT_FOLDED:
            return self.fold(name, value).encode("ascii")
        return super().fold_binary(name, value)


_POLICY: Final = _Policy(linesep="\r\n", cte_type="7bit", raise_on_defect=False)


def message_id(message: Message, sender: str) -> str:
    """Give the Message-ID: the same on every try of the same message."""
    return f"<{message.reference}@{sender.rpartition('@')[2]}>"


def to_mail(message: Message, sender: str, sent_at: datetime) -> bytes:
    """Write a message as the bytes that go over the wire, in plain ASCII.

    Args: sender: the address in From, plain ASCII. sent_at: aware.
    Raises: MessageInvalid: no basis, a header would break, or no usable address.
    """
    check_before_sending(message)
    mail = EmailMessage(policy=_POLICY)
    mail["From"] = Address(display_name=message.from_name, addr_spec=sender)
    mail["To"] = Address(display_name=message.to_name, addr_spec=mail_address(message.to))
    if message.reply_to:
        mail["Reply-To"] = Address(addr_spec=mail_address(message.reply_to))
    mail["Subject"] = _shortened(message.subject)
    mail["Date"] = sent_at
    mail["Message-ID"] = message_id(message, sender)
    # Away notes must not answer it. Source: RFC 3834 section 5.
    mail["Auto-Submitted"] = "auto-generated"
    if message.message_class is not MessageClass.SERVICE:
        _add_unsubscribe(mail, message, sender)
    mail.set_content(message.text, cte="quoted-printable")
    if message.html:
        mail.add_alternative(message.html, subtype="html", cte="quoted-printable")
    # Last: setting the content takes headers of this family away.
    mail["Content-Language"] = message.locale
    return mail.as_bytes()


def _add_unsubscribe(mail: EmailMessage, message: Message, sender: str) -> None:
    address = message.unsubscribe
    if not address:
        person = mail_address(message.reply_to) if message.reply_to else sender
        address = f"mailto:{person}?subject={quote('unsubscribe ' + message.reference)}"
    mail["List-Unsubscribe"] = f"<{quote(address, safe=':/?&=@%+,;~#-._!$*()')}>"
    if address.startswith("https://"):
        # Source: RFC 8058 section 3.1.
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"


def _shortened(subject: str) -> str:
    if len(subject) <= _MAX_SUBJECT:
        return subject
    return subject[: _MAX_SUBJECT - 1].rstrip() + "…"
