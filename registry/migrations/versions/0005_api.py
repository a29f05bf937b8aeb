"""Keys that are rotated hold for a while in both secrets; answers to idempotency keys are found by their age."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("api_keys", sa.Column("previous_hash", sa.LargeBinary(), nullable=True))
    op.add_column("api_keys", sa.Column("previous_until", sa.DateTime(timezone=True), nullable=True))
    op.create_unique_constraint(None, "api_keys", ["previous_hash"])
    op.create_index("idempotent_answers_age", "idempotent_answers", ["created_at"], unique=False)
