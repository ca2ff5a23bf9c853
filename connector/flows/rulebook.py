"""The rules of each shop, compiled once and renewed when any rule changes."""

import threading
from dataclasses import dataclass

from connector.errors import RuleInvalid
from connector.model.event import OccurrenceKind
from connector.model.order import ShopId
from connector.rules.engine import RuleSet
from connector.rules.load import rule_from_source
from connector.rules.rule import Rule
from connector.storage.port import Transaction


@dataclass(frozen=True, slots=True)
class ActiveRules:
    """The enabled rules of a shop that wait for one kind of occurrence, ready to be asked.

    Attributes:
        rules: each with its version, in the order in which they were imported.
    """

    rules: tuple[tuple[Rule, int], ...]
    together: RuleSet


class Rulebook:
    """Keeps the compiled rules of all shops in memory.

    What is kept is true for one revision of the rules; a transaction that sees
    another revision reads them again.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._revision = -1
        self._rules: dict[ShopId, dict[OccurrenceKind, ActiveRules]] = {}

    def enabled(self, tx: Transaction, shop_id: ShopId, kind: OccurrenceKind) -> ActiveRules | None:
        """Give the shop's enabled rules for one kind of occurrence, if there are any."""
        revision = tx.rules_revision()
        with self._lock:
            if revision != self._revision:
                self._rules.clear()
                self._revision = revision
            book = self._rules.get(shop_id)
        if book is None:
            book = _read(tx, shop_id)
            with self._lock:
                if revision == self._revision:
                    self._rules[shop_id] = book
        return book.get(kind)


def _read(tx: Transaction, shop_id: ShopId) -> dict[OccurrenceKind, ActiveRules]:
    book: dict[OccurrenceKind, list[tuple[Rule, int]]] = {}
    for record in tx.rules(shop_id):
        if not record.enabled:
            continue
        try:
            rule = rule_from_source(record.source)
        except RuleInvalid:
            # Stored by another version of the program; `doctor` lists it. The other
            # rules go on.
            continue
        book.setdefault(rule.trigger, []).append((rule, record.version))
    return {kind: ActiveRules(tuple(rules), RuleSet(rules)) for kind, rules in book.items()}
