"""Charts: roll-ups by quarter-hour and day, what has to be rolled up anew, and buckets of local time."""

import sqlalchemy as sa
from alembic import op

from ampyard.migrations import online
from ampyard.migrations.partitions import divide_by_months
from ampyard.migrations.policies import protect

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_OF_DEPOT = "depot_id IN (SELECT unnest(ampyard_depots()))"
REACH = {
    "depot_rollup": _OF_DEPOT,
    "node_rollup": _OF_DEPOT,
    "charge_point_rollup": "charge_point_id IN (SELECT unnest(ampyard_charge_points()))",
    "vehicle_rollup": "vehicle_id IN (SELECT unnest(ampyard_vehicles()))",
}

# What roll-ups are made of, besides transactions: when a row is of, and which rows count.
SOURCES = {"energy_interval": ("starts_at", "true"), "readiness_record": ("departs_at", "at_departure")}

# Lists in an order, or by a filter, that read a whole table of a large tenant.
INDEXES = (
    ("ix_assignment_created", "assignment", ["tenant_id", "created_at", "id"]),
    ("ix_charge_point_fault_code", "charge_point_fault", ["tenant_id", "code", "raised_at", "id"]),
    ("ix_charge_point_fault_vendor_code", "charge_point_fault", ["tenant_id", "vendor_code", "raised_at", "id"]),
)


def upgrade() -> None:
    _changes()
    _rollups()
    _local_time()
    for table, reach in REACH.items():
        protect(table, reach=reach)
        divide_by_months(table)
    protect("rollup_change")
    _retention()
    _triggers()
    for name, table, columns in INDEXES:
        online.create_index(name, table, columns)
    # Of a million transactions a few hundred are doing something.
    online.create_index(
        "ix_transaction_charging_state",
        "transaction",
        ["tenant_id", "charging_state", "started_at", "id"],
        where="charging_state <> 'Idle'",
    )


