"""Charging profiles: what EVSEs were told and how often, how they and vehicles are connected."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_SET_POINTS = sa.text("""'{"kind": "CONTINUOUS", "listed_a": []}'""")


def upgrade() -> None:
    op.add_column("evse", sa.Column("phase_rotation", sa.Text(), server_default="UNKNOWN", nullable=False))
    op.add_column("evse", sa.Column("voltage_v", sa.Double(), server_default=sa.text("230"), nullable=False))
    op.add_column("evse", sa.Column("line_to_line", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("evse", sa.Column("set_points", postgresql.JSONB(), server_default=_SET_POINTS, nullable=False))
    op.add_column("evse", sa.Column("told", postgresql.JSONB(), nullable=True))
    op.add_column("evse", sa.Column("in_force", postgresql.JSONB(), nullable=True))
    op.add_column("evse", sa.Column("profile_writes", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.add_column("evse", sa.Column("profile_written_at", _MOMENT, nullable=True))
    op.add_column("evse", sa.Column("profile_paid_at", _MOMENT, nullable=True))
    op.add_column("transaction", sa.Column("measured_phases", sa.SmallInteger(), nullable=True))
    op.add_column("vehicle_type", sa.Column("ac_phases", sa.SmallInteger(), nullable=True))
    op.add_column("vehicle", sa.Column("ac_phases", sa.SmallInteger(), nullable=True))
    op.add_column("vehicle", sa.Column("own_ac_phases", sa.SmallInteger(), nullable=True))
    # How often profiles were written is counted over all tenants.
    op.execute("GRANT SELECT (profile_writes) ON evse TO ampyard_system")
    op.execute("CREATE POLICY system_reads ON evse FOR SELECT TO ampyard_system USING (true)")


def downgrade() -> None:
    op.execute("DROP POLICY system_reads ON evse")
    op.execute("REVOKE SELECT (profile_writes) ON evse FROM ampyard_system")
    op.drop_column("vehicle", "own_ac_phases")
    op.drop_column("vehicle", "ac_phases")
    op.drop_column("vehicle_type", "ac_phases")
    op.drop_column("transaction", "measured_phases")
    op.drop_column("evse", "profile_paid_at")
    op.drop_column("evse", "profile_written_at")
    op.drop_column("evse", "profile_writes")
    op.drop_column("evse", "in_force")
    op.drop_column("evse", "told")
    op.drop_column("evse", "set_points")
    op.drop_column("evse", "line_to_line")
    op.drop_column("evse", "voltage_v")
    op.drop_column("evse", "phase_rotation")
