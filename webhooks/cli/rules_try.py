"""Commands that show what rules can do: fields, playbook, simulate."""

from typing import Final

import click

from webhooks.cli.base import (
    Refused,
    json_option,
    opened,
    pairs,
    print_json,
    print_table,
    read_rules,
    shop_option,
)

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
@json_option
def simulate(file: str | None, shop_id: str, days: int, as_json: bool) -> None:
    """Ask the rules in FILE about what happened in the last days; nothing is done.

    Without FILE the shop's stored rules are asked, also those switched off. Orders are
    taken as they stand now.
    """
    from connector.rules.load import load_rules, rule_from_source
    from webhooks.cli.limits import limits_of
    from webhooks.cli.simulation import simulated
    from webhooks.shops import find_shop

    with opened() as app:
        shop = find_shop(app, shop_id)
        if file is None:
            with app.storage.reading() as tx:
                asked = [rule_from_source(record.source) for record in tx.rules(shop.id)]
        else:
            loaded = load_rules(read_rules(file), shop=limits_of(shop))
            asked = list(loaded.rules)
        report = simulated(app, shop, asked, days=days)
    if as_json:
        print_json(report)
        return
    print_table(
        ("rule", "trigger", "happened", "matched", "not matched", "once already", "effects"),
        [
            (
                line["id"],
                line["trigger"],
                line["occurrences"],
                line["matched"],
                line["not_matched"],
                line["once_already"],
                pairs(line["effects"]),
            )
            for line in report["rules"]
        ],
        empty="There are no rules to ask.",
    )
