"""Fan-out of published events to the subscribers of one process: one stream reader a tenant, whatever their number."""

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.exceptions import RedisError

from ampyard.domain.events import EventKind, PublishedEvent
from ampyard.repositories.streams import EventStream
from ampyard.services.outages import Outage
from ampyard.services.tasks import end

_log = logging.getLogger(__name__)


class EventQueue:
    """What one subscriber has yet to see.

    Events of the same kind and aggregate that are still waiting become one, the newest: a slow reader sees fewer steps,
    never a stale end, and its queue is bounded by the number of aggregates.
    """

    def __init__(self) -> None:
        self._waiting: dict[tuple[EventKind, uuid.UUID], PublishedEvent] = {}
        self._arrived = asyncio.Event()

    def put(self, event: PublishedEvent) -> None:
        """Add an event; never blocks."""
        self._waiting[event.kind, event.aggregate_id] = event
        self._arrived.set()

    async def get(self) -> PublishedEvent:
        """Return the oldest waiting event, as soon as there is one."""
        while not self._waiting:
            self._arrived.clear()
            await self._arrived.wait()
        return self._waiting.pop(next(iter(self._waiting)))


class EventHub:
    """Subscriptions to the events of tenants, which `stream` brings."""

    def __init__(self, stream: EventStream) -> None:
        self.stream = stream
        self._queues: dict[uuid.UUID, set[EventQueue]] = {}
        self._readers: dict[uuid.UUID, asyncio.Task[None]] = {}
        self._positions: dict[uuid.UUID, asyncio.Future[str]] = {}

    @asynccontextmanager
    async def subscribe(self, tenant_id: uuid.UUID) -> AsyncIterator[EventQueue]:
        """Yield a queue that gets every event of the tenant published from now on."""
        queue = EventQueue()
        self._queues.setdefault(tenant_id, set()).add(queue)
        try:
            if tenant_id not in self._readers:
                self._positions[tenant_id] = asyncio.get_running_loop().create_future()
                self._readers[tenant_id] = asyncio.create_task(self._read(tenant_id), name=f"events of {tenant_id}")
            # Nothing published after this line is missed, and nothing that the caller does next comes before it.
            await asyncio.shield(self._positions[tenant_id])
            yield queue
        finally:
            self._queues[tenant_id].discard(queue)
            if not self._queues[tenant_id]:
                del self._queues[tenant_id]
                await self._stop(tenant_id)

    async def close(self) -> None:
        """Stop all readers."""
        for tenant_id in list(self._readers):
            await self._stop(tenant_id)

    async def _stop(self, tenant_id: uuid.UUID) -> None:
        self._positions.pop(tenant_id, None)
        reader = self._readers.pop(tenant_id, None)
        if reader is not None:
            await end([reader])

    async def _read(self, tenant_id: uuid.UUID) -> None:
        position: str | None = None
        started = self._positions[tenant_id]
        outage = Outage(f"Reading the events of tenant {tenant_id}", _log, longest_delay_s=2.0)
        while True:
            try:
                newest = await self.stream.newest_id(tenant_id)
                outage.over()
                if position is None:
                    position = newest
                    started.set_result(position)
                async for event in self.stream.read(tenant_id, position):
                    position = event.stream_id
                    for queue in tuple(self._queues.get(tenant_id, ())):
                        queue.put(event)
            except (RedisError, OSError) as error:
                await asyncio.sleep(outage.failed(error))
