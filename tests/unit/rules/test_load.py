"""What is wrong with a rule file is told with its line and what to do."""

from typing import Any

import pytest

from connector.errors import RuleInvalid
from connector.model.event import OccurrenceKind
from connector.ports import Capability
from connector.rules.load import ShopLimits, load_rules, rule_from_source
from connector.rules.rule import OncePer
from tests.unit.rules.cases import source_of

HEAD = """rules:
  - id: welcome
    name: Welcome
    trigger: order.paid
"""
TAIL = """    actions:
      - tag: {add: [a]}
"""
KEYS = (
    "id, name, description, trigger, conditions, delay, stop_if, once_per, max_age, actions, "
    "enabled"
)


def problems_of(text: str, shop: ShopLimits | None = None) -> tuple[str, ...]:
    """Load a file that is refused."""
    with pytest.raises(RuleInvalid) as caught:
        load_rules(text, shop=shop)
    return caught.value.problems


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("condtions: {}", f'unknown key "condtions". Did you mean "conditions"? Allowed: {KEYS}'),
        ("enabled: yes", 'enabled must be true or false, not the text "yes"'),
        ("delay: 10", "delay must be a duration like 30s, 10m, 2h or 7d, not the number 10"),
        ("delay: 10w", 'delay must be a duration like 30s, 10m, 2h or 7d, not the text "10w"'),
        ("delay: 366d", "delay must be from 0s to 365d, not 366d"),
        ("delay: {}", "delay is empty; it may have after, working_days, at, window"),
        ("delay: {at: 25:00}", 'at must be a time from "00:00" to "23:59", not the text "25:00"'),
        ('delay: {window: "9-21"}', 'window must be hours like "09:00-21:00", not the text "9-21"'),
        (
            'delay: {window: "09:00-09:00"}',
            "window opens and closes at the same time, so it is never open",
        ),
        ('delay: {at: "08:00", window: "09:00-21:00"}', "at 08:00 lies outside the window"),
        (
            "delay: {working_days: 0}",
            "working_days must be a whole number from 1 to 250, not the number 0",
        ),
        (
            "delay: {days: 2}",
            (
                'unknown key "days". Did you mean "working_days"? '
                "Allowed: after, working_days, at, window"
            ),
        ),
        ("max_age: 10s", "max_age must be from 1m to 365d, not 10s"),
        ("stop_if: order.canceled", 'stop_if must be a list, not the text "order.canceled"'),
        ("stop_if: [order.paid]", "stop_if names the trigger itself: the rule would never act"),
        (
            "once_per: parcel",
            "once_per: parcel needs a parcel trigger, not order.paid",
        ),
        (
            "once_per: refund",
            "once_per: refund needs the trigger order.refunded, not order.paid",
        ),
        (
            "once_per: shop",
            'unknown once_per "shop". Allowed: order, parcel, refund, buyer',
        ),
        (
            "conditions: [{field: order.total}]",
            'write "all:" or "any:" in front of a list of conditions',
        ),
        ("conditions: {any: []}", '"any" is empty, so it never holds'),
        ("conditions: {all: {}}", '"all" must be a list, not a mapping'),
        ("conditions: {field: order.total}", 'the condition lacks "op"'),
        (
            "conditions: {field: order.total, op: gt}",
            'the condition lacks "value": gt needs something to compare with',
        ),
        (
            "conditions: {all: [], field: order.total}",
            '"all" stands alone in its mapping; move out: field',
        ),
        (
            "conditions: {field: order.total, op: gt, valeu: 3}",
            'unknown key "valeu". Did you mean "value"? Allowed: field, op, value',
        ),
        ("description: 5", "description must be a text or {es: …, en: …}, not the number 5"),
        ("description: {fr: Bonjour}", 'unknown key "fr". Allowed: es, en'),
        ("enabled: &x true", "anchors (&) and aliases (*) are not allowed: write it out"),
        (
            "enabled: !!bool true",
            "the tag tag:yaml.org,2002:bool is not allowed: write plain values",
        ),
        ("<<: {enabled: true}", "merge keys (<<) are not allowed: write it out"),
        ('enabled: "\\0"', "holds a character that cannot be stored"),
        ("trigger: order.created", 'the key "trigger" stands twice, first on line 4'),
    ],
)
def test_problem_of_line_five(line: str, problem: str) -> None:
    """Each kind of mistake is told with its line and in full."""
    found = problems_of(f"{HEAD}    {line}\n{TAIL}")
    assert found[0].removeprefix("line 5: ").removeprefix('rule "welcome": ') == problem
    assert found[0].startswith("line 5: ")


