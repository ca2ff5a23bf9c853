"""What a rule that held plans, and the keys that make it safe to repeat."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.catalogue import load_shop
from connector.messages.templates import load_template, template_names
from connector.model.effect import EffectKind, PlannedEffect
from connector.model.event import OccurrenceKind
from connector.model.message import MessageClass
from connector.rules.actions import expiry_of
from connector.rules.coupons import ALPHABET, coupon_code, marker
from connector.rules.load import (
    ShopLimits,
    dump_rules,
    load_playbook,
    load_rules,
    playbook_names,
    rule_from_source,
)
from connector.rules.plan import once_key, plan_effects
from connector.rules.rule import MessageAction, Rule
from tests.unit.rules.cases import ORDER, SHOP, happened, holds, source_of

SECRET = b"k" * 32
NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
COUPON = {"coupon": {"kind": "percent", "value": "10", "prefix": "GRACIAS", "min_total": "30.00"}}


def plan(*actions: dict[str, Any], shop: Any = SHOP, **more: Any) -> list[PlannedEffect]:
    """Plan a rule of these actions for occurrence 7."""
    rule = rule_from_source(source_of(actions=list(actions), **more))
    return plan_effects(rule, 3, 7, happened(), ORDER, shop, NOW, SECRET)


def test_every_step_is_planned() -> None:
    """Each action is one effect with its own key, due after the delay."""
    note, tag, coupon, message = plan(
        {"note": {"text": "Hola {{ buyer.first_name }}"}},
        {"tag": {"add": ["a", "b"]}},
        COUPON,
        {"message": {"template": "welcome", "class": "service"}},
        delay="10m",
    )
    assert [effect.key for effect in (note, tag, coupon, message)] == [
        "s1:r:501:order.paid::1",
        "s1:r:501:order.paid::2",
        "s1:r:501:order.paid::3",
        "s1:r:501:order.paid::4",
    ]
    assert [effect.kind.value for effect in (note, tag, coupon, message)] == [
        "note",
        "tag",
        "coupon",
        "message",
    ]
    assert {effect.due_at for effect in (note, tag, coupon, message)} == {
        NOW + timedelta(minutes=10)
    }
    assert (note.order_ref, note.rule_id, note.rule_version, note.occurrence_id, note.step) == (
        "501",
        "r",
        3,
        7,
        1,
    )
    assert note.payload == {
        "text": "Hola {{ buyer.first_name }}",
        "to_buyer": False,
        "marker": marker("s1:r:501:order.paid::1"),
    }
    assert tag.payload == {"add": ["a", "b"], "marker": marker("s1:r:501:order.paid::2")}
    assert coupon.payload == {
        "kind": "percent",
        "value": "10",
        "prefix": "GRACIAS",
        "expires": "30d",
        "uses": 1,
        "only_buyer": True,
        "min_total": "30.00",
        "marker": marker("s1:r:501:order.paid::3"),
        "code": coupon_code("GRACIAS", "s1:r:501:order.paid::3", SECRET),
    }
    assert message.payload == {
        "template": "welcome",
        "channel": "email",
        "class": "service",
        "subject": None,
        "body": None,
        "marker": marker("s1:r:501:order.paid::4"),
    }


def test_planning_twice_gives_the_same() -> None:
    """A repeat meets itself: keys, codes and marks do not change."""
    assert plan(COUPON, {"tag": {"add": ["a"]}}) == plan(COUPON, {"tag": {"add": ["a"]}})


def test_a_tag_action_that_adds_and_removes_is_two_effects() -> None:
    """Adding and removing are two writes, so they have a key each."""
    add, remove = plan({"tag": {"add": ["a"], "remove": ["b"]}})
    assert (add.key, remove.key) == ("s1:r:501:order.paid::1", "s1:r:501:order.paid::2")
    assert "remove" not in add.payload
    assert remove.payload["remove"] == ["b"]


@pytest.mark.parametrize(
    ("action", "waits"),
    [
        ({"message": {"template": "second_thanks", "class": "marketing"}}, True),
        ({"note": {"text": "Vale {{ coupon.code }}"}}, True),
        ({"note": {"text": "{% if coupon %}Vale{% endif %}"}}, True),
        ({"note": {"text": "Sin coupon"}}, False),
        ({"note": {"text": {"es": "Vale", "en": "{{ coupon.code }}"}}}, True),
        (
            {"message": {"subject": "Hola", "body": "{{ coupon.code }}", "class": "marketing"}},
            True,
        ),
        ({"message": {"subject": "Hola", "body": "Gracias", "class": "service"}}, False),
        ({"tag": {"add": ["a"]}}, False),
    ],
)
def test_what_names_the_coupon_waits_for_it(action: dict[str, Any], waits: bool) -> None:
    """A text that hands out a code is sent when there is one, and not before."""
    first, _, last = plan(COUPON, {"note": {"text": "x"}}, action)
    assert last.waits_for == (first.key if waits else None)


def test_the_nearest_coupon_before_is_waited_for() -> None:
    """Of two codes a text means the one made just before it."""
    effects = plan(
        COUPON,
        {"note": {"text": "{{ coupon.code }}"}},
        COUPON,
        {"note": {"text": "{{ coupon.code }}"}},
    )
    assert [effect.waits_for for effect in effects] == [
        None,
        "s1:r:501:order.paid::1",
        None,
        "s1:r:501:order.paid::3",
    ]


def test_hours_go_with_the_effect() -> None:
    """Effects of a rule with hours carry them, to be looked at when they are sent."""
    (effect,) = plan({"tag": {"add": ["a"]}}, delay={"window": "12:00-21:00"})
    assert effect.due_at == datetime(2026, 11, 21, 11, 0, tzinfo=UTC)
    assert effect.payload["window"] == "12:00-21:00"
    assert effect.payload["timezone"] == "Europe/Madrid"


@pytest.mark.parametrize(
    ("to_buyer", "order_locale", "shop_locale", "expected"),
    [
        (False, "es-ES", "en_GB", "staff"),
        (False, "en-GB", "es_ES", "tienda"),
        (True, "es-ES", "en_GB", "tienda"),
        (True, "en-GB", "es_ES", "staff"),
    ],
)
def test_notes_speak_the_language_of_their_reader(
    to_buyer: bool, order_locale: str, shop_locale: str, expected: str
) -> None:
    """Staff read the shop's language, a buyer that of the order."""
    order = replace(ORDER, buyer=replace(ORDER.buyer, locale=order_locale))
    texts = {"es": "tienda", "en": "staff"}
    rule = rule_from_source(source_of(actions=[{"note": {"text": texts, "to_buyer": to_buyer}}]))
    shop = replace(SHOP, locale=shop_locale)
    (effect,) = plan_effects(rule, 1, 7, happened(), order, shop, NOW, SECRET)
    assert effect.payload["text"] == expected


