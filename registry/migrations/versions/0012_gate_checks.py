"""Gate checks with their signed receipts, notices of lost standing, marks of acts, batches, public keys."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from registry.history import protect

revision = "0012"
down_revision = "0021"
branch_labels = None
depends_on = None

REFUSE_CHANGE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what was written into % is never changed nor deleted', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$
"""
KEPT = ("gate_keys", "gate_batches", "gate_checks", "gate_notices")


def upgrade() -> None:
    op.create_table(
        "gate_batches",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asker", sa.Text(), nullable=False),
        sa.Column("asker_kind", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("organisation_id", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("organisation_name", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("finance", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("questions", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("address"),
    )
    op.create_index("gate_batches_organisation", "gate_batches", ["organisation_id", "asked_at"], unique=False)
    op.create_table(
        "gate_keys",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "gate_checks",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asker", sa.Text(), nullable=False),
        sa.Column("asker_kind", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("organisation_id", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("finance", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("acted_on", sa.Date(), nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=True),
        sa.Column("enterprise_id", sa.BigInteger(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("reasons", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("holds_until", sa.Date(), nullable=True),
        sa.Column("amount", sa.Numeric(), nullable=True),
        sa.Column("question", postgresql.JSONB(), nullable=False),
        sa.Column("receipt", sa.LargeBinary(), nullable=False),
        sa.Column("recheck_of", sa.BigInteger(), nullable=True),
        sa.Column("batch_id", sa.BigInteger(), nullable=True),
        sa.Column("batch_row", sa.Integer(), nullable=True),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column("question_hash", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"],
            ["gate_batches.id"],
        ),
        sa.ForeignKeyConstraint(
            ["enterprise_id"],
            ["enterprises.id"],
        ),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["projects.id"],
        ),
        sa.ForeignKeyConstraint(
            ["recheck_of"],
            ["gate_checks.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("address"),
    )
    op.create_index(
        "gate_checks_batch",
        "gate_checks",
        ["batch_id", "batch_row"],
        unique=True,
        postgresql_where=sa.text("batch_id IS NOT NULL"),
    )
    op.create_index(
        "gate_checks_idempotency",
        "gate_checks",
        ["asker", "idempotency_key"],
        unique=True,
        postgresql_where=sa.text("idempotency_key IS NOT NULL"),
    )
    op.create_index("gate_checks_organisation", "gate_checks", ["organisation_id", "id"], unique=False)
    op.create_index("gate_checks_project", "gate_checks", ["project_id", "act", "asked_at"], unique=False)
    op.create_index(
        "gate_checks_recheck",
        "gate_checks",
        ["recheck_of"],
        unique=False,
        postgresql_where=sa.text("recheck_of IS NOT NULL"),
    )
    op.create_table(
        "gate_marks",
        sa.Column("known_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("known_to", sa.DateTime(timezone=True), server_default=sa.text("'infinity'"), nullable=False),
        sa.Column("version_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("record_id", sa.BigInteger(), nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("mark", sa.Text(), nullable=False),
        sa.Column("check_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["check_id"],
            ["gate_checks.id"],
        ),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["projects.id"],
        ),
        sa.PrimaryKeyConstraint("version_id"),
    )
    op.create_index(
        "gate_marks_current",
        "gate_marks",
        ["record_id", "project_id"],
        unique=True,
        postgresql_where=sa.text("known_to = 'infinity'"),
    )
    op.create_index(
        "gate_marks_project",
        "gate_marks",
        ["project_id"],
        unique=False,
        postgresql_where=sa.text("known_to = 'infinity'"),
    )
    op.create_table(
        "gate_notices",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("check_id", sa.BigInteger(), nullable=False),
        sa.Column("organisation_id", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("asker", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("content", postgresql.JSONB(), nullable=False),
        sa.ForeignKeyConstraint(
            ["check_id"],
            ["gate_checks.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("gate_notices_check", "gate_notices", ["check_id", "id"], unique=False)
    op.create_index("gate_notices_organisation", "gate_notices", ["organisation_id", "id"], unique=False)
    op.execute(REFUSE_CHANGE)
    for table in KEPT:
        op.execute(
            f"CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        op.execute(
            f"CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    for statement in protect("gate_marks"):
        op.execute(statement)
