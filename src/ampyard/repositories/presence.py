"""Which processes run, and which depots have just been planned, on the Redis-protocol server.

It can be lost: within seconds it is told again.
"""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from redis.asyncio import Redis

from ampyard.domain.health import ProcessHealth

# A process that has not told for so long is not taken to run.
GONE_AFTER = timedelta(seconds=15)
_PLANNED_KEPT_S = 3600
_PROCESSES = "ampyard:processes"


class Presence:
    """What processes tell of themselves. Its methods raise what the client does, `RedisError` or `OSError`, while the server is away."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def ping(self) -> None:
        """Return when the server has answered."""
        answer: Any = self._redis.ping()
        await answer

    async def seen(self, process: ProcessHealth) -> None:
        """Note that a process runs; forget those that are long gone."""
        at = process.seen_at.timestamp()
        async with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.zadd(_PROCESSES, {_member(process): at})
            pipeline.zremrangebyscore(_PROCESSES, "-inf", at - 10 * GONE_AFTER.total_seconds())
            await pipeline.execute()

    async def gone(self, process: ProcessHealth) -> None:
        """Forget a process that ends."""
        await self._redis.zrem(_PROCESSES, _member(process))

    async def processes(self, *, at: datetime) -> list[ProcessHealth]:
        """Return the processes that run at a moment, by role and name."""
        since = (at - GONE_AFTER).timestamp()
        found: Any = await self._redis.zrangebyscore(_PROCESSES, since, "+inf", withscores=True)
        processes = [_process(orjson.loads(member), datetime.fromtimestamp(score, UTC)) for member, score in found]
        return sorted(processes, key=lambda process: (process.role, process.name))

    async def planned(self, tenant_id: uuid.UUID, depot_id: uuid.UUID, *, at: datetime) -> None:
        """Note that a depot's power has been shared."""
        key = _planned(tenant_id)
        async with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.hset(key, str(depot_id), str(at.timestamp()))
            pipeline.expire(key, _PLANNED_KEPT_S)
            await pipeline.execute()

    async def planned_at(self, tenant_id: uuid.UUID) -> Mapping[uuid.UUID, datetime]:
        """Return when each of a tenant's depots was last planned, as far as that is remembered."""
        found: Any = await self._redis.hgetall(_planned(tenant_id))
        return {uuid.UUID(depot.decode()): datetime.fromtimestamp(float(at), UTC) for depot, at in found.items()}


def _planned(tenant_id: uuid.UUID) -> str:
    return f"ampyard:planned:{tenant_id}"


def _member(process: ProcessHealth) -> bytes:
    # The same each time: the sorted set tells processes apart by it.
    return orjson.dumps([process.role, process.name, process.version, process.started_at])


def _process(member: list[str], seen_at: datetime) -> ProcessHealth:
    role, name, version, started_at = member
    return ProcessHealth(role, name, version, datetime.fromisoformat(started_at), seen_at)
