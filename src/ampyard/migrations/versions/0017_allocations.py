"""Allocations: what each EVSE got and why, from which facts; default profiles that are in force, and who draws more than it may."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from ampyard.migrations.policies import protect

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
REACH = {
    # Whoever reaches one charge point alone is not told how its whole depot was shared.
    "power_step": "depot_id IN (SELECT unnest(ampyard_depots()))",
    "allocation": (
        "charge_point_id IN (SELECT unnest(ampyard_charge_points())) OR EXISTS (SELECT FROM transaction p WHERE p.id = transaction_id)"
    ),
}


def upgrade() -> None:
    op.add_column("evse", sa.Column("fallback_in_force_kw", sa.Double(), nullable=True))
    op.add_column("evse", sa.Column("overdrawn_since", _MOMENT, nullable=True))
    op.add_column("transaction", sa.Column("heard_at", _MOMENT, nullable=True))
    _power_step()
    _allocation()
    for table, reach in REACH.items():
        protect(table, reach=reach)


def _keys(table: str) -> list[sa.Constraint]:
    return [
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f(f"fk_{table}_tenant_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f(f"uq_{table}_tenant_id_id")),
    ]


def _ref(table: str, column: str, target: str, *, ondelete: str = "CASCADE") -> sa.Constraint:
    name = op.f(f"fk_{table}_tenant_id_{column}")
    return sa.ForeignKeyConstraint(["tenant_id", column], [f"{target}.tenant_id", f"{target}.id"], name=name, ondelete=ondelete)


def _power_step() -> None:
    op.create_table(
        "power_step",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("depot_id", sa.Uuid(), nullable=False),
        sa.Column("decided_at", _MOMENT, nullable=False),
        sa.Column("facts", sa.LargeBinary(), nullable=False),
        _ref("power_step", "depot_id", "depot"),
        *_keys("power_step"),
    )
    op.create_index("ix_power_step_decided", "power_step", ["tenant_id", "decided_at"])
    op.create_index("ix_power_step_depot", "power_step", ["depot_id"])


def _allocation() -> None:
    op.create_table(
        "allocation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("depot_id", sa.Uuid(), nullable=False),
        sa.Column("charge_point_id", sa.Uuid(), nullable=False),
        sa.Column("evse_id", sa.Uuid(), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        sa.Column("decided_at", _MOMENT, nullable=False),
        sa.Column("power_kw", sa.Double(), nullable=False),
        sa.Column("bound_by", sa.Text(), nullable=False),
        sa.Column("power_node_id", sa.Uuid(), nullable=True),
        sa.Column("line", sa.Text(), nullable=True),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("urgency", sa.Double(), nullable=False),
        sa.Column("planned_kw", sa.Double(), nullable=True),
        sa.Column("waiting_since", _MOMENT, nullable=True),
        sa.Column("yielded_to", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("explanation", sa.Text(), nullable=False),
        sa.Column("step_id", sa.Uuid(), nullable=True),
        _ref("allocation", "charge_point_id", "charge_point"),
        _ref("allocation", "depot_id", "depot"),
        _ref("allocation", "evse_id", "evse"),
        _ref("allocation", "power_node_id", "power_node", ondelete="SET NULL (power_node_id)"),
        _ref("allocation", "step_id", "power_step", ondelete="SET NULL (step_id)"),
        _ref("allocation", "transaction_id", "transaction"),
        *_keys("allocation"),
    )
    op.create_index("ix_allocation_charge_point", "allocation", ["charge_point_id"])
    op.create_index("ix_allocation_decided", "allocation", ["tenant_id", "decided_at"])
    op.create_index("ix_allocation_depot", "allocation", ["depot_id", "decided_at", "id"])
    op.create_index("ix_allocation_evse", "allocation", ["evse_id", "decided_at", "id"])
    op.create_index("ix_allocation_power_node", "allocation", ["power_node_id"])
    op.create_index("ix_allocation_step", "allocation", ["step_id"])
    op.create_index("ix_allocation_transaction", "allocation", ["transaction_id", "decided_at", "id"])


def downgrade() -> None:
    for table in reversed(REACH):
        op.drop_table(table)
    op.drop_column("transaction", "heard_at")
    op.drop_column("evse", "overdrawn_since")
    op.drop_column("evse", "fallback_in_force_kw")