@pytest.mark.parametrize(
    ("action", "problem"),
    [
        ("mail: {}", 'unknown action "mail". Allowed: note, tag, coupon, status, message'),
        ("tag: {}", 'tag needs "add" or "remove"'),
        ("tag: {add: []}", "add is empty"),
        ('tag: {add: ["a,b"]}', 'the tag "a,b" has a comma, a line end or spaces around it'),
        ("tag: {add: [a], remove: [a]}", "the tag a is both added and removed"),
        ("note: {}", 'note lacks "text"'),
        ('note: {text: ""}', "text of note is empty"),
        ("note: {text: hi, to_buyer: 1}", "to_buyer must be true or false, not the number 1"),
        (
            'note: {text: "{{ coupon.code }}"}',
            "the text names the coupon, but no coupon action stands before it in this rule",
        ),
        ("coupon: {value: 5}", 'coupon lacks "kind"'),
        ("coupon: {kind: percent}", 'coupon lacks "value"'),
        (
            "coupon: {kind: percent, value: 101}",
            (
                'the value of coupon must be a percentage like "10", more than 0 and at most 100, '
                "not the number 101"
            ),
        ),
        (
            'coupon: {kind: percent, value: "0"}',
            (
                'the value of coupon must be a percentage like "10", more than 0 and at most 100, '
                'not the text "0"'
            ),
        ),
        ('coupon: {kind: fixed, value: "0.00"}', "the value of coupon must be more than 0"),
        (
            "coupon: {kind: fixed, value: five}",
            'the value of coupon must be an amount like "20.00", not the text "five"',
        ),
        (
            "coupon: {kind: free_shipping, value: 5}",
            "a code for free shipping has no value: take it out",
        ),
        (
            "coupon: {kind: percents, value: 5}",
            (
                'unknown kind "percents". Did you mean "percent"? '
                "Allowed: percent, fixed, free_shipping"
            ),
        ),
        (
            "coupon: {kind: percent, value: 5, prefix: gracias}",
            "prefix may have capital letters A-Z, digits and dashes",
        ),
        (
            "coupon: {kind: percent, value: 5, expires: 12h}",
            "expires must be from 1d to 730d, not 12h",
        ),
        (
            "coupon: {kind: percent, value: 5, uses: 0}",
            "uses must be a whole number from 1 to 1000, not the number 0",
        ),
        ("status: {}", 'status lacks "set"'),
        ("status: {set: {}}", "set is empty"),
        ("message: {template: welcome}", 'message lacks "class"'),
        ("message: {class: service}", 'message needs a "template", or "subject" and "body"'),
        (
            "message: {class: spam, template: welcome}",
            'unknown class "spam". Allowed: service, feedback, marketing',
        ),
        (
            'message: {class: service, body: hi, subject: "a\\nb"}',
            "subject of message must be one line",
        ),
    ],
)
def test_problem_of_an_action(action: str, problem: str) -> None:
    """What is wrong with an action is told with its line and in full."""
    found = problems_of(f"{HEAD}    actions:\n      - {action}\n")
    assert found[0] == f'line 6: rule "welcome": {problem}'


def test_unknown_words_name_the_allowed_ones() -> None:
    """An unknown trigger, field or operator is told with a near one and all others."""
    text = HEAD.replace("order.paid", "order.payed") + (
        "    conditions:\n"
        "      all:\n"
        "        - {field: order.totall, op: gt, value: 5}\n"
        "        - {field: order.total, op: greater, value: 5}\n"
    )
    trigger, field, op = problems_of(text + TAIL)
    kinds = ", ".join(OccurrenceKind)
    assert trigger == (
        'line 4: rule "welcome": unknown trigger "order.payed". Did you mean "order.paid"? '
        f"Allowed: {kinds}"
    )
    start = 'line 7: rule "welcome": unknown field "order.totall". Did you mean "order.total"?'
    assert field.startswith(start)
    assert field.endswith("shop.locale, order.meta.<key>")
    assert op == (
        'line 8: rule "welcome": unknown operator "greater". Did you mean "gte"? '
        "Allowed: eq, ne, gt, gte, lt, lte, is_set, changed"
    )


