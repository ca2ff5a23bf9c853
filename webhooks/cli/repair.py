"""Commands for when something went wrong: dead letters, the kill switch."""

from typing import TYPE_CHECKING, Any, Final

import click

from webhooks.cli.base import (
    MOST_ID,
    Refused,
    json_option,
    opened,
    print_json,
    print_table,
    shop_option,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.storage.limits import AttemptRecord
    from connector.storage.port import Transaction
    from connector.storage.records import DeliveryRecord, EffectRecord

_MOST: Final = 1_000


@click.group("dead-letters")
def dead_letters() -> None:
    """List and retry what needs a person."""


@dead_letters.command("list")
@shop_option()
@click.option("--limit", type=click.IntRange(1, _MOST), default=100, help="Most rows of each kind.")
@json_option
def list_dead(shop_id: str | None, limit: int, as_json: bool) -> None:
    """List deliveries and effects that failed for good, newest first."""
    from connector.model.order import ShopId
    from webhooks.shops import find_shop

    with opened() as app:
        shop = None if shop_id is None else ShopId(find_shop(app, shop_id).id)
        with app.storage.reading() as tx:
            lines = [_delivery_line(row) for row in tx.dead_deliveries(shop, limit)]
            lines += [
                _effect_line(row, tx.attempts_of(row.key)) for row in tx.dead_effects(shop, limit)
            ]
    if as_json:
        print_json(lines)
        return
    print_table(
        ("what", "id", "shop", "order", "tries", "reason"),
        [
            (
                line["what"],
                line["id"],
                line["shop"],
                line["order"],
                line["attempts"],
                line["reason"],
            )
            for line in lines
        ],
        empty="Nothing needs a person.",
    )


@dead_letters.command()
@click.argument("dead_id", required=False, metavar="ID")
@click.option("--all", "all_of_them", is_flag=True, help="Retry everything that is dead.")
@shop_option()
@json_option
def retry(dead_id: str | None, all_of_them: bool, shop_id: str | None, as_json: bool) -> None:
    """Try ID again: a delivery's number or an effect's key; or --all.

    What may have been done already is looked up in the shop first, so that nothing is
    done twice.
    """
    from connector.model.order import ShopId
    from webhooks.shops import find_shop

    if (dead_id is None) is not all_of_them:
        raise click.UsageError("Give one ID of `postventa dead-letters list`, or --all.")
    if dead_id is not None and shop_id is not None:
        raise click.UsageError("--shop goes with --all only.")
    with opened() as app:
        shop = None if shop_id is None else ShopId(find_shop(app, shop_id).id)
        now = app.clock.now()
        done: list[str] = []
        while True:
            with app.storage.transaction() as tx:
                wanted = [dead_id] if dead_id is not None else _dead(tx, shop)
                found = [one for one in wanted if _reopen(tx, one, now)]
            done.extend(found)
            # Page by page, so that no transaction is large.
            if dead_id is not None or not found:
                break
        if dead_id is not None and not done:
            raise Refused(
                f"Nothing dead has the id {dead_id[:200]!r}. See `postventa dead-letters list`."
            )
        app.bell.ring("")
    if as_json:
        print_json({"reopened": done})
    else:
        click.echo(f"{len(done)} will be tried again by the running server or worker.")


def _dead(tx: "Transaction", shop: Any) -> list[str]:
    deliveries = [str(row.id) for row in tx.dead_deliveries(shop, _MOST)]
    return deliveries + [row.key for row in tx.dead_effects(shop, _MOST)]


def _reopen(tx: "Transaction", dead_id: str, now: Any) -> bool:
    if dead_id.isdecimal():
        if int(dead_id) > MOST_ID:
            return False
        row = tx.delivery(int(dead_id))
        return row is not None and row.state == "dead" and tx.reopen_delivery(row.id, now=now)
    return tx.reopen_effect(dead_id, now=now)


def _delivery_line(row: "DeliveryRecord") -> dict[str, Any]:
    from webhooks.exports import time_text

    return {
        "what": "delivery",
        "id": str(row.id),
        "shop": str(row.shop_id),
        "order": row.lane or None,
        "topic": row.topic,
        "attempts": row.attempts,
        "reason": row.reason,
        "at": time_text(row.received_at),
    }


def _effect_line(row: "EffectRecord", tries: "Sequence[AttemptRecord]") -> dict[str, Any]:
    from webhooks.exports import attempt_line, time_text

    return {
        "what": "effect",
        "id": row.key,
        "shop": str(row.planned.shop_id),
        "order": str(row.planned.order_ref),
        "kind": str(row.planned.kind),
        "rule": row.planned.rule_id,
        "attempts": row.attempts,
        "reason": row.reason,
        "at": time_text(row.done_at or row.created_at),
        "tries": [attempt_line(one) for one in tries],
    }


@click.group()
def effects() -> None:
    """Stop or go on with everything that rules do."""


@effects.command()
def stop() -> None:
    """Stop all effects at once: nothing more is written to shops or sent to buyers.

    Deliveries are still taken and rules still plan; nothing is lost.
    """
    from connector.jobs.switch import KILL_SWITCH
    from webhooks.exports import time_text

    with opened() as app, app.storage.transaction() as tx:
        tx.set_value(KILL_SWITCH, time_text(app.clock.now()) or "")
    click.echo("Effects are stopped. Go on with: postventa effects start")


@effects.command()
def start() -> None:
    """Go on with effects; what is due by now is carried out."""
    from connector.jobs.switch import KILL_SWITCH

    with opened() as app:
        with app.storage.transaction() as tx:
            tx.set_value(KILL_SWITCH, "")
        app.bell.ring("")
    click.echo("Effects are carried out again.")
