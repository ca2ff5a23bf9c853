"""Answer for one order and one rule after the other why it acted, or why not."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from connector.errors import NotFound, RuleInvalid
from connector.flows.course import Held, held_of
from connector.flows.engine import Engine
from connector.flows.run_rules import view_of
from connector.flows.simulate import learned_at
from connector.flows.try_rules import order_seen, seen_lines
from connector.flows.why_answer import Line, Next, Told, outcome_of, soonest
from connector.flows.why_conditions import blame, condition_lines, first_date
from connector.flows.why_effects import EffectAnswer, Standing, effect_answer
from connector.flows.why_words import (
    PER,
    happened_words,
    label_of,
    sentence,
    time_words,
)
from connector.jobs.standing import host_of, standing_of
from connector.jobs.switch import KILL_SWITCH
from connector.model.effect import EffectState, Verdict
from connector.model.event import Occurrence
from connector.model.order import OrderRef
from connector.rules.engine import compile_rule, evaluate
from connector.rules.fields import facts_of
from connector.rules.load import rule_from_source
from connector.rules.plan import once_key
from connector.rules.rule import Rule
from connector.rules.zones import zone_of
from connector.storage.port import Transaction
from connector.storage.records import (
    EffectRecord,
    OccurrenceRecord,
    RuleRecord,
    ShopRecord,
    ShopState,
)

_ASKED: Final = frozenset({Verdict.MATCHED, Verdict.NOT_MATCHED, Verdict.ONCE_ALREADY})


class Asker:
    """Knows everything about one order, and answers for one rule after the other."""

    def __init__(
        self, engine: Engine, tx: Transaction, shop: ShopRecord, ref: OrderRef, language: str
    ) -> None:
        counted = tx.counted_orders(shop.id, [ref]).get(ref)
        if counted is None:
            raise NotFound(f"no order {ref[:80]!r} is known of this shop")
        self._engine = engine
        self._tx = tx
        self._shop = shop
        self._language = language
        self._now = engine.clock.now()
        self.held: Held = held_of(tx, shop, ref, counted, tags=True)
        self._effects = tx.effects_of(shop.id, ref)
        self._rows = {
            item.id: {row["rule"]: row for row in tx.evaluation_of(item.id)}
            for item in self.held.happened
        }
        host = host_of(shop)
        standing = standing_of(tx.host_limits(host), host, self._now)
        self._standing = Standing(
            stopped=bool(tx.value(KILL_SWITCH)),
            paused=shop.state is not ShopState.CONNECTED,
            resting_until=standing.resting_until,
            now=self._now,
            timezone=shop.timezone,
            language=language,
        )

    def last_version(self, rule_id: str) -> int | None:
        """Tell which version of a rule this order has met last."""
        versions = [row[rule_id]["version"] for row in self._rows.values() if rule_id in row]
        versions += [
            effect.planned.rule_version
            for effect in self._effects
            if effect.planned.rule_id == rule_id
        ]
        return max(versions, default=None)

    def rule(self, record: RuleRecord) -> Line:
        """Answer for one rule."""
        try:
            rule = rule_from_source(record.source)
        except RuleInvalid:
            return self._head(record) | {
                "outcome": "fault",
                "answer": self._say(Verdict.FAULT),
                "occurrences": [],
                "next": None,
            }
        met = [item for item in self.held.happened if self._concerns(item, rule)]
        told = [self._told(record, rule, item) for item in met]
        if not told:
            told = [self._not_happened(record, rule)]
        last = max(told, key=lambda one: one.line.get("occurred_at") or "")
        return self._head(record) | {
            "name": rule.name.of(self._language),
            "trigger": str(rule.trigger),
            "outcome": last.outcome,
            "answer": " ".join(last.said),
            "occurrences": [one.line for one in told if one.line],
            "next": soonest(told),
        }

    def _head(self, record: RuleRecord) -> Line:
        return {
            "rule": record.rule_id,
            "name": record.rule_id,
            "trigger": str(record.source.get("trigger", "")),
            "version": record.version,
            "enabled": record.enabled,
        }

    def _concerns(self, item: OccurrenceRecord, rule: Rule) -> bool:
        # An older version may have waited for something else.
        return item.occurrence.kind is rule.trigger or rule.id in self._rows[item.id]

    def _not_happened(self, record: RuleRecord, rule: Rule) -> Told:
        happened = happened_words(rule.trigger, self._language)
        said = [self._say("not_happened", happened=happened)]
        if not record.enabled:
            return Told("not_happened", said, next=Next(self._say("enable")))
        pretended = Occurrence(self._shop.id, self.held.order.ref, rule.trigger, "", self._now)
        item = OccurrenceRecord(0, pretended, self._now)
        conditions, holds = self._asked_now(rule, item)
        said.append(self._say("now_holds" if holds else "now_fails"))
        line = {
            "kind": str(rule.trigger),
            "discriminator": "",
            "occurred_at": None,
            "seen_at": None,
            "asked_at": None,
            "source": "now",
            "version": record.version,
            "verdict": None,
            "conditions": conditions,
            "effects": [],
        }
        return Told("not_happened", said, line, Next(self._say("happens", happened=happened)))

    def _told(self, record: RuleRecord, rule: Rule, item: OccurrenceRecord) -> Told:
        """Answer for one thing that happened."""
        row = self._rows[item.id].get(rule.id)
        effects = [
            effect
            for effect in self._effects
            if effect.planned.rule_id == rule.id and effect.planned.occurrence_id == item.id
        ]
        line: Line = {
            "kind": str(item.occurrence.kind),
            "discriminator": item.occurrence.discriminator,
            "occurred_at": _text(item.occurrence.occurred_at),
            "seen_at": _text(item.seen_at),
        }
        if row is None and not effects:
            return self._never_asked(record, rule, item, line)
        verdict = Verdict.MATCHED if row is None else Verdict(row["verdict"])
        told = Told(verdict.value, [self._verdict(verdict, rule, item)], line)
        line["verdict"] = verdict.value
        if row is not None and verdict in _ASKED:
            line["source"] = "stored"
            line["version"] = row["version"]
            line["asked_at"] = _text(row["at"])
            line["conditions"] = condition_lines(row["conditions"], self._language)
        else:
            line["source"] = "now"
            line["version"] = record.version
            line["asked_at"] = None if row is None else _text(row["at"])
            line["conditions"] = self._asked_now(rule, item)[0]
        line["effects"] = []
        if verdict is Verdict.NOT_MATCHED:
            told.said += blame(line["conditions"])
            told.next = self._by_time(line["conditions"])
        if effects:
            self._add_effects(told, effects)
        told.next = told.next or Next(self._say("never"))
        return told

    def _never_asked(
        self, record: RuleRecord, rule: Rule, item: OccurrenceRecord, line: Line
    ) -> Told:
        """Say why there is no answer of the live engine, and what it would be now."""
        happened = happened_words(item.occurrence.kind, self._language)
        at = self._time(item.occurrence.occurred_at)
        first = self._tx.rule(self._shop.id, rule.id, 1) or record
        if self.held.order.erased:
            outcome, said = "erased", [self._say("erased")]
        elif item.own:
            outcome, said = Verdict.OWN_WRITE.value, [self._say(Verdict.OWN_WRITE)]
        elif first.created_at > item.seen_at:
            made = self._time(first.created_at)
            outcome = "younger"
            said = [self._say("younger", happened=happened, at=at, made=made)]
        elif not record.enabled:
            outcome, said = "disabled", [self._say("disabled", happened=happened)]
        else:
            outcome, said = "not_asked", [self._say("not_asked", happened=happened)]
        conditions, holds = self._asked_now(rule, item)
        said.append(self._say("now_holds" if holds else "now_fails"))
        if not holds:
            said += blame(conditions)
        line |= {
            "source": "now",
            "version": record.version,
            "asked_at": None,
            "verdict": None,
            "conditions": conditions,
            "effects": [],
        }
        following = Next(self._say("never" if record.enabled else "enable"))
        return Told(outcome, said, line, following)

    def _asked_now(self, rule: Rule, item: OccurrenceRecord) -> tuple[list[Line], bool]:
        """Ask the rule for its conditions now, about the order as it was then."""
        at = learned_at(item, self.held.order, self._shop)
        order = order_seen(self._engine, self._shop, self.held, at)
        facts = facts_of(order, item.occurrence, view_of(self._shop))
        holds, seen = evaluate(compile_rule(rule), facts)
        return condition_lines(seen_lines(seen), self._language), holds

    def _verdict(self, verdict: Verdict, rule: Rule, item: OccurrenceRecord) -> str:
        return self._say(
            verdict,
            happened=happened_words(item.occurrence.kind, self._language),
            at=self._time(item.occurrence.occurred_at),
            seen=self._time(item.seen_at),
            per=self._per(rule, item) if verdict is Verdict.ONCE_ALREADY else "",
        )

    def _per(self, rule: Rule, item: OccurrenceRecord) -> str:
        """Say for what the rule had its turn, and by which order when it was another one."""
        key = once_key(rule, item.occurrence, self.held.buyer_id)
        holder = self._tx.once_holder(self._shop.id, rule.id, key)
        taken = None if holder is None else self._tx.occurrence(holder)
        per = PER[rule.once_per.value][self._language]
        if taken is None or taken.occurrence.order_ref == self.held.order.ref:
            return per
        other = self._tx.order(self._shop.id, taken.occurrence.order_ref)
        number = taken.occurrence.order_ref if other is None else other.order.number
        return f"{per}, {PER['other'][self._language].format(number=number)}"

    def _by_time(self, conditions: Sequence[Line]) -> Next | None:
        found = first_date(conditions, self._now, zone_of(self._shop.timezone))
        if found is None:
            return None
        at, name = found
        label = label_of(name, self._language)
        return Next(self._say("time", at=self._time(at), label=label), at)

    def _add_effects(self, told: Told, effects: Sequence[EffectRecord]) -> None:
        """Say what became of the effects, and when the next of them is due."""
        by_key = {effect.key: effect for effect in effects}
        answers: list[EffectAnswer] = [
            effect_answer(effect, by_key.get(effect.planned.waits_for or ""), self._standing)
            for effect in effects
        ]
        told.line["effects"] = [answer.line for answer in answers]
        told.said += [answer.said for answer in answers]
        told.outcome = outcome_of([effect.state for effect in effects])
        due = [answer for answer in answers if answer.next_at is not None]
        blocked = next((answer.blocked for answer in answers if answer.blocked), "")
        if blocked:
            told.next = Next(self._say(blocked))
        elif due:
            first = min(due, key=lambda answer: answer.next_at or self._now)
            at = first.next_at or self._now
            told.next = Next(self._say("due", at=self._time(at)), at)
        elif told.outcome == EffectState.DEAD.value:
            told.next = Next(self._say("person"))
        else:
            told.next = Next(self._say("done"))

    def _say(self, name: str, **values: str) -> str:
        return sentence(name, self._language, **values)

    def _time(self, at: datetime) -> str:
        return time_words(at, self._shop.timezone, self._language)


def _text(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
