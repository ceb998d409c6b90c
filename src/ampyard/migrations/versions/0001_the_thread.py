"""The thread: tenants, depots, charge points, vehicles, transactions, priorities, and who may see them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from ampyard.migrations.errors import NoWayDownError

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


TENANT_TABLES = (
    "api_key",
    "audit_record",
    "charge_point",
    "command",
    "connector",
    "depot",
    "evse",
    "id_tag",
    "meter_sample",
    "ocpi_credential",
    "ocpi_party",
    "outbox",
    "power_node",
    "priority",
    "report",
    "transaction",
    "vehicle",
)

# What must be readable before a tenant is known, or across tenants: whose credential this is, which tenants and depots exist.
SYSTEM_READS = {
    "tenant": "id, slug, name",
    "depot": "id, tenant_id, name, time_zone",
    "charge_point": "id, tenant_id, identity, password_hash, connected, last_seen_at",
    "api_key": "id, tenant_id, name, key_hash, scopes, expires_at, revoked_at",
    "ocpi_credential": "id, tenant_id, partner_name, token_hash, revoked_at",
    "command": "id, tenant_id, charge_point_id, state, created_at, expires_at",
}


def upgrade() -> None:
    op.execute(sa.schema.CreateSequence(sa.Sequence("ocpp_transaction_seq", data_type=sa.Integer)))
    op.create_table(
        "meter_sample",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("charge_point_id", sa.Uuid(), nullable=False),
        sa.Column("evse_id", sa.Uuid(), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=True),
        sa.Column("sampled_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("measurand", sa.Text(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=True),
        sa.Column("location", sa.Text(), nullable=True),
        sa.Column("context", sa.Text(), nullable=True),
        sa.Column("unit", sa.Text(), nullable=True),
        sa.Column("value", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", "sampled_at", name=op.f("pk_meter_sample")),
        postgresql_partition_by="RANGE (sampled_at)",
    )
    op.create_index("ix_meter_sample_evse", "meter_sample", ["evse_id", "sampled_at"], unique=False)
    op.create_index("ix_meter_sample_transaction", "meter_sample", ["transaction_id", "sampled_at", "id"], unique=False)
    op.create_table(
        "tenant",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenant")),
        sa.UniqueConstraint("slug", name=op.f("uq_tenant_slug")),
    )
    op.create_table(
        "api_key",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("key_hash", sa.Text(), nullable=False),
        sa.Column("scopes", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_api_key_tenant_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_api_key_key_hash")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_api_key_tenant_id_id")),
    )
    op.create_table(
        "audit_record",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("target_kind", sa.Text(), nullable=False),
        sa.Column("target_id", sa.Uuid(), nullable=False),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_audit_record_tenant_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_record")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_audit_record_tenant_id_id")),
    )
    op.create_index("ix_audit_record_target", "audit_record", ["target_id", "at"], unique=False)
    op.create_table(
        "depot",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("postal_code", sa.Text(), nullable=False),
        sa.Column("city", sa.Text(), nullable=False),
        sa.Column("country_code", sa.Text(), nullable=False),
        sa.Column("latitude", sa.Double(), nullable=False),
        sa.Column("longitude", sa.Double(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_depot_tenant_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_depot")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_depot_tenant_id_id")),
        sa.UniqueConstraint("tenant_id", "name", name=op.f("uq_depot_tenant_id_name")),
    )
    op.create_index("ix_depot_list", "depot", ["tenant_id", "updated_at", "id"], unique=False)
    op.create_table(
        "ocpi_credential",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("partner_name", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_ocpi_credential_tenant_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ocpi_credential")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_ocpi_credential_tenant_id_id")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_ocpi_credential_token_hash")),
    )
    op.create_table(
        "ocpi_party",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("country_code", sa.Text(), nullable=False),
        sa.Column("party_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_ocpi_party_tenant_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ocpi_party")),
        sa.UniqueConstraint("country_code", "party_id", name=op.f("uq_ocpi_party_country_code_party_id")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_ocpi_party_tenant_id_id")),
    )
    op.create_table(
        "outbox",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("aggregate_id", sa.Uuid(), nullable=False),
        sa.Column("depot_id", sa.Uuid(), nullable=True),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_outbox_tenant_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
    )
    op.create_table(
        "power_node",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("depot_id", sa.Uuid(), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("limit_kw", sa.Double(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("limit_kw >= 0", name=op.f("ck_power_node_limit_not_negative")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "depot_id", "parent_id"],
            ["power_node.tenant_id", "power_node.depot_id", "power_node.id"],
            name=op.f("fk_power_node_tenant_id_depot_id_parent_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "depot_id"], ["depot.tenant_id", "depot.id"], name=op.f("fk_power_node_tenant_id_depot_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_power_node_tenant_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_power_node")),
        sa.UniqueConstraint("tenant_id", "depot_id", "id", name=op.f("uq_power_node_tenant_id_depot_id_id")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_power_node_tenant_id_id")),
    )
    op.create_index("ix_power_node_depot", "power_node", ["depot_id", "name", "id"], unique=False)
    op.create_index("ix_power_node_parent", "power_node", ["parent_id"], unique=False)
    op.create_table(
        "report",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("depot_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("file_key", sa.Text(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("energy_wh", sa.Double(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "depot_id"], ["depot.tenant_id", "depot.id"], name=op.f("fk_report_tenant_id_depot_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_report_tenant_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report")),
        sa.UniqueConstraint("depot_id", "kind", "day", name=op.f("uq_report_depot_id_kind_day")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_report_tenant_id_id")),
    )
    op.create_index("ix_report_depot", "report", ["depot_id", "day", "id"], unique=False)
    op.create_index("ix_report_list", "report", ["tenant_id", "day", "id"], unique=False)
    op.create_table(
        "vehicle",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("depot_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("vin", sa.Text(), nullable=False),
        sa.Column("license_plate", sa.Text(), nullable=False),
        sa.Column("battery_kwh", sa.Double(), nullable=False),
        sa.Column("max_ac_kw", sa.Double(), nullable=False),
        sa.Column("max_dc_kw", sa.Double(), nullable=False),
        sa.Column("soc_percent", sa.Double(), nullable=True),
        sa.Column("soc_source", sa.Text(), nullable=True),
        sa.Column("soc_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "depot_id"], ["depot.tenant_id", "depot.id"], name=op.f("fk_vehicle_tenant_id_depot_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_vehicle_tenant_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vehicle")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_vehicle_tenant_id_id")),
        sa.UniqueConstraint("tenant_id", "vin", name=op.f("uq_vehicle_tenant_id_vin")),
    )
    op.create_index("ix_vehicle_depot", "vehicle", ["depot_id", "name", "id"], unique=False)
    op.create_index("ix_vehicle_list", "vehicle", ["tenant_id", "name", "id"], unique=False)
    op.create_table(
        "charge_point",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("depot_id", sa.Uuid(), nullable=False),
        sa.Column("power_node_id", sa.Uuid(), nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("ocpp_version", sa.Text(), nullable=True),
        sa.Column("vendor", sa.Text(), nullable=True),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("serial_number", sa.Text(), nullable=True),
        sa.Column("firmware_version", sa.Text(), nullable=True),
        sa.Column("connected", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("connected_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("disconnected_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("booted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("socket_id", sa.Uuid(), nullable=True),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "depot_id", "power_node_id"],
            ["power_node.tenant_id", "power_node.depot_id", "power_node.id"],
            name=op.f("fk_charge_point_tenant_id_depot_id_power_node_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "depot_id"], ["depot.tenant_id", "depot.id"], name=op.f("fk_charge_point_tenant_id_depot_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_charge_point_tenant_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_charge_point")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_charge_point_tenant_id_id")),
        sa.UniqueConstraint("tenant_id", "identity", name=op.f("uq_charge_point_tenant_id_identity")),
    )
    op.create_index("ix_charge_point_depot", "charge_point", ["depot_id", "identity", "id"], unique=False)
    op.create_index("ix_charge_point_identity", "charge_point", ["identity"], unique=False)
    op.create_index("ix_charge_point_list", "charge_point", ["tenant_id", "identity", "id"], unique=False)
    op.create_index("ix_charge_point_power_node", "charge_point", ["power_node_id"], unique=False)
    op.create_table(
        "id_tag",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("vehicle_id", sa.Uuid(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("blocked", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "vehicle_id"],
            ["vehicle.tenant_id", "vehicle.id"],
            name=op.f("fk_id_tag_tenant_id_vehicle_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_id_tag_tenant_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_id_tag")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_id_tag_tenant_id_id")),
    )
    op.create_index("ix_id_tag_vehicle", "id_tag", ["vehicle_id"], unique=False)
    op.create_index("uq_id_tag_value", "id_tag", ["tenant_id", sa.literal_column("lower(value)")], unique=True)
    op.create_table(
        "command",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("charge_point_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "charge_point_id"],
            ["charge_point.tenant_id", "charge_point.id"],
            name=op.f("fk_command_tenant_id_charge_point_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_command_tenant_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_command")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_command_tenant_id_id")),
    )
    op.create_index("ix_command_charge_point", "command", ["charge_point_id", "created_at"], unique=False)
    op.create_index("ix_command_created", "command", ["created_at"], unique=False)
    op.create_index(
        "ix_command_open",
        "command",
        ["charge_point_id", "created_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('PENDING', 'SENT')"),
    )
    op.create_table(
        "evse",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("charge_point_id", sa.Uuid(), nullable=False),
        sa.Column("evse_no", sa.Integer(), nullable=False),
        sa.Column("current_type", sa.Text(), nullable=False),
        sa.Column("max_power_kw", sa.Double(), nullable=False),
        sa.Column("min_power_kw", sa.Double(), nullable=False),
        sa.Column("phases", sa.SmallInteger(), nullable=False),
        sa.Column("fallback_kw", sa.Double(), nullable=False),
        sa.Column("status", sa.Text(), server_default="Unknown", nullable=False),
        sa.Column("limit_kw", sa.Double(), nullable=True),
        sa.Column("limit_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("limit_reason", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("in_force_kw", sa.Double(), nullable=True),
        sa.CheckConstraint("evse_no > 0", name=op.f("ck_evse_evse_no_positive")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "charge_point_id"],
            ["charge_point.tenant_id", "charge_point.id"],
            name=op.f("fk_evse_tenant_id_charge_point_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_evse_tenant_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evse")),
        sa.UniqueConstraint("charge_point_id", "evse_no", name=op.f("uq_evse_charge_point_id_evse_no")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_evse_tenant_id_id")),
    )
    op.create_table(
        "connector",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("evse_id", sa.Uuid(), nullable=False),
        sa.Column("connector_no", sa.Integer(), nullable=False),
        sa.Column("standard", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("power_type", sa.Text(), nullable=False),
        sa.Column("max_voltage_v", sa.Integer(), nullable=False),
        sa.Column("max_amperage_a", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), server_default="Unknown", nullable=False),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("status_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "evse_id"], ["evse.tenant_id", "evse.id"], name=op.f("fk_connector_tenant_id_evse_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_connector_tenant_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connector")),
        sa.UniqueConstraint("evse_id", "connector_no", name=op.f("uq_connector_evse_id_connector_no")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_connector_tenant_id_id")),
    )
    op.create_table(
        "transaction",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("depot_id", sa.Uuid(), nullable=False),
        sa.Column("charge_point_id", sa.Uuid(), nullable=False),
        sa.Column("evse_id", sa.Uuid(), nullable=False),
        sa.Column("connector_id", sa.Uuid(), nullable=True),
        sa.Column("vehicle_id", sa.Uuid(), nullable=True),
        sa.Column("id_tag", sa.Text(), nullable=True),
        sa.Column("ocpp_transaction_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("charging_state", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("meter_start_wh", sa.Double(), nullable=True),
        sa.Column("meter_wh", sa.Double(), nullable=True),
        sa.Column("energy_wh", sa.Double(), server_default=sa.text("0"), nullable=False),
        sa.Column("power_kw", sa.Double(), server_default=sa.text("0"), nullable=False),
        sa.Column("soc_percent", sa.Double(), nullable=True),
        sa.Column("measured_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stop_reason", sa.Text(), nullable=True),
        sa.Column("last_seq_no", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "charge_point_id"],
            ["charge_point.tenant_id", "charge_point.id"],
            name=op.f("fk_transaction_tenant_id_charge_point_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "connector_id"],
            ["connector.tenant_id", "connector.id"],
            name=op.f("fk_transaction_tenant_id_connector_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "depot_id"], ["depot.tenant_id", "depot.id"], name=op.f("fk_transaction_tenant_id_depot_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "evse_id"], ["evse.tenant_id", "evse.id"], name=op.f("fk_transaction_tenant_id_evse_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "vehicle_id"],
            ["vehicle.tenant_id", "vehicle.id"],
            name=op.f("fk_transaction_tenant_id_vehicle_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_transaction_tenant_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transaction")),
        sa.UniqueConstraint("charge_point_id", "ocpp_transaction_id", name=op.f("uq_transaction_charge_point_id_ocpp_transaction_id")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_transaction_tenant_id_id")),
    )
    op.create_index(
        "ix_transaction_active", "transaction", ["depot_id", "evse_id"], unique=False, postgresql_where=sa.text("state = 'ACTIVE'")
    )
    op.create_index("ix_transaction_charge_point", "transaction", ["charge_point_id", "started_at", "id"], unique=False)
    op.create_index("ix_transaction_depot", "transaction", ["depot_id", "started_at", "id"], unique=False)
    op.create_index("ix_transaction_evse", "transaction", ["evse_id", "started_at", "id"], unique=False)
    op.create_index("ix_transaction_list", "transaction", ["tenant_id", "started_at", "id"], unique=False)
    op.create_index("ix_transaction_vehicle", "transaction", ["vehicle_id", "started_at", "id"], unique=False)
    op.create_table(
        "priority",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("vehicle_id", sa.Uuid(), nullable=True),
        sa.Column("charge_point_id", sa.Uuid(), nullable=True),
        sa.Column("transaction_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("num_nonnulls(vehicle_id, charge_point_id, transaction_id) = 1", name=op.f("ck_priority_one_target")),
        sa.CheckConstraint("valid_until > valid_from", name=op.f("ck_priority_window")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "charge_point_id"],
            ["charge_point.tenant_id", "charge_point.id"],
            name=op.f("fk_priority_tenant_id_charge_point_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "transaction_id"],
            ["transaction.tenant_id", "transaction.id"],
            name=op.f("fk_priority_tenant_id_transaction_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "vehicle_id"],
            ["vehicle.tenant_id", "vehicle.id"],
            name=op.f("fk_priority_tenant_id_vehicle_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_priority_tenant_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_priority")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_priority_tenant_id_id")),
    )
    op.create_index(
        "ix_priority_charge_point", "priority", ["charge_point_id"], unique=False, postgresql_where=sa.text("cleared_at IS NULL")
    )
    op.create_index("ix_priority_list", "priority", ["tenant_id", "created_at", "id"], unique=False)
    op.create_index("ix_priority_transaction", "priority", ["transaction_id"], unique=False, postgresql_where=sa.text("cleared_at IS NULL"))
    op.create_index("ix_priority_vehicle", "priority", ["vehicle_id"], unique=False, postgresql_where=sa.text("cleared_at IS NULL"))
    _partitions()
    _roles_and_policies()


def _partitions() -> None:
    # The application role owns nothing, so it cannot make tables: this function makes the partitions it needs ahead, as the owner.
    op.execute(
        """
        CREATE FUNCTION ampyard_make_meter_partitions(ahead integer) RETURNS integer
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
        DECLARE
            first date;
            from_at timestamptz;
            to_at timestamptz;
            name text;
            made integer := 0;
        BEGIN
            FOR i IN -1 .. LEAST(ahead, 24) LOOP
                first := (date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => i))::date;
                name := 'meter_sample_' || to_char(first, 'YYYY_MM');
                IF to_regclass('public.' || name) IS NULL THEN
                    from_at := first::timestamp AT TIME ZONE 'UTC';
                    to_at := (first + interval '1 month') AT TIME ZONE 'UTC';
                    EXECUTE format('CREATE TABLE %I (LIKE meter_sample INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', name);
                    -- What came before its month was there, from a wrong clock or after a long stop, moves in.
                    LOCK TABLE meter_sample_default IN ACCESS EXCLUSIVE MODE;
                    EXECUTE format(
                        'WITH moved AS (DELETE FROM meter_sample_default WHERE sampled_at >= %L AND sampled_at < %L RETURNING *) '
                        'INSERT INTO %I SELECT * FROM moved',
                        from_at, to_at, name
                    );
                    EXECUTE format('ALTER TABLE meter_sample ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', name, from_at, to_at);
                    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
                    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
                    made := made + 1;
                END IF;
            END LOOP;
            RETURN made;
        END $$
        """
    )
    op.execute("REVOKE ALL ON FUNCTION ampyard_make_meter_partitions(integer) FROM PUBLIC")
    # Charge points whose clock is wrong must not be refused: what fits no month is kept here.
    op.execute("CREATE TABLE meter_sample_default PARTITION OF meter_sample DEFAULT")
    op.execute("ALTER TABLE meter_sample_default ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE meter_sample_default FORCE ROW LEVEL SECURITY")
    # The owner, whom FORCE binds too, moves rows of all tenants out of it.
    op.execute("CREATE POLICY owner_moves ON meter_sample_default TO CURRENT_USER USING (true)")
    op.execute("SELECT ampyard_make_meter_partitions(2)")


def _roles_and_policies() -> None:
    op.execute(
        """
        DO $$ BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'ampyard_app') THEN
                CREATE ROLE ampyard_app LOGIN NOINHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;
            END IF;
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'ampyard_system') THEN
                CREATE ROLE ampyard_system NOLOGIN NOINHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;
            END IF;
        END $$
        """
    )
    # An owner who is no superuser must be able to work as the application role; an administrator may have seen to both already.
    op.execute(
        """
        DO $$ BEGIN
            BEGIN
                SET LOCAL ROLE ampyard_app;
                RESET ROLE;
            EXCEPTION WHEN insufficient_privilege THEN
                EXECUTE format('GRANT ampyard_app TO %I', current_user);
            END;
            IF NOT pg_has_role('ampyard_app', 'ampyard_system', 'MEMBER') THEN
                GRANT ampyard_system TO ampyard_app;
            END IF;
        END $$
        """
    )
    op.execute("GRANT USAGE ON SCHEMA public TO ampyard_app, ampyard_system")
    op.execute(
        """
        CREATE FUNCTION ampyard_tenant() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS
        $$ SELECT nullif(current_setting('ampyard.tenant', true), '')::uuid $$
        """
    )
    op.execute("GRANT EXECUTE ON FUNCTION ampyard_make_meter_partitions(integer) TO ampyard_app")
    op.execute("GRANT USAGE ON SEQUENCE ocpp_transaction_seq TO ampyard_app")
    for table in TENANT_TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO ampyard_app")
        # The sub-select is evaluated once per statement, not once per row.
        mine = "tenant_id = (SELECT ampyard_tenant())"
        op.execute(f"CREATE POLICY tenant ON {table} TO ampyard_app USING ({mine}) WITH CHECK ({mine})")
    op.execute("ALTER TABLE tenant ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE tenant FORCE ROW LEVEL SECURITY")
    op.execute("GRANT SELECT, INSERT, UPDATE ON tenant TO ampyard_app")
    op.execute(
        "CREATE POLICY tenant ON tenant TO ampyard_app USING (id = (SELECT ampyard_tenant())) WITH CHECK (id = (SELECT ampyard_tenant()))"
    )
    # An audit record is never changed.
    op.execute("REVOKE UPDATE, DELETE ON audit_record FROM ampyard_app")
    for table, columns in SYSTEM_READS.items():
        op.execute(f"GRANT SELECT ({columns}) ON {table} TO ampyard_system")
        op.execute(f"CREATE POLICY system_reads ON {table} FOR SELECT TO ampyard_system USING (true)")
    op.execute("GRANT SELECT, DELETE ON outbox TO ampyard_system")
    op.execute("CREATE POLICY system_relays ON outbox TO ampyard_system USING (true)")


def downgrade() -> None:
    raise NoWayDownError("before it there is nothing; drop the database instead")
