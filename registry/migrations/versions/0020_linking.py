"""Linking: candidates, reviews, reviewers' decisions; suspected projects."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from registry.history import protect

revision = "0020"
down_revision = "0011"
branch_labels = None
depends_on = None

PROTECTED = ("link_candidates", "review_items", "suspected_versions", "suspected_members")


def upgrade() -> None:
    op.create_table(
        "link_decisions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("record_id", sa.BigInteger(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("project_ids", sa.ARRAY(sa.BigInteger()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("reason", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("organisation_id", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("record_version_id", sa.BigInteger(), nullable=True),
        sa.Column("shown", postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("in_force", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("seconds", sa.BigInteger(), nullable=True),
        sa.Column("undoes", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("verdict IN ('accept', 'reject', 'new_project', 'unsure', 'undo')", name="link_verdict"),
        sa.ForeignKeyConstraint(
            ["seconds"],
            ["link_decisions.id"],
        ),
        sa.ForeignKeyConstraint(
            ["undoes"],
            ["link_decisions.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("link_decisions_record", "link_decisions", ["record_id", "id"], unique=False)
    op.create_table(
        "review_items",
        sa.Column("known_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("known_to", sa.DateTime(timezone=True), server_default=sa.text("'infinity'"), nullable=False),
        sa.Column("version_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("record_id", sa.BigInteger(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("best_score", sa.Float(), server_default=sa.text("0"), nullable=False),
        sa.Column("candidates", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("amount", sa.Numeric(), nullable=True),
        sa.Column("area_hectares", sa.Numeric(), nullable=True),
        sa.PrimaryKeyConstraint("version_id"),
    )
    op.create_index(
        "review_items_current",
        "review_items",
        ["record_id"],
        unique=True,
        postgresql_where=sa.text("known_to = 'infinity'"),
    )
    op.create_index(
        "review_items_queue",
        "review_items",
        ["best_score", "record_id"],
        unique=False,
        postgresql_where=sa.text("known_to = 'infinity'"),
    )
    op.create_table(
        "suspected_projects",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "link_candidates",
        sa.Column("known_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("known_to", sa.DateTime(timezone=True), server_default=sa.text("'infinity'"), nullable=False),
        sa.Column("version_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("record_id", sa.BigInteger(), nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("explanation", postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["projects.id"],
        ),
        sa.PrimaryKeyConstraint("version_id"),
    )
    op.create_index(
        "link_candidates_current",
        "link_candidates",
        ["record_id", "project_id"],
        unique=True,
        postgresql_where=sa.text("known_to = 'infinity'"),
    )
    op.create_index(
        "link_candidates_project",
        "link_candidates",
        ["project_id"],
        unique=False,
        postgresql_where=sa.text("known_to = 'infinity'"),
    )
    op.create_table(
        "suspected_members",
        sa.Column("known_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("known_to", sa.DateTime(timezone=True), server_default=sa.text("'infinity'"), nullable=False),
        sa.Column("version_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("suspected_id", sa.BigInteger(), nullable=False),
        sa.Column("record_id", sa.BigInteger(), nullable=False),
        sa.Column("evidence", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("decided_by", sa.Text(), server_default=sa.text("'linker'"), nullable=False),
        sa.ForeignKeyConstraint(
            ["suspected_id"],
            ["suspected_projects.id"],
        ),
        sa.PrimaryKeyConstraint("version_id"),
    )
    op.create_index(
        "suspected_members_current",
        "suspected_members",
        ["record_id"],
        unique=True,
        postgresql_where=sa.text("known_to = 'infinity'"),
    )
    op.create_index(
        "suspected_members_suspected",
        "suspected_members",
        ["suspected_id"],
        unique=False,
        postgresql_where=sa.text("known_to = 'infinity'"),
    )
    op.create_table(
        "suspected_versions",
        sa.Column("known_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("known_to", sa.DateTime(timezone=True), server_default=sa.text("'infinity'"), nullable=False),
        sa.Column("version_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("suspected_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'open'"), nullable=False),
        sa.Column("merged_into", sa.BigInteger(), nullable=True),
        sa.Column("project_id", sa.BigInteger(), nullable=True),
        sa.Column("project_name", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("party_name", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("party_name_normal", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("party_uscc", sa.Text(), nullable=True),
        sa.Column("enterprise_id", sa.BigInteger(), nullable=True),
        sa.Column("sector", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("records", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("lanes", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("first_act", sa.Date(), nullable=True),
        sa.Column("last_act", sa.Date(), nullable=True),
        sa.Column("synthetic", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("decided_by", sa.Text(), server_default=sa.text("'linker'"), nullable=False),
        sa.Column("reason", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.CheckConstraint("state IN ('open', 'merged', 'registered', 'dismissed', 'empty')", name="suspected_state"),
        sa.ForeignKeyConstraint(
            ["enterprise_id"],
            ["enterprises.id"],
        ),
        sa.ForeignKeyConstraint(
            ["merged_into"],
            ["suspected_projects.id"],
        ),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["projects.id"],
        ),
        sa.ForeignKeyConstraint(
            ["suspected_id"],
            ["suspected_projects.id"],
        ),
        sa.PrimaryKeyConstraint("version_id"),
    )
    op.create_index("ix_suspected_versions_suspected_id", "suspected_versions", ["suspected_id"], unique=False)
    op.create_index(
        "suspected_versions_current",
        "suspected_versions",
        ["suspected_id"],
        unique=True,
        postgresql_where=sa.text("known_to = 'infinity'"),
    )
    op.create_index(
        "suspected_versions_sector",
        "suspected_versions",
        ["sector", "region"],
        unique=False,
        postgresql_where=sa.text("known_to = 'infinity'"),
    )

    op.create_table(
        "link_models",
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("weights", sa.Text(), nullable=False),
        sa.Column("trained_by", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("trained_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("version"),
    )
    # Open records are looked through when a project or a name is new.
    op.create_index(
        "links_disguised",
        "links",
        ["record_id"],
        unique=False,
        postgresql_where=sa.text("known_to = 'infinity' AND evidence ? 'disguise'"),
    )
    op.create_index(
        "links_open",
        "links",
        ["record_id"],
        unique=False,
        postgresql_where=sa.text("known_to = 'infinity' AND outcome <> 'linked'"),
    )
    for table in PROTECTED:
        for statement in protect(table):
            op.execute(statement)


def downgrade() -> None:
    """Without the tables; what reviewers decided is lost."""
    op.drop_index("links_disguised", table_name="links")
    op.drop_index("links_open", table_name="links")
    for table in (*PROTECTED, "link_decisions", "link_models", "suspected_projects"):
        op.drop_table(table)