def test_a_text_with_an_unknown_placeholder_is_refused() -> None:
    """A placeholder that no order has is refused when the rule is saved."""
    (found,) = problems_of(HEAD + "    actions:\n      - note: {text: 'Hi {{ buyer.nam }}'}\n")
    assert found.startswith('line 6: rule "welcome": in text of note: ')
    assert "buyer.name" in found


def test_a_text_that_is_no_liquid_is_refused() -> None:
    """A text with a broken tag is refused when the rule is saved."""
    (found,) = problems_of(HEAD + "    actions:\n      - note: {text: '{% if %}'}\n")
    assert found.startswith('line 6: rule "welcome": in text of note: ')


def test_an_offer_is_not_sent_as_service() -> None:
    """A message whose own text hands out a coupon is marketing."""
    text = (
        f"{HEAD}    actions:\n"
        "      - coupon: {kind: percent, value: 10}\n"
        "      - message: {class: service, subject: Hi, body: 'Yours: {{ coupon.code }}'}\n"
    )
    (found,) = problems_of(text)
    assert found == (
        'line 7: rule "welcome": a message that hands out a coupon is an offer: '
        "write class: marketing"
    )
    assert load_rules(text.replace("service", "marketing"))


def test_all_problems_are_told_at_once() -> None:
    """One look at the answer is enough to mend the whole file."""
    text = f"{HEAD}    delay: soon\n{TAIL}  - id: second\n    nam: x\n    actions: []\n"
    assert problems_of(text) == (
        (
            'line 5: rule "welcome": delay must be a duration like 30s, 10m, 2h or 7d, '
            'not the text "soon"'
        ),
        'line 8: rule "second": a rule lacks "name"',
        'line 8: rule "second": a rule lacks "trigger"',
        f'line 9: rule "second": unknown key "nam". Did you mean "name"? Allowed: {KEYS}',
        'line 10: rule "second": actions is empty: a rule does at least one thing',
    )


def test_an_id_stands_once() -> None:
    """Two rules of one id are refused, both lines named."""
    text = HEAD + TAIL + (HEAD + TAIL).removeprefix("rules:\n")
    assert problems_of(text) == ('line 7: the id "welcome" stands twice, first on line 2',)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "line 1: the file must be a mapping, not nothing"),
        ("- a\n", "line 1: the file must be a mapping, not a list"),
        ("rule: []\n", 'line 1: the file lacks "rules"'),
        ("rules: 5\n", "line 1: rules must be a list, not the number 5"),
        ("rules: [5]\n", "line 1: a rule must be a mapping, not the number 5"),
        ("rules: []\n---\nrules: []\n", "line 2: a second document begins here"),
        ("rules:\n  - [a, b\n", "line 3: this is no YAML: "),
        ("rules:\n\t- a\n", "line 2: this is no YAML: "),
        ("rules: [\x01]\n", "this is no YAML: "),
        ("rules:\n- \ud800\n", "line 2: holds a character that cannot be stored"),
        ("rules:\n- ? [a]\n  : b\n", "line 2: a key must be a text"),
        ("rules: " + "[" * 5000, "line 1: the file is nested too deeply"),
        ("rules: [" + "a, " * 400_000 + "]", "the file has 1200009 bytes; at most 1048576"),
        (
            "rules: [" + "a," * 250_000 + "]",
            "line 1: the file is nested too deeply or holds too many values",
        ),
    ],
)
def test_files_that_are_no_rule_files(text: str, problem: str) -> None:
    """What is no rule file at all is refused in words, whatever it is."""
    assert any(problem in found for found in problems_of(text))


def test_an_alias_bomb_is_refused_at_once() -> None:
    """A few lines that would unfold to millions of values are refused at the first anchor."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    assert problems_of("\n".join(lines)) == (
        "line 1: anchors (&) and aliases (*) are not allowed: write it out",
    )


def test_plain_words_stay_texts() -> None:
    """Norway is no false, ten o'clock no number and a postal code keeps its zero."""
    text = (
        f"{HEAD}    delay: {{at: 10:00}}\n    conditions:\n      all:\n"
        "        - {field: order.country, op: eq, value: NO}\n"
        "        - {field: order.postal_code, op: eq, value: 08001}\n"
        f"        - {{field: order.placed_at, op: gte, value: 2026-11-01}}\n{TAIL}"
    )
    source = load_rules(text).rules[0].source
    values = [part["value"] for part in source["conditions"]["all"]]
    assert values == ["NO", "08001", "2026-11-01"]
    assert source["delay"] == {"at": "10:00"}


