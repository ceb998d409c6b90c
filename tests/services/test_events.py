"""Fan-out: every subscriber of a tenant hears of everything from its subscription on, through outages too."""

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from ampyard.domain.errors import EventsGoneError
from ampyard.domain.events import EventKind, PublishedEvent
from ampyard.repositories.outbox import OutboxEntry
from ampyard.repositories.streams import EventStream, connect_redis
from ampyard.server.embedded import EmbeddedServers
from ampyard.services import events
from ampyard.services.events import EventHub, EventQueue
from tests.gate import Gate, gate_to

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)


@pytest.fixture
async def stream(servers: EmbeddedServers) -> AsyncIterator[EventStream]:
    """The stream as a publisher has it: never cut off."""
    redis = connect_redis(servers.redis_url)
    yield EventStream(redis)
    await redis.aclose()


@pytest.fixture
async def gate(servers: EmbeddedServers) -> AsyncIterator[Gate]:
    async with gate_to(servers.redis_url) as gate:
        yield gate


@pytest.fixture
async def hub(gate: Gate) -> AsyncIterator[EventHub]:
    """A hub that reads through the gate, with a client that gives up at once."""
    redis = Redis.from_url(f"redis://127.0.0.1:{gate.port}", retry=Retry(NoBackoff(), 0))
    hub = EventHub(EventStream(redis))
    yield hub
    await hub.close()
    await redis.aclose()


def entry(tenant_id: uuid.UUID, number: int, aggregate: int | None = None) -> OutboxEntry:
    return OutboxEntry(
        number, tenant_id, "depot.power", uuid.UUID(int=number if aggregate is None else aggregate), None, {"n": number}, NOW
    )


def event(number: int, aggregate: int, kind: EventKind = EventKind.DEPOT_POWER) -> PublishedEvent:
    return PublishedEvent(uuid.UUID(int=1), f"{number}-0", kind, uuid.UUID(int=aggregate), None, {"n": number}, NOW)


async def heard(queue: EventQueue, count: int) -> list[int]:
    async with asyncio.timeout(5):
        return [(await queue.get()).payload["n"] for _ in range(count)]


async def test_every_subscriber_hears_what_is_published_from_its_subscription_on(hub: EventHub, stream: EventStream) -> None:
    tenant_id = uuid.uuid4()
    await stream.publish([entry(tenant_id, 1)])
    async with hub.subscribe(tenant_id) as early:
        await stream.publish([entry(tenant_id, 2)])
        assert await heard(early, 1) == [2]
        async with hub.subscribe(tenant_id) as late:
            await stream.publish([entry(tenant_id, 3), entry(tenant_id, 4)])
            assert await heard(early, 2) == [3, 4]
            assert await heard(late, 2) == [3, 4]


async def test_no_tenant_hears_of_another(hub: EventHub, stream: EventStream) -> None:
    one, other = uuid.uuid4(), uuid.uuid4()
    async with hub.subscribe(one) as queue, hub.subscribe(other) as foreign:
        await stream.publish([entry(other, 1), entry(one, 2)])
        assert await heard(queue, 1) == [2]
        assert await heard(foreign, 1) == [1]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(queue.get(), 0.1)


async def test_one_reader_serves_all_subscribers_of_a_tenant_and_goes_with_the_last(hub: EventHub, gate: Gate) -> None:
    tenant_id = uuid.uuid4()
    async with hub.subscribe(tenant_id), hub.subscribe(tenant_id), hub.subscribe(tenant_id):
        assert len(hub._readers) == 1
        assert gate.passed == 1
    assert (hub._readers, hub._queues, hub._positions) == ({}, {}, {})


async def test_subscribing_again_after_the_last_left_works(hub: EventHub, stream: EventStream) -> None:
    tenant_id = uuid.uuid4()
    for number in range(3):
        async with hub.subscribe(tenant_id) as queue:
            await stream.publish([entry(tenant_id, number)])
            assert await heard(queue, 1) == [number]


async def test_what_happens_while_the_stream_is_out_of_reach_is_heard_afterwards(
    hub: EventHub, stream: EventStream, gate: Gate, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "ampyard.services.events")
    tenant_id = uuid.uuid4()
    async with hub.subscribe(tenant_id) as queue:
        await gate.shut()
        await stream.publish([entry(tenant_id, 1), entry(tenant_id, 2)])
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(queue.get(), 0.9)
        await gate.open()
        assert await heard(queue, 2) == [1, 2]

    levels = [record.levelname for record in caplog.records]
    assert levels == ["WARNING", "INFO"]
    assert "works again, after" in caplog.messages[1]


