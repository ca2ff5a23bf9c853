"""Rows that this version cannot work with: words of a newer one, leases of a wrong clock."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, TypeVar

import sqlalchemy as sa

from adapters.storage.dialect import Dialect
from adapters.storage.tables import effects, inbox

Word = TypeVar("Word", bound=StrEnum)

_HELD: Final = ((inbox, "working"), (effects, "sending"))


def word(kind: type[Word], text: str) -> Word:
    """Read a word of a closed list.

    A word that this version does not know comes as itself and equals no member: a row of
    a newer version can be shown, and stops nobody who reads its neighbors.
    """
    try:
        return kind(text)
    except ValueError:
        strange = str.__new__(kind, text)
        strange._name_ = strange._value_ = text
        return strange


def readable(
    connection: sa.Connection,
    table: sa.Table,
    rows: Iterable[sa.Row[Any]],
    column: str,
    kind: type[StrEnum],
    *,
    now: datetime,
) -> list[sa.Row[Any]]:
    """Keep the claimed rows whose word is known; the others are set aside with the reason."""
    known = []
    for row in rows:
        text = getattr(row, column)
        if text in kind._value2member_map_:
            known.append(row)
            continue
        connection.execute(
            sa.update(table)
            .where(table.c.id == row.id)
            .values(
                state="dead",
                reason=f"needs a person: {column} {text!r} is not known to this version; "
                "update Postventa, then retry it",
                due_at=now,
                done_at=now,
            )
        )
    return known


def end_wrong_leases(
    connection: sa.Connection, dialect: Dialect, *, now: datetime, lease_until: datetime
) -> None:
    """End leases that last longer than any lease does: a clock that was wrong gave them.

    Args: lease_until: the end of a lease that is taken now. Twice as long is allowed, so
        that clocks may differ a little.
    """
    if lease_until <= now:
        return
    far = lease_until + (lease_until - now)
    if connection.execute(_ANY, {"far": far}).first() is None:
        return
    for table, state in _HELD:
        wrong = dialect.skip_locked(
            sa.select(table.c.id).where(sa.text(f"state = '{state}'"), table.c.due_at > far)
        )
        numbers = connection.execute(wrong).scalars().all()
        if numbers:
            connection.execute(sa.update(table).where(table.c.id.in_(numbers)).values(due_at=now))


_ANY: Final[sa.CompoundSelect[Any]] = sa.union_all(
    *(
        sa.select(sa.literal_column("1")).where(
            sa.text(f"{table.name}.state = '{state}'"), table.c.due_at > sa.bindparam("far")
        )
        for table, state in _HELD
    )
).limit(1)