@pytest.mark.parametrize(
    ("written", "planned"),
    [
        ("Hola", {"es": "Hola", "en": "Hola"}),
        ({"es": "Hola"}, {"es": "Hola"}),
        ({"en": "Hello"}, {"en": "Hello"}),
        ({"es": "Hola", "en": "Hello"}, {"es": "Hola", "en": "Hello"}),
    ],
)
def test_own_texts_say_their_language(written: Any, planned: dict[str, str]) -> None:
    """A message's own texts are planned in the languages they were written in."""
    message = {"class": "service", "subject": written, "body": written}
    (effect,) = plan({"message": message})
    assert effect.payload["subject"] == effect.payload["body"] == planned


@pytest.mark.parametrize(
    ("words", "expected"),
    [("completed", "completed"), ({"woocommerce": "done", "shopify": "x"}, "done")],
)
def test_a_status_is_that_of_the_platform(words: Any, expected: str) -> None:
    """A status may be one word, or one for each platform."""
    (effect,) = plan({"status": {"set": words}})
    assert effect.kind is EffectKind.STATUS
    assert effect.payload["status"] == expected


@pytest.mark.parametrize(
    ("kind", "part", "once", "buyer", "expected"),
    [
        ("order.paid", "", None, 4, "order:501"),
        ("order.paid", "", "buyer", 4, "buyer:4"),
        ("order.paid", "", "buyer", None, "order:501"),
        ("parcel.delivered", "p1", None, 4, "parcel:501:p1"),
        ("parcel.delivered", "p1", "order", 4, "order:501"),
        ("order.refunded", "r2", None, 4, "refund:501:r2"),
        ("order.refunded", "r2", "order", 4, "order:501"),
    ],
)
def test_once_key(kind: str, part: str, once: str | None, buyer: int | None, expected: str) -> None:
    """What a rule acts once for is named by the order, its part, or the buyer."""
    more = {} if once is None else {"once_per": once}
    rule = rule_from_source(source_of(trigger=kind, **more))
    assert once_key(rule, happened(OccurrenceKind(kind), part), buyer) == expected


