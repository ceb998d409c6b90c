"""What happens there: transactions, measurements, priorities, commands."""

from sqlalchemy import CheckConstraint, Column, DateTime, Double, Index, Integer, Sequence, Table, Text, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from ampyard.domain.commands import CommandKind, CommandState
from ampyard.domain.transactions import ChargingState, TransactionState
from ampyard.repositories.tables.base import Level, TextEnum, at, created, metadata, ref, tenant_table, updated

# OCPP 1.6 transaction ids are made by the central system (6.46): positive, and never used twice.
ocpp_transaction_seq = Sequence("ocpp_transaction_seq", metadata=metadata, data_type=Integer)

transaction = tenant_table(
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
    at("started_at", nullable=False),
    at("ended_at"),
    Column("meter_start_wh", Double),
    Column("meter_wh", Double),
    Column("energy_wh", Double, nullable=False, server_default=text("0")),
    Column("power_kw", Double, nullable=False, server_default=text("0")),
    Column("soc_percent", Double),
    at("measured_at"),
    Column("stop_reason", Text),
    Column("last_seq_no", Integer),
    created(),
    updated(),
    ref("depot_id", "depot"),
    ref("charge_point_id", "charge_point"),
    ref("evse_id", "evse"),
    ref("connector_id", "connector"),
    ref("vehicle_id", "vehicle"),
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

priority = tenant_table(
    "priority",
    Column("level", Level, nullable=False),
    Column("vehicle_id", Uuid),
    Column("charge_point_id", Uuid),
    Column("transaction_id", Uuid),
    Column("reason", Text),
    Column("author", Text, nullable=False),
    at("valid_from", nullable=False),
    at("valid_until"),
    at("cleared_at"),
    created(),
    ref("vehicle_id", "vehicle", ondelete="CASCADE"),
    ref("charge_point_id", "charge_point", ondelete="CASCADE"),
    ref("transaction_id", "transaction", ondelete="CASCADE"),
    CheckConstraint("num_nonnulls(vehicle_id, charge_point_id, transaction_id) = 1", name="one_target"),
    CheckConstraint("valid_until > valid_from", name="window"),
    Index("ix_priority_list", "tenant_id", "created_at", "id"),
    Index("ix_priority_vehicle", "vehicle_id", postgresql_where=text("cleared_at IS NULL")),
    Index("ix_priority_charge_point", "charge_point_id", postgresql_where=text("cleared_at IS NULL")),
    Index("ix_priority_transaction", "transaction_id", postgresql_where=text("cleared_at IS NULL")),
)

command = tenant_table(
    "command",
    Column("charge_point_id", Uuid, nullable=False),
    Column("kind", TextEnum(CommandKind), nullable=False),
    Column("payload", JSONB, nullable=False),
    Column("state", TextEnum(CommandState), nullable=False),
    Column("outcome", Text),
    Column("author", Text, nullable=False),
    created(),
    at("sent_at"),
    at("finished_at"),
    at("expires_at", nullable=False),
    ref("charge_point_id", "charge_point", ondelete="CASCADE"),
    Index("ix_command_open", "charge_point_id", "created_at", postgresql_where=text("state IN ('PENDING', 'SENT')")),
    Index("ix_command_charge_point", "charge_point_id", "created_at"),
    Index("ix_command_created", "created_at"),
)