LIMITS = ShopLimits(
    "shopify",
    frozenset({Capability.NOTE, Capability.TAG, Capability.DISCOUNT_CODE}),
    currency="JPY",
    channels=frozenset({"email"}),
    templates=frozenset({"welcome", "confirmation"}),
)


@pytest.mark.parametrize(
    ("action", "problem"),
    [
        (
            "note: {text: hi, to_buyer: true}",
            (
                "a shopify shop cannot send a note to the buyer: write to_buyer: false, or use a "
                "message"
            ),
        ),
        (
            "coupon: {kind: free_shipping}",
            "a shopify shop cannot make codes for free shipping: use kind: percent or fixed",
        ),
        ("status: {set: completed}", "a shopify shop cannot set an order's status: take it out"),
        (
            "message: {template: welcom, class: service}",
            'unknown template "welcom". Did you mean "welcome"? Allowed: confirmation, welcome',
        ),
        (
            "message: {template: welcome, channel: sms, class: service}",
            'unknown channel "sms". Allowed: email',
        ),
        (
            'coupon: {kind: fixed, value: "5.50"}',
            "the value of coupon has more decimals than the shop's currency (0)",
        ),
    ],
)
def test_what_a_shop_lacks_is_refused(action: str, problem: str) -> None:
    """A rule that needs what the shop cannot do is refused with what to do about it."""
    text = f"{HEAD}    actions:\n      - {action}\n"
    assert problems_of(text, LIMITS) == (f'line 6: rule "welcome": {problem}',)
    assert load_rules(text)


def test_a_status_is_the_platforms_own_word() -> None:
    """A status is checked against the words of the shop's own platform."""
    shop = ShopLimits("woocommerce", frozenset({Capability.STATUS}), ("completed", "on-hold"))
    start = HEAD + "    actions:\n      - status: {set: %s}\n"
    assert load_rules(start % "on-hold", shop=shop)
    assert load_rules(start % "{woocommerce: completed}", shop=shop)
    assert problems_of(start % "on_hold", shop) == (
        (
            'line 6: rule "welcome": unknown status "on_hold". Did you mean "on-hold"? '
            "Allowed: completed, on-hold"
        ),
    )
    assert problems_of(start % "{shopify: closed}", shop) == (
        'line 6: rule "welcome": set has no status for woocommerce',
    )


@pytest.mark.parametrize(
    ("trigger", "once", "stops", "full_refund"),
    [
        ("order.paid", OncePer.ORDER, "canceled failed deleted", True),
        ("order.failed", OncePer.ORDER, "canceled deleted", True),
        ("order.refunded", OncePer.REFUND, "failed deleted", False),
        ("order.canceled", OncePer.ORDER, "failed deleted", False),
        ("order.deleted", OncePer.ORDER, "canceled failed", True),
        ("parcel.delivered", OncePer.PARCEL, "canceled failed deleted", True),
    ],
)
def test_defaults(trigger: str, once: OncePer, stops: str, full_refund: bool) -> None:
    """What is left out gets the value the reference page tells."""
    rule = rule_from_source(source_of(trigger=trigger))
    assert rule.once_per is once
    assert rule.stop_if == tuple(OccurrenceKind(f"order.{word}") for word in stops.split())
    assert rule.stop_on_full_refund is full_refund
    assert (rule.enabled, rule.max_age.days, rule.delay.after.seconds) == (False, 7, 0)


def test_nothing_stops_a_rule_that_says_so() -> None:
    """An empty stop_if means that nothing stops the rule."""
    rule = rule_from_source(source_of(stop_if=[]))
    assert (rule.stop_if, rule.stop_on_full_refund) == ((), False)


@pytest.mark.parametrize(
    "data",
    [
        {},
        source_of(id="a:b"),
        source_of(conditions=object()),
        source_of(conditions={"field": "order.item_count", "op": "eq", "value": float("nan")}),
        source_of(name={"es": 5}),
        source_of(surprise=1),
    ],
)
def test_stored_data_is_checked_as_well(data: dict[str, Any]) -> None:
    """Plain data that is no rule is refused, without line numbers."""
    with pytest.raises(RuleInvalid) as caught:
        rule_from_source(data)
    assert caught.value.problems
    assert not any("line" in problem for problem in caught.value.problems)
