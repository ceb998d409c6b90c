"""Turns: since when an EVSE has been given power, so that those who wait get theirs."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("allocation", sa.Column("charging_since", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("allocation", "charging_since")
