"""Add users, their sessions, the audit log, and what lists of the admin pages are read by."""

import sqlalchemy as sa
from alembic import op

revision = "v0007"
down_revision = "v0006"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
TIME = sa.BigInteger()
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _partial(name: str, table: str, columns: list[str], where: str) -> None:
    condition = sa.text(where)
    op.create_index(
        name, table, columns, sqlite_where=condition, postgresql_where=condition, unique=False
    )


def upgrade() -> None:
    """Make the tables and the indexes."""
    op.create_table(
        "users",
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("locale", TEXT, nullable=False, server_default=""),
        sa.Column("password_hash", TEXT, nullable=False),
        sa.Column("totp", sa.LargeBinary(), nullable=True),
        sa.Column("totp_step", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("created_at", TIME, nullable=False),
    )
    op.create_index("ux_users_name", "users", ["name"], unique=True)
    op.create_table(
        "user_roles",
        sa.Column("user_id", TEXT, sa.ForeignKey("users.id"), primary_key=True),
        sa.Column("shop_id", TEXT, primary_key=True),
        sa.Column("role", TEXT, nullable=False),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("user_id", TEXT, sa.ForeignKey("users.id"), primary_key=True),
        sa.Column("digest", TEXT, primary_key=True),
    )
    op.create_table(
        "sessions",
        sa.Column("digest", TEXT, primary_key=True),
        sa.Column("stage", TEXT, nullable=False),
        sa.Column("door", TEXT, nullable=False),
        sa.Column("user_id", TEXT, nullable=True),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("locale", TEXT, nullable=False, server_default=""),
        sa.Column("address", TEXT, nullable=False, server_default=""),
        sa.Column("agent", TEXT, nullable=False, server_default=""),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("seen_at", TIME, nullable=False),
        sa.Column("ends_at", TIME, nullable=False),
    )
    op.create_index("ix_sessions_user", "sessions", ["user_id"])
    op.create_index("ix_sessions_ends", "sessions", ["ends_at"])
    op.create_table(
        "sign_in_tries",
        sa.Column("name", TEXT, primary_key=True),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("last_at", TIME, nullable=False),
        sa.Column("until_at", TIME, nullable=False),
    )
    op.create_table(
        "audit",
        sa.Column("id", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("at", TIME, nullable=False),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("door", TEXT, nullable=False),
        sa.Column("address", TEXT, nullable=False, server_default=""),
        sa.Column("act", TEXT, nullable=False),
        sa.Column("shop_id", TEXT, nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_shop", "audit", ["shop_id", "id"])
    op.create_index("ix_orders_state", "orders", ["shop_id", "state", "placed_at"])
    op.create_index("ix_orders_number", "orders", ["shop_id", "number"])
    _partial("ix_inbox_told", "inbox", ["shop_id", "lane", "id"], "state = 'done'")
    _partial("ix_inbox_dead", "inbox", ["shop_id", "id"], "state = 'dead'")
    _partial("ix_effects_dead", "effects", ["shop_id", "id"], "state = 'dead'")
