"""Make the first tables.

Long because it is the whole schema, written out once and not changed again.
"""

import sqlalchemy as sa
from alembic import op

revision = "v0001"
down_revision = None
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
TIME = sa.BigInteger()
JSON = sa.Text()
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make all tables and indexes."""
    _buyers()
    _effects()
    _evaluations()
    _inbox()
    _installation_values()
    _jobs()
    _messages()
    _occurrences()
    _once()
    _orders()
    _own_writes()
    _rejected()
    _revisions()
    _rule_versions()
    _rules()
    _shops()
    _buyer_keys()
    _secrets()


def _index(name: str, table: str, *columns: str, where: str = "", unique: bool = False) -> None:
    condition = sa.text(where) if where else None
    op.create_index(
        name,
        table,
        list(columns),
        unique=unique,
        sqlite_where=condition,
        postgresql_where=condition,
    )


def _buyers() -> None:
    op.create_table(
        "buyers",
        sa.Column("id", NUMBER, primary_key=True, autoincrement=True),
        sqlite_autoincrement=True,
    )


def _effects() -> None:
    op.create_table(
        "effects",
        sa.Column("id", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("shop_id", TEXT, nullable=False),
        sa.Column("order_ref", TEXT, nullable=False),
        sa.Column("rule_id", TEXT, nullable=False),
        sa.Column("rule_version", sa.Integer(), nullable=False),
        sa.Column("occurrence_id", NUMBER, nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("payload", JSON, nullable=False),
        sa.Column("planned_at", TIME, nullable=False),
        sa.Column("waits_for", TEXT, nullable=True),
        sa.Column("expires_at", TIME, nullable=True),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("due_at", TIME, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("done_at", TIME, nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("probes", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("fence", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("reason", TEXT, nullable=False, server_default=""),
        sa.Column("result", JSON, nullable=False),
        sqlite_autoincrement=True,
    )
    _index(
        "ix_effects_due",
        "effects",
        "shop_id",
        "due_at",
        "id",
        where="state IN ('planned', 'unknown', 'sending')",
    )
    _index("ix_effects_order", "effects", "shop_id", "order_ref", "id")
    _index("ix_effects_state", "effects", "state")
    _index("ux_effects_key", "effects", "key", unique=True)
    _index(
        "ux_effects_sending",
        "effects",
        "shop_id",
        "order_ref",
        where="state = 'sending'",
        unique=True,
    )


def _evaluations() -> None:
    op.create_table(
        "evaluations",
        sa.Column("id", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("shop_id", TEXT, nullable=False),
        sa.Column("order_ref", TEXT, nullable=False),
        sa.Column("occurrence_id", NUMBER, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("answers", sa.LargeBinary(), nullable=False),
        sqlite_autoincrement=True,
    )
    _index("ux_evaluations", "evaluations", "occurrence_id", unique=True)


def _inbox() -> None:
    op.create_table(
        "inbox",
        sa.Column("id", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("shop_id", TEXT, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("topic", TEXT, nullable=False),
        sa.Column("lane", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("fence", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("reason", TEXT, nullable=False, server_default=""),
        sa.Column("received_at", TIME, nullable=False),
        sa.Column("due_at", TIME, nullable=False),
        sa.Column("done_at", TIME, nullable=True),
        sa.Column("headers", JSON, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sqlite_autoincrement=True,
    )
    _index(
        "ix_inbox_due", "inbox", "shop_id", "due_at", "id", where="state IN ('waiting', 'working')"
    )
    _index(
        "ix_inbox_lane", "inbox", "shop_id", "lane", "id", where="state IN ('waiting', 'working')"
    )
    _index("ix_inbox_state", "inbox", "state")
    _index("ux_inbox_key", "inbox", "shop_id", "key", unique=True)
    _index(
        "ux_inbox_working",
        "inbox",
        "shop_id",
        "lane",
        where="state = 'working' AND lane <> ''",
        unique=True,
    )


def _installation_values() -> None:
    op.create_table(
        "installation_values",
        sa.Column("name", TEXT, primary_key=True),
        sa.Column("value", TEXT, nullable=False),
    )


def _jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("name", TEXT, primary_key=True),
        sa.Column("last_at", TIME, nullable=False),
    )


def _messages() -> None:
    op.create_table(
        "messages",
        sa.Column("id", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("shop_id", TEXT, nullable=False),
        sa.Column("order_ref", TEXT, nullable=True),
        sa.Column("sent_at", TIME, nullable=False),
        sa.Column("result", JSON, nullable=False),
        sa.Column("message", JSON, nullable=False),
        sqlite_autoincrement=True,
    )
    _index("ix_messages_shop", "messages", "shop_id", "id")
    _index("ux_messages_key", "messages", "key", unique=True)


def _occurrences() -> None:
    op.create_table(
        "occurrences",
        sa.Column("id", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("shop_id", TEXT, nullable=False),
        sa.Column("order_ref", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("discriminator", TEXT, nullable=False),
        sa.Column("occurred_at", TIME, nullable=False),
        sa.Column("seen_at", TIME, nullable=False),
        sa.Column("own", sa.Boolean(), nullable=False),
        sqlite_autoincrement=True,
    )
    _index(
        "ux_occurrences",
        "occurrences",
        "shop_id",
        "order_ref",
        "kind",
        "discriminator",
        unique=True,
    )


def _once() -> None:
    op.create_table(
        "once",
        sa.Column("shop_id", TEXT, primary_key=True),
        sa.Column("rule_id", TEXT, primary_key=True),
        sa.Column("once_key", TEXT, primary_key=True),
        sa.Column("occurrence_id", NUMBER, nullable=False),
    )
    _index("ix_once_occurrence", "once", "occurrence_id")


def _orders() -> None:
    op.create_table(
        "orders",
        sa.Column("id", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("shop_id", TEXT, nullable=False),
        sa.Column("ref", TEXT, nullable=False),
        sa.Column("number", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("test", sa.Boolean(), nullable=False),
        sa.Column("placed_at", TIME, nullable=False),
        sa.Column("modified_at", TIME, nullable=False),
        sa.Column("buyer_id", NUMBER, nullable=True),
        sa.Column("seen_at", TIME, nullable=False),
        sa.Column("fetched_at", TIME, nullable=True),
        sa.Column("snapshot", sa.LargeBinary(), nullable=False),
        sqlite_autoincrement=True,
    )
    _index("ix_orders_buyer", "orders", "buyer_id", "placed_at")
    _index("ux_orders_ref", "orders", "shop_id", "ref", unique=True)


def _own_writes() -> None:
    op.create_table(
        "own_writes",
        sa.Column("shop_id", TEXT, primary_key=True),
        sa.Column("order_ref", TEXT, primary_key=True),
        sa.Column("kind", TEXT, primary_key=True),
        sa.Column("at", TIME, nullable=False),
    )


def _rejected() -> None:
    op.create_table(
        "rejected",
        sa.Column("shop_id", TEXT, primary_key=True),
        sa.Column("reason", TEXT, primary_key=True),
        sa.Column("count", sa.BigInteger(), nullable=False),
    )


def _revisions() -> None:
    op.create_table(
        "revisions",
        sa.Column("name", TEXT, primary_key=True),
        sa.Column("number", sa.BigInteger(), nullable=False),
    )


def _rule_versions() -> None:
    op.create_table(
        "rule_versions",
        sa.Column("shop_id", TEXT, primary_key=True),
        sa.Column("rule_id", TEXT, primary_key=True),
        sa.Column("version", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("source", JSON, nullable=False),
    )


def _rules() -> None:
    op.create_table(
        "rules",
        sa.Column("shop_id", TEXT, primary_key=True),
        sa.Column("rule_id", TEXT, primary_key=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("position", NUMBER, nullable=False),
    )


def _shops() -> None:
    op.create_table(
        "shops",
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("platform", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("address", TEXT, nullable=False),
        sa.Column("hook_token", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("settings", JSON, nullable=False),
        sa.Column("currency", TEXT, nullable=False, server_default=""),
        sa.Column("timezone", TEXT, nullable=False, server_default="UTC"),
        sa.Column("country", TEXT, nullable=False, server_default=""),
        sa.Column("locale", TEXT, nullable=False, server_default=""),
        sa.Column("last_delivery_at", TIME, nullable=True),
        sa.Column("polled_until", TIME, nullable=True),
        sa.Column("webhooks", JSON, nullable=False),
    )
    _index(
        "ux_shops_address", "shops", "platform", "address", where="state <> 'removed'", unique=True
    )
    _index("ux_shops_hook_token", "shops", "hook_token", unique=True)


def _buyer_keys() -> None:
    op.create_table(
        "buyer_keys",
        sa.Column("key", TEXT, primary_key=True),
        sa.Column("buyer_id", NUMBER, sa.ForeignKey("buyers.id"), nullable=False),
    )
    _index("ix_buyer_keys_buyer", "buyer_keys", "buyer_id")


def _secrets() -> None:
    op.create_table(
        "secrets",
        sa.Column("shop_id", TEXT, sa.ForeignKey("shops.id"), primary_key=True),
        sa.Column("name", TEXT, primary_key=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
    )
