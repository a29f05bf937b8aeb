"""The life of findings: episodes, people's decisions, drafted values of the law, backtests, obligations."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from registry.history import protect

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_HISTORICAL = ("finding_decisions", "parameter_values", "obligations")


def upgrade() -> None:
    op.create_table(
        "obligations",
        sa.Column("known_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("known_to", sa.DateTime(timezone=True), server_default=sa.text("'infinity'"), nullable=False),
        sa.Column("version_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("measure", sa.Text(), nullable=False),
        sa.Column("elimination", sa.Text(), nullable=False),
        sa.Column("enterprise_id", sa.BigInteger(), nullable=False),
        sa.Column("region", sa.Text(), nullable=True),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("deadline", sa.Date(), nullable=False),
        sa.Column("due", sa.Date(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("evidence", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("evidence_hash", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("synthetic", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("first_seen", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('open', 'done', 'late', 'lapsed')", name="obligation_state"),
        sa.ForeignKeyConstraint(
            ["enterprise_id"],
            ["enterprises.id"],
        ),
        sa.PrimaryKeyConstraint("version_id"),
    )
    op.create_index(
        "obligations_current",
        "obligations",
        ["reference"],
        unique=True,
        postgresql_where=sa.text("known_to = 'infinity'"),
    )
    op.create_index("obligations_enterprise", "obligations", ["enterprise_id", "known_to"], unique=False)
    op.create_table(
        "finding_decisions",
        sa.Column("known_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("known_to", sa.DateTime(timezone=True), server_default=sa.text("'infinity'"), nullable=False),
        sa.Column("version_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("episode", sa.Integer(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("evidence_hash", sa.Text(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("organisation_id", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.CheckConstraint("decision = 'confirmed' OR reason <> ''", name="decision_reason"),
        sa.CheckConstraint("decision IN ('confirmed', 'dismissed', 'not_ours', 'withdrawn')", name="decision_word"),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
        ),
        sa.PrimaryKeyConstraint("version_id"),
    )
    op.create_index("finding_decisions_of_finding", "finding_decisions", ["fingerprint"], unique=False)
    op.create_index(
        "finding_decisions_current",
        "finding_decisions",
        ["fingerprint", "episode"],
        unique=True,
        postgresql_where=sa.text("known_to = 'infinity'"),
    )
    op.create_table(
        "backtests",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("proposal_id", sa.BigInteger(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ran_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("as_of", sa.Date(), nullable=True),
        sa.Column("law_digest", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("result", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("problem", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.ForeignKeyConstraint(
            ["proposal_id"],
            ["proposals.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("backtests_proposal", "backtests", ["proposal_id"], unique=False)
    op.create_table(
        "parameter_values",
        sa.Column("known_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("known_to", sa.DateTime(timezone=True), server_default=sa.text("'infinity'"), nullable=False),
        sa.Column("version_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("parameter", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("content", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("proposal_id", sa.BigInteger(), nullable=False),
        sa.Column("drafted_by", sa.BigInteger(), nullable=False),
        sa.Column("activated_by", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("drafted_by <> activated_by", name="parameter_two_people"),
        sa.ForeignKeyConstraint(
            ["activated_by"],
            ["accounts.id"],
        ),
        sa.ForeignKeyConstraint(
            ["drafted_by"],
            ["accounts.id"],
        ),
        sa.ForeignKeyConstraint(
            ["proposal_id"],
            ["proposals.id"],
        ),
        sa.PrimaryKeyConstraint("version_id"),
    )
    op.create_index(
        "parameter_values_current",
        "parameter_values",
        ["parameter", "region", "since"],
        unique=True,
        postgresql_where=sa.text("known_to = 'infinity'"),
    )
    op.add_column(
        "findings", sa.Column("closed_facts", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False)
    )
    op.add_column("findings", sa.Column("episode", sa.Integer(), server_default=sa.text("1"), nullable=False))
    for table in _HISTORICAL:
        for statement in protect(table):
            op.execute(statement)
