"""Add apps, keys that end, requests of people, and orders kept without their buyer."""

import sqlalchemy as sa
from alembic import op

revision = "v0008"
down_revision = "v0007"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
TIME = sa.BigInteger()
JSON = sa.Text()
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "apps",
        sa.Column("platform", TEXT, primary_key=True),
        sa.Column("client_id", TEXT, primary_key=True),
        sa.Column("settings", JSON, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_old", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", TIME, nullable=False),
    )
    op.create_table(
        "shop_tokens",
        sa.Column("shop_id", TEXT, primary_key=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("scope", TEXT, nullable=False, server_default=""),
        sa.Column("got_at", TIME, nullable=True),
        sa.Column("expires_at", TIME, nullable=True),
        sa.Column("refresh_until", TIME, nullable=True),
        sa.Column("holder", TEXT, nullable=False, server_default=""),
        sa.Column("held_until", TIME, nullable=True),
    )
    op.create_table(
        "privacy_requests",
        sa.Column("id", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("shop_id", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("digest", TEXT, nullable=False),
        sa.Column("received_at", TIME, nullable=False),
        sa.Column("due_at", TIME, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("done_at", TIME, nullable=True),
        sa.Column("result", JSON, nullable=False),
        sa.Column("subject", sa.LargeBinary(), nullable=True),
        sa.Column("export", sa.LargeBinary(), nullable=True),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ux_privacy_requests", "privacy_requests", ["shop_id", "kind", "digest"], unique=True
    )
    op.create_table(
        "erased_orders",
        sa.Column("shop_id", TEXT, primary_key=True),
        sa.Column("order_ref", TEXT, primary_key=True),
        sa.Column("at", TIME, nullable=False),
    )
