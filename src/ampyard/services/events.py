"""Fan-out of published events to the subscribers of one process: one stream reader a tenant, whatever their number."""

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager

from redis.exceptions import RedisError

from ampyard.domain.errors import EventsGoneError
from ampyard.domain.events import EventKind, PublishedEvent
from ampyard.repositories.streams import EventStream
from ampyard.services.outages import Outage
from ampyard.services.tasks import end

_log = logging.getLogger(__name__)

# Of so many aggregates events may wait; more than any tenant has, unless its subscriber is stuck.
_WAITING = 10_000
# Who has missed more is quicker to read the present state than what led to it.
_REPLAYED = 1_000

Wanted = Callable[[PublishedEvent], bool]


def _everything(_event: PublishedEvent) -> bool:
    return True


class EventQueue:
    """What one subscriber has yet to see.

    Events of the same kind and aggregate that are still waiting become one, the newest: a slow reader sees fewer steps,
    never a stale end, and its queue is bounded by the number of aggregates. Their ids grow from one to the next.

    `position` is the id of the newest event when the subscription began.
    """

    def __init__(self, wanted: Wanted = _everything) -> None:
        self.position = "0-0"
        self._wanted = wanted
        self._waiting: dict[tuple[EventKind, uuid.UUID], PublishedEvent] = {}
        self._arrived = asyncio.Event()
        self._lost = False

    def put(self, event: PublishedEvent) -> None:
        """Add an event that is wanted; never blocks."""
        if not self._wanted(event):
            return
        # To the end: whoever has seen an event has then seen all before it, and can go on from there.
        self._waiting.pop((event.kind, event.aggregate_id), None)
        self._waiting[event.kind, event.aggregate_id] = event
        if len(self._waiting) > _WAITING:
            self._waiting.clear()
            self._lost = True
        self._arrived.set()

    async def get(self) -> PublishedEvent:
        """Return the oldest waiting event, as soon as there is one. Raises `EventsGoneError` when some had to be dropped."""
        while not self._waiting and not self._lost:
            self._arrived.clear()
            await self._arrived.wait()
        if self._lost:
            raise EventsGoneError("Events came faster than they were shown. Fetch the present state, and subscribe again.")
        return self._waiting.pop(next(iter(self._waiting)))


class EventHub:
    """Subscriptions to the events of tenants, which `stream` brings."""

    def __init__(self, stream: EventStream) -> None:
        self.stream = stream
        self._queues: dict[uuid.UUID, set[EventQueue]] = {}
        self._readers: dict[uuid.UUID, asyncio.Task[None]] = {}
        # How far each reader is, once it has begun.
        self._positions: dict[uuid.UUID, asyncio.Future[str]] = {}

    @asynccontextmanager
    async def subscribe(self, tenant_id: uuid.UUID, wanted: Wanted = _everything) -> AsyncIterator[EventQueue]:
        """Yield a queue that gets every event of the tenant published from now on that is wanted."""
        queue = EventQueue(wanted)
        self._queues.setdefault(tenant_id, set()).add(queue)
        try:
            if tenant_id not in self._readers:
                self._positions[tenant_id] = asyncio.get_running_loop().create_future()
                self._readers[tenant_id] = asyncio.create_task(self._read(tenant_id), name=f"events of {tenant_id}")
            # Taken now: what comes while this waits is in the queue already.
            position = self._positions[tenant_id]
            # Nothing published after this line is missed, and nothing that the caller does next comes before it.
            queue.position = await asyncio.shield(position)
            yield queue
        finally:
            self._queues[tenant_id].discard(queue)
            if not self._queues[tenant_id]:
                del self._queues[tenant_id]
                await self._stop(tenant_id)

    async def missed(self, tenant_id: uuid.UUID, after: str, until: str, wanted: Wanted = _everything) -> Iterable[PublishedEvent]:
        """Return the events after one id, up to and including another, as a queue would give them: of each aggregate the newest.

        Raises `EventsGoneError` when they are not all kept, or too many to show.
        """
        newest: dict[tuple[EventKind, uuid.UUID], PublishedEvent] = {}
        for event in await self.stream.between(tenant_id, after, until):
            if wanted(event):
                newest.pop((event.kind, event.aggregate_id), None)
                newest[event.kind, event.aggregate_id] = event
        if len(newest) > _REPLAYED:
            message = (
                f"There have been {len(newest)} events after {after}, more than are replayed. Fetch the present state, and subscribe anew."
            )
            raise EventsGoneError(message)
        return newest.values()

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
        reached = self._positions[tenant_id]
        outage = Outage(f"Reading the events of tenant {tenant_id}", _log, longest_delay_s=2.0)
        while True:
            try:
                newest = await self.stream.newest_id(tenant_id)
                outage.over()
                if position is None:
                    position = newest
                    reached.set_result(position)
                async for event in self.stream.read(tenant_id, position):
                    if self._positions.get(tenant_id) is not reached:
                        return  # stopped, though the client has swallowed it (see `services.tasks.end`)
                    position = event.stream_id
                    reached = self._positions[tenant_id] = _known(position)
                    for queue in tuple(self._queues.get(tenant_id, ())):
                        queue.put(event)
            except (RedisError, OSError) as error:
                await asyncio.sleep(outage.failed(error))


def _known(position: str) -> asyncio.Future[str]:
    future = asyncio.get_running_loop().create_future()
    future.set_result(position)
    return future
