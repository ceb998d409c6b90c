"""Expected stays: of each planned stay the charging request it goes by, and where arrival and charge are known from."""

import sqlalchemy as sa
from alembic import op

from ampyard.migrations import online

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("planned_stay", sa.Column("request_id", sa.Uuid(), nullable=True))
    op.add_column("planned_stay", sa.Column("arrival_source", sa.Text(), nullable=True))
    op.add_column("planned_stay", sa.Column("energy_source", sa.Text(), nullable=True))
    online.create_index("ix_planned_stay_request", "planned_stay", ["request_id", "made_at"])
    online.add_foreign_key(
        "fk_planned_stay_tenant_id_request_id",
        "planned_stay",
        ["tenant_id", "request_id"],
        "charging_request",
        ["tenant_id", "id"],
        ondelete="SET NULL (request_id)",
    )


def downgrade() -> None:
    for column in ("energy_source", "arrival_source", "request_id"):
        op.drop_column("planned_stay", column)
