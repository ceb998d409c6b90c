"""Highest currents: of each phase the highest that a site meter ever told, for when it falls silent."""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for line in ("l1", "l2", "l3"):
        op.execute(f"ALTER TABLE site_meter ADD COLUMN highest_{line}_a double precision")


def downgrade() -> None:
    for line in ("l1", "l2", "l3"):
        op.execute(f"ALTER TABLE site_meter DROP COLUMN highest_{line}_a")
