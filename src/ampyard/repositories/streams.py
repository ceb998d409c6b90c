"""Events on their way to subscribers: one Redis stream a tenant. Everything in it can be lost; the database is the truth."""

import logging
import re
import uuid
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

import orjson
from redis.asyncio import Redis

from ampyard.domain.errors import EventsGoneError
from ampyard.domain.events import EventKind, PublishedEvent
from ampyard.repositories.outbox import OutboxEntry

_log = logging.getLogger(__name__)

# How many events of a tenant are kept for subscribers that lag behind.
_KEPT = 10_000
# A read that waits for events must end before the client takes the silence for a dead connection.
_BLOCK_MS = 5_000
_SOCKET_TIMEOUT_S = 10.0
# Milliseconds and a number, each of 64 bits.
_STREAM_ID = re.compile(r"(\d{1,20})-(\d{1,20})", re.ASCII)
_LARGEST = 2**64 - 1


def connect_redis(url: str) -> Redis:
    """Return a client for a `redis://`, `rediss://` or `unix://` URL. It connects when first used."""
    return Redis.from_url(url, socket_timeout=_SOCKET_TIMEOUT_S)


def id_order(stream_id: str) -> tuple[int, int]:
    """Return what stream ids are compared by. Raises `ValueError` for what is none."""
    match = _STREAM_ID.fullmatch(stream_id)
    order = (int(match[1]), int(match[2])) if match else (_LARGEST + 1, 0)
    if max(order) > _LARGEST:
        raise ValueError(f"{stream_id[:50]!r} is not the id of an event.")
    return order


class EventStream:
    """The event streams of all tenants on one server."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def publish(self, entries: Sequence[OutboxEntry]) -> None:
        """Append events to their tenants' streams, in the order given."""
        pipeline = self._redis.pipeline(transaction=False)
        for entry in entries:
            body = orjson.dumps(
                {
                    "kind": entry.kind,
                    "aggregate_id": str(entry.aggregate_id),
                    "depot_id": None if entry.depot_id is None else str(entry.depot_id),
                    "payload": entry.payload,
                    "occurred_at": entry.occurred_at,
                }
            )
            pipeline.xadd(_key(entry.tenant_id), {"event": body}, maxlen=_KEPT, approximate=True)
        await pipeline.execute()

    async def newest_id(self, tenant_id: uuid.UUID) -> str:
        """Return the id of the newest event of a tenant: reading after it gives only what comes from now on."""
        newest: Any = await self._redis.xrevrange(_key(tenant_id), count=1)
        return str(newest[0][0].decode()) if newest else "0-0"

    async def read(self, tenant_id: uuid.UUID, after: str) -> AsyncIterator[PublishedEvent]:
        """Yield the tenant's events after a stream id, for ever."""
        position = after
        while True:
            answer: Any = await self._redis.xread({_key(tenant_id): position}, count=500, block=_BLOCK_MS)
            for _, messages in answer or ():
                for stream_id, fields in messages:
                    position = stream_id.decode()
                    event = _known_event(tenant_id, position, fields)
                    if event is not None:
                        yield event

    async def between(self, tenant_id: uuid.UUID, after: str, until: str) -> list[PublishedEvent]:
        """Return the tenant's events after a stream id, up to and including another.

        Raises `EventsGoneError` unless the stream reaches back to the first, and has come to it: only then is nothing missing.
        """
        key = _key(tenant_id)
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.xrange(key, count=1)
            pipeline.xrevrange(key, count=1)
            pipeline.xrange(key, f"({after}", until)
            oldest, newest, messages = await pipeline.execute()
        if not oldest or not _order(oldest) <= id_order(after) <= _order(newest):
            raise EventsGoneError(
                f"The events after {after} are not kept any more. Fetch the present state, and subscribe without an event id."
            )
        events = (_known_event(tenant_id, stream_id.decode(), fields) for stream_id, fields in messages)
        return [event for event in events if event is not None]


def _order(messages: Any) -> tuple[int, int]:
    return id_order(messages[0][0].decode())


def _known_event(tenant_id: uuid.UUID, stream_id: str, fields: dict[bytes, bytes]) -> PublishedEvent | None:
    try:
        return _event(tenant_id, stream_id, orjson.loads(fields[b"event"]))
    except (KeyError, TypeError, ValueError) as error:
        # During an upgrade newer processes publish what older ones do not know yet.
        _log.debug("Event %s is not known to this version (%s); skipped.", stream_id, error)
        return None


def _key(tenant_id: uuid.UUID) -> str:
    return f"ampyard:events:{tenant_id}"


def _event(tenant_id: uuid.UUID, stream_id: str, body: dict[str, Any]) -> PublishedEvent:
    return PublishedEvent(
        tenant_id=tenant_id,
        stream_id=stream_id,
        kind=EventKind(body["kind"]),
        aggregate_id=uuid.UUID(body["aggregate_id"]),
        depot_id=None if body["depot_id"] is None else uuid.UUID(body["depot_id"]),
        payload=body["payload"],
        occurred_at=datetime.fromisoformat(body["occurred_at"]),
    )
