"""Add tickets: what counts once and for a short time."""

import sqlalchemy as sa
from alembic import op

revision = "v0006"
down_revision = "v0005"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "tickets",
        sa.Column("purpose", TEXT, primary_key=True),
        sa.Column("name", TEXT, primary_key=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
    )
    op.create_index("ix_tickets_expires", "tickets", ["expires_at"])
