"""From a rule's action to a message: class, basis, language, texts, references."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.errors import MessageInvalid
from connector.messages.compose import MAX_SUBJECT, SkipMessage, compose, reference_of
from connector.messages.render import check
from connector.messages.samples import SAMPLE_COUPON, SAMPLE_ORDER, SAMPLE_SHOP
from connector.messages.templates import (
    LANGUAGES,
    load_template,
    read_template,
    template_names,
)
from connector.model.customer import Consent, ConsentState
from connector.model.message import Message, MessageClass
from connector.model.order import Order

YES = Consent("email", ConsentState.GRANTED, "checkout", datetime(2026, 1, 2, tzinfo=UTC))
NO = Consent("email", ConsentState.DENIED, "reply", datetime(2026, 2, 3, tzinfo=UTC))


def order_of(*consents: Consent, **buyer: Any) -> Order:
    """Give the sample order with another buyer."""
    return replace(SAMPLE_ORDER, buyer=replace(SAMPLE_ORDER.buyer, consents=consents, **buyer))


def composed(payload: dict[str, Any], order: Order = SAMPLE_ORDER, **more: Any) -> Message:
    """Compose for the sample shop."""
    return compose(payload, key="s1:r:7:1", order=order, shop=SAMPLE_SHOP, **more)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["confirmation", "second_thanks", "welcome"])
def test_each_default_is_complete(name: str, language: str) -> None:
    """Every template passes the check and renders in both languages, with and without extras."""
    template = load_template(name, language)
    assert check(template.subject) == []
    assert check(template.body) == []

    order = order_of(YES, locale=language)
    bare = replace(order, parcels=(), shipping_lines=(), shipping_address=None, lines=())
    for each, coupon in ((order, SAMPLE_COUPON), (bare, None)):
        message = composed({"template": name}, each, coupon=coupon)
        assert message.locale == language
        assert f'<html lang="{language}">' in message.html
        assert SAMPLE_SHOP.name in message.text
        assert "hola@shop.example" in message.text
        assert "{{" not in message.text + message.html
        assert "\n\n\n" not in message.text


def test_the_defaults_are_these() -> None:
    """There are three templates; offers are declared as such."""
    assert template_names() == ("confirmation", "second_thanks", "welcome")
    assert {
        name: load_template(name, language).message_class
        for name in template_names()
        for language in LANGUAGES
    } == {
        "confirmation": MessageClass.SERVICE,
        "second_thanks": MessageClass.MARKETING,
        "welcome": MessageClass.SERVICE,
    }


def test_a_welcome_in_full() -> None:
    """The welcome says what was bought, who brings it and whom to write to."""
    message = composed({"template": "welcome", "channel": "email", "class": "service"})

    assert message.to == "lucia@buyer.example"
    assert message.to_name == "Lucía Fernández"
    assert message.subject == "Hola, Lucía: ya tenemos tu pedido #1042"
    assert message.text.startswith("Hola, Lucía:\n\nGracias por comprar en La Huerta de Ana.")
    assert "  2 \u00d7 Aceite de oliva virgen extra, 1 l: 31,00\u00a0€\n" in message.text
    assert "Correos. Su número de seguimiento es PQ4E5R0710012345." in message.text
    assert message.message_class is MessageClass.SERVICE
    assert message.basis == "contract"
    assert message.from_name == "La Huerta de Ana"
    assert message.reply_to == "hola@shop.example"
    assert message.unsubscribe == ""
    assert "ofertas" not in message.text


def test_the_html_loads_nothing_from_elsewhere() -> None:
    """No picture, font, style sheet or script: the links of the text are all there is."""
    html = composed({"template": "welcome"}).html

    assert not re.search(r"(?i)<(img|link|script|iframe|object|video)|url\(|@import|src=", html)
    assert re.findall(r'href="([^"]+)"', html) == [
        "https://carrier.example/PQ4E5R0710012345",
        "mailto:hola@shop.example",
    ]


@pytest.mark.parametrize("kind", ["marketing", "feedback"])
@pytest.mark.parametrize(
    ("consents", "reason"),
    [
        ((), "has not agreed to offers by email"),
        ((Consent("sms", ConsentState.GRANTED),), "has not agreed"),
        ((Consent("email", ConsentState.UNKNOWN),), "has not agreed"),
        ((Consent("email", ConsentState.DENIED),), "said no"),
        ((YES, NO), "said no"),
        ((YES, Consent("email", ConsentState.DENIED)), "said no"),
    ],
)
def test_no_basis_no_offer(kind: str, consents: tuple[Consent, ...], reason: str) -> None:
    """Offers and questions need this buyer's yes on this channel, and no later no."""
    with pytest.raises(SkipMessage) as caught:
        composed({"template": "welcome", "class": kind}, order_of(*consents))

    assert reason in caught.value.reason


def test_a_yes_is_the_basis() -> None:
    """A recorded yes lets an offer go, and stays with it as its proof."""
    again = Consent("email", ConsentState.GRANTED, "account", datetime(2026, 3, 4, tzinfo=UTC))
    message = composed({"template": "second_thanks"}, order_of(YES), coupon=SAMPLE_COUPON)

    assert message.message_class is MessageClass.MARKETING
    assert message.basis == "consent 2026-01-02 checkout"
    assert message.unsubscribe == f"mailto:hola@shop.example?subject=BAJA%20{message.reference}"
    assert "responde a este correo con la palabra BAJA" in message.text
    assert message.unsubscribe in message.html
    assert composed({"template": "second_thanks"}, order_of(again, NO, YES, again)).basis == (
        "consent 2026-03-04 account"
    )


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["email", "sms"]),
            st.sampled_from(list(ConsentState)),
            st.none() | st.integers(1, 28),
        ),
        max_size=6,
    )
)
def test_any_history_without_a_yes_sends_nothing(
    history: list[tuple[str, ConsentState, int | None]],
) -> None:
    """Whatever was said before, an offer leaves only with a yes for mail in the history."""
    consents = [
        Consent(channel, state, at=datetime(2026, 1, day, tzinfo=UTC) if day else None)
        for channel, state, day in history
    ]
    try:
        message = composed({"template": "second_thanks"}, order_of(*consents))
    except SkipMessage:
        return
    assert message.basis.startswith("consent")
    assert any(each.channel == "email" and each.state == "granted" for each in consents)
    undated_no = [each for each in consents if each.channel == "email" and each.at is None]
    assert all(each.state != "denied" for each in undated_no)


