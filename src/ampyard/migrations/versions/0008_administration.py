"""Administration: settings, flags, impersonation, runs of jobs."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from ampyard.migrations.online import create_index, drop_index
from ampyard.migrations.policies import protect

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# What the system role may read besides (ADR 0017): the list of tenants, the names of a tenant's users, and who acts as whom.
SYSTEM_READS = {
    "tenant": "created_at, updated_at, suspended_at, suspended_reason",
    "app_user": "id, tenant_id, subject, email, name, disabled_at, created_at, updated_at, last_seen_at",
    "impersonation": "id, tenant_id, user_id, impersonator, reason, token_hash, started_at, expires_at, ended_at",
    "feature_flag": "tenant_id, name, enabled",
    # Of these, what administrators of the installation have asked for, see below.
    "answered_request": "author, key, operation, digest, answer",
}
_NEW_POLICIES = ("app_user", "impersonation", "feature_flag")

_LISTS = {
    "ix_audit_record_list": ("audit_record", ["tenant_id", "at", "id"]),
    "ix_audit_record_author": ("audit_record", ["tenant_id", "author", "at", "id"]),
    "ix_audit_record_action": ("audit_record", ["tenant_id", "action", "at", "id"]),
    "ix_tenant_list": ("tenant", ["created_at", "id"]),
    "ix_api_key_list": ("api_key", ["tenant_id", "created_at", "id"]),
    "ix_ocpi_credential_list": ("ocpi_credential", ["tenant_id", "created_at", "id"]),
}


def upgrade() -> None:
    """Add what administration keeps."""
    _columns()
    _tables()
    for table in ("tenant_settings", "feature_flag", "job_run", "impersonation"):
        protect(table)
    for table, columns in SYSTEM_READS.items():
        op.execute(f"GRANT SELECT ({columns}) ON {table} TO ampyard_system")
    for table in _NEW_POLICIES:
        op.execute(f"CREATE POLICY system_reads ON {table} FOR SELECT TO ampyard_system USING (true)")
    op.execute("CREATE POLICY system_reads ON answered_request FOR SELECT TO ampyard_system USING (author LIKE 'administrator:%')")
    for name, (table, columns_of) in _LISTS.items():
        create_index(name, table, columns_of)


def _columns() -> None:
    op.add_column("tenant", sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False))
    op.add_column("tenant", sa.Column("suspended_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("tenant", sa.Column("suspended_reason", sa.Text(), nullable=True))
    op.add_column("app_user", sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("api_key", sa.Column("author", sa.Text(), nullable=True))
    op.add_column("api_key", sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("ocpi_party", sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False))
    op.add_column("ocpi_credential", sa.Column("prefix", sa.Text(), nullable=True))
    op.add_column("ocpi_credential", sa.Column("author", sa.Text(), nullable=True))


def _tables() -> None:
    op.create_table(
        "tenant_settings",
        *_ids(),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("values", postgresql.JSONB(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        _moment("updated_at"),
        *_keys("tenant_settings"),
        sa.UniqueConstraint("tenant_id", name=op.f("uq_tenant_settings_tenant_id")),
    )
    op.create_table(
        "feature_flag",
        *_ids(),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        _moment("updated_at"),
        *_keys("feature_flag"),
        sa.UniqueConstraint("tenant_id", "name", name=op.f("uq_feature_flag_tenant_id_name")),
    )
    op.create_table(
        "job_run",
        *_ids(),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("payload", postgresql.JSONB(), nullable=True),
        sa.Column("queue_id", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        _moment("created_at"),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        *_keys("job_run"),
        sa.UniqueConstraint("queue_id", name=op.f("uq_job_run_queue_id")),
    )
    op.create_index("ix_job_run_list", "job_run", ["tenant_id", "created_at", "id"])
    op.create_index("ix_job_run_kind", "job_run", ["tenant_id", "kind", "created_at", "id"])
    op.create_index("ix_job_run_failed", "job_run", ["tenant_id", "created_at", "id"], postgresql_where=sa.text("state = 'FAILED'"))
    op.create_table(
        "impersonation",
        *_ids(),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("impersonator", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        *_keys("impersonation"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["app_user.tenant_id", "app_user.id"],
            name=op.f("fk_impersonation_tenant_id_user_id"),
            ondelete="CASCADE",
        ),
        sa.UniqueConstraint("token_hash", name=op.f("uq_impersonation_token_hash")),
        sa.CheckConstraint("expires_at > started_at", name=op.f("ck_impersonation_window")),
    )
    op.create_index("ix_impersonation_list", "impersonation", ["tenant_id", "started_at", "id"])
    op.create_index("ix_impersonation_user", "impersonation", ["user_id", "started_at", "id"])


def _ids() -> list[sa.Column[object]]:
    return [sa.Column("id", sa.Uuid(), nullable=False), sa.Column("tenant_id", sa.Uuid(), nullable=False)]


def _moment(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)


def _keys(table: str) -> list[sa.Constraint]:
    return [
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f(f"fk_{table}_tenant_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f(f"uq_{table}_tenant_id_id")),
    ]


def downgrade() -> None:
    """Take all of it back. Settings and flags are lost; a suspended tenant would be let in again, so there must be none."""
    # As the system role: the owner, whom FORCE binds too, sees no tenant.
    op.execute(
        """
        DO $$ BEGIN
            SET LOCAL ROLE ampyard_system;
            IF EXISTS (SELECT FROM tenant WHERE suspended_at IS NOT NULL) THEN
                RAISE EXCEPTION 'There are suspended tenants, whom the revision before this would let in. Lift the suspensions first.';
            END IF;
            RESET ROLE;
        END $$
        """
    )
    for name, (table, _) in _LISTS.items():
        drop_index(name, table)
    for table in ("impersonation", "job_run", "feature_flag", "tenant_settings"):
        op.drop_table(table)
    for table, columns in (
        ("ocpi_credential", ("author", "prefix")),
        ("ocpi_party", ("updated_at",)),
        ("api_key", ("last_used_at", "author")),
    ):
        for column in columns:
            op.drop_column(table, column)
    op.execute("DROP POLICY system_reads ON answered_request")
    op.execute(f"REVOKE SELECT ({SYSTEM_READS['answered_request']}) ON answered_request FROM ampyard_system")
    op.execute("DROP POLICY system_reads ON app_user")
    op.execute("REVOKE SELECT (id, tenant_id, subject, email, name, disabled_at, created_at, updated_at) ON app_user FROM ampyard_system")
    op.drop_column("app_user", "last_seen_at")
    op.execute("REVOKE SELECT (created_at) ON tenant FROM ampyard_system")
    for column in ("suspended_reason", "suspended_at", "updated_at"):
        op.drop_column("tenant", column)
