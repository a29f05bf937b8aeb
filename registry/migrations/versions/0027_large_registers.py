"""Indexes that a large register needs: its formalities apart, projects by their whole name, marks by whose turn it is."""

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
    op.create_index(
        "project_versions_whole_name",
        "project_versions",
        ["name_normal"],
        unique=False,
        postgresql_include=["project_id", "region"],
        postgresql_where=sa.text("known_to = 'infinity'"),
    )
    op.create_index(
        "project_versions_place",
        "project_versions",
        ["sector", "region"],
        unique=False,
        postgresql_include=["owner_id"],
        postgresql_where=sa.text("known_to = 'infinity'"),
    )
    op.drop_index("project_versions_owner", table_name="project_versions")
    op.create_index(
        "project_versions_owner",
        "project_versions",
        ["owner_id"],
        unique=False,
        postgresql_include=["project_id"],
        postgresql_where=sa.text("known_to = 'infinity'"),
    )
    op.create_index("dirty_marks_turn", "dirty_marks", ["purpose", "run_id", "mark"], unique=False)
