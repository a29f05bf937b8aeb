"""The formalities among the records in an index of their own: a nation is judged without reading every record twice."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "records_formalities",
        "records",
        ["record_id"],
        unique=False,
        postgresql_include=["act", "acted_on", "expires", "revoked"],
        postgresql_where=sa.text(
            "known_to = 'infinity' AND act IN ('land_grant', 'land_pre_review', 'eia_approval', 'energy_assessment')"
        ),
    )
