"""Vehicles: types, groups, unknown vehicles, states of charge; priorities for groups and by recurrence."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

from ampyard.migrations import online
from ampyard.migrations.policies import confine, protect, unconfine

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_OF_VEHICLE = "vehicle_id IN (SELECT unnest(ampyard_vehicles()))"
_OF_CHARGE_POINT = "charge_point_id IN (SELECT unnest(ampyard_charge_points()))"
_OF_TRANSACTION = "EXISTS (SELECT FROM transaction p WHERE p.id = transaction_id)"
_RANKED_BEFORE = f"{_OF_VEHICLE} OR {_OF_CHARGE_POINT} OR {_OF_TRANSACTION}"
_RANKED_NOW = (
    f"{_RANKED_BEFORE} OR resource_group_id IN (SELECT unnest(ampyard_groups()))"
    " OR EXISTS (SELECT FROM vehicle_group p WHERE p.id = vehicle_group_id)"
)

# A local time that comes twice is the first of the two; one that clocks jump over is as much later (see domain/local_time.py).
_MOMENT = """
    CREATE FUNCTION ampyard_moment(at timestamp, zone text) RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE AS $$
        SELECT CASE WHEN (earlier AT TIME ZONE zone) = at THEN least(earlier, later) ELSE later END
        FROM (SELECT at AT TIME ZONE zone AS later) AS a,
             LATERAL (SELECT (at - (((later - interval '1 day') AT TIME ZONE zone) - ((later - interval '1 day') AT TIME ZONE 'UTC')))
                             AT TIME ZONE 'UTC' AS earlier) AS b
    $$
"""
# The same as `domain.recurrence.Recurrence.covers`, for lists.
_RECURS = """
    CREATE FUNCTION ampyard_recurs(
        weekdays smallint, starts_at time, ends_at time, zone text, first_day date, last_day date, at timestamptz
    ) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
        SELECT EXISTS (
            SELECT FROM generate_series(0, 2) AS back, LATERAL (SELECT (at AT TIME ZONE zone)::date - back AS day) AS d
            WHERE (weekdays >> (extract(isodow FROM day)::int - 1)) & 1 = 1
              AND (first_day IS NULL OR day >= first_day) AND (last_day IS NULL OR day <= last_day)
              AND ampyard_moment(day + starts_at, zone) <= at
              AND at < ampyard_moment(CASE WHEN ends_at > starts_at THEN day ELSE day + 1 END + ends_at, zone)
        )
    $$
