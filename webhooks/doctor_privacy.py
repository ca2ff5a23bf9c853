"""What doctor says about requests of buyers that a person has to finish."""

from collections.abc import Iterator

from connector.storage.privacy import PrivacyKind
from webhooks.finding import Finding
from webhooks.wiring import Application


def requests_of_people(app: Application) -> Iterator[Finding]:
    """Tell of exports that wait to be handed over, the first deadline first."""
    with app.storage.reading() as tx:
        waiting = [
            one for one in tx.privacy_requests(state="open") if one.kind is PrivacyKind.EXPORT
        ]
    if not waiting:
        return
    until = waiting[0].due_at.date().isoformat()
    late = waiting[0].due_at < app.clock.now()
    yield Finding(
        "privacy requests",
        "bad" if late else "note",
        f"{len(waiting)} exports wait to be handed over, the first until {until}",
        "See `postventa privacy list`; then export, hand over, and `postventa privacy done`.",
    )
