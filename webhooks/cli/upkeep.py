"""Commands that look after what is stored: prune, rebuild."""

import sys
from typing import Final

import click

from webhooks.cli.base import (
    FAILED,
    json_option,
    opened,
    print_json,
    print_table,
    shop_option,
)

_SHOWN: Final = 100


@click.command()
@json_option
def prune(as_json: bool) -> None:
    """Forget what is older than it may be: what shops sent, and closed rows.

    A running server does this once a day. What shops sent is kept word for word for
    POSTVENTA_KEEP_BODIES_DAYS days; why rules acted, how effects were tried and what
    messages said for POSTVENTA_KEEP_EVIDENCE_DAYS days; closed deliveries and effects
    stay 400 days.
    """
    from dataclasses import asdict
    from datetime import timedelta

    from connector.flows.retention import prune as forget

    with opened() as app:
        done = forget(
            app.engine,
            keep_bodies=timedelta(days=app.settings.keep_bodies_days),
            keep_evidence=timedelta(days=app.settings.keep_evidence_days),
        )
    if as_json:
        print_json(asdict(done))
        return
    click.echo(
        f"{done.bodies} bodies, {done.deliveries} deliveries, {done.effects} effects and "
        f"{done.evidence} evaluations, tries and messages are gone."
    )


@click.command()
@click.option("--into", "url", required=True, help="Address of an empty database.")
@shop_option()
@json_option
def rebuild(url: str, shop_id: str | None, as_json: bool) -> None:
    """Play all kept deliveries into an empty database and compare it with this one.

    No shop is called and nothing is sent. Ends with 1 when something differs. All
    shops are played, since a buyer may be known in several; --shop compares one.
    """
    from dataclasses import asdict

    from connector.flows.compare import compare
    from connector.flows.rebuild import play
    from connector.model.order import ShopId
    from webhooks.rebuilding import SilentBell, parser_of
    from webhooks.shops import find_shop
    from webhooks.wiring import open_other

    with opened() as app:
        shop = None if shop_id is None else ShopId(find_shop(app, shop_id).id)
        with open_other(app.settings, url) as target:
            played = play(app.engine, target, parser_of(app), SilentBell())
            found = compare(app.storage, target, shop)
    differences = [asdict(one) for one in found.differences]
    line = {
        "deliveries": played.deliveries,
        "left_out": {"deliveries": played.left_out, "orders": found.left_out},
        "orders": found.orders,
        "occurrences": found.occurrences,
        "effects": found.effects,
        "differences": differences,
    }
    if as_json:
        print_json(line)
    else:
        click.echo(
            f"{played.deliveries} deliveries were played ({played.left_out} left out). Compared: "
            f"{found.orders} orders ({found.left_out} left out), {found.occurrences} occurrences, "
            f"{found.effects} effects."
        )
        print_table(
            ("what", "shop", "order", "key", "found", "fields"),
            [
                (
                    *(one[name] for name in ("what", "shop", "order", "key", "found")),
                    ", ".join(one["fields"]),
                )
                for one in differences[:_SHOWN]
            ],
            empty="No differences.",
        )
    if differences:
        click.echo(f"{len(differences)} differences.", err=True)
        sys.exit(FAILED)
