"""YAML to data to YAML gives the same rule, whatever a rule may hold."""

import json
from importlib import resources
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.model.event import OccurrenceKind
from connector.rules.field_table import FIELDS, Field
from connector.rules.load import (
    dump_rules,
    load_playbook,
    load_rules,
    playbook_names,
    rule_from_source,
)
from connector.rules.operators import OPERATORS
from connector.rules.rule import FieldType, Operator
from tests.unit.rules.test_round_trip import TEXT

_O = Operator
LOCAL = st.one_of(
    TEXT,
    st.fixed_dictionaries({"es": TEXT, "en": TEXT}),
    st.fixed_dictionaries({"es": TEXT}),
    st.fixed_dictionaries({"en": TEXT}),
)
LINE = st.sampled_from(
    ["Gracias", "NO", "12:30", "a: b", "# x", "¿Qué tal, {{ buyer.first_name }}?"]
)
AMOUNT = st.decimals("0.01", 9999, places=2).map(str)
TIME = st.one_of(
    st.dates().map(lambda day: day.isoformat()),
    st.datetimes().map(lambda at: at.replace(microsecond=0).isoformat()),
    st.just("2026-11-30T18:00:00+01:00"),
)
SPAN = st.sampled_from(["1d", "30d", "90m", "36h", "3600s"])
VALUES = {
    FieldType.TEXT: TEXT,
    FieldType.TEXTS: TEXT,
    FieldType.NUMBER: st.one_of(st.integers(-9, 99), st.floats(-1e9, 1e9)),
    FieldType.MONEY: AMOUNT,
    FieldType.FLAG: st.booleans(),
    FieldType.TIME: TIME,
}


@st.composite
def comparisons(draw: st.DrawFn) -> dict[str, Any]:
    """Draw one comparison of any field with any operator that fits it."""
    known: Field = draw(st.sampled_from(list(FIELDS.values())))
    op = draw(st.sampled_from(OPERATORS[known.type]))
    one = VALUES.get(known.type, st.sampled_from([str(word) for word in known.choices or ("x",)]))
    if op in {_O.IS_SET, _O.CHANGED}:
        value: Any = draw(st.booleans())
    elif op in {_O.IN, _O.NOT_IN}:
        value = draw(st.lists(one, min_size=1, max_size=3))
    elif op is _O.MATCHES:
        value = draw(st.sampled_from([r"^ES-\d{4}$", "(?i)taza|vaso", ".", "[a-z]+'\""]))
    else:
        value = draw(one)
    return {"field": known.name, "op": op.value, "value": value}


TREES = st.recursive(
    comparisons(),
    lambda inner: st.one_of(
        st.builds(lambda part: {"not": part}, inner),
        st.builds(lambda parts: {"all": parts}, st.lists(inner, max_size=2)),
        st.builds(lambda parts: {"any": parts}, st.lists(inner, min_size=1, max_size=2)),
    ),
    max_leaves=4,
)
DELAYS = st.one_of(
    SPAN,
    st.fixed_dictionaries(
        {"after": SPAN}, optional={"at": st.just("10:00"), "working_days": st.integers(1, 9)}
    ),
    st.fixed_dictionaries({"window": st.sampled_from(["09:00-21:00", "22:00-06:00"])}),
)
TAGS = st.lists(st.text("abc-é😀:#'", min_size=1, max_size=9), min_size=1, max_size=3, unique=True)
ACTIONS = st.one_of(
    st.builds(
        lambda text, to_buyer: {"note": {"text": text, "to_buyer": to_buyer}}, LOCAL, st.booleans()
    ),
    st.builds(lambda tags: {"tag": {"add": tags}}, TAGS),
    st.builds(lambda tags: {"tag": {"remove": tags}}, TAGS),
    st.fixed_dictionaries(
        {
            "coupon": st.fixed_dictionaries(
                {"kind": st.sampled_from(["percent", "fixed"]), "value": st.just("10")},
                optional={
                    "prefix": st.sampled_from(["", "HOLA", "007", "NO", "1E3"]),
                    "expires": st.sampled_from(["1d", "30d"]),
                    "uses": st.integers(1, 9),
                    "only_buyer": st.booleans(),
                    "min_total": AMOUNT,
                },
            )
        }
    ),
    st.just({"coupon": {"kind": "free_shipping"}}),
    st.just({"status": {"set": "completed"}}),
    st.just({"status": {"set": {"woocommerce": "on-hold"}}}),
    st.just({"message": {"template": "welcome", "channel": "email", "class": "service"}}),
    st.builds(
        lambda subject, body: {"message": {"class": "feedback", "subject": subject, "body": body}},
        LINE,
        LOCAL,
    ),
)


@st.composite
def rules(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a whole rule as the admin pages would send it."""
    trigger = draw(st.sampled_from(list(OccurrenceKind)))
    once = ["order", "buyer"]
    if trigger.startswith("parcel."):
        once.append("parcel")
    if trigger is OccurrenceKind.ORDER_REFUNDED:
        once.append("refund")
    stops = [kind.value for kind in OccurrenceKind if kind is not trigger]
    source: dict[str, Any] = draw(
        st.fixed_dictionaries(
            {
                "id": st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,8}", fullmatch=True),
                "name": LOCAL,
                "trigger": st.just(trigger.value),
                "actions": st.lists(ACTIONS, min_size=1, max_size=4),
            },
            optional={
                "description": LOCAL,
                "conditions": TREES,
                "delay": DELAYS,
                "stop_if": st.lists(st.sampled_from(stops), max_size=3, unique=True),
                "once_per": st.sampled_from(once),
                "max_age": SPAN,
                "enabled": st.booleans(),
            },
        )
    )
    return source


@settings(
    max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
@given(source=rules())
def test_yaml_to_data_to_yaml_is_the_identity(source: dict[str, Any]) -> None:
    """500 rules: the text loads as the same data and means the same; written again it is equal."""
    rule = rule_from_source(source)
    text = dump_rules([source])
    (loaded,) = load_rules(text).rules
    assert loaded == rule
    assert loaded.source == source
    assert dump_rules([loaded.source]) == text
    # By way of the admin pages, which send JSON.
    sent = json.loads(json.dumps(loaded.source))
    assert rule_from_source(sent) == rule
    assert dump_rules([sent]) == text


@pytest.mark.parametrize("name", playbook_names())
def test_every_playbook_rule_survives(name: str) -> None:
    """The delivered text without its comments is the text that is written."""
    folder = resources.files("connector.rules").joinpath("playbook")
    delivered = folder.joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    file = load_playbook(name)
    text = dump_rules([rule.source for rule in file.rules])
    again = load_rules(text)
    assert again == file == load_rules(delivered)
    assert [rule.source for rule in again.rules] == [rule.source for rule in file.rules]
    assert dump_rules([rule.source for rule in again.rules]) == text
    assert not any(rule.enabled for rule in file.rules)
