"""Events for the tests of the relay: written by a tenant, waiting in the outbox, arrived in the stream."""

import asyncio
import uuid

from ampyard.domain.events import Event, EventKind, PublishedEvent
from ampyard.repositories.outbox import OutboxEntry, take
from ampyard.repositories.streams import EventStream
from ampyard.services.backend import Backend
from ampyard.services.tasks import end
from tests.fleet import user


async def write(backend: Backend, tenant_id: uuid.UUID, *numbers: int, aggregate_id: uuid.UUID | None = None) -> None:
    """Commit events that carry these numbers, each in a transaction of its own."""
    for number in numbers:
        async with backend.unit_of_work(user(tenant_id)) as work:
            work.publish(Event(EventKind.PRIORITY_CHANGED, aggregate_id or tenant_id, payload={"n": number}))
            await work.commit()


async def waiting(backend: Backend, tenant_id: uuid.UUID) -> list[OutboxEntry]:
    """Return a tenant's events in the outbox, once no relay is at work."""
    while True:
        async with backend.database.system_session() as session:
            entries = await take(session, 1_000_000)
        if entries is not None:
            return [entry for entry in entries if entry.tenant_id == tenant_id]
        await asyncio.sleep(0.01)


async def arrived(stream: EventStream, tenant_id: uuid.UUID, count: int, *, timeout_s: float = 8.0) -> list[PublishedEvent]:
    """Return the first events of a tenant's stream, as soon as there are so many; raises `TimeoutError`."""
    reading = asyncio.create_task(_first(stream, tenant_id, count))
    # Not `asyncio.timeout`: its cancellation may be swallowed inside the client (see `services.tasks.end`).
    await asyncio.wait([reading], timeout=timeout_s)
    if not reading.done():
        await end([reading])
        raise TimeoutError
    return reading.result()


async def _first(stream: EventStream, tenant_id: uuid.UUID, count: int) -> list[PublishedEvent]:
    events: list[PublishedEvent] = []
    async for event in stream.read(tenant_id, "0-0"):
        events.append(event)
        if len(events) == count:
            break
    return events


async def length(stream: EventStream, tenant_id: uuid.UUID) -> int:
    """Return how many events a tenant's stream holds."""
    return int(await stream._redis.xlen(f"ampyard:events:{tenant_id}"))
