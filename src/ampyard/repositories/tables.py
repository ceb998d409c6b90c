"""The tables. Column names equal the fields of the domain entities, so that a row becomes an entity by position."""

from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    MetaData,
    Sequence,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator

from ampyard.domain.charge_points import ConnectorStatus, CurrentType, OcppVersion
from ampyard.domain.commands import CommandKind, CommandState
from ampyard.domain.depots import PowerNodeKind
from ampyard.domain.priorities import PriorityLevel
from ampyard.domain.reports import ReportKind
from ampyard.domain.transactions import ChargingState, TransactionState
from ampyard.domain.vehicles import IdTagKind, SocSource, VehicleKind

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class TextEnum(TypeDecorator[StrEnum]):
    """A `StrEnum` stored as its value in a text column: new members need no migration."""

    impl = Text
    cache_ok = True

    def __init__(self, enum: type[StrEnum]) -> None:
        super().__init__()
        self.enum = enum

    def process_bind_param(self, value: StrEnum | None, dialect: Any) -> str | None:
        del dialect
        return None if value is None else self.enum(value).value

    def process_result_value(self, value: str | None, dialect: Any) -> StrEnum | None:
        del dialect
        return None if value is None else self.enum(value)


class Level(TypeDecorator[PriorityLevel]):
    """A priority level stored as its rank, so that the database orders by it."""

    impl = SmallInteger
    cache_ok = True

    def process_bind_param(self, value: PriorityLevel | None, dialect: Any) -> int | None:
        del dialect
        return None if value is None else int(value)

    def process_result_value(self, value: int | None, dialect: Any) -> PriorityLevel | None:
        del dialect
        return None if value is None else PriorityLevel(value)


def _tenant_table(name: str, *columns: Any, unique_id: bool = True) -> Table:
    """Return a table whose rows belong to one tenant.

    Other tables refer to `(tenant_id, id)`, so that the database itself refuses a reference into another tenant
    (foreign keys are checked without row-level security).
    """
    constraints = [UniqueConstraint("tenant_id", "id")] if unique_id else []
    return Table(
        name,
        metadata,
        *([Column("id", Uuid, primary_key=True)] if unique_id else []),
        Column("tenant_id", Uuid, ForeignKey("tenant.id", ondelete="CASCADE"), nullable=False),
        *columns,
        *constraints,
    )


def _ref(column: str, target: str, *, ondelete: str = "RESTRICT") -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["tenant_id", column], [f"{target}.tenant_id", f"{target}.id"], ondelete=ondelete)


def _at(name: str, *, nullable: bool = True) -> Column[Any]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


def _created() -> Column[Any]:
    return Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now())


def _updated() -> Column[Any]:
    return Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now())


