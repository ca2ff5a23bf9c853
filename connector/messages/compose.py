"""Turn a rule's message action into a message that is ready to leave."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any, Final
from urllib.parse import quote

from connector.errors import MessageInvalid
from connector.messages.clean import clean_line
from connector.messages.letter import letter, link
from connector.messages.placeholders import context_of, language_of
from connector.messages.render import render_body, render_text, uses
from connector.messages.shop_words import ShopWords
from connector.messages.templates import LANGUAGES, load_template
from connector.model.customer import ConsentState, normal_email
from connector.model.message import Message, MessageClass
from connector.model.order import Order, ShopId

MAX_SUBJECT: Final = 150
_MAX_NAME: Final = 80
_EMAIL: Final = "email"
_STRICTNESS: Final = (MessageClass.SERVICE, MessageClass.FEEDBACK, MessageClass.MARKETING)
_WORDS: Final = {
    "es": {
        "person": "¿Alguna duda? Escríbenos y te responde una persona: {}",
        "answer": "¿Alguna duda? Responde a este correo y te contesta una persona.",
        "stop": "Te escribimos porque aceptaste recibir ofertas de {}.",
        "stop_link": "Si no quieres recibir más, escríbenos aquí y dejamos de enviarlas",
        "stop_answer": "Si no quieres recibir más, responde a este correo con la palabra BAJA.",
        "stop_subject": "BAJA",
    },
    "en": {
        "person": "Any questions? Write to us and a person will answer: {}",
        "answer": "Any questions? Just reply to this email and a person will answer.",
        "stop": "You are getting this because you agreed to receive offers from {}.",
        "stop_link": "If you would rather not, write to us here and we will stop",
        "stop_answer": "If you would rather not, reply to this email with the word STOP.",
        "stop_subject": "STOP",
    },
}
_WEB: Final = re.compile(r"https?://[^\s<>\"']+", re.IGNORECASE)


class SkipMessage(Exception):
    """This message may not or cannot be sent; `reason` says why, for the merchant."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class _Words:
    """The unrendered texts of one message."""

    language: str
    message_class: MessageClass
    subject: str
    body: str


def compose(
    payload: Mapping[str, Any],
    *,
    key: str,
    order: Order,
    shop: ShopWords,
    coupon: Mapping[str, Any] | None = None,
    shop_id: ShopId | None = None,
) -> Message:
    """Render the message of an action for one order.

    Args: payload: the action's data: `template`, `channel`, `class`, and the rule's own
        `subject` and `body`, each a text or texts by language. key: the effect's key; the
        message's reference is made of it. coupon: the code the same rule made, see
        context_of. shop_id: only needed when `shop` has no `id`.

    Raises:
        SkipMessage: there is no address, or no basis for this class of message.
        MessageInvalid: the text cannot be rendered.
    """
    to, words, message_class, basis = _permitted(payload, order, shop, coupon)

    context = context_of(order, shop, coupon=coupon, language=words.language)
    subject = clean_line(render_text(words.subject, context), MAX_SUBJECT)
    if not subject:
        raise MessageInvalid("the subject is empty")
    body = render_body(words.body, context)
    reference = reference_of(key)
    contact = normal_email(shop.contact) or ""
    unsubscribe = ""
    if message_class is not MessageClass.SERVICE and contact:
        stop = quote(f"{_WORDS[words.language]['stop_subject']} {reference}")
        unsubscribe = f"mailto:{contact}?subject={stop}"
    foot = _foot(words.language, message_class, shop, unsubscribe)
    name = clean_line(context["shop"]["name"], _MAX_NAME)
    return Message(
        key=key,
        shop_id=shop_id if shop_id is not None else ShopId(str(getattr(shop, "id", ""))),
        order_ref=order.ref,
        channel=_channel(payload),
        message_class=message_class,
        to=to,
        to_name=clean_line(order.buyer.name, _MAX_NAME),
        subject=subject,
        text=body.text + "\n-- \n" + "\n".join(line for line, _ in foot) + "\n",
        html=letter(
            body.html,
            language=words.language,
            shop_name=name,
            subject=subject,
            foot=[html for _, html in foot],
        ),
        locale=words.language,
        basis=basis,
        reference=reference,
        from_name=name,
        reply_to=contact,
        unsubscribe=unsubscribe,
    )


def permitted(
    payload: Mapping[str, Any],
    *,
    order: Order,
    shop: ShopWords,
    coupon: Mapping[str, Any] | None = None,
) -> MessageClass:
    """Tell the class of a message that may be sent, without rendering it.

    Raises:
        SkipMessage: there is no address, or no basis for this class of message.
        MessageInvalid: there is no text.
    """
    return _permitted(payload, order, shop, coupon)[2]


