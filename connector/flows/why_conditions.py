"""Say of conditions what they ask for, what they saw, and when that could change."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Any, Final

from connector.flows.why_answer import Line
from connector.flows.why_words import condition_words
from connector.rules.fields import field_of
from connector.rules.rule import FieldType
from connector.rules.values import read_time
from connector.rules.zones import instant

_MOST_NAMED: Final = 5


def condition_lines(seen: Sequence[Mapping[str, Any]], language: str) -> list[Line]:
    """Give each condition with whether it lets the rule act, and a sentence.

    Args: seen: with `path`, `field`, `op`, `value`, `seen` and `held`.
    """
    found: list[Line] = []
    for one in seen:
        turned = str(one["path"]).replace("[", ".").split(".").count("not") % 2 == 1
        words = condition_words(
            one["field"], one["op"], one["value"], one["seen"], language, turned=turned
        )
        found.append({**one, "fits": bool(one["held"]) is not turned, "sentence": words})
    return found


def blame(conditions: Sequence[Line]) -> list[str]:
    """Name the conditions that kept a rule from acting."""
    return [f"{one['sentence']}." for one in conditions if not one["fits"]][:_MOST_NAMED]


def first_date(
    conditions: Sequence[Line], now: datetime, zone: tzinfo
) -> tuple[datetime, str] | None:
    """Find the first moment from which a condition on a time can hold, and its field."""
    dates: list[tuple[datetime, str]] = []
    for one in conditions:
        known = field_of(one["field"])
        if one["fits"] or known is None or known.type is not FieldType.TIME:
            continue
        # Inside of a "not" it is the end of a span that has to be waited for.
        waited_for = {"lt", "lte"} if one["held"] else {"gt", "gte"}
        if one["op"] not in waited_for:
            continue
        at = _limit(str(one["value"]), zone, after=one["op"] in {"gt", "lte"})
        if at is not None and at > now:
            dates.append((at, one["field"]))
    return min(dates, default=None)


def _limit(text: str, zone: tzinfo, *, after: bool) -> datetime | None:
    """Read the first moment that a time in a rule stands for; a date is a whole day."""
    wanted = read_time(text)
    if wanted is None:
        return None
    if isinstance(wanted, datetime):
        if wanted.tzinfo is not None:
            return wanted.astimezone(UTC)
        return instant(wanted.date(), wanted.time(), zone)
    return instant(wanted + timedelta(days=1) if after else wanted, time(0), zone)
