"""Add the region of a shop, and the orders of a day that cannot be read."""

import sqlalchemy as sa
from alembic import op

revision = "v0004"
down_revision = "v0003"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
JSON = sa.Text()


def upgrade() -> None:
    """Add the columns."""
    op.add_column("shops", sa.Column("region", TEXT, nullable=False, server_default=""))
    op.add_column("ledger_days", sa.Column("unreadable", JSON, nullable=False, server_default="[]"))
