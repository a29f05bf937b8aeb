"""What somebody reads credit for, said once a sign-in; and who took over from somebody who left."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sign_ins", sa.Column("purpose", sa.Text(), server_default=sa.text("''"), nullable=False))
    op.add_column("accounts", sa.Column("successor_id", sa.BigInteger(), sa.ForeignKey("accounts.id"), nullable=True))
