"""What `postventa doctor` says about room on the disk and about what bounds the damage."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from webhooks.finding import Finding
from webhooks.limits_shown import alarm_lines, breaker_line
from webhooks.wiring import Application

_HOUR: Final = timedelta(hours=1)


def room(app: Application) -> Iterator[Finding]:
    """Tell whether webhooks may be taken."""
    if not app.disk.has_room():
        yield Finding(
            "room",
            "bad",
            "the disk is almost full: webhooks are answered 503 and not taken",
            "Make room, or run `postventa prune`.",
        )
    elif app.disk.ballast is not None:
        yield Finding("room", "ok", "webhooks are taken; ballast is held for a full disk")
    elif app.storage.facts().kind == "sqlite":
        yield Finding(
            "room",
            "note",
            "no ballast is held: it is made by a running server, or was released",
            "A running server holds it again when there is plenty of room.",
        )


def limits(app: Application) -> Iterator[Finding]:
    """Tell of ceilings that were reached and of shops that rest."""
    now = app.clock.now()
    with app.storage.reading() as tx:
        alarms = alarm_lines(tx, now)
        rests = [
            (shop, line["resting_until"])
            for shop in tx.shops()
            if (line := breaker_line(tx, shop, now))["resting_until"]
        ]
    for alarm in alarms:
        yield Finding(
            "ceiling",
            "bad" if now - _HOUR < datetime.fromisoformat(alarm["hour"]) else "note",
            f"shop {alarm['shop']}: {alarm['kind']} were used up in the hour of {alarm['hour']}",
            "More wait for the next hour. Look whether a rule fires by its own doing "
            "(`postventa export effects`), or raise the setting.",
        )
    for shop, until in rests:
        yield Finding(
            "rest",
            "note",
            f"{shop.name}: it failed or asked for a pause; no calls until {until}",
            f"It goes on by itself. At once: postventa shops check {shop.id}",
        )
