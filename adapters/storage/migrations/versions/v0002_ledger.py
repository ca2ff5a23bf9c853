"""Add the ledger of a shop: its days, mended misses and repaired webhooks."""

import sqlalchemy as sa
from alembic import op

revision = "v0002"
down_revision = "v0001"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
TIME = sa.BigInteger()
JSON = sa.Text()
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables, and the index by which a day's orders are counted."""
    op.create_index("ix_orders_placed", "orders", ["shop_id", "placed_at"])
    op.create_table(
        "missed_orders",
        sa.Column("id", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("shop_id", TEXT, nullable=False),
        sa.Column("order_ref", TEXT, nullable=False),
        sa.Column("changed_at", TIME, nullable=False),
        sa.Column("found_at", TIME, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ux_missed_orders", "missed_orders", ["shop_id", "order_ref", "changed_at"], unique=True
    )
    op.create_index("ix_missed_orders_found", "missed_orders", ["shop_id", "found_at"])
    op.create_table(
        "ledger_days",
        sa.Column("shop_id", TEXT, primary_key=True),
        sa.Column("day", TEXT, primary_key=True),
        sa.Column("shop_says", sa.Integer(), nullable=False),
        sa.Column("we_hold", sa.Integer(), nullable=False),
        sa.Column("missing", JSON, nullable=False),
        sa.Column("checked_at", TIME, nullable=False),
    )
    op.create_table(
        "webhook_repairs",
        sa.Column("id", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("shop_id", TEXT, nullable=False),
        sa.Column("topic", TEXT, nullable=False),
        sa.Column("was", TEXT, nullable=False),
        sa.Column("became", TEXT, nullable=False),
        sa.Column("repaired_at", TIME, nullable=False),
        sa.Column("gap_since", TIME, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_webhook_repairs", "webhook_repairs", ["shop_id", "repaired_at"])
