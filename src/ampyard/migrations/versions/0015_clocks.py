"""Whose clock is right. By itself: who writes to an EVSE looks at its charge point, so that nobody may lock both in the other order."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("charge_point", sa.Column("clock_offset_s", sa.Double(), nullable=True))
    op.add_column("charge_point", sa.Column("clock_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("charge_point", "clock_at")
    op.drop_column("charge_point", "clock_offset_s")
