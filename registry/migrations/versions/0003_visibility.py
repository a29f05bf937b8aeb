"""Who lends, in normal form: by it a bank's people see their own credit (docs/decisions/0004)."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("records", sa.Column("lender_normal", sa.Text(), nullable=True))
    op.create_index(
        "records_lender",
        "records",
        ["lender_normal"],
        unique=False,
        postgresql_where=sa.text("lender_normal IS NOT NULL"),
    )
