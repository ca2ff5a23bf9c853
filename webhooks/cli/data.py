"""Commands about data: status, export, replay."""

from typing import TYPE_CHECKING, Any, Final

import click

from webhooks.cli.base import (
    MOST_ID,
    Failed,
    Refused,
    json_option,
    opened,
    pairs,
    print_json,
    print_line,
    print_table,
    shop_option,
)

if TYPE_CHECKING:
    from webhooks.wiring import Application

_WHAT: Final = ("orders", "occurrences", "evaluations", "effects", "messages", "attempts")


@click.command()
@json_option
def status(as_json: bool) -> None:
    """Show what waits, what is done and what needs a person."""
    from webhooks.ledger_lines import ledger_words

    with opened() as app:
        line = status_line(app)
    if as_json:
        print_json(line)
        return
    storage = line["storage"]
    print_table(
        ("", ""),
        [
            ("version", line["version"]),
            ("storage", pairs(storage)),
            ("inbox", pairs(line["inbox"])),
            ("effects", pairs(line["effects"])),
            ("oldest waiting", f"{line['oldest_waiting_s']:.0f} s"),
            ("effects are", "stopped" if line["effects_stopped"] else "carried out"),
            *(
                ("ceiling reached", f"{one['kind']} of {one['shop']} in the hour of {one['hour']}")
                for one in line["alarms"]
            ),
        ],
    )
    click.echo()
    print_table(
        ("shop", "name", "state", "last delivery", "webhooks", "last 7 days"),
        [
            (
                shop["id"],
                shop["name"],
                _state_words(shop),
                shop["last_delivery_at"] or "never",
                pairs(shop["webhooks"]),
                ledger_words(shop),
            )
            for shop in line["shops"]
        ],
        empty="No shop is connected yet: see `postventa shops add --help`.",
    )


def _state_words(shop: dict[str, Any]) -> str:
    if shop["resting_until"] is None:
        return str(shop["state"])
    return f"{shop['state']}, rests until {shop['resting_until']}"


def status_line(app: "Application") -> dict[str, Any]:
    """Give the status as plain data: the shape of `status --json`."""
    from dataclasses import asdict
    from importlib.metadata import version

    from connector.jobs.switch import KILL_SWITCH
    from connector.model.effect import EffectState
    from connector.storage.records import DeliveryState
    from webhooks.exports import time_text
    from webhooks.ledger_lines import ledger_line
    from webhooks.limits_shown import alarm_lines, breaker_line

    now = app.clock.now()
    with app.storage.reading() as tx:
        counts = tx.counts()
        alarms = alarm_lines(tx, now)
        shops = tx.shops()
        ledgers = {shop.id: ledger_line(tx, shop, now) for shop in shops}
        standings = {shop.id: breaker_line(tx, shop, now) for shop in shops}
        stopped = bool(tx.value(KILL_SWITCH))
    deliveries = {str(state): number for state, number in counts.deliveries.items()}
    found = {str(state): number for state, number in counts.effects.items()}
    effects = {str(state): found.get(str(state), 0) for state in EffectState}
    # "planned" answers "how many were ever planned", so it is the sum at this instant.
    waiting = effects.pop("planned")
    oldest = counts.oldest_waiting_at
    age_s = (now - oldest).total_seconds() if oldest else 0.0
    return {
        "version": version("postventa"),
        "storage": asdict(app.storage.facts()),
        "inbox": {
            **{str(state): deliveries.get(str(state), 0) for state in DeliveryState},
            "rejected": counts.rejected,
        },
        "effects": {"planned": sum(found.values()), "waiting": waiting, **effects},
        "oldest_waiting_s": round(max(age_s, 0.0), 3),
        "effects_stopped": stopped,
        "alarms": alarms,
        "shops": [
            {
                "id": str(shop.id),
                "name": shop.name,
                "platform": shop.platform,
                "state": str(shop.state),
                "last_delivery_at": time_text(shop.last_delivery_at),
                "webhooks": dict(shop.webhooks),
                **standings[shop.id],
                **ledgers[shop.id],
            }
            for shop in shops
        ],
    }


@click.command()
@click.argument("what", type=click.Choice(_WHAT))
@shop_option()
def export(what: str, shop_id: str | None) -> None:
    """Write all rows of one kind to stdout, one JSON object a line."""
    from webhooks.exports import export_lines
    from webhooks.shops import find_shop

    with opened() as app:
        if shop_id is not None:
            find_shop(app, shop_id)
        for line in export_lines(app, what, shop_id):
            print_line(line)


@click.command()
@click.argument("delivery_id", type=click.IntRange(1, MOST_ID))
@click.option("--now", "at_once", is_flag=True, help="Work it off in this process.")
@json_option
def replay(delivery_id: int, at_once: bool, as_json: bool) -> None:
    """Work the delivery DELIVERY_ID off once more.

    What it already brought is not done twice. Without --now a running server or worker
    takes it.
    """
    from connector.jobs.worker import Worker

    with opened() as app:
        with app.storage.transaction() as tx:
            delivery = tx.delivery(delivery_id)
            if delivery is None:
                raise Refused(
                    f"No delivery has the number {delivery_id}. Numbers of dead ones stand in "
                    "`postventa dead-letters list`."
                )
            reopened = tx.reopen_delivery(delivery_id, now=app.clock.now())
        if not reopened and delivery.state not in {"waiting", "working"}:
            raise Failed(f"The delivery {delivery_id} is {delivery.state} and cannot be reopened.")
        if at_once:
            Worker(app.engine).drain()
        with app.storage.reading() as tx:
            delivery = tx.delivery(delivery_id) or delivery
    line = {
        "id": delivery.id,
        "shop": str(delivery.shop_id),
        "state": str(delivery.state),
        "reason": delivery.reason,
    }
    if as_json:
        print_json(line)
    else:
        click.echo(f"Delivery {delivery.id} is {delivery.state}: {delivery.reason or 'reopened'}")
    if at_once and delivery.state == "dead":
        raise Failed(f"The delivery {delivery.id} could not be worked off: {delivery.reason}")
