"""Read snapshots over a pool: connections that die, statements that are cut off, many at once, and nothing left for the next user."""

import asyncio
import threading
import uuid
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import asyncpg
import pytest
from sqlalchemy import Float, Numeric, cast, literal, select, text
from sqlalchemy.engine import make_url

from ampyard.domain.commands import Command
from ampyard.domain.priorities import PriorityLevel
from ampyard.domain.transactions import TransactionState
from ampyard.repositories import database, tables
from ampyard.repositories.commands import Commands
from ampyard.repositories.database import APPLICATION_ROLE, SYSTEM_ROLE, Database, connect_asyncpg
from ampyard.repositories.directory import Directory
from ampyard.repositories.vehicles import Vehicles
from ampyard.server.embedded import EmbeddedServers
from tests.busy import Busy
from tests.gate import Gate, gate_to
from tests.patience import eventually

NAME = "ampyard snapshot tests"


@pytest.fixture
async def pool(servers: EmbeddedServers, busy: Busy) -> AsyncIterator[Database]:
    """A pool of its own, of two connections at most."""
    own = Database(servers.database_url, pool_size=1, application_name=NAME)
    yield own
    await own.dispose()


async def vehicles(own: Database, tenant_id: uuid.UUID) -> int:
    async with own.snapshot(tenant_id) as snapshot:
        return await Vehicles(snapshot).count()


async def sessions(servers: EmbeddedServers) -> list[tuple[str, str]]:
    """Return state and statement of the pool's connections, as the server sees them."""
    owner = await connect_asyncpg(servers.database_owner_url)
    try:
        rows = await owner.fetch("SELECT state, query FROM pg_stat_activity WHERE application_name = $1 AND state IS NOT NULL", NAME)
        return [(row["state"], row["query"]) for row in rows]
    finally:
        await owner.close()


async def kill_all(servers: EmbeddedServers) -> int:
    owner = await connect_asyncpg(servers.database_owner_url)
    try:
        return len(await owner.fetch("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1", NAME))
    finally:
        await owner.close()


def kill_all_unseen(servers: EmbeddedServers) -> int:
    """Have the server end the pool's connections while the event loop stands still, so that it cannot notice."""
    killed: list[int] = []
    thread = threading.Thread(target=lambda: killed.append(asyncio.run(kill_all(servers))))
    thread.start()
    thread.join()
    return killed[0]


# Connections that die


async def two_idle(pool: Database, tenant_id: uuid.UUID) -> None:
    async with pool.snapshot(tenant_id) as one, pool.snapshot(tenant_id) as other:
        assert [await Vehicles(one).count(), await Vehicles(other).count()] == [12, 12]


async def test_a_read_does_not_notice_that_the_server_has_dropped_its_connections(
    servers: EmbeddedServers, busy: Busy, pool: Database
) -> None:
    await two_idle(pool, busy.tenant_id)
    assert kill_all_unseen(servers) == 2

    assert await vehicles(pool, busy.tenant_id) == 12
    assert await vehicles(pool, busy.tenant_id) == 12
    assert pool.in_use == 0


async def test_a_connection_that_is_known_to_be_dead_is_not_taken(servers: EmbeddedServers, busy: Busy, pool: Database) -> None:
    await two_idle(pool, busy.tenant_id)
    assert await kill_all(servers) == 2
    await eventually(lambda: sessions(servers), lambda found: found == [])

    assert await asyncio.gather(*(vehicles(pool, busy.tenant_id) for _ in range(5))) == [12] * 5


@pytest.fixture
async def gate(servers: EmbeddedServers) -> AsyncIterator[Gate]:
    place = make_url(servers.database_url).query
    async with gate_to(f"unix://{place['host']}/.s.PGSQL.{place['port']}") as gate:
        yield gate


async def test_reads_fail_at_once_while_the_server_is_away_and_succeed_when_it_is_back(busy: Busy, gate: Gate) -> None:
    pool = Database(f"postgresql+asyncpg://{APPLICATION_ROLE}@127.0.0.1:{gate.port}/ampyard", pool_size=1)
    await two_idle(pool, busy.tenant_id)
    async with pool.snapshot(busy.tenant_id) as snapshot:
        await Vehicles(snapshot).count()
        await gate.shut()
        with pytest.raises((OSError, asyncpg.PostgresError, asyncpg.InterfaceError)):
            await Vehicles(snapshot).count()
    for _ in range(3):
        with pytest.raises((OSError, asyncpg.PostgresError, asyncpg.InterfaceError)):
            await vehicles(pool, busy.tenant_id)
        assert not await pool.reachable()
    assert pool.in_use == 0

    await gate.open()

    assert await vehicles(pool, busy.tenant_id) == 12
    assert await pool.reachable()
    await pool.dispose()


