"""Events on their way to subscribers: one Redis stream a tenant. Everything in it can be lost; the database is the truth."""

import logging
import uuid
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

import orjson
from redis.asyncio import Redis

from ampyard.domain.events import EventKind, PublishedEvent
from ampyard.repositories.outbox import OutboxEntry

_log = logging.getLogger(__name__)

# How many events of a tenant are kept for subscribers that lag behind.
_KEPT = 10_000
# A read that waits for events must end before the client takes the silence for a dead connection.
_BLOCK_MS = 5_000
_SOCKET_TIMEOUT_S = 10.0


def connect_redis(url: str) -> Redis:
    """Return a client for a `redis://`, `rediss://` or `unix://` URL. It connects when first used."""
    return Redis.from_url(url, socket_timeout=_SOCKET_TIMEOUT_S)


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
                    try:
                        event = _event(tenant_id, position, orjson.loads(fields[b"event"]))
                    except (KeyError, TypeError, ValueError) as error:
                        # During an upgrade newer processes publish what older ones do not know yet.
                        _log.debug("Event %s is not known to this version (%s); skipped.", position, error)
                        continue
                    yield event


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
