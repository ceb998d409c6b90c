"""A database as release 0.1.0 left it, with rows in it, and somebody who goes on writing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg

from ampyard.migrations import upgrade
from ampyard.repositories.database import APPLICATION_ROLE, connect_asyncpg

REVISION = "0001"
TENANT = UUID(int=1)
DEPOT, NODE, CHARGE_POINT, EVSE, VEHICLE = (UUID(int=number) for number in range(2, 7))
TRANSACTIONS = 500

# As that release wrote them: columns by name, nothing that came later.
_ROWS = f"""
    INSERT INTO tenant (id, slug, name) VALUES ('{TENANT}', 'old', 'Old');
    INSERT INTO depot (id, tenant_id, name, time_zone, address, postal_code, city, country_code, latitude, longitude)
        VALUES ('{DEPOT}', '{TENANT}', 'Central', 'Europe/Berlin', 'Hauptstr. 1', '10115', 'Berlin', 'DEU', 52.5, 13.4);
    INSERT INTO power_node (id, tenant_id, depot_id, kind, name, limit_kw)
        VALUES ('{NODE}', '{TENANT}', '{DEPOT}', 'GRID_CONNECTION', 'Grid', 200);
    INSERT INTO charge_point (id, tenant_id, depot_id, power_node_id, identity, name, ocpp_version, vendor, model)
        VALUES ('{CHARGE_POINT}', '{TENANT}', '{DEPOT}', '{NODE}', 'CP-1', 'CP-1', '1.6', 'Acme', 'One');
    INSERT INTO evse (id, tenant_id, charge_point_id, evse_no, current_type, max_power_kw, min_power_kw, phases, fallback_kw)
        VALUES ('{EVSE}', '{TENANT}', '{CHARGE_POINT}', 1, 'AC', 22, 4.14, 3, 4.14);
    INSERT INTO connector (id, tenant_id, evse_id, connector_no, standard, format, power_type, max_voltage_v, max_amperage_a)
        VALUES (gen_random_uuid(), '{TENANT}', '{EVSE}', 1, 'IEC_62196_T2', 'SOCKET', 'AC_3_PHASE', 400, 32);
    INSERT INTO vehicle (id, tenant_id, depot_id, name, kind, vin, license_plate, battery_kwh, max_ac_kw, max_dc_kw)
        VALUES ('{VEHICLE}', '{TENANT}', '{DEPOT}', 'Bus 1', 'BUS', 'WAMPYARD000000001', 'B-AY 1', 300, 22, 120);
    INSERT INTO id_tag (id, tenant_id, vehicle_id, value, kind) VALUES (gen_random_uuid(), '{TENANT}', '{VEHICLE}', 'TAG-1', 'RFID');
    INSERT INTO transaction (id, tenant_id, depot_id, charge_point_id, evse_id, vehicle_id, id_tag, ocpp_transaction_id, state,
                             charging_state, started_at, ended_at, meter_start_wh, meter_wh, energy_wh, stop_reason)
        SELECT gen_random_uuid(), '{TENANT}', '{DEPOT}', '{CHARGE_POINT}', '{EVSE}', '{VEHICLE}', 'TAG-1', number::text,
               CASE number WHEN {TRANSACTIONS} THEN 'ACTIVE' ELSE 'ENDED' END, 'CHARGING', now() - make_interval(hours => number),
               CASE number WHEN {TRANSACTIONS} THEN NULL ELSE now() END, 0, 1000, 1000, 'Local'
        FROM generate_series(1, {TRANSACTIONS}) AS number;
    INSERT INTO meter_sample (id, tenant_id, charge_point_id, evse_id, transaction_id, sampled_at, measurand, value)
        SELECT gen_random_uuid(), '{TENANT}', '{CHARGE_POINT}', '{EVSE}', transaction.id, now() - make_interval(mins => number),
               'Energy.Active.Import.Register', number
        FROM transaction, generate_series(1, 4) AS number;
    INSERT INTO priority (id, tenant_id, level, vehicle_id, author, valid_from)
        VALUES (gen_random_uuid(), '{TENANT}', 2, '{VEHICLE}', 'user:x', now());
    INSERT INTO command (id, tenant_id, charge_point_id, kind, payload, state, author, expires_at)
        VALUES (gen_random_uuid(), '{TENANT}', '{CHARGE_POINT}', 'START_TRANSACTION', '{{}}', 'ACCEPTED', 'user:x', now());
    INSERT INTO report (id, tenant_id, depot_id, kind, day, file_key, file_name, content_type, size_bytes, energy_wh)
        VALUES (gen_random_uuid(), '{TENANT}', '{DEPOT}', 'DAILY_ENERGY', '2026-11-01', 'k', 'n', 'text/csv', 1, 1);
    INSERT INTO audit_record (id, tenant_id, author, action, target_kind, target_id, detail)
        VALUES (gen_random_uuid(), '{TENANT}', 'user:x', 'priority.set', 'priority', gen_random_uuid(), '{{}}');
    INSERT INTO api_key (id, tenant_id, name, prefix, key_hash, scopes)
        VALUES (gen_random_uuid(), '{TENANT}', 'key', 'amp_', 'hash', '{{fleet:read}}');
    INSERT INTO ocpi_party (id, tenant_id, country_code, party_id, name) VALUES (gen_random_uuid(), '{TENANT}', 'DE', 'OLD', 'Old');
    INSERT INTO ocpi_credential (id, tenant_id, partner_name, token_hash) VALUES (gen_random_uuid(), '{TENANT}', 'Partner', 'hash');
    INSERT INTO outbox (tenant_id, kind, aggregate_id, payload) VALUES ('{TENANT}', 'depot.power', '{DEPOT}', '{{}}');