# Statements that are cut off


async def test_the_server_stops_a_statement_that_is_cut_off(servers: EmbeddedServers, busy: Busy, pool: Database) -> None:
    async def read() -> None:
        async with pool.snapshot(busy.tenant_id) as snapshot:
            await snapshot.fetch(text("SELECT pg_sleep(600)"))

    reading = asyncio.create_task(read())
    await eventually(lambda: sessions(servers), lambda found: ("active", "SELECT pg_sleep(600)") in found)
    reading.cancel()
    async with asyncio.timeout(5):
        with pytest.raises(asyncio.CancelledError):
            await reading

    assert pool.in_use == 0
    assert [state for state, _ in await sessions(servers) if state != "idle"] == []
    assert await vehicles(pool, busy.tenant_id) == 12


async def test_a_load_waits_for_none_that_was_cut_off_before_it(busy: Busy, pool: Database) -> None:
    async with asyncio.timeout(5), pool.snapshot(busy.tenant_id) as snapshot:
        sleeping = asyncio.create_task(snapshot.fetch(text("SELECT pg_sleep(600)")))
        waiting = asyncio.create_task(Vehicles(snapshot).count())
        await asyncio.sleep(0.05)
        sleeping.cancel()
        # The transaction has failed with it: there is no such thing as half a snapshot.
        with pytest.raises(asyncpg.InFailedSQLTransactionError):
            await waiting


async def test_whoever_is_cut_off_before_there_is_a_transaction_leaves_nothing(
    servers: EmbeddedServers, busy: Busy, pool: Database
) -> None:
    async with asyncio.timeout(5):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await pool.begin("BEGIN; SELECT pg_sleep(0.5)")

        assert pool.in_use == 0
        await eventually(lambda: sessions(servers), lambda found: found == [])
        assert await vehicles(pool, busy.tenant_id) == 12