def _changes() -> None:
    op.create_table(
        "rollup_change",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("depot_id", sa.Uuid(), nullable=False),
        sa.Column("from_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("to_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_rollup_change_tenant_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rollup_change")),
    )
    op.create_index("ix_rollup_change_tenant", "rollup_change", ["tenant_id", "id"])


def _rollups() -> None:
    op.create_table(
        "depot_rollup",
        sa.Column("depot_id", sa.Uuid(), nullable=False),
        sa.Column("of_day", sa.Boolean(), nullable=False),
        *_times(),
        sa.Column("time_zone", sa.Text(), nullable=True),
        sa.Column("energy_wh", sa.Double(), nullable=True),
        sa.Column("plugged_s", sa.Double(), nullable=False),
        sa.Column("departures", sa.Integer(), nullable=False),
        sa.Column("ready_departures", sa.Integer(), nullable=False),
        *_keys("depot_rollup", "depot", "depot_id", "of_day", "starts_at"),
        postgresql_partition_by="RANGE (starts_at)",
    )
    op.create_table(
        "node_rollup",
        sa.Column("power_node_id", sa.Uuid(), nullable=False),
        sa.Column("of_day", sa.Boolean(), nullable=False),
        *_times(),
        sa.Column("depot_id", sa.Uuid(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=True),
        sa.Column("samples", sa.Integer(), nullable=False),
        sa.Column("measured_avg_kw", sa.Double(), nullable=False),
        sa.Column("measured_max_kw", sa.Double(), nullable=False),
        sa.Column("unmanaged_avg_kw", sa.Double(), nullable=False),
        sa.Column("allocated_avg_kw", sa.Double(), nullable=False),
        sa.Column("limit_kw", sa.Double(), nullable=False),
        *_keys("node_rollup", "power_node", "power_node_id", "of_day", "starts_at"),
        postgresql_partition_by="RANGE (starts_at)",
    )
    op.create_index("ix_node_rollup_depot", "node_rollup", ["depot_id", "of_day", "starts_at"])
    op.create_table(
        "charge_point_rollup",
        sa.Column("charge_point_id", sa.Uuid(), nullable=False),
        *_times(),
        sa.Column("depot_id", sa.Uuid(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("energy_wh", sa.Double(), nullable=True),
        sa.Column("peak_kw", sa.Double(), nullable=True),
        sa.Column("plugged_s", sa.Double(), nullable=False),
        *_keys("charge_point_rollup", "charge_point", "charge_point_id", "starts_at", "depot_id"),
        postgresql_partition_by="RANGE (starts_at)",
    )
    op.create_index("ix_charge_point_rollup_depot", "charge_point_rollup", ["depot_id", "starts_at"])
    op.create_table(
        "vehicle_rollup",
        sa.Column("vehicle_id", sa.Uuid(), nullable=False),
        *_times(),
        sa.Column("depot_id", sa.Uuid(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("energy_wh", sa.Double(), nullable=False),
        *_keys("vehicle_rollup", "vehicle", "vehicle_id", "starts_at", "depot_id"),
        postgresql_partition_by="RANGE (starts_at)",
    )
    op.create_index("ix_vehicle_rollup_depot", "vehicle_rollup", ["depot_id", "starts_at"])


def _times() -> list[sa.Column[object]]:
    return [
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
    ]


def _keys(table: str, subject: str, *key: str) -> list[sa.Constraint]:
    return [
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f(f"fk_{table}_tenant_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["tenant_id", f"{subject}_id"],
            [f"{subject}.tenant_id", f"{subject}.id"],
            name=op.f(f"fk_{table}_tenant_id_{subject}_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(*key, name=op.f(f"pk_{table}")),
    ]


def _local_time() -> None:
    # Where clocks jump over midnight the day begins with the jump; where midnight comes twice, with the first. AT TIME ZONE takes the
    # second of two, so the one an hour earlier is tried.
    op.execute(
        """
        CREATE FUNCTION ampyard_day_start(day date, zone text) RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE AS $$
            SELECT CASE WHEN (m.at - interval '1 hour') AT TIME ZONE zone >= day::timestamp THEN m.at - interval '1 hour' ELSE m.at END
            FROM (SELECT day::timestamp AT TIME ZONE zone AS at) m
        $$
        """
    )
    # The buckets of a chart, whole ones, from that which from_at is in to that which ends at to_at or holds it.
    op.execute(
        """
        CREATE FUNCTION ampyard_buckets(bucket text, from_at timestamptz, to_at timestamptz, zone text)
        RETURNS TABLE (starts_at timestamptz, ends_at timestamptz) LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
        DECLARE
            epoch CONSTANT timestamptz := '1970-01-01 00:00:00+00';
            last_at CONSTANT timestamptz := to_at - interval '1 microsecond';
            step CONSTANT interval := CASE bucket WHEN 'FIVE_MINUTES' THEN interval '5 minutes' ELSE interval '15 minutes' END;
            field CONSTANT text := lower(bucket);
        BEGIN
            IF bucket IN ('FIVE_MINUTES', 'QUARTER_HOUR') THEN
                RETURN QUERY SELECT s.at, s.at + step FROM generate_series(date_bin(step, from_at, epoch), last_at, step) AS s(at);
            ELSIF bucket = 'HOUR' THEN
                -- Clocks of some zones are off by half or quarter hours, and a few change by half an hour: so hours are found, not counted.
                RETURN QUERY
                SELECT edge.at, edge.next_at FROM (
                    SELECT hour.at, lead(hour.at) OVER (ORDER BY hour.at) AS next_at FROM (
                        SELECT DISTINCT date_trunc('hour', s.at, zone) AS at
                        FROM generate_series(date_bin(step, from_at, epoch), to_at + interval '2 hours', step) AS s(at)
                    ) hour
                ) edge WHERE edge.at < to_at ORDER BY edge.at;
            ELSIF bucket IN ('DAY', 'WEEK', 'MONTH') THEN
                RETURN QUERY
                SELECT edge.at, edge.next_at FROM (
                    SELECT ampyard_day_start(day.first::date, zone) AS at,
                           ampyard_day_start((day.first + ('1 ' || field)::interval)::date, zone) AS next_at
                    FROM generate_series(
                        date_trunc(field, from_at AT TIME ZONE zone),
                        date_trunc(field, last_at AT TIME ZONE zone),
                        ('1 ' || field)::interval
                    ) AS day(first)
                ) edge WHERE edge.at < edge.next_at ORDER BY edge.at;
            ELSE
                RAISE EXCEPTION 'There is no bucket "%".', bucket;
            END IF;
        END $$
        """
    )


def _retention() -> None:
    op.execute(
        f"""
        CREATE FUNCTION ampyard_drop_rollups(before date) RETURNS integer
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
        DECLARE
            month record;
            dropped integer := 0;
        BEGIN
            FOR month IN
                SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent
                WHERE p.relname = ANY('{{{",".join(REACH)}}}') AND p.relnamespace = 'public'::regnamespace
                  AND c.relname ~ '_[0-9]{{4}}_[0-9]{{2}}$' AND to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month' <= before
            LOOP
                EXECUTE format('DROP TABLE %I', month.relname);
                dropped := dropped + 1;
            END LOOP;
            RETURN dropped;
        END $$
        """
    )
    op.execute("REVOKE ALL ON FUNCTION ampyard_drop_rollups(date) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION ampyard_drop_rollups(date) TO ampyard_app")


def _triggers() -> None:
    # One note for each depot in a statement: a report's is of its own quarter-hours, a load's of all its time.
    for table, (at, which) in SOURCES.items():
        for event, rows in {"INSERT": ("new",), "UPDATE": ("old", "new"), "DELETE": ("old",)}.items():
            changed = " UNION ALL ".join(f"SELECT tenant_id, depot_id, {at} AS at FROM {name}_rows WHERE {which}" for name in rows)
            name = f"ampyard_note_{table}_{event.lower()}"
            op.execute(
                f"""
                CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    INSERT INTO rollup_change (tenant_id, depot_id, from_at, to_at)
                    SELECT tenant_id, depot_id, min(at), max(at) + interval '15 minutes'
                    FROM ({changed}) changed GROUP BY tenant_id, depot_id;
                    RETURN NULL;
                END $$
                """
            )
            referencing = " ".join(f"{it.upper()} TABLE AS {it}_rows" for it in rows)
            op.execute(
                f"CREATE TRIGGER note_{event.lower()} AFTER {event} ON {table} REFERENCING {referencing}"
                f" FOR EACH STATEMENT EXECUTE FUNCTION {name}()"
            )
    # How long a vehicle was plugged in changes with the transaction's begin and end; those that run are looked at anyway.
    op.execute(
        """
        CREATE FUNCTION ampyard_note_transaction() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO rollup_change (tenant_id, depot_id, from_at, to_at) VALUES
                (NEW.tenant_id, NEW.depot_id, LEAST(OLD.started_at, NEW.started_at), GREATEST(OLD.ended_at, NEW.ended_at, NEW.started_at));
            RETURN NULL;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER note_times AFTER UPDATE OF started_at, ended_at ON transaction FOR EACH ROW"
        " WHEN (OLD.started_at IS DISTINCT FROM NEW.started_at OR OLD.ended_at IS DISTINCT FROM NEW.ended_at)"
        " EXECUTE FUNCTION ampyard_note_transaction()"
    )
    # Where the clocks of a depot are said to be others, its days are others.
    op.execute(
        """
        CREATE FUNCTION ampyard_note_time_zone() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO rollup_change (tenant_id, depot_id, from_at, to_at)
            SELECT NEW.tenant_id, NEW.id, min(starts_at), max(ends_at) FROM depot_rollup WHERE depot_id = NEW.id HAVING count(*) > 0;
            RETURN NULL;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER note_time_zone AFTER UPDATE OF time_zone ON depot FOR EACH ROW WHEN (OLD.time_zone <> NEW.time_zone)"
        " EXECUTE FUNCTION ampyard_note_time_zone()"
    )


def downgrade() -> None:
    """Take all of it back: roll-ups can be made anew from what they are made of."""
    online.drop_index("ix_transaction_charging_state", "transaction")
    for name, table, _ in INDEXES:
        online.drop_index(name, table)
    op.execute("DROP TRIGGER note_time_zone ON depot")
    op.execute("DROP TRIGGER note_times ON transaction")
    for table in SOURCES:
        for event in ("insert", "update", "delete"):
            op.execute(f"DROP TRIGGER note_{event} ON {table}")
            op.execute(f"DROP FUNCTION ampyard_note_{table}_{event}()")
    op.execute("DROP FUNCTION ampyard_note_time_zone()")
    op.execute("DROP FUNCTION ampyard_note_transaction()")
    op.execute("DROP FUNCTION ampyard_drop_rollups(date)")
    op.execute("DROP FUNCTION ampyard_buckets(text, timestamptz, timestamptz, text)")
    op.execute("DROP FUNCTION ampyard_day_start(date, text)")
    for table in (*REACH, "rollup_change"):
        op.drop_table(table)
