"""Commands about rules: import, export, list, lint, switch, simulate."""

from typing import Any, Final

import click

from webhooks.cli.base import (
    Refused,
    json_option,
    opened,
    print_json,
    print_table,
    read_rules,
    shop_option,
)

_file = click.argument("file", metavar="FILE")


@click.group()
def rules() -> None:
    """Import, export, check, switch and try out the rules of a shop."""


@rules.command("import")
@_file
@shop_option(required=True)
@click.option("--enable", is_flag=True, help="Switch all rules of the file on.")
@click.option("--replace", is_flag=True, help="Take rules that the file lacks out of use.")
@json_option
def import_rules(file: str, shop_id: str, enable: bool, replace: bool, as_json: bool) -> None:
    """Check the rules in FILE (YAML) and store them for a shop.

    A changed rule becomes a new version; what is planned already stays as it was.
    Nothing is stored when one rule of the file is wrong.
    """
    from connector.rules.load import load_rules
    from webhooks.cli.limits import limits_of
    from webhooks.shops import find_shop

    with opened() as app:
        shop = find_shop(app, shop_id)
        loaded = load_rules(read_rules(file), shop=limits_of(shop))
        lines: list[dict[str, Any]] = []
        removed: list[str] = []
        with app.storage.transaction() as tx:
            before = {record.rule_id: record for record in tx.rules(shop.id)}
            for rule in loaded.rules:
                known = before.get(rule.id)
                # A file that says nothing about the switch leaves it as it is.
                said = bool(rule.source.get("enabled", known is not None and known.enabled))
                source = {name: part for name, part in rule.source.items() if name != "enabled"}
                version = tx.put_rule(
                    shop.id, rule.id, source, enabled=enable or said, now=app.clock.now()
                )
                change = _change(None if known is None else known.version, version)
                lines.append(
                    {"id": rule.id, "version": version, "enabled": enable or said, "change": change}
                )
            if replace:
                removed = [one for one in before if one not in {rule.id for rule in loaded.rules}]
                for one in removed:
                    tx.delete_rule(shop.id, one)
    if as_json:
        print_json({"shop": shop_id, "rules": lines, "removed": removed})
        return
    print_table(
        ("rule", "version", "enabled", ""),
        [
            (line["id"], line["version"], _yes(line["enabled"]), line["change"])
            for line in (*lines, *({**_GONE, "id": one} for one in removed))
        ],
        empty="The file has no rules.",
    )


_GONE: Final = {"version": "", "enabled": False, "change": "taken out of use"}


def _change(before: int | None, after: int) -> str:
    if before is None:
        return "new"
    return "unchanged" if before == after else "changed"


@rules.command("export")
@shop_option(required=True)
def export_rules(shop_id: str) -> None:
    """Write the rules of a shop to stdout as a rule file."""
    from connector.rules.load import dump_rules
    from webhooks.shops import find_shop

    with opened() as app:
        shop = find_shop(app, shop_id)
        with app.storage.reading() as tx:
            records = tx.rules(shop.id)
    click.echo(
        dump_rules([{**record.source, "enabled": record.enabled} for record in records]), nl=False
    )


@rules.command("list")
@shop_option()
@json_option
def list_rules(shop_id: str | None, as_json: bool) -> None:
    """List the rules of one shop or of all shops."""
    from webhooks.exports import time_text
    from webhooks.shops import find_shop

    with opened() as app:
        if shop_id is not None:
            find_shop(app, shop_id)
        with app.storage.reading() as tx:
            records = [
                record
                for shop in tx.shops()
                if shop_id in {None, str(shop.id)}
                for record in tx.rules(shop.id)
            ]
    lines = [
        {
            "shop": str(record.shop_id),
            "id": record.rule_id,
            "name": record.source.get("name"),
            "trigger": record.source.get("trigger"),
            "version": record.version,
            "enabled": record.enabled,
            "created_at": time_text(record.created_at),
        }
        for record in records
    ]
    if as_json:
        print_json(lines)
        return
    print_table(
        ("shop", "rule", "name", "trigger", "version", "enabled"),
        [
            (
                line["shop"],
                line["id"],
                _name(line["name"]),
                line["trigger"],
                line["version"],
                _yes(bool(line["enabled"])),
            )
            for line in lines
        ],
        empty="No rules are stored: see `postventa rules import --help`.",
    )


@rules.command()
@_file
@click.option(
    "--platform",
    type=click.Choice(("woocommerce", "shopify")),
    help="Also check what this platform cannot do.",
)
@json_option
def lint(file: str, platform: str | None, as_json: bool) -> None:
    """Check the rules in FILE without storing them; needs no shop and no database."""
    from connector.errors import RuleInvalid
    from connector.rules.load import load_rules
    from webhooks.cli.limits import limits_for

    text = read_rules(file)
    try:
        loaded = load_rules(text, shop=None if platform is None else limits_for(platform))
    except RuleInvalid as err:
        if as_json:
            print_json({"rules": [], "problems": list(err.problems)})
        raise
    if as_json:
        print_json({"rules": [rule.id for rule in loaded.rules], "problems": []})
    else:
        click.echo(f"{len(loaded.rules)} rules, no problems.")


def _switch(rule_id: str, shop_id: str, *, enabled: bool) -> None:
    from webhooks.shops import find_shop

    with opened() as app:
        shop = find_shop(app, shop_id)
        with app.storage.transaction() as tx:
            if not tx.enable_rule(shop.id, rule_id, enabled=enabled):
                raise _no_rule(rule_id, shop_id, [record.rule_id for record in tx.rules(shop.id)])
    click.echo(f"The rule {rule_id} is switched {'on' if enabled else 'off'}.")


def _no_rule(rule_id: str, shop_id: str, known: list[str]) -> Refused:
    there = f"It has: {', '.join(known)}." if known else "It has none yet."
    return Refused(f"The shop {shop_id} has no rule {rule_id[:80]!r}. {there}")


@rules.command()
@click.argument("rule_id")
@shop_option(required=True)
def enable(rule_id: str, shop_id: str) -> None:
    """Switch the rule RULE_ID on: it acts on what happens from now on."""
    _switch(rule_id, shop_id, enabled=True)


@rules.command()
@click.argument("rule_id")
@shop_option(required=True)
def disable(rule_id: str, shop_id: str) -> None:
    """Switch the rule RULE_ID off; what it has planned already is still carried out.

    `postventa effects stop` stops everything at once.
    """
    _switch(rule_id, shop_id, enabled=False)


@rules.command()
@click.argument("rule_id")
@shop_option(required=True)
def remove(rule_id: str, shop_id: str) -> None:
    """Take the rule RULE_ID out of use; what it did stays readable."""
    from webhooks.shops import find_shop

    with opened() as app:
        shop = find_shop(app, shop_id)
        with app.storage.transaction() as tx:
            known = [record.rule_id for record in tx.rules(shop.id)]
            if rule_id not in known or not tx.delete_rule(shop.id, rule_id):
                raise _no_rule(rule_id, shop_id, known)
    click.echo(f"The rule {rule_id} is out of use.")


def _yes(flag: bool) -> str:
    return "yes" if flag else "no"


def _name(name: Any) -> str:
    if isinstance(name, dict):
        return str(name.get("en") or name.get("es") or "")
    return str(name or "")
