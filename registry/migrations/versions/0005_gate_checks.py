"""Gate checks, their receipts and watches; obligations; drafts of rules."""

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""
