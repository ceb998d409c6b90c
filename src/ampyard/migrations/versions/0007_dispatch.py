"""Dispatch: blocks, assignments, readiness."""

import sqlalchemy as sa
from alembic import op

from ampyard.migrations import online
from ampyard.migrations.policies import protect

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_UNIQUE_ZONE = "uq_depot_tenant_id_id_time_zone"
_ZONE = ("tenant_id", "id", "time_zone")


def upgrade() -> None:
    _blocks()
    _assignments()
    _readiness()
    online.add_unique(_UNIQUE_ZONE, "depot", _ZONE)
    for place in ("departure", "return"):
        columns = ("tenant_id", f"{place}_depot_id", f"{place}_zone")
        online.add_foreign_key(f"fk_block_{place}_depot", "block", columns, "depot", _ZONE, ondelete="CASCADE", onupdate="CASCADE")


def _blocks() -> None:
    op.create_table(
        "block",
        *_keys("block"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("distance_km", sa.Double(), nullable=True),
        sa.Column("energy_kwh", sa.Double(), nullable=True),
        sa.Column("departure_depot_id", sa.Uuid(), nullable=False),
        sa.Column("departure_time", sa.Time(), nullable=False),
        sa.Column("departure_zone", sa.Text(), nullable=False),
        sa.Column("return_depot_id", sa.Uuid(), nullable=False),
        sa.Column("return_time", sa.Time(), nullable=False),
        sa.Column("return_zone", sa.Text(), nullable=False),
        sa.Column("return_days_later", sa.SmallInteger(), nullable=False),
        sa.Column("weekdays", sa.SmallInteger(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        _moment("removed_at", nullable=True),
        *_times(),
        sa.CheckConstraint("num_nonnulls(distance_km, energy_kwh) = 1", name=op.f("ck_block_one_need")),
        sa.CheckConstraint("last_day >= first_day", name=op.f("ck_block_days")),
        sa.CheckConstraint("weekdays BETWEEN 1 AND 127", name=op.f("ck_block_weekdays")),
    )
    op.create_index("ix_block_list", "block", ["tenant_id", "name", "id"])
    op.create_index("ix_block_departure", "block", ["departure_depot_id", "departure_time", "id"])
    op.create_index("ix_block_return", "block", ["return_depot_id"])
    op.create_index(
        "uq_block_external_id", "block", ["tenant_id", "external_id"], unique=True, postgresql_where=sa.text("removed_at IS NULL")
    )
    protect(
        "block",
        reach="departure_depot_id IN (SELECT unnest(ampyard_depots())) OR return_depot_id IN (SELECT unnest(ampyard_depots()))",
    )


def _assignments() -> None:
    op.create_table(
        "assignment",
        *_keys("assignment"),
        sa.Column("block_id", sa.Uuid(), nullable=False),
        sa.Column("vehicle_id", sa.Uuid(), nullable=False),
        sa.Column("depot_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        _moment("departs_at"),
        _moment("returns_at"),
        sa.Column("author", sa.Text(), nullable=False),
        _moment("removed_at", nullable=True),
        *_times(),
        *[_ref("assignment", target) for target in ("block", "vehicle", "depot")],
        sa.CheckConstraint("returns_at > departs_at", name=op.f("ck_assignment_times")),
    )
    op.create_index(
        "uq_assignment_block_day", "assignment", ["block_id", "day"], unique=True, postgresql_where=sa.text("removed_at IS NULL")
    )
    # A vehicle is never on two runs at once. Moments of one vehicle lie side by side, so ranges from one to another overlap only where
    # both the vehicle and the time do. GiST indexes ranges by itself: no extension is needed, which the owner might not be able to make.
    op.execute("CREATE TYPE vehicle_moment AS (vehicle_id uuid, at timestamptz)")
    op.execute("CREATE TYPE vehicle_time AS RANGE (subtype = vehicle_moment)")
    op.execute(
        "ALTER TABLE assignment ADD CONSTRAINT ex_assignment_vehicle_overlap EXCLUDE USING gist"
        " (vehicle_time(ROW(vehicle_id, departs_at)::vehicle_moment, ROW(vehicle_id, returns_at)::vehicle_moment) WITH &&)"
        " WHERE (removed_at IS NULL) DEFERRABLE"
    )
    op.create_index("ix_assignment_list", "assignment", ["tenant_id", "departs_at", "id"])
    for target in ("depot", "vehicle", "block"):
        op.create_index(f"ix_assignment_{target}", "assignment", [f"{target}_id", "departs_at", "id"])
    protect(
        "assignment",
        reach="vehicle_id IN (SELECT unnest(ampyard_vehicles())) OR EXISTS (SELECT FROM block p WHERE p.id = block_id)",
    )


def _readiness() -> None:
    op.create_table(
        "readiness_record",
        *_keys("readiness_record"),
        sa.Column("assignment_id", sa.Uuid(), nullable=False),
        sa.Column("vehicle_id", sa.Uuid(), nullable=False),
        sa.Column("depot_id", sa.Uuid(), nullable=False),
        _moment("departs_at"),
        _moment("recorded_at"),
        sa.Column("at_departure", sa.Boolean(), nullable=False),
        sa.Column("risk", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("needed_kwh", sa.Double(), nullable=True),
        sa.Column("reserve_kwh", sa.Double(), nullable=True),
        sa.Column("expected_soc_percent", sa.Double(), nullable=True),
        sa.Column("actual_soc_percent", sa.Double(), nullable=True),
        sa.Column("ready", sa.Boolean(), nullable=True),
        _moment("ready_at", nullable=True),
        sa.Column("shortfall_kwh", sa.Double(), nullable=True),
        *[_ref("readiness_record", target) for target in ("assignment", "vehicle", "depot")],
    )
    op.create_index(
        "uq_readiness_record_departure", "readiness_record", ["assignment_id"], unique=True, postgresql_where=sa.text("at_departure")
    )
    op.create_index("ix_readiness_record_assignment", "readiness_record", ["assignment_id", "recorded_at", "id"])
    op.create_index("ix_readiness_record_recorded", "readiness_record", ["recorded_at"])
    for target in ("depot", "vehicle"):
        columns = [f"{target}_id", "departs_at", "id"]
        op.create_index(f"ix_readiness_record_{target}", "readiness_record", columns, postgresql_where=sa.text("at_departure"))
    protect("readiness_record", reach="EXISTS (SELECT FROM assignment p WHERE p.id = assignment_id)")


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _times() -> list[sa.Column[object]]:
    return [
        sa.Column(name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)
        for name in ("created_at", "updated_at")
    ]


def _keys(table: str) -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
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
    """Take all of it back; blocks, assignments and what was kept of readiness are lost."""
    for table in ("readiness_record", "assignment", "block"):
        op.drop_table(table)
    op.execute("DROP TYPE vehicle_time")
    op.execute("DROP TYPE vehicle_moment")
    op.drop_constraint(_UNIQUE_ZONE, "depot", type_="unique")
