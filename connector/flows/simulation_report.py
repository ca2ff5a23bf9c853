"""What a simulation found, as plain data."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from connector.flows.course import Course
from connector.flows.tally import ASKED, EXAMPLES, RuleTally
from connector.model.effect import Verdict
from connector.rules.rule import Rule

NOT_KNOWN: Final[Mapping[str, Mapping[str, str]]] = {
    "today": {
        "es": (
            "Solo se guarda el último estado de cada pedido. Lo que las reglas vieron entonces "
            "vale tal cual; el pago, las devoluciones, los paquetes y el estado se llevan al "
            "momento de cada suceso; lo demás se lee como está hoy."
        ),
        "en": (
            "Only the newest state of an order is stored. What rules saw at the time is used as it "
            "was; payment, refunds, parcels and state are taken back to the time of each "
            "occurrence; everything else reads as it is today."
        ),
    },
    "changed": {
        "es": "Las condiciones con «changed» no se pueden saber: el estado anterior no se guarda.",
        "en": "Conditions with “changed” cannot be known: the state before is not stored.",
    },
    "ceilings": {
        "es": "Los topes por hora cuentan solo lo que harían estas reglas, no las demás.",
        "en": "Hourly limits count only what these rules would do, not the others.",
    },
    "liability": {
        "es": "Los cupones en porcentaje o de envío gratis se valoran con el pedido que los gana.",
        "en": "Percent and free-shipping codes are valued at the order that earns them.",
    },
}


class Difference:
    """Which orders only one of the two versions acts on."""

    def __init__(self, rule_ids: set[str]) -> None:
        self._new: dict[str, Counter[str]] = {one: Counter() for one in rule_ids}
        self._old: dict[str, Counter[str]] = {one: Counter() for one in rule_ids}

    def take(self, new: Sequence[str], old: Sequence[str], number: str) -> None:
        """Note who acts on one occurrence; what both do takes no memory."""
        for rule_id in new:
            if rule_id in self._new and rule_id not in old:
                _meet(self._new[rule_id], self._old[rule_id], number)
        for rule_id in old:
            if rule_id not in new:
                _meet(self._old[rule_id], self._new[rule_id], number)

    def line(self, rule_id: str) -> dict[str, Any]:
        """Give it as plain data."""
        new, old = self._new.get(rule_id, Counter()), self._old.get(rule_id, Counter())
        return {
            "newly_matched": new.total(),
            "no_longer_matched": old.total(),
            "newly_matched_examples": list(new)[:EXAMPLES],
            "no_longer_matched_examples": list(old)[:EXAMPLES],
        }


def _meet(mine: Counter[str], theirs: Counter[str], number: str) -> None:
    """Note an order, unless the other side has it by another occurrence."""
    if theirs.get(number):
        theirs[number] -= 1
        if not theirs[number]:
            del theirs[number]
    else:
        mine[number] += 1


def rule_line(
    tally: RuleTally,
    drafts: Course,
    forced: Course,
    in_force: Mapping[str, tuple[Rule, int]],
    difference: Difference,
) -> dict[str, Any]:
    """Give what one rule would have done, compared with the version in force."""
    rule, verdicts = tally.rule, tally.verdicts
    now = in_force.get(rule.id)
    old = forced.tallies.get(rule.id)
    compared: dict[str, Any] = {
        "version": None if now is None else now[1],
        "same": now is not None and old is None,
        **difference.line(rule.id),
    }
    if old is not None:
        compared["matched"] = old.verdicts[Verdict.MATCHED]
        compared["effects"] = dict(sorted(old.planned.items()))
    elif now is not None:
        compared["matched"] = verdicts[Verdict.MATCHED]
        compared["effects"] = dict(sorted(tally.planned.items()))
    else:
        compared["matched"] = 0
        compared["effects"] = {}
        compared["newly_matched"] = verdicts[Verdict.MATCHED]
        compared["newly_matched_examples"] = tally.examples
    return {
        "id": rule.id,
        "trigger": str(rule.trigger),
        "occurrences": verdicts.total(),
        "matched": verdicts[Verdict.MATCHED],
        "not_matched": verdicts[Verdict.NOT_MATCHED],
        "once_already": verdicts[Verdict.ONCE_ALREADY],
        "effects": dict(sorted(tally.planned.items())),
        "conditions": list(drafts.conditions.of(rule.id)),
        "examples": tally.examples,
        "verdicts": {str(one): number for one, number in sorted(verdicts.items())},
        "would_do": dict(sorted(tally.done.items())),
        "held_back": _reasons(tally),
        "messages_per_day": dict(sorted(tally.days.items())),
        "compared": compared,
    }


def _reasons(tally: RuleTally) -> dict[str, int]:
    """Give why nothing would come of it: verdicts that are no answer, and effects skipped."""
    reasons = {
        str(one): number for one, number in tally.verdicts.items() if one not in ASKED
    } | dict(tally.held_back)
    if tally.verdicts[Verdict.ONCE_ALREADY]:
        reasons[str(Verdict.ONCE_ALREADY)] = tally.verdicts[Verdict.ONCE_ALREADY]
    return dict(sorted(reasons.items(), key=lambda one: (-one[1], one[0])))


def together(drafts: Course) -> dict[str, Any]:
    """Give the counts of all rules together."""
    planned: Counter[str] = Counter()
    done: Counter[str] = Counter()
    held_back: Counter[str] = Counter()
    days: dict[str, dict[str, int]] = {}
    for rule_id, tally in drafts.tallies.items():
        planned.update(tally.planned)
        done.update(tally.done)
        held_back.update(_reasons(tally))
        for day, number in tally.days.items():
            days.setdefault(day, {})[rule_id] = number
    return {
        "effects": dict(sorted(planned.items())),
        "would_do": dict(sorted(done.items())),
        "held_back": dict(held_back.most_common()),
        "messages_per_day": dict(sorted(days.items())),
        "buyers_over_cap": drafts.caps.line(),
        "coupons": drafts.liability.line(),
        "waited_for_next_hour": dict(drafts.hours.reached),
    }
