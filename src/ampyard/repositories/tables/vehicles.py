"""Vehicles: their types and groups, what identifies them, what is known of their charge."""

from sqlalchemy import Boolean, Column, Double, Index, Integer, SmallInteger, Text, UniqueConstraint, Uuid, func, text

from ampyard.domain.id_tags import IdTagKind
from ampyard.domain.state_of_charge import SocSource
from ampyard.domain.unknown_identifications import UnknownState
from ampyard.domain.vehicles import VehicleKind
from ampyard.repositories.tables.base import TextEnum, at, created, ref, tenant_table, updated

vehicle_type = tenant_table(
    "vehicle_type",
    Column("name", Text, nullable=False),
    Column("kind", TextEnum(VehicleKind), nullable=False),
    Column("manufacturer", Text),
    Column("battery_kwh", Double, nullable=False),
    Column("max_ac_kw", Double, nullable=False),
    Column("max_dc_kw", Double, nullable=False),
    Column("consumption_kwh_per_km", Double),
    Column("min_soc_percent", Double),
    Column("target_soc_percent", Double),
    at("archived_at"),
    created(),
    updated(),
    Column("ac_phases", SmallInteger),
    UniqueConstraint("tenant_id", "name"),
)

vehicle = tenant_table(
    "vehicle",
    Column("depot_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("kind", TextEnum(VehicleKind), nullable=False),
    Column("vin", Text, nullable=False),
    Column("license_plate", Text, nullable=False),
    Column("battery_kwh", Double, nullable=False),
    Column("max_ac_kw", Double, nullable=False),
    Column("max_dc_kw", Double, nullable=False),
    Column("soc_percent", Double),
    Column("soc_source", TextEnum(SocSource)),
    at("soc_at"),
    created(),
    updated(),
    Column("type_id", Uuid),
    Column("consumption_kwh_per_km", Double),
    Column("min_soc_percent", Double),
    Column("target_soc_percent", Double),
    Column("own_battery_kwh", Double),
    Column("own_max_ac_kw", Double),
    Column("own_max_dc_kw", Double),
    Column("own_consumption_kwh_per_km", Double),
    Column("own_min_soc_percent", Double),
    Column("own_target_soc_percent", Double),
    Column("soc_confidence", Double),
    at("archived_at"),
    Column("ac_phases", SmallInteger),
    Column("own_ac_phases", SmallInteger),
    ref("depot_id", "depot", ondelete="CASCADE"),
    ref("type_id", "vehicle_type"),
    UniqueConstraint("tenant_id", "vin"),
    Index("ix_vehicle_list", "tenant_id", "name", "id"),
    Index("ix_vehicle_depot", "depot_id", "name", "id"),
    Index("ix_vehicle_type", "type_id", "name", "id"),
)

id_tag = tenant_table(
    "id_tag",
    Column("vehicle_id", Uuid, nullable=False),
    Column("value", Text, nullable=False),
    Column("kind", TextEnum(IdTagKind), nullable=False),
    Column("blocked", Boolean, nullable=False, server_default=text("false")),
    at("valid_until"),
    created(),
    # Null for tags of release 0.1.0, which looked for the value in any case.
    Column("canonical", Text),
    at("valid_from"),
    at("removed_at"),
    updated(),
    ref("vehicle_id", "vehicle", ondelete="CASCADE"),
    Index("ix_id_tag_vehicle", "vehicle_id"),
    Index("ix_id_tag_list", "tenant_id", "value", "id"),
    Index("ix_id_tag_canonical", "tenant_id", "canonical"),
    Index(
        "uq_id_tag_canonical",
        "tenant_id",
        func.coalesce(text("canonical"), func.upper(text("value"))),
        unique=True,
        postgresql_where=text("removed_at IS NULL"),
    ),
)

# Of each source the newest of every five minutes, see repositories/states_of_charge.py; kept for 90 days.
state_of_charge = tenant_table(
    "state_of_charge",
    Column("vehicle_id", Uuid, nullable=False),
    Column("percent", Double, nullable=False),
    Column("source", TextEnum(SocSource), nullable=False),
    Column("confidence", Double, nullable=False),
    at("at", nullable=False),
    created(),
    ref("vehicle_id", "vehicle", ondelete="CASCADE"),
    Index("ix_state_of_charge_vehicle", "vehicle_id", "at", "id"),
    Index("ix_state_of_charge_at", "tenant_id", "at"),
)

unknown_identification = tenant_table(
    "unknown_identification",
    Column("charge_point_id", Uuid, nullable=False),
    Column("value", Text, nullable=False),
    Column("canonical", Text, nullable=False),
    Column("kind", TextEnum(IdTagKind), nullable=False),
    at("first_seen_at", nullable=False),
    at("last_seen_at", nullable=False),
    Column("times_seen", Integer, nullable=False),
    Column("state", TextEnum(UnknownState), nullable=False),
    Column("id_tag_id", Uuid),
    Column("decided_by", Text),
    at("decided_at"),
    ref("charge_point_id", "charge_point", ondelete="CASCADE"),
    ref("id_tag_id", "id_tag", ondelete="CASCADE"),
    UniqueConstraint("tenant_id", "canonical"),
    Index("ix_unknown_identification_list", "tenant_id", "last_seen_at", "id"),
    Index("ix_unknown_identification_charge_point", "charge_point_id", "last_seen_at", "id"),
    Index("ix_unknown_identification_id_tag", "id_tag_id", postgresql_where=text("id_tag_id IS NOT NULL")),
)

vehicle_group = tenant_table(
    "vehicle_group",
    Column("name", Text, nullable=False),
    Column("description", Text),
    created(),
    updated(),
    UniqueConstraint("tenant_id", "name"),
)

vehicle_group_member = tenant_table(
    "vehicle_group_member",
    Column("vehicle_group_id", Uuid, nullable=False),
    Column("vehicle_id", Uuid, nullable=False),
    created(),
    ref("vehicle_group_id", "vehicle_group", ondelete="CASCADE"),
    ref("vehicle_id", "vehicle", ondelete="CASCADE"),
    UniqueConstraint("vehicle_group_id", "vehicle_id"),
    Index("ix_vehicle_group_member_vehicle", "vehicle_id", "vehicle_group_id"),
)
