"""Everything of a use case or nothing, read snapshots that do not move, and connections that go back clean."""

import asyncio
import uuid
from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy import select, text

from ampyard.domain.errors import InvalidInputError
from ampyard.domain.events import Event, EventKind
from ampyard.domain.vehicles import Vehicle
from ampyard.repositories import tables
from ampyard.repositories.database import APPLICATION_ROLE, SYSTEM_ROLE, Database
from ampyard.repositories.unit_of_work import OUTBOX_CHANNEL, PLANNER_CHANNEL, UnitOfWork
from ampyard.repositories.vehicles import Vehicles
from ampyard.server.embedded import EmbeddedServers
from ampyard.services.backend import Backend
from tests.fleet import new_fleet, user
from tests.published import waiting

HEARD_S = 5.0
# Long enough for a notification that was sent, which takes a millisecond or two.
UNHEARD_S = 0.2


@pytest.fixture
async def tenant_id(backend: Backend) -> uuid.UUID:
    return (await new_fleet(backend)).tenant_id


async def buses(backend: Backend, tenant_id: uuid.UUID) -> list[Vehicle]:
    async with backend.database.snapshot(tenant_id) as snapshot:
        return await Vehicles(snapshot).where(order_by=[Vehicles.table.c.id])


async def audited(backend: Backend, tenant_id: uuid.UUID) -> list[str]:
    async with backend.database.snapshot(tenant_id) as snapshot:
        return [row[0] for row in await snapshot.fetch(select(tables.audit_record.c.action).order_by(tables.audit_record.c.id))]


async def rename(work: UnitOfWork, name: str) -> None:
    """Change a vehicle, twice over, with all that a use case may leave behind."""
    first = (await Vehicles(work.session).where(order_by=[Vehicles.table.c.id]))[0]
    for _ in range(2):
        await work.change(Vehicles, first.id, name=name)
        await work.audit("vehicle.rename", "vehicle", first.id, name=name)
        work.publish(Event(EventKind.PRIORITY_CHANGED, first.id, first.depot_id, payload={"name": name}))
        work.wake_planner(first.depot_id)


async def test_a_commit_keeps_the_change_publishes_its_events_and_wakes_each_listener_once(backend: Backend, tenant_id: uuid.UUID) -> None:
    depot_id = (await buses(backend, tenant_id))[0].depot_id
    async with backend.database.listen(OUTBOX_CHANNEL, PLANNER_CHANNEL) as heard:
        async with backend.unit_of_work(user(tenant_id)) as work:
            await rename(work, "Renamed")
            assert heard.empty()
            await work.commit()
        notified = sorted([await asyncio.wait_for(heard.get(), HEARD_S) for _ in range(2)])
        await asyncio.sleep(UNHEARD_S)
        assert heard.empty()

    assert notified == [(OUTBOX_CHANNEL, ""), (PLANNER_CHANNEL, f"{tenant_id}:{depot_id}")]
    assert (await buses(backend, tenant_id))[0].name == "Renamed"
    assert await audited(backend, tenant_id) == ["tenant.seed", "vehicle.rename", "vehicle.rename"]
    events = await waiting(backend, tenant_id)
    assert [(e.kind, e.aggregate_id, e.depot_id, e.payload, e.occurred_at) for e in events] == [
        ("priority.changed", (await buses(backend, tenant_id))[0].id, depot_id, {"name": "Renamed"}, work.now)
    ] * 2


@pytest.mark.parametrize("failing", [False, True])
async def test_leaving_without_a_commit_keeps_and_tells_nothing(backend: Backend, tenant_id: uuid.UUID, *, failing: bool) -> None:
    before = await buses(backend, tenant_id)

    async def use_case() -> None:
        async with backend.unit_of_work(user(tenant_id)) as work:
            await rename(work, "Never")
            if failing:
                raise RuntimeError("the rule said no")

    async with backend.database.listen(OUTBOX_CHANNEL, PLANNER_CHANNEL) as heard:
        if failing:
            with pytest.raises(RuntimeError, match="the rule said no"):
                await use_case()
        else:
            await use_case()
        await asyncio.sleep(UNHEARD_S)
        assert heard.empty()

    assert await buses(backend, tenant_id) == before
    assert await audited(backend, tenant_id) == ["tenant.seed"]
    assert await waiting(backend, tenant_id) == []


async def test_a_commit_that_the_database_refuses_keeps_nothing(backend: Backend, tenant_id: uuid.UUID) -> None:
    before = await buses(backend, tenant_id)
    async with backend.unit_of_work(user(tenant_id)) as work:
        await rename(work, "Never")
        work.publish(Event(EventKind.PRIORITY_CHANGED, uuid.uuid4(), payload={"name": "\0"}))
        with pytest.raises(InvalidInputError, match=r"U\+0000"):
            await work.commit()

    assert await buses(backend, tenant_id) == before
    assert await waiting(backend, tenant_id) == []


async def test_nothing_can_be_added_after_the_commit(backend: Backend, tenant_id: uuid.UUID) -> None:
    async with backend.unit_of_work(user(tenant_id)) as work:
        await work.commit()
        with pytest.raises(RuntimeError, match="This session has been closed"):
            await rename(work, "Late")


async def test_a_locked_entity_waits_for_the_other_writer_and_is_then_read_as_it_left_it(backend: Backend, tenant_id: uuid.UUID) -> None:
    bus = (await buses(backend, tenant_id))[0]

    async def append(letter: str) -> None:
        async with backend.unit_of_work(user(tenant_id)) as work:
            locked = await work.lock(Vehicles, bus.id)
            assert locked is not None
            await asyncio.sleep(0.02)
            await work.change(Vehicles, bus.id, name=locked.name + letter)
            await work.commit()

    await asyncio.gather(*(append(letter) for letter in "abcd"))

    assert sorted((await buses(backend, tenant_id))[0].name.removeprefix(bus.name)) == ["a", "b", "c", "d"]


