"""The relay: every committed event reaches the stream, in order per aggregate, whatever fails on the way."""

import asyncio
import logging
import os
import random
import signal
import sys
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence

import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from ampyard.domain.events import Event, EventKind
from ampyard.jobs import listening
from ampyard.jobs.relay import relay, run_relay
from ampyard.repositories.charge_points import ChargePoints
from ampyard.repositories.database import APPLICATION_ROLE, connect_asyncpg
from ampyard.repositories.outbox import OutboxEntry
from ampyard.repositories.streams import EventStream
from ampyard.server.embedded import EmbeddedServers
from ampyard.services.backend import Backend
from ampyard.services.tasks import end
from tests.fleet import new_fleet, user
from tests.gate import gate_to
from tests.patience import eventually, until
from tests.published import arrived, length, waiting, write

Start = Callable[[EventStream], "asyncio.Task[None]"]


@pytest.fixture
async def start(backend: Backend) -> AsyncIterator[Start]:
    """Start a relay that publishes to a stream; all are ended with the test."""
    tasks: list[asyncio.Task[None]] = []

    def begin(stream: EventStream) -> "asyncio.Task[None]":
        tasks.append(asyncio.create_task(run_relay(backend.database, stream)))
        return tasks[-1]

    # What other tests left in the outbox is none of ours.
    while await relay(backend.database, backend.events.stream):
        pass
    yield begin
    assert [task for task in tasks if task.done()] == []
    assert await end(tasks, timeout_s=2) == set()


async def numbers(backend: Backend, tenant_id: uuid.UUID, count: int) -> list[int]:
    return [event.payload["n"] for event in await arrived(backend.events.stream, tenant_id, count)]


async def test_events_are_published_at_once_and_leave_the_outbox(backend: Backend, start: Start) -> None:
    tenant_id = (await new_fleet(backend)).tenant_id
    start(backend.events.stream)
    await write(backend, tenant_id, 1)
    await numbers(backend, tenant_id, 1)

    begun = asyncio.get_running_loop().time()
    await write(backend, tenant_id, *range(2, 12))
    assert await numbers(backend, tenant_id, 11) == list(range(1, 12))
    # Ten waits of the safety net would take ten seconds.
    assert asyncio.get_running_loop().time() - begun < 2.0
    assert await waiting(backend, tenant_id) == []


async def test_events_that_waited_while_no_relay_ran_are_published(backend: Backend, start: Start) -> None:
    tenant_id = (await new_fleet(backend)).tenant_id
    async with backend.unit_of_work(user(tenant_id)) as work:
        for number in range(1200):
            work.publish(Event(EventKind.PRIORITY_CHANGED, tenant_id, payload={"n": number}))
        await work.commit()

    start(backend.events.stream)

    assert await numbers(backend, tenant_id, 1200) == list(range(1200))
    assert await waiting(backend, tenant_id) == []


async def test_each_aggregate_keeps_its_order_and_two_relays_do_not_double(backend: Backend, start: Start) -> None:
    tenant_id = (await new_fleet(backend)).tenant_id
    async with backend.database.snapshot(tenant_id) as snapshot:
        aggregates = [charge_point.id for charge_point in await ChargePoints(snapshot).where()]
    last: dict[uuid.UUID, int] = defaultdict(int)
    pause = random.Random(1)
    start(backend.events.stream)
    start(backend.events.stream)

    async def writer() -> None:
        for _ in range(15):
            async with backend.unit_of_work(user(tenant_id)) as work:
                aggregate_id = pause.choice(aggregates)
                await work.lock(ChargePoints, aggregate_id)
                last[aggregate_id] += 1
                work.publish(Event(EventKind.CHARGE_POINT_UPDATED, aggregate_id, payload={"n": last[aggregate_id]}))
                await asyncio.sleep(pause.random() / 200)
                await work.commit()

    await asyncio.gather(*(writer() for _ in range(8)))

    seen: dict[uuid.UUID, list[int]] = defaultdict(list)
    for event in await arrived(backend.events.stream, tenant_id, 120):
        seen[event.aggregate_id].append(event.payload["n"])
    assert seen == {aggregate_id: list(range(1, count + 1)) for aggregate_id, count in last.items()}
    assert await waiting(backend, tenant_id) == []
    assert await length(backend.events.stream, tenant_id) == 120


