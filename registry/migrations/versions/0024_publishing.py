"""Publications: versions, objections, replies, appeals, and the chain of what became public."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from registry.publishing.tables import TRIGGERS

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_TABLES = (
    "publication_chain",
    "publication_appeals",
    "publication_replies",
    "publication_objections",
    "publication_versions",
    "publications",
)


def upgrade() -> None:
    """Add the tables with their triggers."""
    op.create_table(
        "publications",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("sector", sa.Text(), nullable=True),
        sa.Column("project_id", sa.BigInteger(), nullable=True),
        sa.Column("enterprise_id", sa.BigInteger(), nullable=True),
        sa.Column("synthetic", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("public_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_reason", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.CheckConstraint("(withdrawn_at IS NULL) = (withdrawn_reason = '')", name="publication_withdrawn"),
        sa.CheckConstraint(
            "kind IN ('disposition', 'rectification', 'elimination_list', 'replacement_plan', 'statistics')",
            name="publication_kind",
        ),
        sa.ForeignKeyConstraint(
            ["enterprise_id"],
            ["enterprises.id"],
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
        ),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["projects.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("reference"),
    )
    op.create_index(op.f("ix_publications_enterprise_id"), "publications", ["enterprise_id"], unique=False)
    op.create_index(op.f("ix_publications_project_id"), "publications", ["project_id"], unique=False)
    op.create_index("publications_public", "publications", ["public_since", "id"], unique=False)
    op.create_index("publications_subject", "publications", ["kind", "subject"], unique=False)
    op.create_table(
        "publication_appeals",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("publication_id", sa.BigInteger(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("grounds", sa.Text(), nullable=False),
        sa.Column("file_hash", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("received_by", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'open'"), nullable=False),
        sa.Column("outcome", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("answer", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("content_hash", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("answered_by", sa.BigInteger(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("shown", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint(
            "(state = 'open') = (answered_by IS NULL) AND (answered_by IS NULL OR answered_by <> received_by)",
            name="publication_appeal_two_people",
        ),
        sa.CheckConstraint("(state = 'upheld') = (outcome <> '')", name="publication_appeal_follows"),
        sa.CheckConstraint("outcome IN ('', 'correct', 'withdraw')", name="publication_appeal_outcome"),
        sa.CheckConstraint("state IN ('open', 'upheld', 'rejected')", name="publication_appeal_state"),
        sa.ForeignKeyConstraint(
            ["answered_by"],
            ["accounts.id"],
        ),
        sa.ForeignKeyConstraint(
            ["publication_id"],
            ["publications.id"],
        ),
        sa.ForeignKeyConstraint(
            ["received_by"],
            ["accounts.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        op.f("ix_publication_appeals_publication_id"), "publication_appeals", ["publication_id"], unique=False
    )
    op.create_table(
        "publication_chain",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("publication_id", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("item", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("evidence_hash", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("previous", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "event IN ('displayed', 'published', 'corrected', 'withdrawn', 'reply', 'answer', 'appeal')",
            name="publication_event",
        ),
        sa.ForeignKeyConstraint(
            ["publication_id"],
            ["publications.id"],
        ),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("digest"),
    )
    op.create_index("publication_chain_publication", "publication_chain", ["publication_id", "number"], unique=False)
    op.create_table(
        "publication_replies",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("publication_id", sa.BigInteger(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("enterprise_name", sa.Text(), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("covered", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("file_hash", sa.Text(), nullable=False),
        sa.Column("received_by", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'open'"), nullable=False),
        sa.Column("confirmed_by", sa.BigInteger(), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("refusal", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("shown", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint("NOT shown OR state = 'confirmed'", name="publication_reply_shown"),
        sa.CheckConstraint(
            "state = 'open' OR (confirmed_by IS NOT NULL AND confirmed_by <> received_by)",
            name="publication_reply_two_people",
        ),
        sa.CheckConstraint("state IN ('open', 'confirmed', 'refused')", name="publication_reply_state"),
        sa.ForeignKeyConstraint(
            ["confirmed_by"],
            ["accounts.id"],
        ),
        sa.ForeignKeyConstraint(
            ["publication_id"],
            ["publications.id"],
        ),
        sa.ForeignKeyConstraint(
            ["received_by"],
            ["accounts.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        op.f("ix_publication_replies_publication_id"), "publication_replies", ["publication_id"], unique=False
    )
    op.create_table(
        "publication_versions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("publication_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'draft'"), nullable=False),
        sa.Column("accuses", sa.Boolean(), nullable=False),
        sa.Column("content", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("content_hash", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("evidence", postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("evidence_hash", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("title_zh", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("title_en", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("title_normal", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("title_pinyin", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("names", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("names_normal", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("reason", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("drafted_by", sa.BigInteger(), nullable=False),
        sa.Column("drafted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("approved_by", sa.BigInteger(), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("second_approved_by", sa.BigInteger(), nullable=True),
        sa.Column("second_approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("displayed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("objections_until", sa.Date(), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint(
            "(displayed_at IS NULL) = (objections_until IS NULL) AND (state <> 'displayed' OR displayed_at IS NOT NULL)",
            name="publication_displayed",
        ),
        sa.CheckConstraint(
            "NOT state IN ('displayed', 'published', 'superseded', 'withdrawn') OR (approved_by IS NOT NULL AND approved_by <> drafted_by AND content_hash <> '' AND evidence_hash <> '' AND (NOT accuses OR (second_approved_by IS NOT NULL AND second_approved_by <> drafted_by AND second_approved_by <> approved_by AND evidence <> '[]'::jsonb)))",
            name="publication_gate",
        ),
        sa.CheckConstraint(
            "state IN ('draft', 'submitted', 'displayed', 'published', 'superseded', 'withdrawn', 'refused', 'dropped')",
            name="publication_version_state",
        ),
        sa.CheckConstraint(
            "state NOT IN ('published', 'superseded') OR published_at IS NOT NULL", name="publication_published"
        ),
        sa.ForeignKeyConstraint(
            ["approved_by"],
            ["accounts.id"],
        ),
        sa.ForeignKeyConstraint(
            ["drafted_by"],
            ["accounts.id"],
        ),
        sa.ForeignKeyConstraint(
            ["publication_id"],
            ["publications.id"],
        ),
        sa.ForeignKeyConstraint(
            ["second_approved_by"],
            ["accounts.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("publication_id", "number"),
    )
    op.create_index(
        "publication_in_force",
        "publication_versions",
        ["publication_id"],
        unique=True,
        postgresql_where=sa.text("state = 'published'"),
    )
    op.create_index(
        "publication_on_its_way",
        "publication_versions",
        ["publication_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('draft', 'submitted', 'displayed')"),
    )
    op.create_table(
        "publication_objections",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("publication_id", sa.BigInteger(), nullable=False),
        sa.Column("version_id", sa.BigInteger(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("file_hash", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("received_by", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'open'"), nullable=False),
        sa.Column("answer", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("answered_by", sa.BigInteger(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("shown", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint("(state = 'open') = (answered_by IS NULL)", name="publication_objection_answered"),
        sa.CheckConstraint("state IN ('open', 'upheld', 'rejected')", name="publication_objection_state"),
        sa.CheckConstraint(
            "answered_by IS NULL OR answered_by <> received_by", name="publication_objection_two_people"
        ),
        sa.ForeignKeyConstraint(
            ["answered_by"],
            ["accounts.id"],
        ),
        sa.ForeignKeyConstraint(
            ["publication_id"],
            ["publications.id"],
        ),
        sa.ForeignKeyConstraint(
            ["received_by"],
            ["accounts.id"],
        ),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["publication_versions.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        op.f("ix_publication_objections_publication_id"), "publication_objections", ["publication_id"], unique=False
    )

    for statement in TRIGGERS:
        op.execute(statement)


def downgrade() -> None:
    """Without them."""
    for table in _TABLES:
        op.drop_table(table)
    op.execute("DROP FUNCTION keep_publication_frozen")
    op.execute("DROP FUNCTION keep_publication_chain")
