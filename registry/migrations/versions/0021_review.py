"""Reviewing: whose hand a decision was and for whom, what stood at stake, the suspected project a record went into."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

COLUMNS = ("account_id", "acts_for", "stake", "suspected_id")


def upgrade() -> None:
    """Add the columns."""
    op.add_column("link_decisions", sa.Column("account_id", sa.BigInteger(), nullable=True))
    op.add_column(
        "link_decisions",
        sa.Column("acts_for", sa.ARRAY(sa.BigInteger()), server_default=sa.text("'{}'"), nullable=False),
    )
    op.add_column(
        "link_decisions", sa.Column("stake", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False)
    )
    op.add_column("link_decisions", sa.Column("suspected_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        "link_decisions_suspected_id_fkey", "link_decisions", "suspected_projects", ["suspected_id"], ["id"]
    )
    op.add_column(
        "suspected_versions", sa.Column("credit_only", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    # A decision is taken back once.
    op.create_index(
        "link_decisions_undoes",
        "link_decisions",
        ["undoes"],
        unique=True,
        postgresql_where=sa.text("undoes IS NOT NULL"),
    )


def downgrade() -> None:
    """Without the columns."""
    op.drop_index("link_decisions_undoes", "link_decisions")
    op.drop_column("suspected_versions", "credit_only")
    for column in COLUMNS:
        op.drop_column("link_decisions", column)