async def test_while_the_stream_is_out_of_reach_events_wait_and_one_line_tells(
    backend: Backend, servers: EmbeddedServers, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "ampyard.jobs")
    tenant_id = (await new_fleet(backend)).tenant_id
    async with gate_to(servers.redis_url) as gate:
        redis = Redis.from_url(f"redis://127.0.0.1:{gate.port}", retry=Retry(NoBackoff(), 0))
        start(EventStream(redis))
        await write(backend, tenant_id, 1)
        await eventually(lambda: waiting(backend, tenant_id), lambda entries: entries == [])

        await gate.shut()
        await write(backend, tenant_id, 2, 3)
        await asyncio.sleep(1.2)
        assert [entry.payload["n"] for entry in await waiting(backend, tenant_id)] == [2, 3]
        assert [record.getMessage().split(" (")[0] for record in caplog.records] == ["Relaying events fails"]

        await gate.open()
        assert await numbers(backend, tenant_id, 3) == [1, 2, 3]
        await until(lambda: len(caplog.records) == 2)
        assert caplog.records[1].getMessage().startswith("Relaying events works again, after")
        assert await waiting(backend, tenant_id) == []
        await redis.aclose()


class _DiesAfterPublishing(EventStream):
    """What a relay that dies between the publishing and the commit leaves behind."""

    def __init__(self, stream: EventStream) -> None:
        super().__init__(stream._redis)
        self.deaths = 0

    async def publish(self, entries: Sequence[OutboxEntry]) -> None:
        await super().publish(entries)
        if not self.deaths:
            self.deaths += 1
            raise ConnectionError("The relay has died.")


async def test_what_fails_after_the_publishing_is_published_again(backend: Backend, start: Start) -> None:
    tenant_id = (await new_fleet(backend)).tenant_id
    await write(backend, tenant_id, 1, 2)
    stream = _DiesAfterPublishing(backend.events.stream)

    start(stream)

    assert await numbers(backend, tenant_id, 4) == [1, 2, 1, 2]
    assert await waiting(backend, tenant_id) == []
    assert await length(backend.events.stream, tenant_id) == 4


async def test_a_relay_killed_between_publishing_and_commit_loses_nothing(backend: Backend, servers: EmbeddedServers, start: Start) -> None:
    tenant_id = (await new_fleet(backend)).tenant_id
    await write(backend, tenant_id, 1, 2)
    program = """
import asyncio, os, signal, sys
from ampyard.jobs.relay import relay
from ampyard.repositories.database import Database
from ampyard.repositories.streams import EventStream, connect_redis

class Killed(EventStream):
    async def publish(self, entries):
        await super().publish(entries)
        os.kill(os.getpid(), signal.SIGKILL)

async def main():
    await relay(Database(sys.argv[1]), Killed(connect_redis(sys.argv[2])))

asyncio.run(main())
"""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, servers.database_url, servers.redis_url, env=os.environ)
    assert await process.wait() == -signal.SIGKILL
    assert await numbers(backend, tenant_id, 2) == [1, 2]
    assert [entry.payload["n"] for entry in await waiting(backend, tenant_id)] == [1, 2]

    start(backend.events.stream)

    assert await numbers(backend, tenant_id, 4) == [1, 2, 1, 2]
    assert await waiting(backend, tenant_id) == []


async def test_a_lost_listener_listens_again_and_tells_that_it_may_have_missed_something(
    backend: Backend, servers: EmbeddedServers, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "ampyard.jobs")
    channel = f"test_{uuid.uuid4().hex}"
    heard: list[str] = []
    other = await connect_asyncpg(servers.database_url, role=APPLICATION_ROLE)
    listener = asyncio.create_task(listening.hear(backend.database, channel, heard.append))
    try:
        await until(lambda: heard == [""])
        await other.execute("SELECT pg_notify($1, 'one')", channel)
        await until(lambda: heard == ["", "one"])
        await other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE $1", f"LISTEN%{channel}%")
        await until(lambda: heard == ["", "one", ""])
        await other.execute("SELECT pg_notify($1, 'two')", channel)
        await until(lambda: heard == ["", "one", "", "two"])
    finally:
        await end([listener])
        await other.close()
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
