"""How the installation is doing: each part asked at the same time, and none waited for longer than two seconds."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from importlib.metadata import version
from typing import TypeVar

import asyncpg
from redis.exceptions import RedisError

from ampyard.domain.access import Principal, Scope
from ampyard.domain.health import Answering, PlannerHealth, ProcessHealth, QueueHealth, RelayHealth, SystemHealth
from ampyard.domain.tenants import NO_TENANT
from ampyard.repositories import health
from ampyard.repositories.depots import Depots
from ampyard.repositories.health import role_facts
from ampyard.services.backend import Backend

T = TypeVar("T")

VERSION = version("ampyard")
_PATIENCE_S = 2.0
_AWAY = (OSError, TimeoutError, RedisError, asyncpg.PostgresError, asyncpg.InterfaceError)


async def application_role_faults(backend: Backend) -> list[str]:
    """Return what would let the application role see other tenants' rows, in words; empty when all is well."""
    async with backend.database.system_snapshot() as snapshot:
        facts = await role_facts(snapshot)
    return [
        *(["the application role is a superuser"] if facts.superuser else []),
        *(["the application role may bypass row-level security"] if facts.bypasses else []),
        *([f"the application role owns {facts.owned_tables} tables"] if facts.owned_tables else []),
        *([f"tables without forced row-level security: {', '.join(facts.unforced_tables)}"] if facts.unforced_tables else []),
    ]


async def system_health(backend: Backend, principal: Principal) -> SystemHealth:
    """Return how the installation is doing. Needs `settings:read`; always answers within about two seconds."""
    principal.require(Scope.SETTINGS_READ)
    now = backend.clock()
    async with asyncio.TaskGroup() as group:
        database = group.create_task(_answering("PostgreSQL", backend.database.check))
        events = group.create_task(_answering("Valkey", lambda: _ping(backend)))
        relay = group.create_task(_within(lambda: _relay(backend, now)))
        queue = group.create_task(_within(lambda: _queue(backend)))
        partitions = group.create_task(_within(lambda: _partitions(backend)))
        planners = group.create_task(_within(lambda: _planners(backend, principal, now)))
        processes = group.create_task(_within(lambda: _processes(backend, now)))
    return SystemHealth(
        at=now,
        version=VERSION,
        database=database.result(),
        events=events.result(),
        relay=relay.result(),
        queue=queue.result(),
        partitions_ahead=partitions.result(),
        planners=planners.result(),
        processes=processes.result(),
    )


async def _answering(name: str, ask: Callable[[], Awaitable[object]]) -> Answering:
    began = time.perf_counter()
    try:
        async with asyncio.timeout(_PATIENCE_S):
            await ask()
    except _AWAY:
        return Answering(name, answers=False, took_ms=None)
    return Answering(name, answers=True, took_ms=(time.perf_counter() - began) * 1000)


async def _within(ask: Callable[[], Awaitable[T]]) -> T | None:
    try:
        async with asyncio.timeout(_PATIENCE_S):
            return await ask()
    except _AWAY:
        return None


async def _ping(backend: Backend) -> None:
    if backend.presence is None:
        raise ConnectionError("This process knows no event server.")
    await backend.presence.ping()


async def _relay(backend: Backend, now: datetime) -> RelayHealth:
    async with backend.database.system_snapshot() as system:
        return await health.relay_health(system, at=now)


async def _queue(backend: Backend) -> QueueHealth:
    async with backend.database.snapshot(NO_TENANT) as session:
        return await health.queue_health(session)


async def _partitions(backend: Backend) -> int:
    async with backend.database.system_snapshot() as system:
        return await health.partitions_ahead(system)


async def _planners(backend: Backend, principal: Principal, now: datetime) -> list[PlannerHealth]:
    async with backend.snapshot(principal) as snapshot:
        depots = await Depots(snapshot).where(order_by=[Depots.table.c.name, Depots.table.c.id])
    planned = {} if backend.presence is None else await backend.presence.planned_at(principal.tenant_id)
    shared = {depot.id: planned.get(depot.id) for depot in depots}
    return [PlannerHealth(depot, at, None if at is None else max(0.0, (now - at).total_seconds())) for depot, at in shared.items()]


async def _processes(backend: Backend, now: datetime) -> list[ProcessHealth] | None:
    return None if backend.presence is None else await backend.presence.processes(at=now)
