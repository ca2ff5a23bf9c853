"""Commands about data: status, export, reconcile, replay."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import click

from webhooks.cli.base import (
    MOST_ID,
    Failed,
    Refused,
    Since,
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

_WHAT: Final = ("orders", "occurrences", "evaluations", "effects", "messages")


@click.command()
@json_option
def status(as_json: bool) -> None:
    """Show what waits, what is done and what needs a person."""
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
        ],
    )
    click.echo()
    print_table(
        ("shop", "name", "state", "last delivery", "webhooks"),
        [
            (
                shop["id"],
                shop["name"],
                shop["state"],
                shop["last_delivery_at"] or "never",
                pairs(shop["webhooks"]),
            )
            for shop in line["shops"]
        ],
        empty="No shop is connected yet: see `postventa shops add --help`.",
    )


def status_line(app: "Application") -> dict[str, Any]:
    """Give the status as plain data: the shape of `status --json`."""
    from dataclasses import asdict
    from importlib.metadata import version

    from connector.jobs.worker import KILL_SWITCH
    from connector.model.effect import EffectState
    from connector.storage.records import DeliveryState
    from webhooks.exports import time_text

    with app.storage.reading() as tx:
        counts = tx.counts()
        shops = tx.shops()
        stopped = bool(tx.value(KILL_SWITCH))
    deliveries = {str(state): number for state, number in counts.deliveries.items()}
    found = {str(state): number for state, number in counts.effects.items()}
    effects = {str(state): found.get(str(state), 0) for state in EffectState}
    # "planned" answers "how many were ever planned", so it is the sum at this instant.
    waiting = effects.pop("planned")
    oldest = counts.oldest_waiting_at
    age_s = (app.clock.now() - oldest).total_seconds() if oldest else 0.0
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
        "shops": [
            {
                "id": str(shop.id),
                "name": shop.name,
                "platform": shop.platform,
                "state": str(shop.state),
                "last_delivery_at": time_text(shop.last_delivery_at),
                "webhooks": dict(shop.webhooks),
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
@shop_option()
@click.option("--since", type=Since(), help="Look at changes since then: a date, a time, or 7d.")
@json_option
def reconcile(shop_id: str | None, since: datetime | None, as_json: bool) -> None:
    """Ask the shops what changed, and work off what no webhook told.

    Without --since each shop is asked for what changed since the last look.
    """
    from connector.errors import AdapterError
    from connector.flows.reconcile import reconcile as look
    from connector.jobs.worker import Worker
    from connector.storage.records import ShopState
    from webhooks.exports import time_text
    from webhooks.shop_values import advice
    from webhooks.shops import find_shop

    lines: list[dict[str, Any]] = []
    with opened() as app:
        if shop_id is not None:
            shops = [find_shop(app, shop_id)]
            if shops[0].state is not ShopState.CONNECTED:
                raise Refused(
                    f"The shop {shop_id} is {shops[0].state}: run `postventa shops check "
                    f"{shop_id}` first."
                )
        else:
            with app.storage.reading() as tx:
                shops = [shop for shop in tx.shops() if shop.state is ShopState.CONNECTED]
        for shop in shops:
            line: dict[str, Any] = {"shop": str(shop.id), "name": shop.name}
            try:
                done = look(app.engine, shop, since)
            except AdapterError as err:
                # One shop that is down must not keep the others waiting.
                line |= {"since": time_text(since), "seen": 0, "missed": 0, "error": advice(err)}
            else:
                line |= {
                    "since": time_text(done.since),
                    "seen": done.seen,
                    "missed": done.missed,
                    "error": None,
                }
            lines.append(line)
        # Rows are claimed one by one, so a running server and this process share them.
        worked = Worker(app.engine).drain() if any(line["missed"] for line in lines) else 0
    if as_json:
        print_json({"shops": lines, "worked": worked})
    else:
        print_table(
            ("shop", "name", "since", "orders seen", "missed"),
            [
                (line["shop"], line["name"], line["since"], line["seen"], line["missed"])
                for line in lines
            ],
            empty="No shop is connected yet: see `postventa shops add --help`.",
        )
    errors = [f"{line['name']}: {line['error']}" for line in lines if line["error"]]
    if errors:
        raise Failed("\n".join(errors))


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
