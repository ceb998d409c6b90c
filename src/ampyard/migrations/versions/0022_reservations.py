"""EVSEs that are kept for somebody."""

import sqlalchemy as sa
from alembic import op

from ampyard.migrations.policies import protect

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_OPEN = sa.text("state IN ('REQUESTED', 'ACTIVE')")


def upgrade() -> None:
    op.execute(sa.schema.CreateSequence(sa.Sequence("reservation_number_seq", data_type=sa.Integer)))
    op.execute("GRANT USAGE ON SEQUENCE reservation_number_seq TO ampyard_app")
    op.create_table(
        "reservation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("depot_id", sa.Uuid(), nullable=False),
        sa.Column("charge_point_id", sa.Uuid(), nullable=False),
        sa.Column("evse_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("id_tag", sa.Text(), nullable=False),
        sa.Column("id_tag_kind", sa.Text(), nullable=False),
        sa.Column("group_id", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("expires_at", _MOMENT, nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=True),
        sa.Column("partner_id", sa.Uuid(), nullable=True),
        sa.Column("partner_reference", sa.Text(), nullable=True),
        sa.Column("authorization_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", _MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", _MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("ended_at", _MOMENT, nullable=True),
        *(_ref(column, target) for column, target in _TARGETS.items()),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_reservation_tenant_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reservation")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_reservation_tenant_id_id")),
        sa.UniqueConstraint("number", name=op.f("uq_reservation_number")),
    )
    op.create_index("ix_reservation_list", "reservation", ["tenant_id", "created_at", "id"])
    op.create_index("ix_reservation_evse", "reservation", ["evse_id", "created_at", "id"])
    op.create_index("ix_reservation_partner", "reservation", ["partner_id", "partner_reference"])
    op.create_index("ix_reservation_open", "reservation", ["expires_at"], postgresql_where=_OPEN)
    op.create_index("uq_reservation_kept", "reservation", ["evse_id"], unique=True, postgresql_where=_OPEN)
    protect("reservation", reach="EXISTS (SELECT FROM charge_point p WHERE p.id = charge_point_id)")
    op.execute("GRANT SELECT (id, tenant_id, state, expires_at) ON reservation TO ampyard_system")
    op.execute("CREATE POLICY system_reads ON reservation FOR SELECT TO ampyard_system USING (true)")


_TARGETS = {"depot_id": "depot", "charge_point_id": "charge_point", "evse_id": "evse", "transaction_id": "transaction"}


def _ref(column: str, target: str) -> sa.Constraint:
    name = op.f(f"fk_reservation_tenant_id_{column}")
    return sa.ForeignKeyConstraint(["tenant_id", column], [f"{target}.tenant_id", f"{target}.id"], name=name, ondelete="CASCADE")


def downgrade() -> None:
    op.drop_table("reservation")
    op.execute("DROP SEQUENCE reservation_number_seq")
