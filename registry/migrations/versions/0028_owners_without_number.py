"""An index of the enterprises without a USCC, which linking asks of every project's owner."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "enterprise_versions_without_uscc",
        "enterprise_versions",
        ["enterprise_id"],
        unique=False,
        postgresql_where=sa.text("uscc IS NULL AND known_to = 'infinity'"),
    )