def test_a_rule_cannot_call_an_offer_a_service() -> None:
    """The strictest of rule, template and content decides."""
    with pytest.raises(SkipMessage):
        composed({"template": "second_thanks", "class": "service"})
    own = {"subject": "Hola", "body": "Usa {{ coupon.code }}", "class": "service"}
    with pytest.raises(SkipMessage):
        composed(own, coupon=SAMPLE_COUPON)
    maybe = {"subject": "Hola", "body": "{% if coupon %}{{ coupon.code }}{% endif %}x"}
    assert composed(maybe).message_class is MessageClass.SERVICE


@pytest.mark.parametrize("email", [None, "", "nobody", "a@b", "a b@c.example"])
def test_no_address(email: str | None) -> None:
    """Without a usable address the message is left out, with the reason."""
    with pytest.raises(SkipMessage, match="e-mail address"):
        composed({"template": "welcome"}, order_of(email=email))


def test_other_channels_need_a_phone() -> None:
    """A channel that is no mail writes to the phone number."""
    own = {"subject": "x", "body": "y", "channel": "sms"}

    assert composed(own).to == "+34600000000"
    with pytest.raises(SkipMessage, match="phone number, which sms needs"):
        composed(own, order_of(phone=None))


def test_own_texts_win_over_the_template() -> None:
    """A rule's own subject or body takes the place of the template's."""
    message = composed(
        {"template": "welcome", "subject": {"es": "Pedido {{ order.number }}", "en": "Order"}}
    )
    assert message.subject == "Pedido #1042"
    assert "Gracias por comprar" in message.text


def test_one_language_for_the_whole_message() -> None:
    """Texts that exist in Spanish only make a Spanish message, for an English reader too."""
    english = order_of(locale="en")
    message = composed({"subject": {"es": "Hola"}, "body": {"es": "{{ order.total }}"}}, english)

    assert message.locale == "es"
    assert message.text.startswith("63,50\u00a0€\n")
    assert "¿Alguna duda?" in message.text
    both = {"subject": "x", "body": {"es": "{{ order.total }}", "en": "{{ order.total }}"}}
    assert composed(both, english).text.startswith("€63.50\n")


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ({"template": "nope"}, "there are: confirmation, second_thanks, welcome"),
        ({"subject": "x"}, "no subject or no body"),
        ({"body": "x"}, "no subject or no body"),
        ({"subject": "{{ coupon.code }}", "body": "x"}, "`coupon` has no value here"),
        ({"subject": "{% if coupon %}x{% endif %}", "body": "x"}, "subject is empty"),
    ],
)
def test_a_message_that_cannot_be_rendered_is_an_error(payload: dict[str, Any], words: str) -> None:
    """A message with a hole in it is never made."""
    with pytest.raises(MessageInvalid, match=words):
        composed(payload)


def test_the_reference_is_opaque_and_steady() -> None:
    """The same key gives the same reference; it tells nothing and differs for others."""
    first, second = composed({"template": "welcome"}), composed({"template": "confirmation"})

    assert first.reference == second.reference == reference_of("s1:r:7:1")
    assert re.fullmatch(r"[0-9a-f]{32}", first.reference)
    assert reference_of("s1:r:7:2") != first.reference


@settings(deadline=None)
@given(st.text(max_size=60), st.text(max_size=60))
def test_no_text_of_a_buyer_breaks_a_header(name: str, number: str) -> None:
    """Whatever a buyer is called, no header gets a line end or a control character."""
    order = replace(order_of(name=name, first_name=name), number=number or "1")
    message = composed({"template": "welcome"}, order)
    for value in (message.to_name, message.subject, message.from_name, message.to):
        assert not re.search(r"[\x00-\x1f\x7f\x85\u2028\u2029]", value)
    assert len(message.subject) <= MAX_SUBJECT


@pytest.mark.parametrize(
    ("contact", "reply_to", "words"),
    [
        ("", "", "Responde a este correo y te contesta una persona."),
        ("600 100 200", "", "te responde una persona: 600 100 200"),
        ("https://shop.example/ayuda", "", 'href="https://shop.example/ayuda"'),
        ("<b>x</b>", "", "&lt;b&gt;x&lt;/b&gt;"),
        ("Hola@Shop.example", "hola@shop.example", 'href="mailto:hola@shop.example"'),
    ],
)
def test_every_mail_names_a_person_to_write_to(contact: str, reply_to: str, words: str) -> None:
    """The foot says how to reach a person, by whatever the shop gave."""
    shop = replace(SAMPLE_SHOP, contact=contact)
    message = compose({"template": "welcome"}, key="k", order=SAMPLE_ORDER, shop=shop)

    assert words in message.html
    assert message.reply_to == reply_to


def test_a_template_needs_its_head() -> None:
    """A template without class and subject is refused."""
    for source in ("x", "class: service\n---\nx", "class: other\nsubject: y\n---\nx"):
        with pytest.raises(MessageInvalid):
            read_template("mine", "es", source)
