"""Rules, why they acted, and what they may do only once."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final

import sqlalchemy as sa

from adapters.storage.base import Part
from adapters.storage.columns import to_json
from adapters.storage.dialect import Dialect
from adapters.storage.packed import pack, pack_asked
from adapters.storage.tables import asked_rules, evaluations, once, revisions, rule_versions, rules
from adapters.storage.written import Written
from connector.model.effect import AskedRules, Evaluation
from connector.model.order import ShopId
from connector.storage.records import RuleRecord

_REVISION: Final = "rules"
_SAME_RULE: Final = sa.and_(
    rule_versions.c.shop_id == rules.c.shop_id, rule_versions.c.rule_id == rules.c.rule_id
)
_COLUMNS: Final = (
    rules.c.shop_id,
    rules.c.rule_id,
    rule_versions.c.version,
    rules.c.enabled,
    rules.c.deleted,
    rule_versions.c.source,
    rule_versions.c.created_at,
)


class Rules(Part):
    """The verbs of a transaction about rules and evaluations."""

    def rules(self, shop_id: ShopId) -> Sequence[RuleRecord]:
        """Read the newest version of each rule that is not deleted, in the order imported."""
        rows = self.connection.execute(
            sa.select(*_COLUMNS)
            .join_from(rules, rule_versions, _SAME_RULE)
            .where(
                rules.c.shop_id == shop_id,
                rule_versions.c.version == rules.c.version,
                sa.not_(rules.c.deleted),
            )
            .order_by(rules.c.position)
        )
        return [_record(row) for row in rows]

    def rule(self, shop_id: ShopId, rule_id: str, version: int) -> RuleRecord | None:
        """Read one version of a rule."""
        row = self.connection.execute(
            sa.select(*_COLUMNS)
            .join_from(rules, rule_versions, _SAME_RULE)
            .where(
                rules.c.shop_id == shop_id,
                rules.c.rule_id == rule_id,
                rule_versions.c.version == version,
            )
        ).first()
        return None if row is None else _record(row)

    def put_rule(
        self,
        shop_id: ShopId,
        rule_id: str,
        source: Mapping[str, Any],
        *,
        enabled: bool,
        now: datetime,
    ) -> int:
        """Store a new version, unless the newest is the same; give its number."""
        # The revision first: it lets one transaction change rules at a time.
        revision = self._raise_revision()
        newest = self.connection.execute(
            sa.select(rules.c.version, rules.c.enabled, rules.c.deleted, rule_versions.c.source)
            .join_from(rules, rule_versions, _SAME_RULE)
            .where(
                rules.c.shop_id == shop_id,
                rules.c.rule_id == rule_id,
                rule_versions.c.version == rules.c.version,
            )
        ).first()
        if newest is None:
            self._add_version(shop_id, rule_id, 1, source, now)
            self.connection.execute(
                sa.insert(rules).values(
                    shop_id=shop_id,
                    rule_id=rule_id,
                    version=1,
                    enabled=enabled,
                    deleted=False,
                    # Grows with every change, so later ones stand later.
                    position=revision,
                )
            )
            return 1
        version: int = newest.version
        if to_json(newest.source) != to_json(source):
            version += 1
            self._add_version(shop_id, rule_id, version, source, now)
        changes: dict[str, Any] = {"version": version, "enabled": enabled, "deleted": False}
        if newest.deleted:
            changes["position"] = revision
        self._changed(
            sa.update(rules)
            .where(rules.c.shop_id == shop_id, rules.c.rule_id == rule_id)
            .values(changes)
        )
        return version

    def enable_rule(self, shop_id: ShopId, rule_id: str, *, enabled: bool) -> bool:
        """Switch a rule; False when there is none."""
        return self._change_rule(shop_id, rule_id, {"enabled": enabled})

    def delete_rule(self, shop_id: ShopId, rule_id: str) -> bool:
        """Take a rule out of use; its versions stay."""
        return self._change_rule(shop_id, rule_id, {"deleted": True})

    def rules_revision(self) -> int:
        """Give a number that grows with every change of any rule."""
        if self.revision is None:
            rows = _read_revision(self.dialect).run(self.connection, {})
            self.revision = int(rows[0][0]) if rows else 0
        return self.revision

    def add_evaluation(self, given: Evaluation) -> None:
        """Store why rules acted on one occurrence or not; what is stored stays."""
        self._add_asked(given.asked)
        _add_evaluation(self.dialect).run(
            self.connection,
            {
                "shop_id": given.shop_id,
                "order_ref": given.order_ref,
                "occurrence_id": given.occurrence_id,
                "at": given.at,
                "asked": given.asked.name,
                "answers": pack(given),
            },
        )

    def _add_asked(self, asked: AskedRules) -> None:
        """Store what a set of rules asks for, once."""
        if asked.name in self.known.kept or asked.name in self.known.new:
            return
        self.connection.execute(
            _add_asked(self.dialect), {"name": asked.name, "body": pack_asked(asked.text)}
        )
        self.known.new.add(asked.name)

    def claim_once(self, shop_id: ShopId, rule_id: str, once_key: str, occurrence_id: int) -> bool:
        """Take the one time a rule may act for an order, parcel or buyer.

        The occurrence that has it already is told so again.
        """
        values = {
            "shop_id": shop_id,
            "rule_id": rule_id,
            "once_key": once_key,
            "occurrence_id": occurrence_id,
        }
        if _claim_once(self.dialect).run(self.connection, values):
            return True
        holder: int | None = self.connection.execute(
            sa.select(once.c.occurrence_id).where(
                once.c.shop_id == shop_id,
                once.c.rule_id == rule_id,
                once.c.once_key == once_key,
            )
        ).scalar()
        return holder == occurrence_id

    def release_once(self, shop_id: ShopId, rule_id: str, occurrence_id: int) -> None:
        """Give it back when nothing came of it."""
        self._changed(
            sa.delete(once).where(
                once.c.shop_id == shop_id,
                once.c.rule_id == rule_id,
                once.c.occurrence_id == occurrence_id,
            )
        )

    def _add_version(
        self, shop_id: ShopId, rule_id: str, version: int, source: Mapping[str, Any], now: datetime
    ) -> None:
        self.connection.execute(
            sa.insert(rule_versions).values(
                shop_id=shop_id,
                rule_id=rule_id,
                version=version,
                created_at=now,
                source=dict(source),
            )
        )

    def _change_rule(self, shop_id: ShopId, rule_id: str, changes: Mapping[str, Any]) -> bool:
        self._raise_revision()
        return bool(
            self._changed(
                sa.update(rules)
                .where(
                    rules.c.shop_id == shop_id,
                    rules.c.rule_id == rule_id,
                    sa.not_(rules.c.deleted),
                )
                .values(dict(changes))
            )
        )

    def _raise_revision(self) -> int:
        statement = self.dialect.insert(revisions).values(name=_REVISION, number=1)
        number: int = self.connection.execute(
            statement.on_conflict_do_update(
                index_elements=["name"], set_={"number": revisions.c.number + 1}
            ).returning(revisions.c.number)
        ).scalar_one()
        self.revision = None
        return number


@cache
def _read_revision(dialect: Dialect) -> Written:
    return dialect.ready(
        sa.select(revisions.c.number).where(revisions.c.name == _REVISION), revisions.c.number
    )


@cache
def _add_evaluation(dialect: Dialect) -> Written:
    names = [column.name for column in evaluations.c if column.name != "id"]
    return dialect.ready(
        dialect.insert(evaluations)
        .values({name: sa.bindparam(name) for name in names})
        .on_conflict_do_nothing(index_elements=["occurrence_id"])
    )


@cache
def _add_asked(dialect: Dialect) -> Any:
    return dialect.insert(asked_rules).on_conflict_do_nothing(index_elements=["name"])


@cache
def _claim_once(dialect: Dialect) -> Written:
    return dialect.ready(
        dialect.insert(once)
        .values({column.name: sa.bindparam(column.name) for column in once.c})
        .on_conflict_do_nothing(index_elements=["shop_id", "rule_id", "once_key"])
        .returning(once.c.occurrence_id),
        once.c.occurrence_id,
    )


def _record(row: Any) -> RuleRecord:
    return RuleRecord(
        shop_id=ShopId(row.shop_id),
        rule_id=row.rule_id,
        version=row.version,
        enabled=row.enabled and not row.deleted,
        source=row.source,
        created_at=row.created_at,
    )
