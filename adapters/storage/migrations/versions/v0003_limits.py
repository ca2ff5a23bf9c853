"""Add what bounds the damage: limits of hosts, ceilings of shops, tries of effects."""

import sqlalchemy as sa
from alembic import op

revision = "v0003"
down_revision = "v0002"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
TIME = sa.BigInteger()
JSON = sa.Text()
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "host_limits",
        sa.Column("host", TEXT, primary_key=True),
        sa.Column("kind", TEXT, primary_key=True),
        sa.Column("changed_at", TIME, nullable=False),
        sa.Column("state", JSON, nullable=False),
    )
    op.create_table(
        "ceilings",
        sa.Column("shop_id", TEXT, primary_key=True),
        sa.Column("kind", TEXT, primary_key=True),
        sa.Column("hour", TIME, primary_key=True, autoincrement=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column("reached_at", TIME, nullable=True),
    )
    op.create_table(
        "attempts",
        sa.Column("id", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("effect_key", TEXT, nullable=False),
        sa.Column("shop_id", TEXT, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("ended_at", TIME, nullable=True),
        sa.Column("outcome", TEXT, nullable=False, server_default=""),
        sa.Column("detail", JSON, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ux_attempts", "attempts", ["effect_key", "number"], unique=True)