"""
# What a charge point that is charging makes the old release write, every few seconds.
_WRITES = (
    f"UPDATE charge_point SET last_seen_at = now(), updated_at = now() WHERE id = '{CHARGE_POINT}'",
    f"UPDATE evse SET limit_kw = 11, limit_at = now() WHERE id = '{EVSE}'",
    "UPDATE transaction SET energy_wh = energy_wh + 1, updated_at = now() WHERE state = 'ACTIVE'",
    f"""INSERT INTO meter_sample (id, tenant_id, charge_point_id, evse_id, sampled_at, measurand, value)
        VALUES (gen_random_uuid(), '{TENANT}', '{CHARGE_POINT}', '{EVSE}', now(), 'Power.Active.Import', 11000)""",
    f"INSERT INTO outbox (tenant_id, kind, aggregate_id, payload) VALUES ('{TENANT}', 'transaction.updated', '{DEPOT}', '{{}}')",
    f"UPDATE vehicle SET soc_percent = 50, soc_at = now() WHERE id = '{VEHICLE}'",
)


async def release_0_1_0(owner_url: str) -> None:
    """Bring an empty database to that release, with rows."""
    await upgrade(owner_url, lambda _: None, to=REVISION)
    connection = await as_application(owner_url)
    await connection.execute(_ROWS)
    await connection.close()


async def as_application(owner_url: str) -> "asyncpg.Connection[Any]":
    """Return a connection that acts as a process does, for the tenant, within the reach that later revisions ask for."""
    connection = await connect_asyncpg(owner_url, role=APPLICATION_ROLE, application_name="release 0.1.0")
    await connection.execute(f"SET ampyard.tenant = '{TENANT}'; SET ampyard.reach = '*'")
    return connection


@dataclass(slots=True)
class Writing:
    """What came of the writer: how often it wrote, and the longest that one of its statements has waited for a lock, in seconds."""

    rounds: int = 0
    longest_wait_s: float = 0.0
    waited_for: set[str] = field(default_factory=set)


@asynccontextmanager
async def writer(owner_url: str) -> AsyncIterator[Writing]:
    """Write for ever, each statement a transaction as a report of a charge point is, and look at the locks that it waits for."""
    writing = Writing()
    connection, watcher = await as_application(owner_url), await connect_asyncpg(owner_url)

    async def write() -> None:
        while True:
            for statement in _WRITES:
                await connection.execute(statement)
            writing.rounds += 1

    async def look_on() -> None:
        while True:
            query = (
                "SELECT coalesce(relation::regclass::text, locktype), extract(epoch FROM clock_timestamp() - waitstart)::float "
                "FROM pg_locks WHERE pid = $1 AND NOT granted AND waitstart IS NOT NULL"
            )
            for relation, waited_s in await watcher.fetch(query, connection.get_server_pid()):
                writing.waited_for.add(relation)
                writing.longest_wait_s = max(writing.longest_wait_s, waited_s)
            await asyncio.sleep(0.01)

    tasks = [asyncio.create_task(write()), asyncio.create_task(look_on())]
    try:
        yield writing
        ended = [task for task in tasks if task.done()]
        for task in ended:
            task.result()  # raises what ended it
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        connection.terminate()
        await watcher.close()


async def catalogue(connection: "asyncpg.Connection[Any]") -> set[str]:
    """Return all that the schema consists of, a line each: columns, indexes, constraints, policies, functions, triggers, privileges."""
    rows = await connection.fetch(
        """
        WITH ours AS (
            SELECT oid, relname, relacl, relrowsecurity, relforcerowsecurity, relkind FROM pg_class
            WHERE relnamespace = 'public'::regnamespace AND relname !~ '^(pgqueuer|alembic|migration_step|tbl_pgqueuer)'
        )
        SELECT format('column %s.%s %s %s default %s', relname, attname, format_type(atttypid, atttypmod), attnotnull,
                      pg_get_expr(adbin, adrelid)) AS line
        FROM ours JOIN pg_attribute ON attrelid = ours.oid AND attnum > 0 AND NOT attisdropped AND relkind IN ('r', 'p')
        LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        UNION ALL SELECT format('index %s valid %s', pg_get_indexdef(indexrelid), indisvalid) FROM pg_index JOIN ours ON oid = indrelid
        UNION ALL SELECT format('constraint %s.%s %s', relname, conname, pg_get_constraintdef(pg_constraint.oid))
        FROM pg_constraint JOIN ours ON ours.oid = conrelid
        UNION ALL SELECT format('policy %s.%s %s %s %s %s', relname, polname, polpermissive, polcmd, pg_get_expr(polqual, polrelid),
                                pg_get_expr(polwithcheck, polrelid)) FROM pg_policy JOIN ours ON ours.oid = polrelid
        UNION ALL SELECT format('security %s %s %s', relname, relrowsecurity, relforcerowsecurity) FROM ours WHERE relkind IN ('r', 'p')
        UNION ALL SELECT format('privilege %s %s', relname, privilege) FROM ours, unnest(relacl) AS privilege
        UNION ALL SELECT format('privilege %s.%s %s', relname, attname, privilege)
        FROM ours JOIN pg_attribute ON attrelid = ours.oid, unnest(attacl) AS privilege
        UNION ALL SELECT format('function %s %s', pg_get_functiondef(pg_proc.oid), proacl) FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace AND proname ~ '^ampyard'
        UNION ALL SELECT format('trigger %s', pg_get_triggerdef(pg_trigger.oid)) FROM pg_trigger JOIN ours ON ours.oid = tgrelid
        WHERE NOT tgisinternal
        """
    )
    return {row["line"] for row in rows}
