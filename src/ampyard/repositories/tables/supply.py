"""Supply: exceptions of limits, site meters, the load of power nodes."""

from sqlalchemy import CheckConstraint, Column, DateTime, Double, ForeignKeyConstraint, Index, Integer, Table, Text, Uuid

from ampyard.repositories.tables.base import at, created, metadata, ref, tenant_table

limit_exception = tenant_table(
    "limit_exception",
    Column("depot_id", Uuid, nullable=False),
    Column("power_node_id", Uuid, nullable=False),
    at("valid_from", nullable=False),
    at("valid_until", nullable=False),
    Column("limit_kw", Double),
    Column("limit_a", Double),
    Column("reason", Text, nullable=False),
    Column("author", Text, nullable=False),
    created(),
    ref("depot_id", "depot", ondelete="CASCADE"),
    ForeignKeyConstraint(
        ["tenant_id", "depot_id", "power_node_id"],
        ["power_node.tenant_id", "power_node.depot_id", "power_node.id"],
        ondelete="CASCADE",
    ),
    CheckConstraint("valid_until > valid_from", name="window"),
    CheckConstraint("num_nonnulls(limit_kw, limit_a) > 0 AND coalesce(limit_kw, 0) >= 0 AND coalesce(limit_a, 0) >= 0", name="limits"),
    Index("ix_limit_exception_power_node", "power_node_id", "valid_from", "id"),
    Index("ix_limit_exception_depot", "depot_id", "valid_until"),
)

site_meter = tenant_table(
    "site_meter",
    Column("power_node_id", Uuid, primary_key=True),
    Column("depot_id", Uuid, nullable=False),
    at("measured_at", nullable=False),
    Column("kw", Double, nullable=False),
    Column("l1_a", Double),
    Column("l2_a", Double),
    Column("l3_a", Double),
    Column("highest_kw", Double, nullable=False),
    Column("highest_l1_a", Double),
    Column("highest_l2_a", Double),
    Column("highest_l3_a", Double),
    ForeignKeyConstraint(
        ["tenant_id", "depot_id", "power_node_id"],
        ["power_node.tenant_id", "power_node.depot_id", "power_node.id"],
        ondelete="CASCADE",
    ),
    Index("ix_site_meter_depot", "depot_id"),
    unique_id=False,
)

# The two below are divided by months, which other tables cannot refer to; they refer to none, so that a month goes as a whole.
site_meter_reading = Table(
    "site_meter_reading",
    metadata,
    Column("power_node_id", Uuid, primary_key=True),
    Column("measured_at", DateTime(timezone=True), primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("depot_id", Uuid, nullable=False),
    Column("kw", Double, nullable=False),
    Column("l1_a", Double),
    Column("l2_a", Double),
    Column("l3_a", Double),
    postgresql_partition_by="RANGE (measured_at)",
)

node_load = Table(
    "node_load",
    metadata,
    Column("power_node_id", Uuid, primary_key=True),
    Column("bucket_at", DateTime(timezone=True), primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("depot_id", Uuid, nullable=False),
    Column("samples", Integer, nullable=False),
    Column("measured_avg_kw", Double, nullable=False),
    Column("measured_max_kw", Double, nullable=False),
    Column("unmanaged_avg_kw", Double, nullable=False),
    Column("allocated_avg_kw", Double, nullable=False),
    Column("limit_kw", Double, nullable=False),
    # When it was last looked at: several workers that look at the same time count once.
    at("sampled_at", nullable=False),
    Index("ix_node_load_depot", "depot_id", "bucket_at"),
    postgresql_partition_by="RANGE (bucket_at)",
)
