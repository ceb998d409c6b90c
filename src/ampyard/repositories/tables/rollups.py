"""Roll-ups: what charts are drawn from where the records themselves would be too many. All of it can be made anew from those.

A row of a day covers the local day of its depot, in `time_zone`; that is not always one of 24 hours, so rows say when they end.
"""

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Double, ForeignKey, Identity, Index, Integer, Table, Text, Uuid

from ampyard.repositories.tables.base import at, metadata, ref, tenant_table

# What has changed since the roll-ups were last made: a list that only grows, so that nobody who reports energy waits for another.
rollup_change = tenant_table(
    "rollup_change",
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("depot_id", Uuid, nullable=False),
    at("from_at", nullable=False),
    at("to_at", nullable=False),
    Index("ix_rollup_change_tenant", "tenant_id", "id"),
    unique_id=False,
)

# By quarter-hour, which is fine enough for every time zone there is, and by day.
depot_rollup = Table(
    "depot_rollup",
    metadata,
    Column("depot_id", Uuid, primary_key=True),
    Column("of_day", Boolean, primary_key=True),
    Column("starts_at", DateTime(timezone=True), primary_key=True),
    at("ends_at", nullable=False),
    Column("tenant_id", Uuid, ForeignKey("tenant.id", ondelete="CASCADE"), nullable=False),
    Column("time_zone", Text),
    Column("energy_wh", Double),
    Column("plugged_s", Double, nullable=False),
    Column("departures", Integer, nullable=False),
    Column("ready_departures", Integer, nullable=False),
    ref("depot_id", "depot", ondelete="CASCADE"),
    postgresql_partition_by="RANGE (starts_at)",
)

# By quarter-hour and by day, of what is kept for five minutes each.
node_rollup = Table(
    "node_rollup",
    metadata,
    Column("power_node_id", Uuid, primary_key=True),
    Column("of_day", Boolean, primary_key=True),
    Column("starts_at", DateTime(timezone=True), primary_key=True),
    at("ends_at", nullable=False),
    Column("tenant_id", Uuid, ForeignKey("tenant.id", ondelete="CASCADE"), nullable=False),
    Column("depot_id", Uuid, nullable=False),
    Column("time_zone", Text),
    Column("samples", Integer, nullable=False),
    Column("measured_avg_kw", Double, nullable=False),
    Column("measured_max_kw", Double, nullable=False),
    Column("unmanaged_avg_kw", Double, nullable=False),
    Column("allocated_avg_kw", Double, nullable=False),
    Column("limit_kw", Double, nullable=False),
    ref("power_node_id", "power_node", ondelete="CASCADE"),
    Index("ix_node_rollup_depot", "depot_id", "of_day", "starts_at"),
    postgresql_partition_by="RANGE (starts_at)",
)

# The two below are by day alone: energy intervals are few enough of one charge point, or one vehicle, for anything finer.
charge_point_rollup = Table(
    "charge_point_rollup",
    metadata,
    Column("charge_point_id", Uuid, primary_key=True),
    Column("starts_at", DateTime(timezone=True), primary_key=True),
    Column("depot_id", Uuid, primary_key=True),
    at("ends_at", nullable=False),
    Column("tenant_id", Uuid, ForeignKey("tenant.id", ondelete="CASCADE"), nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("energy_wh", Double),
    Column("peak_kw", Double),
    Column("plugged_s", Double, nullable=False),
    ref("charge_point_id", "charge_point", ondelete="CASCADE"),
    Index("ix_charge_point_rollup_depot", "depot_id", "starts_at"),
    postgresql_partition_by="RANGE (starts_at)",
)

vehicle_rollup = Table(
    "vehicle_rollup",
    metadata,
    Column("vehicle_id", Uuid, primary_key=True),
    Column("starts_at", DateTime(timezone=True), primary_key=True),
    Column("depot_id", Uuid, primary_key=True),
    at("ends_at", nullable=False),
    Column("tenant_id", Uuid, ForeignKey("tenant.id", ondelete="CASCADE"), nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("energy_wh", Double, nullable=False),
    ref("vehicle_id", "vehicle", ondelete="CASCADE"),
    Index("ix_vehicle_rollup_depot", "depot_id", "starts_at"),
    postgresql_partition_by="RANGE (starts_at)",
)