"""

_VEHICLE_COLUMNS: dict[str, TypeEngine[Any]] = {
    "type_id": sa.Uuid(),
    "consumption_kwh_per_km": sa.Double(),
    "min_soc_percent": sa.Double(),
    "target_soc_percent": sa.Double(),
    "own_battery_kwh": sa.Double(),
    "own_max_ac_kw": sa.Double(),
    "own_max_dc_kw": sa.Double(),
    "own_consumption_kwh_per_km": sa.Double(),
    "own_min_soc_percent": sa.Double(),
    "own_target_soc_percent": sa.Double(),
    "soc_confidence": sa.Double(),
    "archived_at": sa.DateTime(timezone=True),
}
_ID_TAG_COLUMNS: dict[str, TypeEngine[Any]] = {
    "canonical": sa.Text(),
    "valid_from": sa.DateTime(timezone=True),
    "removed_at": sa.DateTime(timezone=True),
}
_PRIORITY_COLUMNS: dict[str, TypeEngine[Any]] = {
    "vehicle_group_id": sa.Uuid(),
    "resource_group_id": sa.Uuid(),
    "weekdays": sa.SmallInteger(),
    "starts_at": sa.Time(),
    "ends_at": sa.Time(),
    "time_zone": sa.Text(),
    "first_day": sa.Date(),
    "last_day": sa.Date(),
    "updated_at": sa.DateTime(timezone=True),
}


def upgrade() -> None:
    _vehicle_types()
    _columns()
    _vehicle_groups()
    _states_of_charge()
    _unknown_identifications()
    _priorities()


def _columns() -> None:
    for table, columns in (("vehicle", _VEHICLE_COLUMNS), ("id_tag", _ID_TAG_COLUMNS), ("priority", _PRIORITY_COLUMNS)):
        for name, kind in columns.items():
            op.add_column(table, sa.Column(name, kind, nullable=True))
    op.add_column("id_tag", sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False))
    online.add_foreign_key(
        "fk_vehicle_tenant_id_type_id", "vehicle", ["tenant_id", "type_id"], "vehicle_type", ["tenant_id", "id"], ondelete="RESTRICT"
    )
    online.create_index("ix_vehicle_type", "vehicle", ["type_id", "name", "id"])
    online.create_index("ix_id_tag_list", "id_tag", ["tenant_id", "value", "id"])
    online.create_index("ix_id_tag_canonical", "id_tag", ["tenant_id", "canonical"])
    online.create_index(
        "uq_id_tag_canonical", "id_tag", ["tenant_id", "COALESCE(canonical, upper(value))"], unique=True, where="removed_at IS NULL"
    )
    online.drop_index("uq_id_tag_value", "id_tag")
    online.create_index("ix_transaction_active_vehicle", "transaction", ["vehicle_id"], where="state = 'ACTIVE'")


def _vehicle_types() -> None:
    op.create_table(
        "vehicle_type",
        *_head(),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("manufacturer", sa.Text(), nullable=True),
        sa.Column("battery_kwh", sa.Double(), nullable=False),
        sa.Column("max_ac_kw", sa.Double(), nullable=False),
        sa.Column("max_dc_kw", sa.Double(), nullable=False),
        sa.Column("consumption_kwh_per_km", sa.Double(), nullable=True),
        sa.Column("min_soc_percent", sa.Double(), nullable=True),
        sa.Column("target_soc_percent", sa.Double(), nullable=True),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        _now("created_at"),
        _now("updated_at"),
        *_keys("vehicle_type"),
        sa.UniqueConstraint("tenant_id", "name", name=op.f("uq_vehicle_type_tenant_id_name")),
    )
    protect("vehicle_type")


def _vehicle_groups() -> None:
    op.create_table(
        "vehicle_group",
        *_head(),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        _now("created_at"),
        _now("updated_at"),
        *_keys("vehicle_group"),
        sa.UniqueConstraint("tenant_id", "name", name=op.f("uq_vehicle_group_tenant_id_name")),
    )
    op.create_table(
        "vehicle_group_member",
        *_head(),
        sa.Column("vehicle_group_id", sa.Uuid(), nullable=False),
        sa.Column("vehicle_id", sa.Uuid(), nullable=False),
        _now("created_at"),
        *_keys("vehicle_group_member"),
        _ref("vehicle_group_member", "vehicle_group"),
        _ref("vehicle_group_member", "vehicle"),
        sa.UniqueConstraint("vehicle_group_id", "vehicle_id", name=op.f("uq_vehicle_group_member_vehicle_group_id_vehicle_id")),
    )
    op.create_index("ix_vehicle_group_member_vehicle", "vehicle_group_member", ["vehicle_id", "vehicle_group_id"])
    protect("vehicle_group_member", reach=_OF_VEHICLE)
    protect("vehicle_group", reach="EXISTS (SELECT FROM vehicle_group_member p WHERE p.vehicle_group_id = vehicle_group.id)")


def _states_of_charge() -> None:
    op.create_table(
        "state_of_charge",
        *_head(),
        sa.Column("vehicle_id", sa.Uuid(), nullable=False),
        sa.Column("percent", sa.Double(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        _now("created_at"),
        *_keys("state_of_charge"),
        _ref("state_of_charge", "vehicle"),
    )
    op.create_index("ix_state_of_charge_vehicle", "state_of_charge", ["vehicle_id", "at", "id"])
    op.create_index("ix_state_of_charge_at", "state_of_charge", ["tenant_id", "at"])
    protect("state_of_charge", reach=_OF_VEHICLE)


def _unknown_identifications() -> None:
    op.create_table(
        "unknown_identification",
        *_head(),
        sa.Column("charge_point_id", sa.Uuid(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("canonical", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("times_seen", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("id_tag_id", sa.Uuid(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        *_keys("unknown_identification"),
        _ref("unknown_identification", "charge_point"),
        _ref("unknown_identification", "id_tag"),
        sa.UniqueConstraint("tenant_id", "canonical", name=op.f("uq_unknown_identification_tenant_id_canonical")),
    )
    op.create_index("ix_unknown_identification_list", "unknown_identification", ["tenant_id", "last_seen_at", "id"])
    op.create_index("ix_unknown_identification_charge_point", "unknown_identification", ["charge_point_id", "last_seen_at", "id"])
    op.create_index(
        "ix_unknown_identification_id_tag", "unknown_identification", ["id_tag_id"], postgresql_where=sa.text("id_tag_id IS NOT NULL")
    )
    protect("unknown_identification", reach=_OF_CHARGE_POINT)


def _priorities() -> None:
    for target in ("vehicle_group", "resource_group"):
        column = f"{target}_id"
        online.add_foreign_key(
            f"fk_priority_tenant_id_{column}", "priority", ["tenant_id", column], target, ["tenant_id", "id"], ondelete="CASCADE"
        )
        online.create_index(f"ix_priority_{target}", "priority", [column], where="cleared_at IS NULL")
    op.drop_constraint(op.f("ck_priority_one_target"), "priority", type_="check")
    targets = "vehicle_id, charge_point_id, transaction_id, vehicle_group_id, resource_group_id"
    online.add_check("ck_priority_one_target", "priority", f"num_nonnulls({targets}) = 1")
    online.add_check("ck_priority_recurrence_whole", "priority", "num_nonnulls(weekdays, starts_at, ends_at, time_zone) IN (0, 4)")
    online.create_index("ix_priority_begins", "priority", ["tenant_id", "valid_from", "id"])
    online.create_index("ix_priority_level", "priority", ["tenant_id", "level", "id"])
    unconfine("priority")
    confine("priority", _RANKED_NOW)
    op.execute(_MOMENT)
    op.execute(_RECURS)


def _head() -> list[sa.Column[object]]:
    return [sa.Column("id", sa.Uuid(), nullable=False), sa.Column("tenant_id", sa.Uuid(), nullable=False)]


def _now(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)


def _keys(table: str) -> list[sa.Constraint]:
    return [
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f(f"fk_{table}_tenant_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f(f"uq_{table}_tenant_id_id")),
    ]


def _ref(table: str, target: str) -> sa.Constraint:
    column = f"{target}_id"
    return sa.ForeignKeyConstraint(
        ["tenant_id", column], [f"{target}.tenant_id", f"{target}.id"], name=op.f(f"fk_{table}_tenant_id_{column}"), ondelete="CASCADE"
    )


def downgrade() -> None:
    """Take all of it back. Lost are types, groups, states of charge but the last, and what was set for groups or by recurrence.

    Tags that were removed go, for without the mark they would be accepted again.
    """
    op.execute("DROP FUNCTION ampyard_recurs(smallint, time, time, text, date, date, timestamptz)")
    op.execute("DROP FUNCTION ampyard_moment(timestamp, text)")
    unconfine("priority")
    confine("priority", _RANKED_BEFORE)
    op.execute("DELETE FROM priority WHERE num_nonnulls(vehicle_group_id, resource_group_id, weekdays) > 0")
    op.execute("DELETE FROM id_tag WHERE removed_at IS NOT NULL")
    op.drop_index("ix_transaction_active_vehicle", "transaction")
    op.drop_index("ix_id_tag_list", "id_tag")
    op.drop_index("ix_priority_begins", "priority")
    op.drop_index("ix_priority_level", "priority")
    op.drop_constraint(op.f("ck_priority_one_target"), "priority", type_="check")
    for table, columns in (("vehicle", _VEHICLE_COLUMNS), ("id_tag", _ID_TAG_COLUMNS), ("priority", _PRIORITY_COLUMNS)):
        for name in columns:
            op.drop_column(table, name)
    op.drop_column("id_tag", "updated_at")
    unconfine("vehicle_group")
    for table in ("unknown_identification", "vehicle_group_member", "vehicle_group", "state_of_charge", "vehicle_type"):
        op.drop_table(table)
    online.add_check("ck_priority_one_target", "priority", "num_nonnulls(vehicle_id, charge_point_id, transaction_id) = 1")
    online.create_index("uq_id_tag_value", "id_tag", ["tenant_id", "lower(value)"], unique=True)