async def test_a_snapshot_does_not_see_what_is_committed_after_its_first_read(backend: Backend, tenant_id: uuid.UUID) -> None:
    async with backend.database.snapshot(tenant_id) as snapshot:
        before = await Vehicles(snapshot).where(order_by=[Vehicles.table.c.id])
        async with backend.unit_of_work(user(tenant_id)) as work:
            await rename(work, "Meanwhile")
            await work.commit()

        assert await Vehicles(snapshot).where(order_by=[Vehicles.table.c.id]) == before
        assert [row[0] for row in await snapshot.fetch(text("SHOW transaction_isolation"))] == ["repeatable read"]
        assert [row[0] for row in await snapshot.fetch(text("SHOW transaction_read_only"))] == ["on"]

    assert (await buses(backend, tenant_id))[0].name == "Meanwhile"


async def test_a_snapshot_begins_with_its_first_read(backend: Backend, tenant_id: uuid.UUID) -> None:
    async with backend.database.snapshot(tenant_id) as snapshot:
        async with backend.unit_of_work(user(tenant_id)) as work:
            await rename(work, "Before")
            await work.commit()

        assert (await Vehicles(snapshot).where(order_by=[Vehicles.table.c.id]))[0].name == "Before"


async def test_loads_of_one_snapshot_run_one_after_another(backend: Backend, tenant_id: uuid.UUID) -> None:
    async with backend.database.snapshot(tenant_id) as snapshot:
        counts = await asyncio.gather(*(Vehicles(snapshot).count() for _ in range(20)))

    assert counts == [6] * 20


# One connection, so that each user of it is followed by the next.


@pytest.fixture
async def single(servers: EmbeddedServers, tenant_id: uuid.UUID) -> AsyncIterator[Database]:
    database = Database(servers.database_url, pool_size=1)
    yield database
    await database.dispose()


async def left_behind(database: Database) -> tuple[str, str, bool]:
    """Return tenant and role of the pooled connection, and whether a transaction was left open on it."""
    connection = await database.begin("SELECT")
    # Each of these is a transaction of its own, unless one was left open.
    began = [await connection.fetchval("SELECT now()") for _ in range(2)]
    tenant = await connection.fetchval("SELECT coalesce(current_setting('ampyard.tenant', true), '')")
    role = await connection.fetchval("SELECT current_user")
    await database.end(connection, "SELECT")
    return tenant, role, began[0] == began[1]


async def backend_pid(database: Database) -> int:
    async with database.system_snapshot() as snapshot:
        return int((await snapshot.fetch(text("SELECT pg_backend_pid()")))[0][0])


async def test_a_connection_goes_back_as_it_came(single: Database, tenant_id: uuid.UUID) -> None:
    pid = await backend_pid(single)
    for session in (single.snapshot(tenant_id), single.system_snapshot(), single.session(tenant_id), single.system_session()):
        async with session:
            expected = SYSTEM_ROLE if session._begin.endswith(SYSTEM_ROLE) else APPLICATION_ROLE
            assert [row[0] for row in await session.fetch(text("SELECT current_user"))] == [expected]

        assert await left_behind(single) == ("", APPLICATION_ROLE, False)
    assert await backend_pid(single) == pid


async def test_a_session_takes_no_connection_before_it_reads_and_holds_none_after(single: Database, tenant_id: uuid.UUID) -> None:
    async with single.snapshot(tenant_id) as snapshot:
        assert single.in_use == 0
        await Vehicles(snapshot).count()
        assert single.in_use == 1
    assert single.in_use == 0


async def test_a_read_that_is_cut_off_ends_as_cancelled_and_leaves_a_working_pool(single: Database, tenant_id: uuid.UUID) -> None:
    async with asyncio.timeout(5):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1), single.snapshot(tenant_id) as snapshot:
                await snapshot.fetch(text("SELECT pg_sleep(60)"))

        assert await left_behind(single) == ("", APPLICATION_ROLE, False)
        async with single.snapshot(tenant_id) as snapshot:
            assert await Vehicles(snapshot).count() == 6


async def test_a_read_that_fails_leaves_a_working_pool(single: Database, tenant_id: uuid.UUID) -> None:
    with pytest.raises(asyncpg.DivisionByZeroError, match="division by zero"):
        async with single.snapshot(tenant_id) as snapshot:
            await snapshot.fetch(text("SELECT 1 / 0"))

    assert await left_behind(single) == ("", APPLICATION_ROLE, False)


async def test_what_was_cut_off_cannot_be_committed(single: Database, tenant_id: uuid.UUID) -> None:
    async with single.session(tenant_id) as session:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await session.fetch(text("SELECT pg_sleep(60)"))
        with pytest.raises(RuntimeError, match="nothing of it is kept"):
            await session.commit()


async def test_a_tenant_id_that_is_no_uuid_never_reaches_the_database(single: Database) -> None:
    with pytest.raises(TypeError, match="A tenant id is a UUID"):
        single.snapshot("x'; RESET ROLE; --")  # type: ignore[arg-type]  # what the test is about


async def test_a_character_the_database_cannot_keep_is_told_to_whoever_sent_it(backend: Backend, tenant_id: uuid.UUID) -> None:
    async with backend.database.snapshot(tenant_id) as snapshot:
        with pytest.raises(InvalidInputError, match=r"U\+0000"):
            await Vehicles(snapshot).where(Vehicles.table.c.name == "Bus\0 1")