def test_codes() -> None:
    """A code has 60 bits, follows from key and secret, and is easy to read."""
    code = coupon_code("GRACIAS", "s1:r:501:order.paid::3", SECRET)
    start, letters = code.rsplit("-", 1)
    assert start == "GRACIAS"
    assert len(letters) == 12
    assert set(letters) <= set(ALPHABET)
    assert len(set(ALPHABET)) == 32
    assert not set("0O1I") & set(ALPHABET)
    assert coupon_code("GRACIAS", "s1:r:501:order.paid::3", SECRET) == code
    assert coupon_code("GRACIAS", "s1:r:501:order.paid::3", b"other" * 8) != code
    assert coupon_code("", "s1:r:501:order.paid::3", SECRET) == letters
    assert coupon_code("A-", "s1:r:501:order.paid::3", SECRET) == f"A-{letters}"
    many = {coupon_code("", f"s1:r:{number}:1", SECRET) for number in range(5000)}
    assert len(many) == 5000
    assert {letter for one in many for letter in one} == set(ALPHABET)


def test_marks() -> None:
    """A mark is short, the same for the same effect, and another for each other one."""
    assert marker("s1:r:501:order.paid::3") == marker("s1:r:501:order.paid::3")
    assert len(marker("s1:r:501:order.paid::3")) == len("pv-3f9ac1d2e4")
    assert len({marker(f"s1:r:{number}:1") for number in range(5000)}) == 5000


@pytest.mark.parametrize(
    ("expires", "expected"), [("30d", timedelta(days=30)), ("36h", timedelta(hours=36)), ("", None)]
)
def test_how_long_a_code_is_valid(expires: str, expected: timedelta | None) -> None:
    """The payload of a coupon tells how long its code is valid."""
    assert expiry_of({"expires": expires}) == expected


def limits_of(platform: str) -> ShopLimits:
    """Tell what a shop of a platform can do, as its adapter declares it."""
    info = load_shop(platform).info
    templates = frozenset(template_names())
    return ShopLimits(
        platform, info.capabilities, info.statuses, "EUR", frozenset({"email"}), templates
    )


def playbook_rules() -> list[Rule]:
    """Give every rule that is delivered."""
    return [rule for name in playbook_names() for rule in load_playbook(name).rules]


@pytest.mark.parametrize("platform", ["woocommerce", "shopify"])
def test_the_playbook_fits_every_platform(platform: str) -> None:
    """Delivered rules can be saved in a shop of either platform."""
    sources = [rule.source for rule in playbook_rules()]
    assert load_rules(dump_rules(sources), shop=limits_of(platform))


@pytest.mark.parametrize("rule", playbook_rules(), ids=lambda rule: rule.id)
def test_the_playbook_is_off_and_speaks_both_languages(rule: Rule) -> None:
    """A delivered rule is off, and has its name and description in both languages."""
    assert not rule.enabled
    assert set(rule.source["name"]) == {"es", "en"}
    assert set(rule.source["description"]) == {"es", "en"}
    assert rule.stop_on_full_refund


def test_the_playbooks_messages_exist() -> None:
    """A delivered rule names a delivered template, and does not call an offer service."""
    for rule in playbook_rules():
        for action in rule.actions:
            if isinstance(action, MessageAction):
                assert action.template is not None
                for language in ("es", "en"):
                    template = load_template(action.template, language)
                    assert template.message_class is action.message_class
    assert playbook_names() == ("confirmation", "second_thanks", "welcome")


def test_welcome_and_confirmation_never_both() -> None:
    """A paid order gets the welcome or the confirmation, and never both."""
    welcome = load_playbook("welcome").rules[0].source["conditions"]
    confirmation = load_playbook("confirmation").rules[0].source["conditions"]
    for count, first in ((1, True), (2, False), (None, False)):
        order = replace(ORDER, buyer=replace(ORDER.buyer, order_count=count))
        assert holds(welcome, order) is first
        assert holds(confirmation, order) is not first


def test_second_thanks_is_for_buyers_who_allowed_offers() -> None:
    """The offer is marketing, ten days after completion, within the day's hours."""
    rule = load_playbook("second_thanks").rules[0]
    assert rule.trigger is OccurrenceKind.ORDER_COMPLETED
    effects = plan_effects(rule, 1, 7, happened(rule.trigger), ORDER, SHOP, NOW, SECRET)
    assert [effect.kind.value for effect in effects] == ["coupon", "message", "note"]
    assert {effect.due_at for effect in effects} == {datetime(2026, 12, 1, 9, 0, tzinfo=UTC)}
    assert effects[1].payload["class"] == MessageClass.MARKETING.value
    coupon_key = "s1:second_thanks:501:order.completed::1"
    assert [effect.waits_for for effect in effects] == [None, coupon_key, coupon_key]