tenant = Table(
    "tenant",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("slug", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    _created(),
)

depot = _tenant_table(
    "depot",
    Column("name", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("postal_code", Text, nullable=False),
    Column("city", Text, nullable=False),
    Column("country_code", Text, nullable=False),
    Column("latitude", Double, nullable=False),
    Column("longitude", Double, nullable=False),
    _created(),
    _updated(),
    UniqueConstraint("tenant_id", "name"),
    Index("ix_depot_list", "tenant_id", "updated_at", "id"),
)

power_node = _tenant_table(
    "power_node",
    Column("depot_id", Uuid, nullable=False),
    Column("parent_id", Uuid),
    Column("kind", TextEnum(PowerNodeKind), nullable=False),
    Column("name", Text, nullable=False),
    Column("limit_kw", Double, nullable=False),
    _created(),
    _updated(),
    _ref("depot_id", "depot", ondelete="CASCADE"),
    UniqueConstraint("tenant_id", "depot_id", "id"),
    # A node's parent is in the same depot.
    ForeignKeyConstraint(["tenant_id", "depot_id", "parent_id"], ["power_node.tenant_id", "power_node.depot_id", "power_node.id"]),
    Index("ix_power_node_depot", "depot_id", "name", "id"),
    Index("ix_power_node_parent", "parent_id"),
    CheckConstraint("limit_kw >= 0", name="limit_not_negative"),
)

charge_point = _tenant_table(
    "charge_point",
    Column("depot_id", Uuid, nullable=False),
    Column("power_node_id", Uuid, nullable=False),
    Column("identity", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("ocpp_version", TextEnum(OcppVersion)),
    Column("vendor", Text),
    Column("model", Text),
    Column("serial_number", Text),
    Column("firmware_version", Text),
    Column("connected", Boolean, nullable=False, server_default=text("false")),
    _at("connected_at"),
    _at("disconnected_at"),
    _at("last_seen_at"),
    _at("booted_at"),
    _created(),
    _updated(),
    # Which socket holds it now: set by the process that accepted it, so that a late goodbye of an older socket is ignored.
    Column("socket_id", Uuid),
    Column("password_hash", Text),
    _ref("depot_id", "depot", ondelete="CASCADE"),
    ForeignKeyConstraint(["tenant_id", "depot_id", "power_node_id"], ["power_node.tenant_id", "power_node.depot_id", "power_node.id"]),
    UniqueConstraint("tenant_id", "identity"),
    Index("ix_charge_point_identity", "identity"),
    Index("ix_charge_point_depot", "depot_id", "identity", "id"),
    Index("ix_charge_point_list", "tenant_id", "identity", "id"),
    Index("ix_charge_point_power_node", "power_node_id"),
)

evse = _tenant_table(
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
    _at("limit_at"),
    Column("limit_reason", Text),
    _created(),
    _updated(),
    # The highest limit that may be in force: a raise counts from the moment it is sent, a reduction once it is confirmed.
    Column("in_force_kw", Double),
    _ref("charge_point_id", "charge_point", ondelete="CASCADE"),
    UniqueConstraint("charge_point_id", "evse_no"),
    CheckConstraint("evse_no > 0", name="evse_no_positive"),
)

connector = _tenant_table(
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
    _at("status_at"),
    _created(),
    _updated(),
    _ref("evse_id", "evse", ondelete="CASCADE"),
    UniqueConstraint("evse_id", "connector_no"),
)

vehicle = _tenant_table(
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
    _at("soc_at"),
    _created(),
    _updated(),
    _ref("depot_id", "depot", ondelete="CASCADE"),
    UniqueConstraint("tenant_id", "vin"),
    Index("ix_vehicle_list", "tenant_id", "name", "id"),
    Index("ix_vehicle_depot", "depot_id", "name", "id"),
)

id_tag = _tenant_table(
    "id_tag",
    Column("vehicle_id", Uuid, nullable=False),
    Column("value", Text, nullable=False),
    Column("kind", TextEnum(IdTagKind), nullable=False),
    Column("blocked", Boolean, nullable=False, server_default=text("false")),
    _at("valid_until"),
    _created(),
    _ref("vehicle_id", "vehicle", ondelete="CASCADE"),
    Index("ix_id_tag_vehicle", "vehicle_id"),
    Index("uq_id_tag_value", "tenant_id", func.lower(text("value")), unique=True),
)

# OCPP 1.6 transaction ids are made by the central system (6.44): positive, and never used twice.
ocpp_transaction_seq = Sequence("ocpp_transaction_seq", metadata=metadata, data_type=Integer)

transaction = _tenant_table(
    "transaction",
    Column("depot_id", Uuid, nullable=False),
    Column("charge_point_id", Uuid, nullable=False),
    Column("evse_id", Uuid, nullable=False),
    Column("connector_id", Uuid),
    Column("vehicle_id", Uuid),
    Column("id_tag", Text),
    Column("ocpp_transaction_id", Text, nullable=False),
    Column("state", TextEnum(TransactionState), nullable=False),
    Column("charging_state", TextEnum(ChargingState), nullable=False),
    _at("started_at", nullable=False),
    _at("ended_at"),
    Column("meter_start_wh", Double),
    Column("meter_wh", Double),
    Column("energy_wh", Double, nullable=False, server_default=text("0")),
    Column("power_kw", Double, nullable=False, server_default=text("0")),
    Column("soc_percent", Double),
    _at("measured_at"),
    Column("stop_reason", Text),
    Column("last_seq_no", Integer),
    _created(),
    _updated(),
    _ref("depot_id", "depot"),
    _ref("charge_point_id", "charge_point"),
    _ref("evse_id", "evse"),
    _ref("connector_id", "connector"),
    _ref("vehicle_id", "vehicle"),
    UniqueConstraint("charge_point_id", "ocpp_transaction_id"),
    Index("ix_transaction_list", "tenant_id", "started_at", "id"),
    Index("ix_transaction_depot", "depot_id", "started_at", "id"),
    Index("ix_transaction_charge_point", "charge_point_id", "started_at", "id"),
    Index("ix_transaction_evse", "evse_id", "started_at", "id"),
    Index("ix_transaction_vehicle", "vehicle_id", "started_at", "id"),
    Index("ix_transaction_active", "depot_id", "evse_id", postgresql_where=text("state = 'ACTIVE'")),
)

meter_sample = Table(
    "meter_sample",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("charge_point_id", Uuid, nullable=False),
    Column("evse_id", Uuid, nullable=False),
    Column("transaction_id", Uuid),
    Column("sampled_at", DateTime(timezone=True), primary_key=True),
    Column("measurand", Text, nullable=False),
    Column("phase", Text),
    Column("location", Text),
    Column("context", Text),
    Column("unit", Text),
    Column("value", Double, nullable=False),
    Index("ix_meter_sample_transaction", "transaction_id", "sampled_at", "id"),
    Index("ix_meter_sample_evse", "evse_id", "sampled_at"),
    postgresql_partition_by="RANGE (sampled_at)",
)

priority = _tenant_table(
    "priority",
    Column("level", Level, nullable=False),
    Column("vehicle_id", Uuid),
    Column("charge_point_id", Uuid),
    Column("transaction_id", Uuid),
    Column("reason", Text),
    Column("author", Text, nullable=False),
    _at("valid_from", nullable=False),
    _at("valid_until"),
    _at("cleared_at"),
    _created(),
    _ref("vehicle_id", "vehicle", ondelete="CASCADE"),
    _ref("charge_point_id", "charge_point", ondelete="CASCADE"),
    _ref("transaction_id", "transaction", ondelete="CASCADE"),
    CheckConstraint("num_nonnulls(vehicle_id, charge_point_id, transaction_id) = 1", name="one_target"),
    CheckConstraint("valid_until > valid_from", name="window"),
    Index("ix_priority_list", "tenant_id", "created_at", "id"),
    Index("ix_priority_vehicle", "vehicle_id", postgresql_where=text("cleared_at IS NULL")),
    Index("ix_priority_charge_point", "charge_point_id", postgresql_where=text("cleared_at IS NULL")),
    Index("ix_priority_transaction", "transaction_id", postgresql_where=text("cleared_at IS NULL")),
)

command = _tenant_table(
    "command",
    Column("charge_point_id", Uuid, nullable=False),
    Column("kind", TextEnum(CommandKind), nullable=False),
    Column("payload", JSONB, nullable=False),
    Column("state", TextEnum(CommandState), nullable=False),
    Column("outcome", Text),
    Column("author", Text, nullable=False),
    _created(),
    _at("sent_at"),
    _at("finished_at"),
    _at("expires_at", nullable=False),
    _ref("charge_point_id", "charge_point", ondelete="CASCADE"),
    Index("ix_command_open", "charge_point_id", "created_at", postgresql_where=text("state IN ('PENDING', 'SENT')")),
    Index("ix_command_charge_point", "charge_point_id", "created_at"),
    Index("ix_command_created", "created_at"),
)

report = _tenant_table(
    "report",
    Column("depot_id", Uuid, nullable=False),
    Column("kind", TextEnum(ReportKind), nullable=False),
    Column("day", Date, nullable=False),
    Column("file_key", Text, nullable=False),
    Column("file_name", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("energy_wh", Double, nullable=False),
    _created(),
    _updated(),
    _ref("depot_id", "depot", ondelete="CASCADE"),
    UniqueConstraint("depot_id", "kind", "day"),
    Index("ix_report_list", "tenant_id", "day", "id"),
    Index("ix_report_depot", "depot_id", "day", "id"),
)

audit_record = _tenant_table(
    "audit_record",
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("author", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("target_kind", Text, nullable=False),
    Column("target_id", Uuid, nullable=False),
    Column("detail", JSONB, nullable=False),
    Index("ix_audit_record_target", "target_id", "at"),
)

api_key = _tenant_table(
    "api_key",
    Column("name", Text, nullable=False),
    Column("prefix", Text, nullable=False),
    Column("key_hash", Text, nullable=False, unique=True),
    Column("scopes", ARRAY(Text), nullable=False),
    _created(),
    _at("expires_at"),
    _at("revoked_at"),
)

ocpi_party = _tenant_table(
    "ocpi_party",
    Column("country_code", Text, nullable=False),
    Column("party_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    _created(),
    UniqueConstraint("country_code", "party_id"),
)

ocpi_credential = _tenant_table(
    "ocpi_credential",
    Column("partner_name", Text, nullable=False),
    Column("token_hash", Text, nullable=False, unique=True),
    _created(),
    _at("revoked_at"),
)

outbox = _tenant_table(
    "outbox",
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("aggregate_id", Uuid, nullable=False),
    Column("depot_id", Uuid),
    Column("payload", JSONB, nullable=False),
    Column("occurred_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    unique_id=False,
)
