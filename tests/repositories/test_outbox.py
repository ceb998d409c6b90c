"""The outbox: with the commit or not at all, oldest first, one relay at a time."""

from dataclasses import replace
from datetime import UTC, datetime

from ampyard.domain.events import Event, EventKind
from ampyard.repositories import outbox
from ampyard.services.backend import Backend
from tests.fleet import new_fleet, user
from tests.published import waiting, write

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)


async def test_an_event_waits_once_its_change_is_committed(backend: Backend) -> None:
    tenant_id = (await new_fleet(backend)).tenant_id
    event = Event(EventKind.TRANSACTION_STARTED, tenant_id, depot_id=tenant_id, payload={"soc_percent": 41.5})

    async with replace(backend, clock=lambda: NOW).unit_of_work(user(tenant_id)) as work:
        work.publish(event)
        assert await waiting(backend, tenant_id) == []
        await work.commit()

    (entry,) = await waiting(backend, tenant_id)
    assert (entry.kind, entry.aggregate_id, entry.depot_id) == ("transaction.started", tenant_id, tenant_id)
    assert (entry.payload, entry.occurred_at) == ({"soc_percent": 41.5}, NOW)


async def test_a_change_that_is_rolled_back_leaves_no_event(backend: Backend) -> None:
    tenant_id = (await new_fleet(backend)).tenant_id

    async with backend.unit_of_work(user(tenant_id)) as work:
        work.publish(Event(EventKind.PRIORITY_CHANGED, tenant_id))

    assert await waiting(backend, tenant_id) == []


async def test_the_oldest_are_taken_first_and_no_more_than_asked_for(backend: Backend) -> None:
    tenant_id = (await new_fleet(backend)).tenant_id
    await write(backend, tenant_id, *range(5))

    assert [entry.payload["n"] for entry in await waiting(backend, tenant_id)] == [0, 1, 2, 3, 4]
    async with backend.database.system_session() as session:
        two = await outbox.take(session, 2)
    assert two is not None
    assert len(two) == 2
    assert two[0].id < two[1].id


async def test_what_is_removed_stays_until_the_commit(backend: Backend) -> None:
    tenant_id = (await new_fleet(backend)).tenant_id
    await write(backend, tenant_id, 1, 2)
    entries = await waiting(backend, tenant_id)

    async with backend.database.system_session() as session:
        await outbox.remove(session, entries[:1])
    assert await waiting(backend, tenant_id) == entries

    async with backend.database.system_session() as session:
        await outbox.remove(session, entries[:1])
        await session.commit()
    assert await waiting(backend, tenant_id) == entries[1:]


async def test_while_one_takes_others_get_nothing(backend: Backend) -> None:
    async with backend.database.system_session() as first, backend.database.system_session() as second:
        assert await outbox.take(first, 10) is not None
        assert await outbox.take(second, 10) is None

    async with backend.database.system_session() as third:
        assert await outbox.take(third, 10) is not None
