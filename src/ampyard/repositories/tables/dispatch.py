"""Which vehicle is wanted when and where, which one is sent, and whether it is ready."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Double,
    ForeignKeyConstraint,
    Index,
    SmallInteger,
    Text,
    Time,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ExcludeConstraint

from ampyard.domain.readiness import Risk
from ampyard.repositories.tables.base import TextEnum, Weekdays, at, created, ref, tenant_table, updated

NO_OVERLAP = "ex_assignment_vehicle_overlap"
ONE_VEHICLE = "uq_assignment_block_day"


def _depot(place: str) -> ForeignKeyConstraint:
    # The zone follows its depot's, so that a block knows its moments by itself, whoever may see of the depot what.
    return ForeignKeyConstraint(
        ["tenant_id", f"{place}_depot_id", f"{place}_zone"],
        ["depot.tenant_id", "depot.id", "depot.time_zone"],
        name=f"fk_block_{place}_depot",
        onupdate="CASCADE",
        ondelete="CASCADE",
    )


block = tenant_table(
    "block",
    Column("name", Text, nullable=False),
    Column("external_id", Text),
    Column("note", Text),
    Column("distance_km", Double),
    Column("energy_kwh", Double),
    Column("departure_depot_id", Uuid, nullable=False),
    Column("departure_time", Time, nullable=False),
    Column("departure_zone", Text, nullable=False),
    Column("return_depot_id", Uuid, nullable=False),
    Column("return_time", Time, nullable=False),
    Column("return_zone", Text, nullable=False),
    Column("return_days_later", SmallInteger, nullable=False),
    Column("weekdays", Weekdays, nullable=False),
    Column("first_day", Date, nullable=False),
    Column("last_day", Date),
    Column("enabled", Boolean, nullable=False),
    at("removed_at"),
    created(),
    updated(),
    _depot("departure"),
    _depot("return"),
    CheckConstraint("num_nonnulls(distance_km, energy_kwh) = 1", name="one_need"),
    CheckConstraint("last_day >= first_day", name="days"),
    CheckConstraint("weekdays BETWEEN 1 AND 127", name="weekdays"),
    Index("ix_block_list", "tenant_id", "name", "id"),
    Index("ix_block_departure", "departure_depot_id", "departure_time", "id"),
    Index("ix_block_return", "return_depot_id"),
    Index("uq_block_external_id", "tenant_id", "external_id", unique=True, postgresql_where=text("removed_at IS NULL")),
)

assignment = tenant_table(
    "assignment",
    Column("block_id", Uuid, nullable=False),
    Column("vehicle_id", Uuid, nullable=False),
    Column("depot_id", Uuid, nullable=False),
    Column("day", Date, nullable=False),
    at("departs_at", nullable=False),
    at("returns_at", nullable=False),
    Column("author", Text, nullable=False),
    at("removed_at"),
    created(),
    updated(),
    ref("block_id", "block", ondelete="CASCADE"),
    ref("vehicle_id", "vehicle", ondelete="CASCADE"),
    ref("depot_id", "depot", ondelete="CASCADE"),
    CheckConstraint("returns_at > departs_at", name="times"),
    Index(ONE_VEHICLE, "block_id", "day", unique=True, postgresql_where=text("removed_at IS NULL")),
    # A vehicle is never on two runs at once. Ranges of (vehicle, moment) overlap only where both vehicle and time do, and PostgreSQL
    # indexes them by itself; a range of time beside the vehicle's id would need the extension btree_gist, which not every server has.
    ExcludeConstraint(
        (
            text("vehicle_time(ROW(vehicle_id, departs_at)::vehicle_moment, ROW(vehicle_id, returns_at)::vehicle_moment)"),
            "&&",
        ),
        where=text("removed_at IS NULL"),
        name=NO_OVERLAP,
        # At the end of a statement, not row by row: several of a vehicle's runs move at once.
        deferrable=True,
    ),
    Index("ix_assignment_list", "tenant_id", "departs_at", "id"),
    Index("ix_assignment_created", "tenant_id", "created_at", "id"),
    Index("ix_assignment_depot", "depot_id", "departs_at", "id"),
    Index("ix_assignment_vehicle", "vehicle_id", "departs_at", "id"),
    Index("ix_assignment_block", "block_id", "departs_at", "id"),
)

readiness_record = tenant_table(
    "readiness_record",
    Column("assignment_id", Uuid, nullable=False),
    Column("vehicle_id", Uuid, nullable=False),
    Column("depot_id", Uuid, nullable=False),
    at("departs_at", nullable=False),
    at("recorded_at", nullable=False),
    Column("at_departure", Boolean, nullable=False),
    Column("risk", TextEnum(Risk), nullable=False),
    Column("reason", Text, nullable=False),
    Column("needed_kwh", Double),
    Column("reserve_kwh", Double),
    Column("expected_soc_percent", Double),
    Column("actual_soc_percent", Double),
    Column("ready", Boolean),
    at("ready_at"),
    Column("shortfall_kwh", Double),
    ref("assignment_id", "assignment", ondelete="CASCADE"),
    ref("vehicle_id", "vehicle", ondelete="CASCADE"),
    ref("depot_id", "depot", ondelete="CASCADE"),
    Index("uq_readiness_record_departure", "assignment_id", unique=True, postgresql_where=text("at_departure")),
    Index("ix_readiness_record_assignment", "assignment_id", "recorded_at", "id"),
    Index("ix_readiness_record_depot", "depot_id", "departs_at", "id", postgresql_where=text("at_departure")),
    Index("ix_readiness_record_vehicle", "vehicle_id", "departs_at", "id", postgresql_where=text("at_departure")),
    Index("ix_readiness_record_recorded", "recorded_at"),
)