async def test_subscribing_during_an_outage_waits_for_its_end(hub: EventHub, stream: EventStream, gate: Gate) -> None:
    tenant_id = uuid.uuid4()
    await gate.shut()

    async def first() -> list[int]:
        async with hub.subscribe(tenant_id) as queue:
            await stream.publish([entry(tenant_id, 1)])
            return await heard(queue, 1)

    subscriber = asyncio.create_task(first())
    await asyncio.sleep(0.4)
    assert not subscriber.done()
    await gate.open()
    assert await asyncio.wait_for(subscriber, 5) == [1]


async def test_a_subscriber_that_gives_up_during_an_outage_leaves_nothing_behind(hub: EventHub, gate: Gate) -> None:
    await gate.shut()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2), hub.subscribe(uuid.uuid4()):
            pytest.fail("There is nothing to subscribe to.")
    assert (hub._readers, hub._queues, hub._positions) == ({}, {}, {})


async def test_a_slow_reader_sees_the_newest_of_each_aggregate_and_never_an_older_event_after_a_newer_one() -> None:
    queue = EventQueue()
    for waiting in (event(1, aggregate=1), event(2, aggregate=2), event(3, aggregate=1), event(4, 1, EventKind.COMMAND_UPDATED)):
        queue.put(waiting)

    assert await heard(queue, 3) == [2, 3, 4]
    queue.put(event(5, aggregate=1))
    assert await heard(queue, 1) == [5]


async def test_a_reader_that_waits_is_woken() -> None:
    queue = EventQueue()
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.put(event(1, aggregate=1))

    assert (await asyncio.wait_for(waiting, 1)).payload == {"n": 1}


async def test_only_what_is_wanted_wakes_a_reader() -> None:
    queue = EventQueue(lambda event: event.kind is EventKind.COMMAND_UPDATED)
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.put(event(1, aggregate=1))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    queue.put(event(2, aggregate=1, kind=EventKind.COMMAND_UPDATED))
    assert (await asyncio.wait_for(waiting, 1)).payload == {"n": 2}


async def test_a_queue_is_bounded_and_tells_what_was_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "_WAITING", 3)
    queue = EventQueue()
    for number in range(4):
        queue.put(event(number, aggregate=number))

    with pytest.raises(EventsGoneError, match="Events came faster than they were shown"):
        await queue.get()


async def test_a_subscription_knows_after_which_event_it_begins(hub: EventHub, stream: EventStream) -> None:
    tenant_id = uuid.uuid4()
    await stream.publish([entry(tenant_id, 1)])
    async with hub.subscribe(tenant_id) as first:
        assert first.position == await stream.newest_id(tenant_id)
        await stream.publish([entry(tenant_id, 2)])
        assert await heard(first, 1) == [2]
        async with hub.subscribe(tenant_id) as second:
            assert second.position == await stream.newest_id(tenant_id)


async def test_what_was_missed_is_of_each_aggregate_the_newest(hub: EventHub, stream: EventStream) -> None:
    tenant_id = uuid.uuid4()
    await stream.publish([entry(tenant_id, 0)])
    after = await stream.newest_id(tenant_id)
    await stream.publish([entry(tenant_id, number, aggregate=number % 2) for number in (1, 2, 3)])
    until = await stream.newest_id(tenant_id)
    await stream.publish([entry(tenant_id, 4)])

    assert [event.payload["n"] for event in await hub.missed(tenant_id, after, until)] == [2, 3]
    odd = await hub.missed(tenant_id, after, until, lambda event: event.payload["n"] % 2 == 1)
    assert [event.payload["n"] for event in odd] == [3]


async def test_who_has_missed_too_much_is_told(hub: EventHub, stream: EventStream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "_REPLAYED", 2)
    tenant_id = uuid.uuid4()
    await stream.publish([entry(tenant_id, 0)])
    after = await stream.newest_id(tenant_id)
    await stream.publish([entry(tenant_id, number) for number in (1, 2, 3)])

    with pytest.raises(EventsGoneError, match="There have been 3 events"):
        await hub.missed(tenant_id, after, await stream.newest_id(tenant_id))
