"""The commands about rules: what they store, and every mistake they refuse."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.web.cli import Cli
from webhooks.sandbox.woocommerce.shop import WooShop

GOOD: dict[str, Any] = {
    "id": "gracias",
    "name": {"es": "Gracias", "en": "Thanks"},
    "trigger": "order.paid",
    "conditions": {
        "all": [
            {"field": "buyer.order_count", "op": "eq", "value": 1},
            {"field": "order.total", "op": "gte", "value": "20.00"},
        ]
    },
    "actions": [{"tag": {"add": ["postventa-welcome"]}}, {"note": {"text": "Gracias"}}],
}


@pytest.fixture(scope="module")
def woo() -> Iterator[WooShop]:
    """Run a pretend WooCommerce."""
    with WooShop(queue_interval_s=60) as shop:
        yield shop


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """Give commands over an empty data folder."""
    return Cli(tmp_path / "data")


@pytest.fixture
def shop_id(cli: Cli, woo: WooShop) -> str:
    """Connect the shop without webhooks; give its id."""
    made: str = cli.add(woo, "--no-register")["id"]
    return made


def write(folder: Path, *rules: dict[str, Any] | str) -> str:
    """Write a rule file; a text stands for the whole file."""
    path = folder / "rules.yaml"
    if rules and isinstance(rules[0], str):
        path.write_text(rules[0], encoding="utf-8")
    else:
        # By way of JSON, so that parts the rules share are no YAML anchors.
        plain = json.loads(json.dumps({"rules": rules}))
        path.write_text(yaml.safe_dump(plain, sort_keys=False), encoding="utf-8")
    return str(path)


def test_lint_needs_no_database(cli: Cli, tmp_path: Path) -> None:
    """A good file passes without a shop, and no database is made."""
    assert cli.data("rules", "lint", write(tmp_path, GOOD)) == {
        "rules": ["gracias"],
        "problems": [],
    }
    assert not cli.folder.exists()


MISTAKES = [
    ("rules:\n  - id: [", "this is no YAML"),
    (
        "rules:\n  - id: a\n    condtions: {}\n",
        'unknown key "condtions". Did you mean "conditions"?',
    ),
    ({**GOOD, "trigger": "order.payed"}, 'Did you mean "order.paid"?'),
    ({**GOOD, "conditions": {"field": "order.totl", "op": "eq", "value": "1"}}, "order.total"),
    ({**GOOD, "conditions": {"field": "order.total", "op": "like", "value": "1"}}, '"like"'),
    ({**GOOD, "conditions": {"field": "order.total", "op": "contains", "value": "1"}}, "contains"),
    ({**GOOD, "conditions": {"field": "order.test", "op": "eq", "value": "maybe"}}, "maybe"),
    ({**GOOD, "conditions": {"field": "buyer.order_count", "op": "eq", "value": "one"}}, "one"),
    ({**GOOD, "delay": "10 minutes"}, "10 minutes"),
    ({**GOOD, "once_per": "month"}, '"month"'),
    ({**GOOD, "actions": []}, "actions"),
    ({**GOOD, "actions": [{"fax": {}}]}, '"fax"'),
    ({**GOOD, "actions": [{"note": {"text": "{{ buyer.frist_name }}"}}]}, "buyer.first_name"),
    ({**GOOD, "actions": [{"coupon": {"kind": "percent", "value": "150"}}]}, "150"),
    ("rules:\n  - &a {id: x}\n  - *a\n", "line 2"),
    ("- a\n- b\n", "line 1"),
    ("", "line 1"),
]


@pytest.mark.parametrize(("rule", "says"), MISTAKES)
def test_lint_names_the_mistake(
    cli: Cli, tmp_path: Path, rule: dict[str, Any] | str, says: str
) -> None:
    """Each mistake is refused with its line and with what is allowed."""
    told = cli.refused("rules", "lint", write(tmp_path, rule), says=says)
    assert "line " in told


def test_lint_tells_all_problems_at_once(cli: Cli, tmp_path: Path) -> None:
    """Problems come one a line, and in JSON as a list."""
    file = write(tmp_path, {**GOOD, "trigger": "x", "once_per": "y"}, {**GOOD, "id": "gracias"})
    result = cli.run("rules", "lint", file, "--json")
    assert result.exit_code == 2
    problems = json.loads(result.stdout)["problems"]
    assert len(problems) >= 3
    assert all(problem in result.stderr for problem in problems)


def test_files_that_cannot_be_read(cli: Cli, tmp_path: Path) -> None:
    """A missing, huge or badly encoded file is refused by name."""
    cli.refused("rules", "lint", str(tmp_path / "none.yaml"), says="cannot be read: No such file")
    cli.refused("rules", "lint", str(tmp_path), says="cannot be read")
    big = tmp_path / "big.yaml"
    big.write_bytes(b"#" * (1024 * 1024 + 1))
    cli.refused("rules", "lint", str(big), says="larger than 1 MiB")
    latin = tmp_path / "latin.yaml"
    latin.write_bytes("rules:\n  - id: a\n    name: Espa\u00f1a\n".encode("latin-1"))
    cli.refused("rules", "lint", str(latin), says="line 3: this is not UTF-8")


def test_lint_reads_stdin(cli: Cli) -> None:
    """A dash stands for stdin."""
    result = cli.run("rules", "lint", "-", typed=yaml.safe_dump({"rules": [GOOD]}))
    assert (result.exit_code, result.stdout) == (0, "1 rules, no problems.\n")


def test_lint_checks_a_platform(cli: Cli, tmp_path: Path) -> None:
    """What a platform cannot do is refused when it is named."""
    file = write(tmp_path, {**GOOD, "actions": [{"note": {"text": "Hola", "to_buyer": True}}]})
    cli.ok("rules", "lint", file, "--platform", "woocommerce")
    cli.refused("rules", "lint", file, "--platform", "shopify", says="shopify")


def test_import_stores_versions(cli: Cli, shop_id: str, tmp_path: Path) -> None:
    """The same file changes nothing, a changed rule is a new version."""
    file = write(tmp_path, GOOD)
    first = cli.data("rules", "import", file, "--shop", shop_id)
    line = {"id": "gracias", "version": 1, "enabled": False, "change": "new"}
    assert first == {"shop": shop_id, "rules": [line], "removed": []}
    again = cli.data("rules", "import", file, "--shop", shop_id)["rules"]
    assert again == [{**line, "change": "unchanged"}]
    file = write(tmp_path, {**GOOD, "delay": "10m"})
    changed = cli.data("rules", "import", file, "--shop", shop_id)["rules"]
    assert changed == [{**line, "version": 2, "change": "changed"}]


def test_import_keeps_the_switch(cli: Cli, shop_id: str, tmp_path: Path) -> None:
    """A file that does not say `enabled` leaves a rule on; one that does decides."""
    file = write(tmp_path, GOOD)
    cli.ok("rules", "import", file, "--shop", shop_id, "--enable")
    assert cli.data("rules", "list", "--shop", shop_id)[0]["enabled"] is True
    cli.ok("rules", "import", write(tmp_path, {**GOOD, "delay": "1h"}), "--shop", shop_id)
    assert cli.data("rules", "list")[0]["enabled"] is True
    cli.ok("rules", "import", write(tmp_path, {**GOOD, "enabled": False}), "--shop", shop_id)
    assert cli.data("rules", "list")[0]["enabled"] is False


def test_import_stores_nothing_of_a_wrong_file(cli: Cli, shop_id: str, tmp_path: Path) -> None:
    """One wrong rule keeps the whole file out."""
    file = write(tmp_path, GOOD, {**GOOD, "id": "two", "trigger": "never"})
    cli.refused("rules", "import", file, "--shop", shop_id, says='"never"')
    assert cli.data("rules", "list") == []


def test_import_checks_what_the_shop_can_do(cli: Cli, shop_id: str, tmp_path: Path) -> None:
    """A status that WooCommerce does not know is refused for this shop."""
    file = write(tmp_path, {**GOOD, "actions": [{"status": {"set": "teleported"}}]})
    cli.refused("rules", "import", file, "--shop", shop_id, says="teleported")


def test_import_replace_takes_rules_out(cli: Cli, shop_id: str, tmp_path: Path) -> None:
    """With --replace, rules that the file lacks are out of use."""
    cli.ok("rules", "import", write(tmp_path, GOOD, {**GOOD, "id": "old"}), "--shop", shop_id)
    cli.ok("rules", "import", write(tmp_path, GOOD), "--shop", shop_id)
    assert len(cli.data("rules", "list")) == 2
    done = cli.data("rules", "import", write(tmp_path, GOOD), "--shop", shop_id, "--replace")
    assert done["removed"] == ["old"]
    assert [line["id"] for line in cli.data("rules", "list")] == ["gracias"]


def test_export_reads_back(cli: Cli, shop_id: str, tmp_path: Path) -> None:
    """What is exported imports without a change, switches included."""
    cli.ok("rules", "import", write(tmp_path, GOOD), "--shop", shop_id, "--enable")
    text = cli.ok("rules", "export", "--shop", shop_id)
    assert yaml.safe_load(text) == {"rules": [{**GOOD, "enabled": True}]}
    (line,) = cli.data("rules", "import", write(tmp_path, text), "--shop", shop_id)["rules"]
    assert (line["change"], line["enabled"]) == ("unchanged", True)


def test_enable_disable_remove(cli: Cli, shop_id: str, tmp_path: Path) -> None:
    """A rule is switched on and off and taken out of use by its id."""
    cli.ok("rules", "import", write(tmp_path, GOOD), "--shop", shop_id)
    cli.ok("rules", "enable", "gracias", "--shop", shop_id)
    assert cli.data("rules", "list")[0]["enabled"] is True
    cli.ok("rules", "disable", "gracias", "--shop", shop_id)
    assert cli.data("rules", "list")[0]["enabled"] is False
    cli.ok("rules", "remove", "gracias", "--shop", shop_id)
    assert cli.data("rules", "list") == []


@pytest.mark.parametrize("verb", ["enable", "disable", "remove"])
def test_unknown_rule_is_refused(cli: Cli, shop_id: str, tmp_path: Path, verb: str) -> None:
    """An unknown rule id is refused, and the known ones are named."""
    cli.refused("rules", verb, "nada", "--shop", shop_id, says="It has none yet")
    cli.ok("rules", "import", write(tmp_path, GOOD), "--shop", shop_id)
    told = cli.refused("rules", verb, "nada", "--shop", shop_id, says="has no rule 'nada'")
    assert "It has: gracias." in told


def test_unknown_shop_is_refused(cli: Cli, tmp_path: Path) -> None:
    """Every command with --shop refuses an id that is none."""
    file = write(tmp_path, GOOD)
    for args in (
        ("import", file),
        ("export",),
        ("list",),
        ("enable", "x"),
        ("simulate", file),
    ):
        cli.refused("rules", *args, "--shop", "s0", says="No shop has the id 's0'")
    cli.refused("rules", "export", says="Missing option '--shop'")


def test_fields_are_listed(cli: Cli) -> None:
    """The list has each field with its type and operators."""
    lines = {line["name"]: line for line in cli.data("rules", "fields")}
    assert lines["order.total"]["type"] == "money"
    assert "gte" in lines["order.total"]["operators"]
    assert "contains" not in lines["order.total"]["operators"]
    assert "order.total" in cli.ok("rules", "fields")


def test_playbook_passes_lint(cli: Cli, tmp_path: Path) -> None:
    """Each delivered rule is written out as a file that can be imported as it is."""
    names = cli.data("rules", "playbook")
    assert set(names) >= {"welcome", "confirmation", "second_thanks"}
    for name in names:
        file = write(tmp_path, cli.ok("rules", "playbook", name))
        cli.ok("rules", "lint", file, "--platform", "woocommerce")
        cli.ok("rules", "lint", file, "--platform", "shopify")
    cli.refused("rules", "playbook", "nada", says="There are: ")


def test_simulate_asks_without_doing(cli: Cli, shop_id: str, woo: WooShop, tmp_path: Path) -> None:
    """Two orders of one person: only the first matches, and nothing is planned or written."""
    person = {"email": "sim@example.com", "paid": True}
    line = {"sku": "TAZA", "name": "Taza", "quantity": 2, "price": "15.00"}
    woo.create_order({**person, "lines": [line]})
    woo.create_order({**person, "lines": [line]})
    cli.ok("reconcile", "--shop", shop_id)
    report = cli.data("rules", "simulate", write(tmp_path, GOOD), "--shop", shop_id, "--days", "5")
    assert (report["shop"], report["days"]) == (shop_id, 5)
    (rule,) = report["rules"]
    paid = [one for one in cli.lines("export", "occurrences") if one["kind"] == "order.paid"]
    assert rule["occurrences"] == len(paid) >= 2
    assert (rule["matched"], rule["not_matched"]) == (len(paid) - 1, 1)
    assert rule["effects"] == {"note": len(paid) - 1, "tag": len(paid) - 1}
    first = rule["conditions"][0]
    assert (first["path"], first["not_held"]) == ("all[0]", 1)
    assert cli.lines("export", "effects") == []
    assert "gracias" in cli.ok("rules", "simulate", write(tmp_path, GOOD), "--shop", shop_id)


def test_simulate_asks_stored_rules(cli: Cli, shop_id: str, tmp_path: Path) -> None:
    """Without a file the stored rules are asked, also those switched off."""
    cli.ok("rules", "import", write(tmp_path, GOOD), "--shop", shop_id)
    report = cli.data("rules", "simulate", "--shop", shop_id)
    assert [rule["id"] for rule in report["rules"]] == ["gracias"]
    assert report["days"] == 90
    cli.refused("rules", "simulate", "--shop", shop_id, "--days", "0", says="--days")


def test_simulate_says_how_far_it_is(cli: Cli, shop_id: str, woo: WooShop, tmp_path: Path) -> None:
    """With --progress lines come on stderr and none of them on stdout."""
    woo.create_order({"email": "far@example.com", "paid": True})
    cli.ok("reconcile", "--shop", shop_id)
    args = ("rules", "simulate", write(tmp_path, GOOD), "--shop", shop_id, "--json")
    result = cli.run(*args, "--progress")
    total = json.loads(result.stdout)["asked"]
    assert f"{total}/{total}" in result.stderr.splitlines()
    assert cli.run(*args).stderr == ""


def test_rules_are_tried_on_one_order(cli: Cli, shop_id: str, woo: WooShop, tmp_path: Path) -> None:
    """By id or number, with each condition and its value; an unknown order is refused."""
    lines = [{"sku": "VASO", "name": "Vaso", "quantity": 1, "price": "10.00"}]
    person = {"email": "one@example.com", "phone": "+34611000111", "paid": True}
    made = woo.create_order({**person, "lines": lines})
    cli.ok("reconcile", "--shop", shop_id)
    file = write(tmp_path, GOOD)
    args = ("rules", "test", file, "--shop", shop_id, "--order")
    (line,) = cli.data(*args, str(made["id"]))["rules"]
    assert (line["id"], line["verdict"]) == ("gracias", "not_matched")
    assert [one["field"] for one in line["conditions"]] == ["buyer.order_count", "order.total"]
    told = cli.ok(*args, f"#{made['id']}")
    assert "no  order.total gte 20.00: it is 10.00" in told
    (line,) = cli.data(*args, str(made["id"]), "--trigger", "order.completed")["rules"]
    assert line["verdict"] == "not_asked"
    cli.refused(*args, "999999", says="no order '999999' is known", code=1)
    cli.refused(*args, "1", "--trigger", "order.payed", says="There are: order.created")
    assert cli.lines("export", "effects") == []


def test_why_answers_in_both_languages(
    cli: Cli, shop_id: str, woo: WooShop, tmp_path: Path
) -> None:
    """By order, number or buyer; what cannot be found is refused."""
    lines = [{"sku": "PLATO", "name": "Plato", "quantity": 1, "price": "12.00"}]
    person = {"email": "why@example.com", "phone": "+34611000222", "paid": True}
    cli.ok("rules", "import", write(tmp_path, GOOD), "--shop", shop_id, "--enable")
    made = woo.create_order({**person, "lines": lines})
    cli.ok("reconcile", "--shop", shop_id)
    args = ("why", "--shop", shop_id)
    (line,) = cli.data(*args, "--order", str(made["id"]))["rules"]
    assert (line["rule"], line["outcome"]) == ("gracias", "not_matched")
    assert "must be 20.00 or more; the order has 12.00." in line["answer"]
    told = cli.ok(*args, "--order", f"#{made['id']}", "--rule", "gracias", "--lang", "es")
    assert "debe ser 20.00 o más; el pedido tiene 12.00." in told
    report = cli.data(*args, "--buyer", "why@example.com")
    assert [one["number"] for one in report["orders"]] == [str(made["id"])]
    cli.refused(*args, "--order", "999999", says="no order '999999' is known", code=1)
    cli.refused(*args, "--buyer", "no@example.com", says="no buyer with this", code=1)
    cli.refused(*args, "--order", str(made["id"]), "--rule", "x", says="no rule 'x'", code=1)
    cli.refused(*args, says="Name an order with --order")
