"""How a tenant is run: its settings and flags, what ran for it in the background, and who acted as one of its users."""

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Index, Integer, Text, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from ampyard.domain.job_runs import JobRunState
from ampyard.repositories.tables.base import TextEnum, at, created, ref, tenant_table, updated

tenant_settings = tenant_table(
    "tenant_settings",
    Column("version", Integer, nullable=False),
    # Only what differs from the defaults (domain/settings.py).
    Column("values", JSONB, nullable=False),
    Column("author", Text, nullable=False),
    updated(),
    UniqueConstraint("tenant_id"),
)

feature_flag = tenant_table(
    "feature_flag",
    Column("name", Text, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("author", Text, nullable=False),
    updated(),
    UniqueConstraint("tenant_id", "name"),
)

job_run = tenant_table(
    "job_run",
    Column("kind", Text, nullable=False),
    Column("state", TextEnum(JobRunState), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("payload", JSONB),
    # The queue's number of the job; a job that is tried again keeps it.
    Column("queue_id", BigInteger, unique=True),
    Column("error", Text),
    created(),
    at("started_at"),
    at("finished_at"),
    Index("ix_job_run_list", "tenant_id", "created_at", "id"),
    Index("ix_job_run_kind", "tenant_id", "kind", "created_at", "id"),
    Index("ix_job_run_failed", "tenant_id", "created_at", "id", postgresql_where=text("state = 'FAILED'")),
)

impersonation = tenant_table(
    "impersonation",
    Column("user_id", Uuid, nullable=False),
    Column("impersonator", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("token_hash", Text, nullable=False, unique=True),
    at("started_at", nullable=False),
    at("expires_at", nullable=False),
    at("ended_at"),
    ref("user_id", "app_user", ondelete="CASCADE"),
    CheckConstraint("expires_at > started_at", name="window"),
    Index("ix_impersonation_list", "tenant_id", "started_at", "id"),
    Index("ix_impersonation_user", "user_id", "started_at", "id"),
)
