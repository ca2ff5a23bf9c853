"""Store what a set of rules asks for once, and of each order only the answers.

Evaluations of the older form are dropped: no version that wrote them was published.
"""

import sqlalchemy as sa
from alembic import op

revision = "v0005"
down_revision = "v0004"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
TIME = sa.BigInteger()
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables anew."""
    op.create_table(
        "asked_rules",
        sa.Column("name", TEXT, primary_key=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
    )
    op.drop_table("evaluations")
    op.create_table(
        "evaluations",
        sa.Column("id", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("shop_id", TEXT, nullable=False),
        sa.Column("order_ref", TEXT, nullable=False),
        sa.Column("occurrence_id", NUMBER, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("asked", TEXT, nullable=False),
        sa.Column("answers", sa.LargeBinary(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ux_evaluations", "evaluations", ["occurrence_id"], unique=True)
