"""The pages about rules tell what the program does."""

import re
from pathlib import Path

from connector.model.effect import EffectKind
from connector.model.event import OccurrenceKind
from connector.rules.load import load_rules
from connector.rules.operators import OPERATORS

DOCS = Path(__file__).parents[3] / "docs"
REFERENCE = (DOCS / "reference" / "rules.md").read_text(encoding="utf-8")
HOWTO = (DOCS / "howto" / "write-rules.md").read_text(encoding="utf-8")


def test_every_trigger_and_action_is_documented() -> None:
    """The reference names every trigger and every action."""
    for kind in OccurrenceKind:
        assert f"`{kind}`" in REFERENCE
    for action in EffectKind:
        assert f"| `{action}` |" in REFERENCE


def test_the_table_of_operators_is_that_of_the_program() -> None:
    """Each type's line holds its operators and no others."""
    for kind, operators in OPERATORS.items():
        line = re.search(rf"^\| {kind}[^|]*\| `([^`]*)`", REFERENCE, re.MULTILINE)
        assert line is not None
        assert line[1].split() == [operator.value for operator in operators]


def test_the_examples_of_the_how_to_page_load() -> None:
    """What people copy from the page is a rule without mistakes."""
    whole, part = re.findall(r"```yaml\n(.*?)```", HOWTO, re.DOTALL)
    assert load_rules(whole).rules[0].id == "big-order"
    head = "rules:\n  - id: a\n    name: a\n    trigger: order.completed\n"
    assert len(load_rules(head + part).rules[0].actions) == 2
