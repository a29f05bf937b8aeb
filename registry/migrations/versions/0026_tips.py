"""Reports from the public: desks, their public keys, threads by day, sealed parts in chunks, links without words."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

TABLES = ("tip_chunks", "tip_parts", "tip_links", "tip_threads", "tip_desk_keys", "tip_desks", "tip_outer_keys")


def upgrade() -> None:
    op.create_table(
        "tip_outer_keys",
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("made_on", sa.Date(), nullable=False),
        sa.Column("destroy_on", sa.Date(), nullable=False),
        sa.Column("destroyed_on", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("month"),
    )
    op.create_table(
        "tip_desks",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("two_people", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
        ),
        sa.PrimaryKeyConstraint("organisation_id"),
    )
    op.create_table(
        "tip_desk_keys",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("key_group", sa.Text(), server_default=sa.text("'A'"), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("holder_id", sa.BigInteger(), nullable=False),
        sa.Column("added_by", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_by", sa.BigInteger(), nullable=True),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("ended_because", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("demo", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint("key_group IN ('A', 'B')", name="key_group"),
        sa.CheckConstraint("confirmed_by IS NULL OR confirmed_by <> added_by", name="two_people_vouch"),
        sa.ForeignKeyConstraint(
            ["added_by"],
            ["accounts.id"],
        ),
        sa.ForeignKeyConstraint(
            ["confirmed_by"],
            ["accounts.id"],
        ),
        sa.ForeignKeyConstraint(
            ["holder_id"],
            ["accounts.id"],
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["tip_desks.organisation_id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "tip_desk_keys_current",
        "tip_desk_keys",
        ["organisation_id", "fingerprint"],
        unique=True,
        postgresql_where=sa.text("until IS NULL"),
    )
    op.create_table(
        "tip_threads",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("lookup_hash", sa.LargeBinary(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'received'"), nullable=False),
        sa.Column("acknowledged_on", sa.Date(), nullable=True),
        sa.Column("answered_on", sa.Date(), nullable=True),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.Column("outcome", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.CheckConstraint("state IN ('received', 'acknowledged', 'examined', 'answered', 'closed')", name="tip_state"),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["tip_desks.organisation_id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("lookup_hash"),
    )
    op.create_index("tip_threads_desk", "tip_threads", ["organisation_id", "day"], unique=False)
    op.create_table(
        "tip_links",
        sa.Column("thread_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("linked_on", sa.Date(), nullable=False),
        sa.Column("linked_by", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("kind IN ('project', 'finding', 'case', 'enterprise')", name="tip_link_kind"),
        sa.ForeignKeyConstraint(
            ["linked_by"],
            ["accounts.id"],
        ),
        sa.ForeignKeyConstraint(["thread_id"], ["tip_threads.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("thread_id", "kind", "reference"),
    )
    op.create_table(
        "tip_parts",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("thread_id", sa.Text(), nullable=True),
        sa.Column("draft_hash", sa.LargeBinary(), nullable=True),
        sa.Column("number", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("direction", sa.Text(), server_default=sa.text("'in'"), nullable=False),
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("padded_size", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("chunks", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("complete", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("outer_month", sa.Text(), nullable=False),
        sa.Column("sealed_to", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.CheckConstraint("direction IN ('in', 'out')", name="tip_direction"),
        sa.CheckConstraint("thread_id IS NOT NULL OR draft_hash IS NOT NULL", name="tip_part_belongs"),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["tip_desks.organisation_id"],
        ),
        sa.ForeignKeyConstraint(["thread_id"], ["tip_threads.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "tip_parts_draft", "tip_parts", ["draft_hash"], unique=False, postgresql_where=sa.text("draft_hash IS NOT NULL")
    )
    op.create_index("tip_parts_month", "tip_parts", ["outer_month"], unique=False)
    op.create_index("tip_parts_thread", "tip_parts", ["thread_id", "number"], unique=False)
    op.create_table(
        "tip_chunks",
        sa.Column("part_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["part_id"], ["tip_parts.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("part_id", "number"),
    )
    # What is sealed does not get smaller.
    op.execute("ALTER TABLE tip_chunks ALTER COLUMN content SET STORAGE EXTERNAL")


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
