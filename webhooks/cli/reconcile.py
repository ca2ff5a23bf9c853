"""The command that asks the shops: what changed, which days differ, the orders of old."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import click

from webhooks.cli.base import (
    Failed,
    Refused,
    Since,
    json_option,
    opened,
    print_json,
    print_table,
    shop_option,
)
from webhooks.cli.progress import progress

if TYPE_CHECKING:
    from connector.flows.backfill import Backfill
    from connector.flows.ledger import CheckedDay
    from connector.storage.records import ShopRecord
    from webhooks.wiring import Application

# Counting a day is two calls to the shop, so a long span is not counted to its begin.
MOST_DAYS: Final = 31
_NO_SHOP: Final = "No shop is connected yet: see `postventa shops add --help`."

Line = dict[str, Any]


@click.command()
@shop_option()
@click.option("--since", type=Since(), help="Look at changes since then: a date, a time, or 7d.")
@click.option(
    "--backfill",
    "old",
    is_flag=True,
    help="Read all orders placed since then; goes on where it was stopped.",
)
@json_option
def reconcile(shop_id: str | None, since: datetime | None, old: bool, as_json: bool) -> None:
    """Ask the shops what changed, and work off what no webhook told.

    Without --since each shop is asked for what changed since the last look. Then the
    orders of each day are counted in the shop and here, and a day that differs is read
    again.

    With --backfill the orders of the past are read. Stop it with Ctrl+C; the same
    command goes on. Rules do not act on what happened before the shop was connected.
    """
    with opened() as app:
        shops = _shops(app, shop_id)
        if old:
            _backfill(app, shops, since, as_json=as_json)
        else:
            _look(app, shops, since, as_json=as_json)


def _shops(app: "Application", shop_id: str | None) -> list["ShopRecord"]:
    from connector.storage.records import ShopState
    from webhooks.shops import find_shop

    if shop_id is None:
        with app.storage.reading() as tx:
            return [shop for shop in tx.shops() if shop.state is ShopState.CONNECTED]
    shop = find_shop(app, shop_id)
    if shop.state is not ShopState.CONNECTED:
        raise Refused(
            f"The shop {shop_id} is {shop.state}: run `postventa shops check {shop_id}` first."
        )
    return [shop]


def _look(
    app: "Application", shops: list["ShopRecord"], since: datetime | None, *, as_json: bool
) -> None:
    from connector.errors import AdapterError
    from connector.jobs.worker import Worker
    from webhooks.shop_values import advice

    worker = Worker(app.engine)
    lines: list[Line] = []
    worked = 0
    for shop in shops:
        line = _empty_line(shop, since)
        lines.append(line)
        try:
            worked += _look_at(app, worker.drain, shop, since, line)
        except AdapterError as err:
            # One shop that is down must not keep the others waiting.
            line["error"] = advice(err)
    if as_json:
        print_json({"shops": lines, "worked": worked})
    else:
        _print_lines(lines)
    _fail_for(lines)


def _empty_line(shop: "ShopRecord", since: datetime | None) -> Line:
    from webhooks.exports import time_text

    return {
        "shop": str(shop.id),
        "name": shop.name,
        "since": time_text(since),
        "seen": 0,
        "missed": [],
        "unreadable": [],
        "days": [],
        "error": None,
    }


def _look_at(
    app: "Application",
    drain: Callable[[], int],
    shop: "ShopRecord",
    since: datetime | None,
    line: Line,
) -> int:
    """Fill in the line of one shop; tell how many rows were worked off."""
    from connector.flows.ledger import check_ledger, widen_ledger
    from connector.flows.reconcile import reconcile as look
    from webhooks.exports import time_text
    from webhooks.ledger_lines import miss_line

    done = look(app.engine, shop, since)
    line |= {"since": time_text(done.since), "seen": done.seen}
    line["missed"] = [miss_line(item) for item in done.misses]
    line["unreadable"] = [str(ref) for ref in done.unreadable]
    if since is not None:
        with app.storage.transaction() as tx:
            widen_ledger(tx, shop, since)
    # Rows are claimed one by one, so a running server and this process share them.
    worked = drain() if done.missed else 0
    earliest = app.clock.now() - timedelta(days=MOST_DAYS - 1)
    first_day = max(since, earliest) if since is not None else None
    before = check_ledger(app.engine, shop, since=first_day)
    after = before
    if any(day.pulled for day in before):
        worked += drain()
        after = check_ledger(app.engine, shop, since=first_day)
    line["missed"] += [miss_line(item) for day in before for item in day.misses]
    line["days"] = _day_lines(before, after)
    return worked


def _day_lines(before: list["CheckedDay"], after: list["CheckedDay"]) -> list[Line]:
    """Give the days as they are now, and what was missing when the look began."""
    from webhooks.ledger_lines import day_line

    was = {day.line.day: day.line.missing for day in before}
    return [
        {
            **day_line(day.line),
            "repaired": [
                str(ref) for ref in was.get(day.line.day, ()) if ref not in day.line.missing
            ],
        }
        for day in after
    ]


def _print_lines(lines: list[Line]) -> None:
    print_table(
        ("shop", "name", "since", "orders seen", "missed", "unreadable"),
        [
            (
                line["shop"],
                line["name"],
                line["since"],
                line["seen"],
                len(line["missed"]),
                len(line["unreadable"]),
            )
            for line in lines
        ],
        empty=_NO_SHOP,
    )
    days = [
        (
            line["name"],
            day["day"],
            day["shop_says"],
            day["we_hold"],
            ", ".join(day["missing"])
            or (f"unreadable: {', '.join(day['unreadable'])}" if day["unreadable"] else "")
            or ("repaired" if day["repaired"] else "agrees"),
        )
        for line in lines
        for day in line["days"]
    ]
    if days:
        click.echo()
        print_table(("shop", "day", "shop says", "we hold", "missing"), days)
    missed = [
        (line["name"], item["order"], item["changed_at"], item["found_at"], _span(item["delay_s"]))
        for line in lines
        for item in line["missed"]
    ]
    if missed:
        click.echo()
        print_table(("shop", "missed order", "changed", "found", "delay"), missed)


def _span(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _backfill(
    app: "Application", shops: list["ShopRecord"], since: datetime | None, *, as_json: bool
) -> None:
    from connector.flows.backfill import unfinished_backfill

    lines: list[Line] = []
    begun: list[tuple[ShopRecord, datetime]] = []
    with app.storage.reading() as tx:
        for shop in shops:
            known = unfinished_backfill(tx, shop)
            start = since or (known.since if known is not None else None)
            if start is not None:
                begun.append((shop, start))
    if shops and not begun:
        raise Refused("No backfill was stopped half way: say with --since how far to go back.")
    for shop, start in begun:
        lines.append(_backfill_one(app, shop, start))
    if as_json:
        print_json({"shops": lines, "worked": sum(line["worked"] for line in lines)})
    else:
        print_table(
            ("shop", "name", "since", "orders read", "new here", "unreadable"),
            [
                (
                    line["shop"],
                    line["name"],
                    line["since"],
                    line["orders"],
                    line["new"],
                    line["unreadable"],
                )
                for line in lines
            ],
            empty=_NO_SHOP,
        )
    _fail_for(lines)


def _backfill_one(app: "Application", shop: "ShopRecord", since: datetime) -> Line:
    """Read the old orders of one shop, working them off as they come."""
    import time

    from connector.errors import AdapterError
    from connector.flows.backfill import backfill
    from connector.jobs.worker import Worker
    from webhooks.exports import time_text
    from webhooks.shop_values import advice

    worker = Worker(app.engine)
    line: Line = {
        "shop": str(shop.id),
        "name": shop.name,
        "since": time_text(since),
        "orders": 0,
        "new": 0,
        "unreadable": 0,
        "total": 0,
        "worked": 0,
        "error": None,
    }

    with progress(shop.name) as show:

        def report(state: "Backfill") -> None:
            line["worked"] += worker.drain()
            line.update(
                orders=state.done, new=state.new, unreadable=state.unreadable, total=state.total
            )
            show(state.done, state.total)

        try:
            backfill(app.engine, shop, since, report=report, wait=time.sleep)
        except AdapterError as err:
            line["error"] = advice(err)
        except KeyboardInterrupt:
            raise Failed(
                f"Stopped after {line['orders']} of {line['total']} orders of {shop.name}; the "
                "same command goes on from there."
            ) from None
    return line


def _fail_for(lines: list[Line]) -> None:
    errors = [f"{line['name']}: {line['error']}" for line in lines if line["error"]]
    if errors:
        raise Failed("\n".join(errors))
