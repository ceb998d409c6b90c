"""Supply: schedules of limits, site meters, the load of power nodes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from ampyard.migrations.online import create_index, drop_index
from ampyard.migrations.partitions import divide_by_months
from ampyard.migrations.policies import protect

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_OF_DEPOT = "depot_id IN (SELECT unnest(ampyard_depots()))"


def upgrade() -> None:
    _depots_and_nodes()
    _limit_exceptions()
    _site_meters()
    _partitioned()


def _depots_and_nodes() -> None:
    op.add_column("depot", sa.Column("opening_times", postgresql.JSONB(), nullable=True))
    op.add_column("depot", sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True))
    # Jobs that look for their work across tenants pass over archived depots.
    op.execute("GRANT SELECT (archived_at) ON depot TO ampyard_system")
    op.add_column("power_node", sa.Column("limit_a", sa.Double(), nullable=True))
    op.add_column("power_node", sa.Column("phases", sa.SmallInteger(), server_default=sa.text("3"), nullable=False))
    op.add_column("power_node", sa.Column("voltage_v", sa.Double(), server_default=sa.text("230"), nullable=False))
    op.add_column("power_node", sa.Column("weekly_limits", postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=False))
    op.add_column("power_node", sa.Column("unmanaged_fallback_kw", sa.Double(), nullable=True))
    op.add_column("power_node", sa.Column("site_meter_max_age_s", sa.Integer(), server_default=sa.text("300"), nullable=False))
    # One root a depot, whoever makes two at a time.
    create_index("uq_power_node_root", "power_node", ["depot_id"], unique=True, where="parent_id IS NULL")


def _limit_exceptions() -> None:
    op.create_table(
        "limit_exception",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("depot_id", sa.Uuid(), nullable=False),
        sa.Column("power_node_id", sa.Uuid(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("limit_kw", sa.Double(), nullable=True),
        sa.Column("limit_a", sa.Double(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("valid_until > valid_from", name=op.f("ck_limit_exception_window")),
        sa.CheckConstraint(
            "num_nonnulls(limit_kw, limit_a) > 0 AND coalesce(limit_kw, 0) >= 0 AND coalesce(limit_a, 0) >= 0",
            name=op.f("ck_limit_exception_limits"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "depot_id"],
            ["depot.tenant_id", "depot.id"],
            name=op.f("fk_limit_exception_tenant_id_depot_id"),
            ondelete="CASCADE",
        ),
        _of_power_node("limit_exception"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_limit_exception_tenant_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_limit_exception")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_limit_exception_tenant_id_id")),
    )
    op.create_index("ix_limit_exception_power_node", "limit_exception", ["power_node_id", "valid_from", "id"])
    op.create_index("ix_limit_exception_depot", "limit_exception", ["depot_id", "valid_until"])
    protect("limit_exception", reach=_OF_DEPOT)


def _site_meters() -> None:
    op.create_table(
        "site_meter",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("power_node_id", sa.Uuid(), nullable=False),
        sa.Column("depot_id", sa.Uuid(), nullable=False),
        sa.Column("measured_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kw", sa.Double(), nullable=False),
        *_phases(),
        sa.Column("highest_kw", sa.Double(), nullable=False),
        _of_power_node("site_meter"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_site_meter_tenant_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("power_node_id", name=op.f("pk_site_meter")),
    )
    op.create_index("ix_site_meter_depot", "site_meter", ["depot_id"])
    protect("site_meter", reach=_OF_DEPOT)


def _partitioned() -> None:
    op.create_table(
        "site_meter_reading",
        sa.Column("power_node_id", sa.Uuid(), nullable=False),
        sa.Column("measured_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("depot_id", sa.Uuid(), nullable=False),
        sa.Column("kw", sa.Double(), nullable=False),
        *_phases(),
        sa.PrimaryKeyConstraint("power_node_id", "measured_at", name=op.f("pk_site_meter_reading")),
        postgresql_partition_by="RANGE (measured_at)",
    )
    op.create_table(
        "node_load",
        sa.Column("power_node_id", sa.Uuid(), nullable=False),
        sa.Column("bucket_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("depot_id", sa.Uuid(), nullable=False),
        sa.Column("samples", sa.Integer(), nullable=False),
        sa.Column("measured_avg_kw", sa.Double(), nullable=False),
        sa.Column("measured_max_kw", sa.Double(), nullable=False),
        sa.Column("unmanaged_avg_kw", sa.Double(), nullable=False),
        sa.Column("allocated_avg_kw", sa.Double(), nullable=False),
        sa.Column("limit_kw", sa.Double(), nullable=False),
        sa.Column("sampled_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("power_node_id", "bucket_at", name=op.f("pk_node_load")),
        postgresql_partition_by="RANGE (bucket_at)",
    )
    op.create_index("ix_node_load_depot", "node_load", ["depot_id", "bucket_at"])
    # What ampyard_make_meter_partitions does for one table, for any. That one stays for workers of release 0.1.0 that run meanwhile.
    op.execute(
        """
        CREATE FUNCTION ampyard_make_partitions(parent text, ahead integer, back integer DEFAULT 1) RETURNS integer
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
        DECLARE
            key name;
            first date;
            from_at timestamptz;
            to_at timestamptz;
            part text;
            made integer := 0;
        BEGIN
            SELECT a.attname INTO key
            FROM pg_partitioned_table p
            JOIN pg_class c ON c.oid = p.partrelid
            JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = p.partattrs[0]
            WHERE c.relname = parent AND c.relnamespace = 'public'::regnamespace AND p.partstrat = 'r' AND p.partnatts = 1;
            IF key IS NULL THEN
                RAISE EXCEPTION 'There is no table "%" that is partitioned by range of one column.', parent;
            END IF;
            FOR i IN -LEAST(back, 120) .. LEAST(ahead, 24) LOOP
                first := (date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => i))::date;
                part := parent || to_char(first, '_YYYY_MM');
                IF to_regclass('public.' || quote_ident(part)) IS NULL THEN
                    from_at := first::timestamp AT TIME ZONE 'UTC';
                    to_at := (first + interval '1 month') AT TIME ZONE 'UTC';
                    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', part, parent);
                    -- What came before its month was there, from a wrong clock or after a long stop, moves in.
                    EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', parent || '_default');
                    EXECUTE format(
                        'WITH moved AS (DELETE FROM %I WHERE %I >= %L AND %I < %L RETURNING *) INSERT INTO %I SELECT * FROM moved',
                        parent || '_default', key, from_at, key, to_at, part
                    );
                    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', parent, part, from_at, to_at);
                    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', part);
                    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', part);
                    made := made + 1;
                END IF;
            END LOOP;
            RETURN made;
        END $$
        """
    )
    op.execute("REVOKE ALL ON FUNCTION ampyard_make_partitions(text, integer, integer) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION ampyard_make_partitions(text, integer, integer) TO ampyard_app")
    # The application role cannot drop tables, and may not drop just any by this.
    op.execute(
        """
        CREATE FUNCTION ampyard_drop_loads(before date) RETURNS integer
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
        DECLARE
            part name;
            dropped integer := 0;
        BEGIN
            FOR part IN
                SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent
                WHERE p.relname IN ('site_meter_reading', 'node_load') AND p.relnamespace = 'public'::regnamespace
                  AND c.relname ~ '_[0-9]{4}_[0-9]{2}$' AND to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month' <= before
            LOOP
                EXECUTE format('DROP TABLE %I', part);
                dropped := dropped + 1;
            END LOOP;
            RETURN dropped;
        END $$
        """
    )
    op.execute("REVOKE ALL ON FUNCTION ampyard_drop_loads(date) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION ampyard_drop_loads(date) TO ampyard_app")
    for table in ("site_meter_reading", "node_load"):
        protect(table, reach=_OF_DEPOT)
        divide_by_months(table)


def _phases() -> list[sa.Column[float]]:
    return [sa.Column(f"l{number}_a", sa.Double(), nullable=True) for number in (1, 2, 3)]


def _of_power_node(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", "depot_id", "power_node_id"],
        ["power_node.tenant_id", "power_node.depot_id", "power_node.id"],
        name=op.f(f"fk_{table}_tenant_id_depot_id_power_node_id"),
        ondelete="CASCADE",
    )


def downgrade() -> None:
    """Take all of it back. Schedules, exceptions, readings and loads are lost; archived depots are depots like any other again."""
    for table in ("node_load", "site_meter_reading", "site_meter", "limit_exception"):
        op.drop_table(table)
    op.execute("DROP FUNCTION ampyard_make_partitions(text, integer, integer)")
    op.execute("DROP FUNCTION ampyard_drop_loads(date)")
    drop_index("uq_power_node_root", "power_node")
    for column in ("site_meter_max_age_s", "unmanaged_fallback_kw", "weekly_limits", "voltage_v", "phases", "limit_a"):
        op.drop_column("power_node", column)
    for column in ("archived_at", "opening_times"):
        op.drop_column("depot", column)