async def test_whoever_gets_no_connection_is_told(busy: Busy, pool: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_WAIT_FOR_CONNECTION_S", 0.05)
    async with pool.snapshot(busy.tenant_id) as one, pool.snapshot(busy.tenant_id) as other:
        await one.fetch(select(literal(1)))
        await other.fetch(select(literal(1)))
        with pytest.raises(TimeoutError):
            await vehicles(pool, busy.tenant_id)

    assert await vehicles(pool, busy.tenant_id) == 12


async def test_a_pool_that_is_closed_waits_a_moment_for_those_who_read(
    servers: EmbeddedServers, busy: Busy, pool: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with pool.snapshot(busy.tenant_id) as snapshot:
        await Vehicles(snapshot).count()
        closing = asyncio.create_task(pool.dispose())
        await asyncio.sleep(0.05)
        assert await Vehicles(snapshot).count() == 12
    await closing
    assert await sessions(servers) == []

    monkeypatch.setattr(database, "_WAIT_FOR_OTHERS_S", 0.05)
    async with pool.snapshot(busy.tenant_id) as snapshot:
        await Vehicles(snapshot).count()
        await pool.dispose()
        with pytest.raises(asyncpg.InterfaceError):
            await Vehicles(snapshot).count()
    await eventually(lambda: sessions(servers), lambda found: found == [])
    assert await vehicles(pool, busy.tenant_id) == 12


# Many at once, and one after another


async def test_more_operations_than_connections_take_turns(servers: EmbeddedServers, busy: Busy, pool: Database) -> None:
    reading = asyncio.gather(*(vehicles(pool, busy.tenant_id) for _ in range(50)))
    most = 0
    while not reading.done():
        most = max(most, len(await sessions(servers)))

    assert await reading == [12] * 50
    assert 1 <= most <= 2


async def test_tenants_who_share_connections_see_themselves_alone(busy: Busy, twin: Busy, pool: Database) -> None:
    async def seen(tenant: Busy) -> tuple[uuid.UUID, set[uuid.UUID]]:
        async with pool.snapshot(tenant.tenant_id) as snapshot:
            found = await Vehicles(snapshot).where()
            await asyncio.sleep(0)
            return tenant.tenant_id, {one.tenant_id for one in [*found, *await Vehicles(snapshot).where()]}

    for tenant_id, tenants in await asyncio.gather(*(seen(tenant) for _ in range(20) for tenant in (busy, twin))):
        assert tenants == {tenant_id}


async def test_a_statement_prepared_in_one_role_is_bound_by_the_rights_of_the_next(busy: Busy, twin: Busy, pool: Database) -> None:
    # The same connection, the same prepared statement, and often enough for a plan that the server would keep.
    for _ in range(8):
        async with pool.system_snapshot() as snapshot:
            everyone = {entry.tenant_id for entry in await Directory(snapshot).depots()}
            assert everyone >= {busy.tenant_id, twin.tenant_id}
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await Vehicles(snapshot).count()
        for tenant in (busy, twin):
            async with pool.snapshot(tenant.tenant_id) as snapshot:
                assert {entry.tenant_id for entry in await Directory(snapshot).depots()} == {tenant.tenant_id}
                assert await Vehicles(snapshot).count() == 12


async def test_nothing_of_an_operation_is_left_on_its_connection(busy: Busy, pool: Database) -> None:
    shown = "SELECT current_user, current_setting('ampyard.tenant', true), current_setting('statement_timeout'), pg_backend_pid()"
    connection = await pool.begin("SELECT")
    before = tuple(await connection.fetchrow(shown))
    await pool.end(connection, "SELECT")
    for session in (pool.snapshot(busy.tenant_id), pool.system_snapshot(), pool.session(busy.tenant_id), pool.system_session()):
        async with session:
            await session.fetch(text("SET LOCAL statement_timeout = '1min'"))

        connection = await pool.begin("SELECT")
        user, tenant_id, timeout, pid = await connection.fetchrow(shown)
        assert not connection.is_in_transaction()
        await pool.end(connection, "SELECT")
        assert (user, tenant_id or None, timeout, pid) == before


async def test_connections_are_as_every_statement_expects_them(busy: Busy, pool: Database) -> None:
    settings = "SELECT current_setting('TimeZone'), current_setting('jit'), current_setting('row_security'), session_user, current_user"
    for session, role in ((pool.snapshot(busy.tenant_id), APPLICATION_ROLE), (pool.system_snapshot(), SYSTEM_ROLE)):
        async with session:
            assert [tuple(row) for row in await session.fetch(text(settings))] == [("UTC", "off", "on", APPLICATION_ROLE, role)]
    async with pool.snapshot(busy.tenant_id) as snapshot:
        flags = await snapshot.fetch(
            text("SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname IN (:a, :s)"), {"a": APPLICATION_ROLE, "s": SYSTEM_ROLE}
        )
    assert [tuple(row) for row in flags] == [(False, False)] * 2


# What rows are made of


async def test_values_are_of_their_columns_types(busy: Busy) -> None:
    async with busy.backend.database.snapshot(busy.tenant_id) as snapshot:
        (command, *_) = await Commands(snapshot).where()
        payloads = [row.payload for row in await snapshot.fetch(select(tables.command.c.payload))]
        scopes = (await snapshot.fetch(select(tables.api_key.c.scopes, tables.api_key.c.revoked_at)))[0]
        levels = {row.level for row in await snapshot.fetch(select(tables.priority.c.level))}
        states = {type(row.state) for row in await snapshot.fetch(select(tables.transaction.c.state))}
        numbers = await snapshot.fetch_one(
            select(
                cast(literal("1.10"), Numeric(4, 2)), cast(literal("1.5"), Numeric(4, 2, asdecimal=False)), cast(literal("1.5"), Float())
            )
        )
        nothing = await snapshot.fetch_one(select(cast(None, tables.command.c.payload.type), cast(None, tables.priority.c.level.type)))

    assert isinstance(command, Command)
    assert command.payload in payloads
    assert {type(payload) for payload in payloads} == {dict}
    assert isinstance(scopes.scopes, list)
    assert {type(scope) for scope in scopes.scopes} == {str}
    assert levels <= set(PriorityLevel)
    assert {type(level) for level in levels} == {PriorityLevel}
    assert states == {TransactionState}
    assert numbers is not None
    assert [(type(number), number) for number in numbers] == [(Decimal, Decimal("1.10")), (float, 1.5), (float, 1.5)]
    assert nothing is not None
    assert tuple(nothing) == (None, None)


async def test_a_value_that_no_member_of_an_enum_has_is_an_error(busy: Busy) -> None:
    async with busy.backend.database.snapshot(busy.tenant_id) as snapshot:
        with pytest.raises(ValueError, match="'ASLEEP' is not a valid TransactionState"):
            await snapshot.fetch(select(cast(literal("ASLEEP"), tables.transaction.c.state.type)))


async def test_one_row_is_one_row(busy: Busy) -> None:
    rows: dict[str, Any] = {"none": "SELECT 1 WHERE false", "one": "SELECT 1 AS n", "two": "SELECT generate_series(1, 2)"}
    async with busy.backend.database.snapshot(busy.tenant_id) as snapshot:
        assert await snapshot.fetch_one(text(rows["none"])) is None
        one = await snapshot.fetch_one(text(rows["one"]))
        assert one is not None
        assert one.n == 1
        with pytest.raises(ValueError, match="One row was expected, and 2 were found"):
            await snapshot.fetch_one(text(rows["two"]))
