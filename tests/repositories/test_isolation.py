"""Tenants are kept apart by the database itself, whatever the code above it does. Every table is walked, new ones too."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import asyncpg
import pytest
from sqlalchemy import (
    ColumnElement,
    Executable,
    ForeignKeyConstraint,
    Table,
    and_,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    text,
    update,
)

from ampyard.domain.allocation import StepInput
from ampyard.domain.charging_profiles import Schedule
from ampyard.domain.charging_requests import PreconditioningWish
from ampyard.domain.equipment import SetPoints
from ampyard.domain.events import EventKind
from ampyard.domain.ids import new_id
from ampyard.domain.opening_hours import Hours
from ampyard.repositories.database import APPLICATION_ROLE, SYSTEM_ROLE, Session, connect_asyncpg
from ampyard.repositories.health import RoleFacts, role_facts
from ampyard.repositories.partitions import make_partitions
from ampyard.repositories.statements import AnyRow
from ampyard.repositories.tables import metadata
from ampyard.server.embedded import EmbeddedServers
from ampyard.services.backend import Backend
from tests.busy import Busy, announce

TABLES = [table for table in metadata.sorted_tables if "tenant_id" in table.c]
every_table = pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)

# What the system role may read, and nothing else: whose credential this is, which tenants, depots and commands
# there are, and whom a tenant has.
SYSTEM_READS = {
    "reservation": {"id", "tenant_id", "state", "expires_at"},
    "tenant": {"id", "slug", "name", "created_at", "updated_at", "suspended_at", "suspended_reason"},
    "app_user": {"id", "tenant_id", "subject", "email", "name", "disabled_at", "created_at", "updated_at", "last_seen_at"},
    "impersonation": {
        "id",
        "tenant_id",
        "user_id",
        "impersonator",
        "reason",
        "token_hash",
        "started_at",
        "expires_at",
        "ended_at",
    },
    "feature_flag": {"tenant_id", "name", "enabled"},
    "answered_request": {"author", "key", "operation", "digest", "answer"},
    "depot": {"id", "tenant_id", "name", "time_zone", "archived_at"},
    "depot_link": {"id", "tenant_id", "identity", "password_hash", "enabled", "removed_at", "connected", "seen_at"},
    "evse": {"profile_writes"},
    "charge_point": {"id", "tenant_id", "identity", "password_hash", "connected", "last_seen_at", "state"},
    "api_key": {"id", "tenant_id", "name", "key_hash", "scopes", "expires_at", "revoked_at", "resource_group_id"},
    "ocpi_credential": {"id", "tenant_id", "partner_name", "token_hash", "revoked_at"},
    "command": {"id", "tenant_id", "charge_point_id", "state", "created_at", "expires_at"},
    "alert_rule": {"id", "tenant_id", "enabled"},
    "alert": {"id", "tenant_id", "kind", "severity", "state"},
    "grid_link": {"id", "tenant_id", "kind", "name", "enabled", "due_at", "token_hash", "next_token_hash"},
    "depot_plan": {"id", "tenant_id", "depot_id", "made_at", "fresh_until", "status", "gap", "solve_s"},
    "outbox": {"id", "tenant_id", "kind", "aggregate_id", "depot_id", "payload", "occurred_at"},
}


@pytest.fixture(autouse=True)
async def _events(busy: Busy, twin: Busy) -> None:
    # A relay of another test may have taken what they once had.
    for tenant in (busy, twin):
        await announce(tenant, EventKind.PRIORITY_CHANGED, tenant.tenant_id, None)
        # ... and what is to be rolled up anew goes when that is done.
        depot = (await rows_of(tenant, metadata.tables["depot"]))[0]
        async with tenant.backend.database.session(tenant.tenant_id) as session:
            noted = {"tenant_id": tenant.tenant_id, "depot_id": depot.id, "from_at": depot.created_at, "to_at": depot.created_at}
            await session.execute(insert(metadata.tables["rollup_change"]).values(noted))
            await session.commit()


async def rows(session: Session, table: Table, *conditions: ColumnElement[bool]) -> Sequence[AnyRow]:
    return await session.fetch(select(table).where(*conditions))


async def rows_of(tenant: Busy, table: Table) -> Sequence[AnyRow]:
    async with tenant.backend.database.snapshot(tenant.tenant_id) as snapshot:
        return await rows(snapshot, table)


def another(row: AnyRow, **changed: object) -> dict[str, Any]:
    """Return a row like this one, which its unique columns would allow."""
    values = dict(row._mapping)
    if "id" in values and not isinstance(values["id"], int):
        values["id"] = new_id()
    else:
        values.pop("id", None)
    return {
        name: f"{value}-{uuid.uuid4().hex}" if isinstance(value, str) and name.endswith(("_hash", "slug")) else value
        for name, value in values.items()
    } | changed


def is_(table: Table, row: AnyRow) -> ColumnElement[bool]:
    """Return the condition that only this row meets."""
    return and_(*(column == row._mapping[column.name] for column in table.primary_key))


def name_of(error: asyncpg.PostgresError) -> str:
    """Return the name of an error of PostgreSQL."""
    return type(error).__name__


async def attempt(session: Session, statement: Executable) -> tuple[str | None, Sequence[AnyRow]]:
    """Run a statement; return the name of the error it ends with, if it does, and what it returns."""
    try:
        return None, await session.fetch(statement)
    except asyncpg.PostgresError as error:
        return name_of(error), []


NO_RIGHT = "InsufficientPrivilegeError"
# What is never changed, by nobody.
FIXED = {"audit_record", "transaction_correction"}


@every_table
async def test_every_table_has_rows_of_both_tenants(busy: Busy, twin: Busy, table: Table) -> None:
    # What follows would prove nothing about a table without.
    for tenant in (busy, twin):
        assert {row.tenant_id for row in await rows_of(tenant, table)} == {tenant.tenant_id}


async def test_a_tenant_sees_itself_alone_among_tenants(busy: Busy) -> None:
    async with busy.backend.database.snapshot(busy.tenant_id) as snapshot:
        assert [row.id for row in await rows(snapshot, metadata.tables["tenant"])] == [busy.tenant_id]


@pytest.mark.parametrize("table", metadata.sorted_tables, ids=lambda table: table.name)
async def test_without_a_tenant_nothing_is_seen_and_nothing_can_be_added(servers: EmbeddedServers, busy: Busy, table: Table) -> None:
    like = another((await rows_of(busy, table))[0])
    connection = await connect_asyncpg(servers.database_url, role=APPLICATION_ROLE)
    try:
        assert await connection.fetchval(f'SELECT count(*) FROM "{table.name}"') == 0  # noqa: S608 - a name of our own
        columns = ", ".join(f'"{name}"' for name in like)
        values = ", ".join(f"${n}" for n in range(1, len(like) + 1))
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
            await connection.execute(f'INSERT INTO "{table.name}" ({columns}) VALUES ({values})', *map(_as_sent, like.values()))  # noqa: S608 - as above
    finally:
        await connection.close()


def _as_sent(value: object) -> object:
    if isinstance(value, frozenset):
        return 1  # days of the week
    if isinstance(value, StepInput):
        return b""
    if isinstance(value, tuple) and all(isinstance(one, uuid.UUID) for one in value):
        return list(value)
    return "{}" if isinstance(value, dict | tuple | Hours | PreconditioningWish | Schedule | SetPoints) else value


@every_table
async def test_rows_of_another_tenant_are_not_seen(busy: Busy, twin: Busy, table: Table) -> None:
    theirs = await rows_of(twin, table)
    async with busy.backend.database.snapshot(busy.tenant_id) as snapshot:
        assert await rows(snapshot, table, table.c.tenant_id == twin.tenant_id) == []
        assert await rows(snapshot, table, or_(*(is_(table, row) for row in theirs))) == []


@every_table
async def test_rows_of_another_tenant_cannot_be_changed_or_deleted(busy: Busy, twin: Busy, table: Table) -> None:
    before = await rows_of(twin, table)
    fixed = table.name in FIXED
    for statement in (update(table).values(tenant_id=table.c.tenant_id), delete(table)):
        everything, theirs = statement.returning(table.c.tenant_id), statement.where(table.c.tenant_id == twin.tenant_id)
        async with busy.backend.database.session(busy.tenant_id) as session:
            assert await attempt(session, theirs.returning(table.c.tenant_id)) == (NO_RIGHT if fixed else None, [])
        async with busy.backend.database.session(busy.tenant_id) as session:
            error, touched = await attempt(session, everything)
            assert {row[0] for row in touched} == (set() if error else {busy.tenant_id})
        # Its own rows may be referred to by others.
        assert error in ({NO_RIGHT} if fixed else {None, "RestrictViolationError", "ForeignKeyViolationError"})

    assert await rows_of(twin, table) == before


@every_table
async def test_a_row_cannot_be_added_to_or_moved_to_another_tenant(busy: Busy, twin: Busy, table: Table) -> None:
    mine, theirs = await rows_of(busy, table), await rows_of(twin, table)
    for row in (theirs[0], mine[0]):
        async with busy.backend.database.session(busy.tenant_id) as session:
            with pytest.raises(asyncpg.PostgresError, match="row-level security") as error:
                await session.execute(insert(table).values(another(row, tenant_id=twin.tenant_id)))
            assert name_of(error.value) == NO_RIGHT
    async with busy.backend.database.session(busy.tenant_id) as session:
        with pytest.raises(asyncpg.PostgresError, match=r"row-level security|permission denied") as error:
            await session.execute(update(table).where(is_(table, mine[0])).values(tenant_id=twin.tenant_id))
        assert name_of(error.value) == NO_RIGHT

    assert await rows_of(twin, table) == theirs


REFERENCES = [
    constraint
    for table in TABLES
    for constraint in sorted(table.constraints, key=lambda constraint: str(constraint.name))
    if isinstance(constraint, ForeignKeyConstraint) and constraint.referred_table.name != "tenant"
]


FREE_PLACE = {
    "depot_rollup": {"starts_at": datetime(2000, 1, 1, tzinfo=UTC)},
}
FREE_VALUES = {"name": "elsewhere", "evse_no": 99, "connector_no": 99, "ocpp_transaction_id": "elsewhere", "day": date(2000, 1, 1)}


@pytest.mark.parametrize("reference", REFERENCES, ids=lambda reference: str(reference.name))
async def test_a_row_cannot_refer_to_a_row_of_another_tenant(busy: Busy, twin: Busy, reference: ForeignKeyConstraint) -> None:
    # Foreign keys are checked without row-level security: the tenant is part of them instead.
    table, referred = reference.table, reference.referred_table
    assert reference.column_keys[0] == "tenant_id"
    keys = dict(zip(reference.column_keys[1:], reference.elements[1:], strict=True))
    mine = [row for row in await rows_of(busy, table) if all(row._mapping[name] is not None for name in keys)]
    theirs = await rows_of(twin, referred)

    refusals = set()
    for my, their in [*((mine[0], their) for their in theirs), *((my, theirs[0]) for my in mine)]:
        stolen = {name: their._mapping[element.column.name] for name, element in keys.items()}
        # Out of the way of what is unique below the same parent.
        stolen |= {name: value for name, value in FREE_VALUES.items() if name in table.c} | FREE_PLACE.get(table.name, {})
        # What can only be added refers to what it is added about.
        writes = insert(table).values(another(my, **stolen)) if table.name in FIXED else update(table).where(is_(table, my)).values(stolen)
        async with busy.backend.database.session(busy.tenant_id) as session:
            with pytest.raises(asyncpg.PostgresError) as error:
                await session.execute(writes)
        refusals.add(name_of(error.value))
        if "ForeignKeyViolationError" in refusals:
            break

    # Its place may be taken, too; one that is free is refused all the same.
    assert refusals <= {"ForeignKeyViolationError", "UniqueViolationError"}
    assert "ForeignKeyViolationError" in refusals


def test_whatever_names_a_row_of_a_tenant_is_a_reference() -> None:
    referring = {(constraint.table.name, name) for constraint in REFERENCES for name in constraint.column_keys[1:]}
    free = {
        (table.name, column.name)
        for table in TABLES
        for column in table.c
        if column.name.endswith("_id") and column.name.removesuffix("_id") in {*metadata.tables} - {"tenant"}
    } - referring
    # Samples, readings, loads and what is made of them come by the thousand, and events outlive what they tell of; all are read
    # through a tenant's own ids alone.
    by_the_thousand = {"meter_sample", "node_load", "site_meter_reading", "energy_interval", "rollup_change"}
    by_retention = {"schedule_check"}  # goes with the command that asked for it
    rolled_up = {"charge_point_rollup", "node_rollup", "vehicle_rollup"}
    assert ("transaction", "reservation_id") in free  # the number that a charge point knows a reservation by, and no id of ours
    assert {table for table, _ in free - {("transaction", "reservation_id")}} == by_the_thousand | rolled_up | {"outbox"} | by_retention


@every_table
async def test_a_snapshot_cannot_write(busy: Busy, table: Table) -> None:
    row = (await rows_of(busy, table))[0]
    writes = [insert(table).values(another(row)), delete(table), update(table).values(tenant_id=table.c.tenant_id)]
    for write in writes:
        async with busy.backend.database.snapshot(busy.tenant_id) as snapshot:
            with pytest.raises(asyncpg.PostgresError) as error:
                await snapshot.fetch(write)
            assert name_of(error.value) in {"ReadOnlySQLTransactionError", *([NO_RIGHT] if table.name in FIXED else [])}
    assert row in await rows_of(busy, table)


async def test_an_audit_record_stays_as_it_was_written(busy: Busy) -> None:
    table = metadata.tables["audit_record"]
    before = await rows_of(busy, table)
    for statement in (update(table).values(author="nobody"), delete(table), text("TRUNCATE audit_record")):
        async with busy.backend.database.session(busy.tenant_id) as session:
            with pytest.raises(asyncpg.PostgresError, match="permission denied") as error:
                await session.execute(statement)
            assert name_of(error.value) == NO_RIGHT
    assert await rows_of(busy, table) == before


@pytest.mark.parametrize("table", metadata.sorted_tables, ids=lambda table: table.name)
async def test_the_system_role_reads_the_granted_columns_alone(busy: Busy, table: Table) -> None:
    readable = set()
    for column in table.c:
        async with busy.backend.database.system_snapshot() as snapshot:
            outcome, _ = await attempt(snapshot, select(column).limit(literal(1)))
        assert outcome in {None, NO_RIGHT}
        if outcome is None:
            readable.add(column.name)

    assert readable == SYSTEM_READS.get(table.name, set())


@pytest.mark.parametrize("table", metadata.sorted_tables, ids=lambda table: table.name)
async def test_the_system_role_changes_nothing_but_the_outbox(busy: Busy, table: Table) -> None:
    row = (await rows_of(busy, table))[0]
    first = next(iter(table.c))
    writes: Mapping[str, Any] = {
        "insert": insert(table).values(another(row)),
        "update": update(table).values({first.name: first}) if table.name != "outbox" else update(table).values(kind="x"),
        "delete": delete(table),
        "truncate": text(f'TRUNCATE "{table.name}"'),
    }
    done = []
    for name, write in writes.items():
        async with busy.backend.database.system_session() as session:
            outcome, _ = await attempt(session, write)
        assert outcome in {None, NO_RIGHT}
        if outcome is None:
            done.append(name)

    assert done == (["delete"] if table.name == "outbox" else [])
    assert row in await rows_of(busy, table)


async def test_the_system_role_cannot_become_another_nor_use_what_the_application_may(busy: Busy) -> None:
    for statement in (
        "SELECT nextval('ocpp_transaction_seq')",
        "SELECT ampyard_make_partitions('node_load', 1)",
        "CREATE TABLE mine (x int)",
    ):
        async with busy.backend.database.system_session() as session:
            with pytest.raises(asyncpg.PostgresError, match="permission denied"):
                await session.fetch(text(statement))


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE depot DISABLE ROW LEVEL SECURITY",
        "DROP POLICY tenant ON depot",
        "CREATE TABLE mine (x int)",
        "ALTER ROLE ampyard_app SUPERUSER",
        "SET ROLE postgres",
        "TRUNCATE outbox",
    ],
)
async def test_the_application_role_cannot_open_what_is_closed_to_it(busy: Busy, statement: str) -> None:
    async with busy.backend.database.session(busy.tenant_id) as session:
        with pytest.raises(asyncpg.PostgresError) as error:
            await session.execute(text(statement))
        assert name_of(error.value) == NO_RIGHT


async def test_partitions_of_samples_are_closed_when_addressed_directly(busy: Busy) -> None:
    async with busy.backend.database.session(busy.tenant_id) as session:
        # Also those that are still to be made; they are gone again with the transaction.
        assert await make_partitions(session, months_ahead=12) > 0
        found = await session.fetch(
            text(
                "SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity,"
                " has_table_privilege(:app, c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')"
                " OR has_any_column_privilege(:app, c.oid, 'SELECT, INSERT, UPDATE'),"
                " has_table_privilege(:system, c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')"
                " FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'meter_sample'::regclass"
            ),
            {"app": APPLICATION_ROLE, "system": SYSTEM_ROLE},
        )
    assert {row[0] for row in found} >= {"meter_sample_default", "meter_sample_2026_11"}
    assert {tuple(row[1:]) for row in found} == {(True, False, False)}

    for statement in ("SELECT * FROM meter_sample_default", "DELETE FROM meter_sample_default"):
        async with busy.backend.database.session(busy.tenant_id) as session:
            with pytest.raises(asyncpg.PostgresError, match="permission denied for table meter_sample_default"):
                await session.execute(text(statement))


async def test_samples_of_another_month_land_where_only_their_tenant_sees_them(busy: Busy, twin: Busy) -> None:
    table = metadata.tables["meter_sample"]
    async with busy.backend.database.session(busy.tenant_id) as session:
        long_ago = another((await rows(session, table))[0], sampled_at=(await session.fetch(select(func.to_timestamp(0))))[0][0])
        await session.execute(insert(table).values(long_ago))
        assert len(await rows(session, table, table.c.id == long_ago["id"])) == 1
        await session.commit()
    async with twin.backend.database.snapshot(twin.tenant_id) as snapshot:
        assert await rows(snapshot, table, table.c.id == long_ago["id"]) == []
    async with busy.backend.database.session(busy.tenant_id) as session:
        assert await session.execute(delete(table).where(table.c.id == long_ago["id"])) == 1
        await session.commit()


async def test_the_database_tells_that_tenants_are_kept_apart(backend: Backend) -> None:
    async with backend.database.system_snapshot() as snapshot:
        assert await role_facts(snapshot) == RoleFacts(superuser=False, bypasses=False, owned_tables=0, unforced_tables=())
