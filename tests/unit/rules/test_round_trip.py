"""Rules are pure data: what is loaded can be written and loaded again."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from connector.model.event import OccurrenceKind
from connector.rules.engine import compile_rule, evaluate, quick
from connector.rules.fields import facts_of
from connector.rules.load import dump_rules, load_rules, rule_from_source
from tests.unit.rules.cases import BARE_ORDER, ORDER, SHOP, happened, source_of

# Letters that YAML might take for something else are among the likely ones.
TEXT = st.one_of(
    st.sampled_from(["yes", "NO", "null", "~", "1e3", "007", "10:00", "2026-11-01", "'", "a: b"]),
    st.sampled_from(["- x", "# x", "&a", "*a", "!t", "%", "é😀", "\t.", "a\n\n b", "x\r\ny"]),
    st.sampled_from(["a\u0085", "\u2028b", "a\ufeff", "\x1b[0m", "x" * 39]),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00{}"), min_size=1),
).filter(lambda text: bool(text.strip()) and len(text) < 40)
TESTS = st.one_of(
    st.builds(
        lambda op, value: {"field": "order.city", "op": op, "value": value},
        st.sampled_from(["eq", "ne", "contains", "starts_with"]),
        TEXT,
    ),
    st.builds(
        lambda op, values: {"field": "order.tags", "op": op, "value": values},
        st.sampled_from(["in", "not_in"]),
        st.lists(TEXT, min_size=1, max_size=3),
    ),
    st.builds(
        lambda op, value: {"field": "order.item_count", "op": op, "value": value},
        st.sampled_from(["eq", "gt", "lte"]),
        st.one_of(st.integers(-5, 10), st.floats(-1e9, 1e9)),
    ),
    st.builds(
        lambda op, value: {"field": "order.total", "op": op, "value": str(value)},
        st.sampled_from(["eq", "ne", "gte", "lt"]),
        st.decimals(0, 99, places=2),
    ),
    st.builds(lambda value: {"field": "order.note", "op": "is_set", "value": value}, st.booleans()),
)
TREES = st.recursive(
    TESTS,
    lambda inner: st.one_of(
        st.builds(lambda part: {"not": part}, inner),
        st.builds(lambda parts: {"all": parts}, st.lists(inner, max_size=3)),
        st.builds(lambda parts: {"any": parts}, st.lists(inner, min_size=1, max_size=3)),
    ),
    max_leaves=8,
).filter(lambda tree: _depth(tree) <= 7)
RULES = st.fixed_dictionaries(
    {
        "id": st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,8}", fullmatch=True),
        "name": st.one_of(TEXT, st.fixed_dictionaries({"es": TEXT, "en": TEXT})),
        "trigger": st.sampled_from([kind.value for kind in OccurrenceKind]),
        "actions": st.just(source_of()["actions"]),
    },
    optional={
        "conditions": TREES,
        "delay": st.one_of(
            st.sampled_from(["0s", "10m", "2h", "7d"]),
            st.fixed_dictionaries(
                {"after": st.just("10d")},
                optional={"at": st.just("10:00"), "working_days": st.integers(1, 9)},
            ),
        ),
        "description": TEXT,
        "max_age": st.sampled_from(["1d", "90m"]),
        "enabled": st.booleans(),
        "stop_if": st.just([]),
    },
)


def _depth(tree: dict[str, Any]) -> int:
    if "not" in tree:
        return 1 + _depth(tree["not"])
    parts = tree.get("all", tree.get("any", []))
    return 1 + max((_depth(part) for part in parts), default=0)


@settings(max_examples=150, deadline=None)
@given(sources=st.lists(RULES, max_size=3, unique_by=lambda source: source["id"]))
def test_a_file_is_written_without_loss(sources: list[dict[str, Any]]) -> None:
    """What was loaded is written as a file that loads back equal, data and meaning."""
    rules = tuple(rule_from_source(source) for source in sources)
    assert [rule.source for rule in rules] == sources
    loaded = load_rules(dump_rules(sources))
    assert loaded.rules == rules
    assert load_rules(dump_rules([rule.source for rule in loaded.rules])) == loaded


@settings(max_examples=150, deadline=None)
@given(tree=TREES)
def test_rules_are_pure(tree: dict[str, Any]) -> None:
    """The same question has the same answer, asked in either way and in any order."""
    compiled = compile_rule(rule_from_source(source_of(conditions=tree)))
    answers = []
    for order in (ORDER, BARE_ORDER, ORDER, BARE_ORDER):
        facts = facts_of(order, happened(), SHOP)
        answer = evaluate(compiled, facts)
        assert quick(compiled, facts) is answer[0]
        assert evaluate(compiled, facts) == answer
        answers.append(answer)
    assert answers[:2] == answers[2:]
    turned = compile_rule(rule_from_source(source_of(conditions={"not": tree})))
    assert evaluate(turned, facts_of(ORDER, happened(), SHOP))[0] is not answers[0][0]