def _permitted(
    payload: Mapping[str, Any],
    order: Order,
    shop: ShopWords,
    coupon: Mapping[str, Any] | None,
) -> tuple[str, _Words, MessageClass, str]:
    """Give address, words, class and basis of a message."""
    channel = _channel(payload)
    to = _address(order, channel)
    words = _words(payload, language_of(order, shop))
    message_class = _class_of(payload, words, coupon)
    return to, words, message_class, _basis(order, channel, message_class)


def _channel(payload: Mapping[str, Any]) -> str:
    return str(payload.get("channel") or _EMAIL)


def reference_of(key: str) -> str:
    """Derive the opaque id of a message from its effect's key; 128 bits, for headers."""
    return hashlib.sha256(f"message:{key}".encode()).hexdigest()[:32]


def _address(order: Order, channel: str) -> str:
    if channel != _EMAIL:
        if not order.buyer.phone:
            raise SkipMessage(f"the order has no phone number, which {channel} needs")
        return clean_line(order.buyer.phone, 20)
    if not order.buyer.email:
        raise SkipMessage("the order has no e-mail address")
    to = normal_email(order.buyer.email)
    if to is None:
        raise SkipMessage("the order's e-mail address is not a valid one")
    return to


def _words(payload: Mapping[str, Any], language: str) -> _Words:
    subject, body = _texts(payload.get("subject")), _texts(payload.get("body"))
    own = subject or body
    if own and language not in own:
        # The rule is written in other languages only: one language for the whole message.
        language = next((each for each in LANGUAGES if each in own), language)
    message_class, name = MessageClass.SERVICE, payload.get("template")
    if name:
        template = load_template(str(name), language)
        message_class = template.message_class
        subject = {language: template.subject} | subject
        body = {language: template.body} | body
    if language not in subject or language not in body:
        raise MessageInvalid(
            f"the message has no subject or no body in {language!r}; name a template or write both"
        )
    return _Words(language, message_class, subject[language], body[language])


def _texts(value: object) -> dict[str, str]:
    """Give texts by language; one plain text stands for every language."""
    if isinstance(value, Mapping):
        return {str(language): str(text) for language, text in value.items() if text}
    return dict.fromkeys(LANGUAGES, str(value)) if value else {}


def _class_of(
    payload: Mapping[str, Any], words: _Words, coupon: Mapping[str, Any] | None
) -> MessageClass:
    """Take the strictest of what rule, template and content say."""
    classes = [words.message_class]
    if payload.get("class"):
        classes.append(MessageClass(str(payload["class"])))
    # A voucher makes an offer of any message, whatever its rule calls it.
    if coupon is not None and (uses(words.body, "coupon") or uses(words.subject, "coupon")):
        classes.append(MessageClass.MARKETING)
    return max(classes, key=_STRICTNESS.index)


def _basis(order: Order, channel: str, message_class: MessageClass) -> str:
    if message_class is MessageClass.SERVICE:
        return "contract"
    given = [consent for consent in order.buyer.consents if consent.channel == channel]
    # Where the times are known, the last word counts; a refusal without one always counts.
    dated = sorted((consent for consent in given if consent.at), key=lambda each: str(each.at))
    undated = [consent for consent in given if not consent.at]
    said = [*undated, *dated[-1:]]
    if any(consent.state is ConsentState.DENIED for consent in said):
        raise SkipMessage(f"the buyer said no to offers by {channel}")
    granted = [consent for consent in said if consent.state is ConsentState.GRANTED]
    if not granted:
        raise SkipMessage(f"the buyer has not agreed to offers by {channel}")
    last = granted[-1]
    day = last.at.date().isoformat() if last.at else ""
    return " ".join(filter(None, ("consent", day, clean_line(last.source, 80))))


def _foot(
    language: str, message_class: MessageClass, shop: ShopWords, unsubscribe: str
) -> list[tuple[str, str]]:
    """Give the last lines, each as plain text and as HTML."""
    words = _WORDS[language]
    contact = clean_line(shop.contact, 200)
    email = normal_email(contact)
    lines = []
    if not contact:
        lines.append((words["answer"], escape(words["answer"])))
    elif email or _WEB.fullmatch(contact):
        address = f"mailto:{email}" if email else contact
        lines.append(
            (words["person"].format(contact), words["person"].format(link(address, contact)))
        )
    else:
        lines.append((words["person"].format(contact), words["person"].format(escape(contact))))
    if message_class is not MessageClass.SERVICE:
        name = clean_line(shop.name, _MAX_NAME)
        why = words["stop"].format(name)
        plain = f"{why} {words['stop_answer']}"
        clickable = f"{escape(why)} {link(unsubscribe, words['stop_link'])}."
        lines.append((plain, clickable if unsubscribe else escape(plain)))
    return lines
