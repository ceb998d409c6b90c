"""What stands in the yard: depots, supply, charge points."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    Numeric,
    SmallInteger,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from ampyard.domain.charge_points import ConnectorStatus, CurrentType, OcppVersion
from ampyard.domain.equipment import PhaseRotation
from ampyard.domain.life_cycle import ChargePointState
from ampyard.domain.limit_schedules import Schedule
from ampyard.domain.supply import PowerNodeKind
from ampyard.repositories.tables.base import Stored, TextEnum, at, created, ref, tenant_table, updated
from ampyard.repositories.tables.values import (
    SET_POINTS_DEFAULT,
    hours_from_json,
    hours_to_json,
    set_points_from_json,
    set_points_to_json,
    weekly_limits_from_json,
    weekly_limits_to_json,
)

depot = tenant_table(
    "depot",
    Column("name", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("postal_code", Text, nullable=False),
    Column("city", Text, nullable=False),
    Column("country_code", Text, nullable=False),
    Column("latitude", Double, nullable=False),
    Column("longitude", Double, nullable=False),
    created(),
    updated(),
    Column("opening_times", Stored(hours_to_json, hours_from_json)),
    at("archived_at"),
    Column("demand_charge_per_kw", Numeric),
    Column("billing_day", SmallInteger, nullable=False, server_default=text("1")),
    UniqueConstraint("tenant_id", "name"),
    # Blocks refer to a depot with its zone, see tables/dispatch.py.
    UniqueConstraint("tenant_id", "id", "time_zone"),
    Index("ix_depot_list", "tenant_id", "updated_at", "id"),
)

power_node = tenant_table(
    "power_node",
    Column("depot_id", Uuid, nullable=False),
    Column("parent_id", Uuid),
    Column("kind", TextEnum(PowerNodeKind), nullable=False),
    Column("name", Text, nullable=False),
    Column("limit_kw", Double, nullable=False),
    created(),
    updated(),
    Column("limit_a", Double),
    Column("phases", SmallInteger, nullable=False, server_default=text("3")),
    Column("voltage_v", Double, nullable=False, server_default=text("230")),
    Column("weekly_limits", Stored(weekly_limits_to_json, weekly_limits_from_json), nullable=False, server_default=text("'[]'")),
    Column("unmanaged_fallback_kw", Double),
    Column("site_meter_max_age_s", Integer, nullable=False, server_default=text("300")),
    ref("depot_id", "depot", ondelete="CASCADE"),
    UniqueConstraint("tenant_id", "depot_id", "id"),
    # A node's parent is in the same depot.
    ForeignKeyConstraint(["tenant_id", "depot_id", "parent_id"], ["power_node.tenant_id", "power_node.depot_id", "power_node.id"]),
    Index("ix_power_node_depot", "depot_id", "name", "id"),
    Index("ix_power_node_parent", "parent_id"),
    Index("uq_power_node_root", "depot_id", unique=True, postgresql_where=text("parent_id IS NULL")),
    CheckConstraint("limit_kw >= 0", name="limit_not_negative"),
)

charge_point = tenant_table(
    "charge_point",
    Column("depot_id", Uuid, nullable=False),
    Column("power_node_id", Uuid, nullable=False),
    Column("identity", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("state", TextEnum(ChargePointState), nullable=False, server_default=ChargePointState.IN_SERVICE.value),
    at("state_at"),
    Column("state_reason", Text),
    Column("status", TextEnum(ConnectorStatus), nullable=False, server_default=ConnectorStatus.UNKNOWN.value),
    Column("ocpp_version", TextEnum(OcppVersion)),
    Column("vendor", Text),
    Column("model", Text),
    Column("serial_number", Text),
    Column("firmware_version", Text),
    Column("iccid", Text),
    Column("imsi", Text),
    Column("meter_type", Text),
    Column("meter_serial_number", Text),
    Column("connected", Boolean, nullable=False, server_default=text("false")),
    at("connected_at"),
    at("disconnected_at"),
    at("last_seen_at"),
    at("booted_at"),
    created(),
    updated(),
    # Which socket holds it now: set by the process that accepted it, so that a late goodbye of an older socket is ignored.
    Column("socket_id", Uuid),
    Column("password_hash", Text),
    # How far its clock was ahead of ours when it last said what shows that, in seconds, and when that was.
    Column("clock_offset_s", Double),
    at("clock_at"),
    ref("depot_id", "depot", ondelete="CASCADE"),
    ForeignKeyConstraint(["tenant_id", "depot_id", "power_node_id"], ["power_node.tenant_id", "power_node.depot_id", "power_node.id"]),
    UniqueConstraint("tenant_id", "identity"),
    Index("ix_charge_point_identity", "identity"),
    Index("ix_charge_point_depot", "depot_id", "identity", "id"),
    Index("ix_charge_point_list", "tenant_id", "identity", "id"),
    Index("ix_charge_point_name", "tenant_id", "name", "id"),
    Index("ix_charge_point_power_node", "power_node_id"),
)

evse = tenant_table(
    "evse",
    Column("charge_point_id", Uuid, nullable=False),
    Column("evse_no", Integer, nullable=False),
    Column("current_type", TextEnum(CurrentType), nullable=False),
    Column("max_power_kw", Double, nullable=False),
    Column("min_power_kw", Double, nullable=False),
    Column("phases", SmallInteger, nullable=False),
    Column("fallback_kw", Double, nullable=False),
    Column("status", TextEnum(ConnectorStatus), nullable=False, server_default=ConnectorStatus.UNKNOWN.value),
    Column("limit_kw", Double),
    at("limit_at"),
    Column("limit_reason", Text),
    created(),
    updated(),
    # The highest limit that may be in force: a raise counts from the moment it is sent, a reduction once it is confirmed.
    Column("in_force_kw", Double),
    # So for its default profile; null while it has never confirmed one.
    Column("fallback_in_force_kw", Double),
    at("overdrawn_since"),
    Column("phase_rotation", TextEnum(PhaseRotation), nullable=False, server_default=PhaseRotation.UNKNOWN.value),
    Column("voltage_v", Double, nullable=False, server_default=text("230")),
    Column("line_to_line", Boolean, nullable=False, server_default=text("false")),
    Column("set_points", Stored(set_points_to_json, set_points_from_json), nullable=False, server_default=SET_POINTS_DEFAULT),
    # What was told: as it was confirmed last, and the highest that may be in force at each moment.
    Column("told", Stored(Schedule.to_json, Schedule.from_json)),
    Column("in_force", Stored(Schedule.to_json, Schedule.from_json)),
    Column("profile_writes", Integer, nullable=False, server_default=text("0")),
    at("profile_written_at"),
    at("profile_paid_at"),
    ref("charge_point_id", "charge_point", ondelete="CASCADE"),
    UniqueConstraint("charge_point_id", "evse_no"),
    CheckConstraint("evse_no > 0", name="evse_no_positive"),
)

connector = tenant_table(
    "connector",
    Column("evse_id", Uuid, nullable=False),
    Column("connector_no", Integer, nullable=False),
    Column("standard", Text, nullable=False),
    Column("format", Text, nullable=False),
    Column("power_type", Text, nullable=False),
    Column("max_voltage_v", Integer, nullable=False),
    Column("max_amperage_a", Integer, nullable=False),
    Column("status", TextEnum(ConnectorStatus), nullable=False, server_default=ConnectorStatus.UNKNOWN.value),
    Column("error_code", Text),
    at("status_at"),
    created(),
    updated(),
    ref("evse_id", "evse", ondelete="CASCADE"),
    UniqueConstraint("evse_id", "connector_no"),
)
