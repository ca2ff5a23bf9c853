"""Commands that show what rules can do: fields, playbook, simulate."""

from typing import TYPE_CHECKING, Any, Final

import click

from connector.model.money import decimal_text
from webhooks.cli.base import (
    Refused,
    json_option,
    opened,
    pairs,
    print_json,
    print_table,
    printable,
    read_rules,
    shop_option,
)

if TYPE_CHECKING:
    from connector.rules.rule import Rule
    from connector.storage.records import ShopRecord
    from webhooks.wiring import Application

_MOST_DAYS: Final = 3_650


@click.command()
@json_option
def fields(as_json: bool) -> None:
    """List the fields that conditions may ask for, with types and operators."""
    from connector.rules.fields import field_list

    lines = field_list()
    if as_json:
        print_json(lines)
        return
    print_table(
        ("field", "type", "operators", "meaning"),
        [
            (line["name"], line["type"], " ".join(line["operators"]), line["help"]["en"])
            for line in lines
        ],
    )


@click.command()
@click.argument("name", required=False)
@json_option
def playbook(name: str | None, as_json: bool) -> None:
    """List the rules that come with Postventa; with NAME write that rule file."""
    from connector.rules.load import dump_rules, load_playbook, playbook_names

    names = list(playbook_names())
    if name is None:
        if as_json:
            print_json(names)
            return
        print_table(
            ("name", "rules"),
            [(one, ", ".join(rule.id for rule in load_playbook(one).rules)) for one in names],
        )
        return
    if name not in names:
        raise Refused(f"No playbook is called {name[:80]!r}. There are: {', '.join(names)}.")
    sources = [rule.source for rule in load_playbook(name).rules]
    if as_json:
        print_json(sources)
    else:
        click.echo(dump_rules(sources), nl=False)


@click.command()
@click.argument("file", metavar="[FILE]", required=False)
@shop_option(required=True)
@click.option(
    "--days",
    type=click.IntRange(1, _MOST_DAYS),
    default=90,
    show_default=True,
    help="How far to look back.",
)
@click.option("--progress", "show", is_flag=True, help="Say on stderr how far it has come.")
@json_option
def simulate(file: str | None, shop_id: str, days: int, show: bool, as_json: bool) -> None:
    """Ask the rules in FILE about what happened in the last days; nothing is done.

    Without FILE the shop's stored rules are asked, also those switched off. Ctrl-C ends
    it early and shows what was counted so far.
    """
    from connector.flows.simulate import simulate as simulated
    from webhooks.cli.interrupt import Interrupt
    from webhooks.shops import find_shop

    with opened() as app, Interrupt() as interrupt:
        shop = find_shop(app, shop_id)
        report = simulated(
            app.engine,
            shop,
            _asked(app, shop, file),
            days=days,
            progress=_told if show else None,
            canceled=interrupt.wanted,
        )
    if as_json:
        print_json(report)
        return
    print_table(
        ("rule", "trigger", "happened", "matched", "not matched", "would do", "held back"),
        [
            (
                line["id"],
                line["trigger"],
                line["occurrences"],
                line["matched"],
                line["not_matched"],
                pairs(line["would_do"]),
                pairs(line["held_back"]),
            )
            for line in report["rules"]
        ],
        empty="There are no rules to ask.",
    )
    _together(report)


def _together(report: dict[str, Any]) -> None:
    """Write what concerns all rules together."""
    over = report["buyers_over_cap"]
    messages = sum(sum(one.values()) for one in report["messages_per_day"].values())
    click.echo(f"\nMessages to buyers: {messages}.")
    if over["buyers"]:
        click.echo(
            f"Buyers with more than {over['cap']} offers in {over['days']} days: {over['buyers']}."
        )
    for currency, sums in report["coupons"].items():
        most = decimal_text(sums["maximum_minor"], currency)
        click.echo(f"Codes: {sums['codes']}, {most} {currency} at most.")
    if not report["complete"]:
        click.echo("It was ended early: these are the counts so far.")
    for known in report["not_known"]:
        click.echo(f"- {known['en']}")


def _asked(app: "Application", shop: "ShopRecord", file: str | None) -> list["Rule"]:
    """Read the rules of a file, or those that are stored."""
    from connector.rules.load import load_rules, rule_from_source
    from webhooks.cli.limits import limits_of

    if file is not None:
        return list(load_rules(read_rules(file), shop=limits_of(shop)).rules)
    with app.storage.reading() as tx:
        return [rule_from_source(record.source) for record in tx.rules(shop.id)]


@click.command("test")
@click.argument("file", metavar="[FILE]", required=False)
@shop_option(required=True)
@click.option("--order", "order", required=True, help="The order's id in the shop, or its number.")
@click.option("--trigger", help="What is to have happened to it, like order.paid.")
@json_option
def test_rules(
    file: str | None, shop_id: str, order: str, trigger: str | None, as_json: bool
) -> None:
    """Try the rules in FILE on one order: what they see and would do; nothing is done.

    Without FILE the shop's stored rules are tried. What a rule waits for and never
    happened to the order is taken as happening now.
    """
    from connector.flows.try_rules import find_order, try_rules
    from connector.model.event import OccurrenceKind
    from webhooks.shops import find_shop

    if trigger is not None and trigger not in set(OccurrenceKind):
        raise Refused(
            f"No occurrence is called {trigger[:80]!r}. There are: {', '.join(OccurrenceKind)}."
        )
    with opened() as app:
        shop = find_shop(app, shop_id)
        rules = _asked(app, shop, file)
        with app.storage.reading() as tx:
            ref = find_order(tx, shop, order)
        kind = None if trigger is None else OccurrenceKind(trigger)
        report = try_rules(app.engine, shop, rules, ref, kind=kind)
    if as_json:
        print_json(report)
        return
    for line in report["rules"]:
        _tried(line)


def _tried(line: dict[str, Any]) -> None:
    """Write what one rule sees and would do."""
    click.echo(f"{line['id']} ({line['trigger']}): {line['verdict'].replace('_', ' ')}")
    if line["verdict"] == "not_asked":
        return
    if line["pretended"]:
        click.echo("  It has not happened to this order: taken as happening now.")
    for seen in line["conditions"]:
        mark = "yes" if seen["held"] else "no "
        told = f"{seen['field']} {seen['op']} {seen['value']}: it is {seen['seen']}"
        click.echo(f"  {mark} {printable(told)}")
    for planned in line["planned"]:
        reason = f", {planned['reason']}" if planned["reason"] else ""
        click.echo(f"  {planned['at']} {planned['kind']}: {planned['state']}{reason}")
        text = planned.get("subject") or planned.get("text") or planned.get("code")
        if text:
            click.echo(f"    {printable(str(text)).splitlines()[0]}")


def _told(done: int, total: int) -> None:
    """Say how far it has come, one line each, for people and programs alike."""
    click.echo(f"{done}/{total}", err=True)
