"""Plans: plans of depots and the stays they plan; demand charges."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from ampyard.migrations.policies import protect

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
# Who reaches a vehicle or a charge point sees what is planned of it, and of a plan nothing else.
REACH = {
    "depot_plan": "depot_id IN (SELECT unnest(ampyard_depots()))",
    "planned_stay": (
        "depot_id IN (SELECT unnest(ampyard_depots()))"
        " OR charge_point_id IN (SELECT unnest(ampyard_charge_points()))"
        " OR vehicle_id IN (SELECT unnest(ampyard_vehicles()))"
    ),
}


def upgrade() -> None:
    _demand_charge()
    _depot_plan()
    _planned_stay()
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


def _demand_charge() -> None:
    op.add_column("depot", sa.Column("demand_charge_per_kw", sa.Numeric(), nullable=True))
    op.add_column("depot", sa.Column("billing_day", sa.SmallInteger(), server_default=sa.text("1"), nullable=False))


def _of_slots(name: str) -> "sa.Column[object]":
    return sa.Column(name, postgresql.ARRAY(sa.Double()), nullable=False)


def _depot_plan() -> None:
    op.create_table(
        "depot_plan",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("depot_id", sa.Uuid(), nullable=False),
        sa.Column("made_at", _MOMENT, nullable=False),
        sa.Column("fresh_until", _MOMENT, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("gap", sa.Double(), nullable=False),
        sa.Column("solve_s", sa.Double(), nullable=False),
        sa.Column("begins_at", postgresql.ARRAY(_MOMENT), nullable=False),
        sa.Column("ends_at", _MOMENT, nullable=False),
        _of_slots("power_kw"),
        _of_slots("unmanaged_kw"),
        _of_slots("limits_kw"),
        _of_slots("prices_per_kwh"),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("peak_kw", sa.Double(), nullable=False),
        sa.Column("peak_so_far_kw", sa.Double(), nullable=False),
        sa.Column("energy_cost", sa.Double(), nullable=True),
        sa.Column("demand_cost", sa.Double(), nullable=True),
        _ref("depot_plan", "depot_id", "depot"),
        *_keys("depot_plan"),
    )
    op.create_index("ix_depot_plan_depot", "depot_plan", ["depot_id", "made_at", "id"])
    op.create_index("ix_depot_plan_made", "depot_plan", ["made_at"])


def _planned_stay() -> None:
    op.create_table(
        "planned_stay",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("depot_id", sa.Uuid(), nullable=False),
        sa.Column("made_at", _MOMENT, nullable=False),
        sa.Column("fresh_until", _MOMENT, nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=True),
        sa.Column("assignment_id", sa.Uuid(), nullable=True),
        sa.Column("vehicle_id", sa.Uuid(), nullable=False),
        sa.Column("charge_point_id", sa.Uuid(), nullable=False),
        sa.Column("power_node_id", sa.Uuid(), nullable=False),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column("arrives_at", _MOMENT, nullable=False),
        sa.Column("departs_at", _MOMENT, nullable=True),
        sa.Column("departure_source", sa.Text(), nullable=True),
        sa.Column("departure_confidence", sa.Double(), nullable=True),
        sa.Column("capacity_kwh", sa.Double(), nullable=False),
        sa.Column("energy_kwh", sa.Double(), nullable=True),
        sa.Column("minimum_kwh", sa.Double(), nullable=False),
        sa.Column("target_kwh", sa.Double(), nullable=False),
        sa.Column("max_kw", sa.Double(), nullable=False),
        sa.Column("step_begins_at", postgresql.ARRAY(_MOMENT), nullable=False),
        _of_slots("step_kw"),
        sa.Column("minimum_at", _MOMENT, nullable=True),
        sa.Column("target_at", _MOMENT, nullable=True),
        sa.Column("final_kwh", sa.Double(), nullable=False),
        sa.Column("final_at", _MOMENT, nullable=False),
        sa.Column("expected_kwh", sa.Double(), nullable=False),
        sa.Column("lacks_minimum_kwh", sa.Double(), nullable=False),
        sa.Column("lacks_target_kwh", sa.Double(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.Column("binding_node_id", sa.Uuid(), nullable=True),
        sa.Column("ready_at", _MOMENT, nullable=True),
        sa.Column("remedies", postgresql.JSONB(), nullable=False),
        _ref("planned_stay", "assignment_id", "assignment"),
        _ref("planned_stay", "binding_node_id", "power_node", ondelete="SET NULL (binding_node_id)"),
        _ref("planned_stay", "charge_point_id", "charge_point"),
        _ref("planned_stay", "depot_id", "depot"),
        _ref("planned_stay", "plan_id", "depot_plan"),
        _ref("planned_stay", "power_node_id", "power_node"),
        _ref("planned_stay", "transaction_id", "transaction"),
        _ref("planned_stay", "vehicle_id", "vehicle"),
        *_keys("planned_stay"),
    )
    op.create_index("ix_planned_stay_assignment", "planned_stay", ["assignment_id", "made_at"])
    op.create_index("ix_planned_stay_binding_node", "planned_stay", ["binding_node_id"])
    op.create_index("ix_planned_stay_charge_point", "planned_stay", ["charge_point_id"])
    op.create_index("ix_planned_stay_depot", "planned_stay", ["depot_id"])
    op.create_index("ix_planned_stay_plan", "planned_stay", ["plan_id", "arrives_at", "id"])
    op.create_index("ix_planned_stay_power_node", "planned_stay", ["power_node_id"])
    op.create_index("ix_planned_stay_transaction", "planned_stay", ["transaction_id", "made_at"])
    op.create_index("ix_planned_stay_vehicle", "planned_stay", ["vehicle_id", "made_at"])


def downgrade() -> None:
    for table in reversed(REACH):
        op.drop_table(table)
    op.drop_column("depot", "billing_day")
    op.drop_column("depot", "demand_charge_per_kw")
