"""What the whole law needs: dispositions, replacement plans, eliminations, restrictions."""

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""
