"""The judge: pure, from the history, the store's rows and the shops' own record.

Knows nothing of how a run was made. Every sentence it gives is one finding; a run
without any is green.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

Line = Mapping[str, Any]
OPEN: Final = ("planned", "sending", "unknown")
CLOSED: Final = ("done", "skipped", "dead")


@dataclass(frozen=True, slots=True)
class StoredDelivery:
    """One inbox row: its shop, the topic and the SHA-256 of its body."""

    shop: str
    topic: str
    digest: str
    state: str


@dataclass(frozen=True, slots=True)
class SeenOrder:
    """What the merchant finds at an order in the pretend shop.

    Attributes:
        paid: whether rules on paid orders had to run.
        wanted: what each matching rule wants, like `note:Gracias` -> 1.
        found: the same names, counted in the shop's own record.
    """

    shop: str
    ref: str
    paid: bool
    wanted: Mapping[str, int]
    found: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that is known at the end of a run."""

    history: Sequence[Line]
    deliveries: Sequence[StoredDelivery]
    effects: Sequence[Line]
    counts: Mapping[str, int]
    orders: Sequence[SeenOrder]
    sound: str = "ok"


@dataclass(slots=True)
class Verdict:
    """The findings, and the figures for a report."""

    findings: list[str] = field(default_factory=list)
    figures: Counter[str] = field(default_factory=Counter)

    @property
    def green(self) -> bool:
        """Tell whether nothing was found."""
        return not self.findings


def judge(evidence: Evidence) -> Verdict:
    """Judge a run."""
    verdict = Verdict()
    _faults(evidence, verdict)
    _acknowledged(evidence, verdict)
    _answers(evidence, verdict)
    _orders(evidence, verdict)
    _balance(evidence, verdict)
    _settled_stays(evidence, verdict)
    if evidence.sound != "ok":
        verdict.findings.append(f"the database is damaged: {evidence.sound}")
    return verdict


def _of(history: Iterable[Line], event: str) -> list[Line]:
    return [line for line in history if line["event"] == event]


def _faults(evidence: Evidence, verdict: Verdict) -> None:
    verdict.figures["kills"] = len(_of(evidence.history, "kill"))
    strikes = _of(evidence.history, "strike")
    verdict.figures["strikes"] = len(strikes)
    verdict.figures["at work"] = sum(1 for line in strikes if line["held"] or line["sent"])
    verdict.figures["holding a claim"] = sum(1 for line in strikes if line["held"])
    verdict.figures["faults"] = len(_of(evidence.history, "fault"))


def _acknowledged(evidence: Evidence, verdict: Verdict) -> None:
    """Every delivery that was answered with 2xx is stored."""
    stored = {(row.shop, row.topic, row.digest) for row in evidence.deliveries}
    sent = _of(evidence.history, "webhook")
    acked = [line for line in sent if line["status"] is not None and 200 <= line["status"] < 300]
    lost = {
        (line["shop"], line["topic"], line["digest"])
        for line in acked
        if (line["shop"], line["topic"], line["digest"]) not in stored
    }
    verdict.figures.update(sent=len(sent), acked=len(acked), stored=len(stored), lost=len(lost))
    verdict.findings += [
        f"acknowledged, not stored: {topic} of {shop}, body {digest[:12]}"
        for shop, topic, digest in sorted(lost)
    ]
    known = {(line["shop"], line["topic"], line["digest"]) for line in sent}
    verdict.findings += [
        f"stored, never sent: {row.topic} of {row.shop}, body {row.digest[:12]}"
        for row in evidence.deliveries
        if (row.shop, row.topic, row.digest) not in known
    ]


def _answers(evidence: Evidence, verdict: Verdict) -> None:
    """The answers are 200 or 503, or none at all when the process died."""
    for line in _of(evidence.history, "webhook"):
        if line["status"] not in {200, 503, None}:
            verdict.findings.append(f"answered {line['status']} to {line['topic']} of an own shop")


def _orders(evidence: Evidence, verdict: Verdict) -> None:
    """Each matching rule acted once on each order, and no other rule acted."""
    excused = _excused(evidence.effects)
    verdict.figures["orders"] = len(evidence.orders)
    for order in evidence.orders:
        for name in sorted({*order.wanted, *order.found}):
            wanted = order.wanted.get(name, 0) if order.paid else 0
            found = order.found.get(name, 0)
            if found > wanted:
                verdict.figures["doubled"] += 1
                verdict.findings.append(
                    f"{found} instead of {wanted}: {name} at order {order.ref} of {order.shop}"
                )
            elif found < wanted:
                if excused[order.shop, order.ref]:
                    # Somebody is told of it: it did not end silently.
                    excused[order.shop, order.ref] -= 1
                    verdict.figures["left to a person"] += 1
                    continue
                verdict.figures["missing"] += 1
                verdict.findings.append(
                    f"{found} instead of {wanted}: {name} at order {order.ref} of {order.shop}"
                )


def _excused(effects: Iterable[Line]) -> Counter[tuple[str, str]]:
    """Count what was left to a person, with a reason, for each order."""
    return Counter(
        (line["shop"], line["order"])
        for line in effects
        if line["state"] == "dead" and line["reason"]
    )


def _balance(evidence: Evidence, verdict: Verdict) -> None:
    """Planned is done + skipped + waiting + unknown + dead, and each end has its reason."""
    states = Counter(line["state"] for line in evidence.effects)
    verdict.figures["effects"] = len(evidence.effects)
    verdict.figures["effects done"] = states["done"]
    strange = set(states) - {*OPEN, *CLOSED}
    if strange:
        verdict.findings.append(f"effects in states that nobody knows: {sorted(strange)}")
    counted = {name: count for name, count in evidence.counts.items() if count}
    if counted != dict(states):
        verdict.findings.append(f"the status counts {counted}, the export has {dict(states)}")
    for line in evidence.effects:
        if line["state"] in OPEN:
            verdict.findings.append(
                f"never came to an end: {line['kind']} of order {line['order']}: {line['state']}"
            )
        elif line["state"] != "done" and not line["reason"]:
            verdict.findings.append(f"{line['state']} without a reason: {line['key']}")
    doubles = [
        key for key, times in Counter(x["key"] for x in evidence.effects).items() if times > 1
    ]
    verdict.findings += [f"planned twice: {key}" for key in doubles]
    waiting = [row for row in evidence.deliveries if row.state in {"waiting", "working"}]
    if waiting:
        verdict.findings.append(f"{len(waiting)} deliveries were never worked off")


def _settled_stays(evidence: Evidence, verdict: Verdict) -> None:
    """What was settled once is never touched again."""
    last = {line["key"]: line for line in evidence.effects}
    earlier: dict[str, list[Line]] = defaultdict(list)
    for snapshot in _of(evidence.history, "effects"):
        for line in snapshot["lines"]:
            if line["state"] in CLOSED:
                earlier[line["key"]].append(line)
    for key, lines in earlier.items():
        end = last.get(key)
        if end is None:
            verdict.findings.append(f"an effect is gone: {key}")
        elif any((end["state"], end["done_at"]) != (x["state"], x["done_at"]) for x in lines):
            verdict.findings.append(f"settled twice: {key}")
