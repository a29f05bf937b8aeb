"""The texts of the law: documents, articles, and who has which duty by them."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "law_documents",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("title_zh", sa.Text(), nullable=False),
        sa.Column("title_en", sa.Text(), nullable=False),
        sa.Column("signed", sa.Date(), nullable=True),
        sa.Column("binds_from", sa.Date(), nullable=False),
        sa.Column("assumption", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("translation", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "law_articles",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("document_id", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("clause_zh", sa.Text(), nullable=False),
        sa.Column("clause_en", sa.Text(), nullable=False),
        sa.Column("text_zh", sa.Text(), nullable=False),
        sa.Column("text_en", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["document_id"], ["law_documents.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_law_articles_document_id"), "law_articles", ["document_id"], unique=False)
    op.create_table(
        "law_duties",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("document_id", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column("article_id", sa.Text(), nullable=True),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("task_zh", sa.Text(), nullable=False),
        sa.Column("task_en", sa.Text(), nullable=False),
        sa.Column("responsible_zh", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("responsible", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("participants_zh", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("participants", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("others", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("rules", sa.ARRAY(sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["article_id"], ["law_articles.id"]),
        sa.ForeignKeyConstraint(["document_id"], ["law_documents.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
