"""The tables; the newest migration leads to exactly these.

A claimed row keeps the end of its lease in `due_at`, so that one index finds both
the rows that are due and the claims whose worker is gone.
"""

from typing import Final

import sqlalchemy as sa

from adapters.storage.columns import Json, Number, Text, Time, number_column, text_column

metadata: Final = sa.MetaData()

# Written out: a partial index serves only a query that repeats its condition.
OPEN_DELIVERY: Final = "state IN ('waiting', 'working')"
OPEN_EFFECT: Final = "state IN ('planned', 'unknown', 'sending')"


def _index(name: str, *columns: str, where: str = "", unique: bool = False) -> sa.Index:
    condition = sa.text(where) if where else None
    return sa.Index(
        name, *columns, unique=unique, sqlite_where=condition, postgresql_where=condition
    )


def _required(name: str) -> sa.Column[str]:
    return sa.Column(name, Text, nullable=False)


def _time(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, Time, nullable=nullable)


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False, server_default="0")


def _json(name: str) -> sa.Column[object]:
    return sa.Column(name, Json, nullable=False)


shops: Final = sa.Table(
    "shops",
    metadata,
    sa.Column("id", Text, primary_key=True),
    _required("platform"),
    _required("name"),
    _required("address"),
    _required("hook_token"),
    _required("state"),
    _time("created_at"),
    _json("settings"),
    text_column("currency"),
    text_column("timezone", "UTC"),
    text_column("country"),
    text_column("locale"),
    _time("last_delivery_at", nullable=True),
    _time("polled_until", nullable=True),
    _json("webhooks"),
    # Last, where the migration that brought it puts it.
    text_column("region"),
    _index("ux_shops_hook_token", "hook_token", unique=True),
    _index("ux_shops_address", "platform", "address", where="state <> 'removed'", unique=True),
)

secrets: Final = sa.Table(
    "secrets",
    metadata,
    sa.Column("shop_id", Text, sa.ForeignKey("shops.id"), primary_key=True),
    sa.Column("name", Text, primary_key=True),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
)

inbox: Final = sa.Table(
    "inbox",
    metadata,
    number_column(),
    _required("shop_id"),
    _required("key"),
    _required("source"),
    _required("topic"),
    _required("lane"),
    _required("state"),
    _count("attempts"),
    _count("fence"),
    text_column("reason"),
    _time("received_at"),
    _time("due_at"),
    _time("done_at", nullable=True),
    _json("headers"),
    # Last: what stands before a long body is read without walking through it.
    sa.Column("body", sa.LargeBinary, nullable=True),
    _index("ux_inbox_key", "shop_id", "key", unique=True),
    _index("ix_inbox_state", "state"),
    _index("ix_inbox_due", "shop_id", "due_at", "id", where=OPEN_DELIVERY),
    _index("ix_inbox_lane", "shop_id", "lane", "id", where=OPEN_DELIVERY),
    _index("ix_inbox_told", "shop_id", "lane", "id", where="state = 'done'"),
    _index("ix_inbox_dead", "shop_id", "id", where="state = 'dead'"),
    _index(
        "ux_inbox_working",
        "shop_id",
        "lane",
        where="state = 'working' AND lane <> ''",
        unique=True,
    ),
    sqlite_autoincrement=True,
)

rejected: Final = sa.Table(
    "rejected",
    metadata,
    sa.Column("shop_id", Text, primary_key=True),
    sa.Column("reason", Text, primary_key=True),
    sa.Column("count", sa.BigInteger, nullable=False),
)

buyers: Final = sa.Table("buyers", metadata, number_column(), sqlite_autoincrement=True)

buyer_keys: Final = sa.Table(
    "buyer_keys",
    metadata,
    sa.Column("key", Text, primary_key=True),
    sa.Column("buyer_id", Number, sa.ForeignKey("buyers.id"), nullable=False),
    _index("ix_buyer_keys_buyer", "buyer_id"),
)

orders: Final = sa.Table(
    "orders",
    metadata,
    number_column(),
    _required("shop_id"),
    _required("ref"),
    _required("number"),
    _required("state"),
    sa.Column("test", sa.Boolean, nullable=False),
    _time("placed_at"),
    _time("modified_at"),
    sa.Column("buyer_id", Number, nullable=True),
    _time("seen_at"),
    _time("fetched_at", nullable=True),
    sa.Column("snapshot", sa.LargeBinary, nullable=False),
    _index("ux_orders_ref", "shop_id", "ref", unique=True),
    _index("ix_orders_buyer", "buyer_id", "placed_at"),
    _index("ix_orders_placed", "shop_id", "placed_at"),
    _index("ix_orders_state", "shop_id", "state", "placed_at"),
    _index("ix_orders_number", "shop_id", "number"),
    sqlite_autoincrement=True,
)

