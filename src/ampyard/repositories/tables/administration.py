"""What is kept for people and partners, and what waits to be told."""

from sqlalchemy import ARRAY, BigInteger, Column, Date, DateTime, Double, Identity, Index, Text, UniqueConstraint, Uuid, func
from sqlalchemy.dialects.postgresql import JSONB

from ampyard.domain.reports import ReportKind
from ampyard.repositories.tables.base import TextEnum, at, created, ref, tenant_table, updated

report = tenant_table(
    "report",
    Column("depot_id", Uuid, nullable=False),
    Column("kind", TextEnum(ReportKind), nullable=False),
    Column("day", Date, nullable=False),
    Column("file_key", Text, nullable=False),
    Column("file_name", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("energy_wh", Double, nullable=False),
    created(),
    updated(),
    ref("depot_id", "depot", ondelete="CASCADE"),
    UniqueConstraint("depot_id", "kind", "day"),
    Index("ix_report_list", "tenant_id", "day", "id"),
    Index("ix_report_depot", "depot_id", "day", "id"),
)

audit_record = tenant_table(
    "audit_record",
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("author", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("target_kind", Text, nullable=False),
    Column("target_id", Uuid, nullable=False),
    Column("detail", JSONB, nullable=False),
    Index("ix_audit_record_target", "target_id", "at"),
    Index("ix_audit_record_list", "tenant_id", "at", "id"),
    Index("ix_audit_record_author", "tenant_id", "author", "at", "id"),
    Index("ix_audit_record_action", "tenant_id", "action", "at", "id"),
)

api_key = tenant_table(
    "api_key",
    Column("name", Text, nullable=False),
    Column("prefix", Text, nullable=False),
    Column("key_hash", Text, nullable=False, unique=True),
    Column("scopes", ARRAY(Text), nullable=False),
    created(),
    at("expires_at"),
    at("revoked_at"),
    # What the key reaches; null: the whole tenant.
    Column("resource_group_id", Uuid),
    Column("author", Text),
    at("last_used_at"),
    ref("resource_group_id", "resource_group", ondelete="CASCADE"),
    Index("ix_api_key_list", "tenant_id", "created_at", "id"),
)

ocpi_party = tenant_table(
    "ocpi_party",
    Column("country_code", Text, nullable=False),
    Column("party_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    created(),
    updated(),
    UniqueConstraint("country_code", "party_id"),
)

ocpi_credential = tenant_table(
    "ocpi_credential",
    Column("partner_name", Text, nullable=False),
    Column("token_hash", Text, nullable=False, unique=True),
    created(),
    at("revoked_at"),
    # What may be shown of the token; of older ones nothing was kept.
    Column("prefix", Text),
    Column("author", Text),
    Index("ix_ocpi_credential_list", "tenant_id", "created_at", "id"),
)

outbox = tenant_table(
    "outbox",
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("aggregate_id", Uuid, nullable=False),
    Column("depot_id", Uuid),
    Column("payload", JSONB, nullable=False),
    Column("occurred_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    unique_id=False,
)
