"""Commands that look after what is stored: prune, rebuild."""

import click

from webhooks.cli.base import json_option, opened, print_json


@click.command()
@json_option
def prune(as_json: bool) -> None:
    """Forget what is older than it may be: what shops sent, and closed rows.

    A running server does this once a day. What shops sent is kept word for word for
    POSTVENTA_KEEP_BODIES_DAYS days; closed deliveries and effects stay 400 days.
    """
    from dataclasses import asdict
    from datetime import timedelta

    from connector.flows.retention import prune as forget

    with opened() as app:
        done = forget(app.engine, keep_bodies=timedelta(days=app.settings.keep_bodies_days))
    if as_json:
        print_json(asdict(done))
        return
    click.echo(
        f"{done.bodies} bodies, {done.deliveries} deliveries and {done.effects} effects are gone."
    )