occurrences: Final = sa.Table(
    "occurrences",
    metadata,
    number_column(),
    _required("shop_id"),
    _required("order_ref"),
    _required("kind"),
    _required("discriminator"),
    _time("occurred_at"),
    _time("seen_at"),
    sa.Column("own", sa.Boolean, nullable=False),
    _index("ux_occurrences", "shop_id", "order_ref", "kind", "discriminator", unique=True),
    sqlite_autoincrement=True,
)

own_writes: Final = sa.Table(
    "own_writes",
    metadata,
    sa.Column("shop_id", Text, primary_key=True),
    sa.Column("order_ref", Text, primary_key=True),
    sa.Column("kind", Text, primary_key=True),
    _time("at"),
)

rules: Final = sa.Table(
    "rules",
    metadata,
    sa.Column("shop_id", Text, primary_key=True),
    sa.Column("rule_id", Text, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("enabled", sa.Boolean, nullable=False),
    sa.Column("deleted", sa.Boolean, nullable=False),
    sa.Column("position", Number, nullable=False),
)

rule_versions: Final = sa.Table(
    "rule_versions",
    metadata,
    sa.Column("shop_id", Text, primary_key=True),
    sa.Column("rule_id", Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    _time("created_at"),
    _json("source"),
)

# One row for all rules that were asked about one occurrence, and one for what a set of
# rules asks for: see packed.py.
evaluations: Final = sa.Table(
    "evaluations",
    metadata,
    number_column(),
    _required("shop_id"),
    _required("order_ref"),
    sa.Column("occurrence_id", Number, nullable=False),
    _time("at"),
    _required("asked"),
    sa.Column("answers", sa.LargeBinary, nullable=False),
    _index("ux_evaluations", "occurrence_id", unique=True),
    sqlite_autoincrement=True,
)

asked_rules: Final = sa.Table(
    "asked_rules",
    metadata,
    sa.Column("name", Text, primary_key=True),
    sa.Column("body", sa.LargeBinary, nullable=False),
)

once: Final = sa.Table(
    "once",
    metadata,
    sa.Column("shop_id", Text, primary_key=True),
    sa.Column("rule_id", Text, primary_key=True),
    sa.Column("once_key", Text, primary_key=True),
    sa.Column("occurrence_id", Number, nullable=False),
    _index("ix_once_occurrence", "occurrence_id"),
)

effects: Final = sa.Table(
    "effects",
    metadata,
    number_column(),
    _required("key"),
    _required("shop_id"),
    _required("order_ref"),
    _required("rule_id"),
    sa.Column("rule_version", sa.Integer, nullable=False),
    sa.Column("occurrence_id", Number, nullable=False),
    sa.Column("step", sa.Integer, nullable=False),
    _required("kind"),
    _json("payload"),
    _time("planned_at"),
    sa.Column("waits_for", Text, nullable=True),
    _time("expires_at", nullable=True),
    _required("state"),
    _time("due_at"),
    _time("created_at"),
    _time("done_at", nullable=True),
    _count("attempts"),
    _count("probes"),
    _count("fence"),
    text_column("reason"),
    _json("result"),
    _index("ux_effects_key", "key", unique=True),
    _index("ix_effects_order", "shop_id", "order_ref", "id"),
    _index("ix_effects_state", "state"),
    _index("ix_effects_due", "shop_id", "due_at", "id", where=OPEN_EFFECT),
    _index("ix_effects_dead", "shop_id", "id", where="state = 'dead'"),
    _index("ux_effects_sending", "shop_id", "order_ref", where="state = 'sending'", unique=True),
    sqlite_autoincrement=True,
)

messages: Final = sa.Table(
    "messages",
    metadata,
    number_column(),
    _required("key"),
    _required("shop_id"),
    sa.Column("order_ref", Text, nullable=True),
    _time("sent_at"),
    _json("result"),
    _json("message"),
    _index("ux_messages_key", "key", unique=True),
    _index("ix_messages_shop", "shop_id", "id"),
    sqlite_autoincrement=True,
)

jobs: Final = sa.Table(
    "jobs",
    metadata,
    sa.Column("name", Text, primary_key=True),
    _time("last_at"),
)

values: Final = sa.Table(
    "installation_values",
    metadata,
    sa.Column("name", Text, primary_key=True),
    sa.Column("value", Text, nullable=False),
)

revisions: Final = sa.Table(
    "revisions",
    metadata,
    sa.Column("name", Text, primary_key=True),
    sa.Column("number", sa.BigInteger, nullable=False),
)
