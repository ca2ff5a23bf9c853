"""The command that says why, and why not."""

from typing import Any

import click

from webhooks.cli.base import Refused, json_option, opened, print_json, printable, shop_option


@click.command()
@shop_option(required=True)
@click.option("--order", help="The order's id in the shop, or its number.")
@click.option("--buyer", help="Instead of --order: a buyer's e-mail address or telephone.")
@click.option("--rule", "rule_id", help="Only this rule; without it all that are in use.")
@click.option(
    "--lang",
    "language",
    type=click.Choice(("es", "en")),
    default="en",
    show_default=True,
    help="Language of the sentences.",
)
@json_option
def why(
    shop_id: str,
    order: str | None,
    buyer: str | None,
    rule_id: str | None,
    language: str,
    as_json: bool,
) -> None:
    """Say why rules acted on an order or not, and when that could change.

    What was seen when the rule was asked is shown; when it never was, it is asked now,
    and the answer says so. Nothing is done.
    """
    from connector.flows.try_rules import find_order
    from connector.flows.why import why as why_order
    from connector.flows.why import why_buyer
    from webhooks.shops import find_shop

    if (order is None) == (buyer is None):
        raise Refused("Name an order with --order, or a buyer with --buyer.")
    with opened() as app:
        shop = find_shop(app, shop_id)
        if buyer is not None:
            report = why_buyer(app.engine, shop, buyer, rule_id=rule_id, language=language)
            answers = report["orders"]
        else:
            with app.storage.reading() as tx:
                ref = find_order(tx, shop, order or "")
            report = why_order(app.engine, shop, ref, rule_id=rule_id, language=language)
            answers = [report]
    if as_json:
        print_json(report)
        return
    for answer in answers:
        click.echo(printable(f"{answer['number']}:"))
        if not answer["rules"]:
            click.echo("  There are no rules in use.")
        for line in answer["rules"]:
            _write(line)


def _write(line: dict[str, Any]) -> None:
    """Write the answer for one rule."""
    click.echo(printable(f"  {line['name']} ({line['rule']}): {line['outcome']}"))
    click.echo(printable(f"    {line['answer']}"))
    if line["next"] is not None:
        click.echo(printable(f"    {line['next']['sentence']}"))
