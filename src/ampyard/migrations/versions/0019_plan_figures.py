"""Plan figures: how good plans are and how long they take is counted over all tenants."""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("GRANT SELECT (id, tenant_id, depot_id, made_at, fresh_until, status, gap, solve_s) ON depot_plan TO ampyard_system")
    op.execute("CREATE POLICY system_reads ON depot_plan FOR SELECT TO ampyard_system USING (true)")


def downgrade() -> None:
    op.execute("DROP POLICY system_reads ON depot_plan")
    op.execute("REVOKE SELECT (id, tenant_id, depot_id, made_at, fresh_until, status, gap, solve_s) ON depot_plan FROM ampyard_system")
