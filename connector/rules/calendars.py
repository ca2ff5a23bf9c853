"""Working days by country and region."""

from datetime import date, timedelta
from functools import lru_cache
from typing import Any, Final

_WEEKEND: Final = frozenset({5, 6})
_DAY: Final = timedelta(days=1)

# Shops give the province, public holidays belong to the autonomous community.
# Source: ISO 3166-2:ES, checked 2026-11-22.
_COMMUNITIES: Final = {
    "AN": "AL CA CO GR H J MA SE",
    "AR": "HU TE Z",
    "AS": "O",
    "CB": "S",
    "CE": "CE",
    "CL": "AV BU LE P SA SG SO VA ZA",
    "CM": "AB CR CU GU TO",
    "CN": "GC TF",
    "CT": "B GI L T",
    "EX": "BA CC",
    "GA": "C LU OR OU PO",
    "IB": "PM",
    "MC": "MU",
    "MD": "M",
    "ML": "ML",
    "NC": "NA",
    "PV": "BI SS VI",
    "RI": "LO",
    "VC": "A CS V",
}
_COMMUNITY_OF: Final = {
    province: community
    for community, provinces in _COMMUNITIES.items()
    for province in provinces.split()
}


@lru_cache(maxsize=256)
def _calendar(country: str, region: str, year: int) -> tuple[frozenset[date], frozenset[int]]:
    # The package is large: it is loaded when the first rule counts working days.
    import holidays

    places = (_COMMUNITY_OF.get(region, region),) if country == "ES" else (region,)
    for place in (*places, None) if region else (None,):
        try:
            known: Any = holidays.country_holidays(country, subdiv=place, years=[year])
        except (NotImplementedError, KeyError):
            continue
        weekend = frozenset(getattr(known, "weekend", _WEEKEND))
        return frozenset(day for day in known if day.year == year), weekend
    return frozenset(), _WEEKEND


def is_working_day(day: date, country: str, region: str = "") -> bool:
    """Tell whether people work on a day.

    Args:
        day: a local date.
        country: two letters; of an unknown one only the weekends are known.
        region: code as shops give it, like `M` or `ES:M`, or of the region itself,
            like `MD`; an unknown one has the days of the whole country.
    """
    code = region.strip().rpartition(":")[2]
    days_off, weekend = _calendar(country.strip().upper(), code, day.year)
    return day.weekday() not in weekend and day not in days_off


def after_working_days(day: date, count: int, country: str, region: str = "") -> date:
    """Give the working day that is so many working days after a day."""
    left = count
    while left > 0:
        day += _DAY
        if is_working_day(day, country, region):
            left -= 1
    return day
