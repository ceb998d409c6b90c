"""System health: honest numbers, and an answer in time when a server gives none."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ampyard.domain.access import Role
from ampyard.domain.errors import ForbiddenError
from ampyard.domain.health import ProcessHealth
from ampyard.repositories.database import Database
from ampyard.repositories.depots import Depots
from ampyard.repositories.presence import Presence
from ampyard.repositories.streams import connect_redis
from ampyard.server.embedded import EmbeddedServers
from ampyard.services import health
from ampyard.services.backend import Backend
from ampyard.services.health import system_health
from tests.published import write
from tests.services.admin import Tenant


@pytest.fixture
async def present(backend: Backend, servers: EmbeddedServers) -> AsyncIterator[Backend]:
    redis = connect_redis(servers.redis_url)
    yield replace(backend, presence=Presence(redis))
    await redis.aclose()


async def test_it_tells_what_waits_who_runs_and_what_was_planned(present: Backend, tenant: Tenant) -> None:
    assert present.presence is not None
    now = datetime.now(UTC)
    async with tenant.snapshot() as snapshot:
        (depot,) = await Depots(snapshot).where()
    process = ProcessHealth("connect", "here:1", "0.1.0", now - timedelta(hours=1), now)
    gone = replace(process, name="here:2", seen_at=now - timedelta(seconds=16))
    for one in (process, gone):
        await present.presence.seen(one)
    await present.presence.planned(tenant.tenant_id, depot.id, at=now - timedelta(seconds=2))
    await write(present, tenant.tenant_id, 3)

    found = await system_health(replace(present, clock=lambda: now + timedelta(seconds=1)), tenant.owner)

    assert (found.database.answers, found.events.answers, found.version) == (True, True, "0.1.0")
    assert 0 < (found.database.took_ms or 0) < 2000
    assert found.relay is not None
    assert found.relay.waiting >= 3
    assert found.queue is not None
    assert found.partitions_ahead is not None
    assert found.partitions_ahead >= 2
    assert found.planners is not None
    assert [one.depot_id for one in found.planners] == [depot.id]
    assert found.planners[0].age_s == pytest.approx(3.0)
    assert found.processes is not None
    named = {one.name: one for one in found.processes}
    assert "here:2" not in named
    assert named["here:1"].started_at == process.started_at
    await present.presence.gone(process)
    assert "here:1" not in {one.name for one in await present.presence.processes(at=now)}


async def test_a_depot_that_nobody_planned_has_no_age(present: Backend, tenant: Tenant) -> None:
    found = await system_health(present, tenant.owner)

    assert found.planners is not None
    assert [(one.shared_at, one.age_s) for one in found.planners] == [(None, None)]


async def test_what_does_not_answer_is_not_waited_for_and_not_made_up(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, present: Backend
) -> None:
    monkeypatch.setattr(health, "_PATIENCE_S", 0.2)

    class Silent(Presence):
        async def ping(self) -> None:
            await asyncio.sleep(60)

    nowhere = Database("postgresql+asyncpg://nobody@127.0.0.1:1/nothing")
    began = time.monotonic()
    found = await system_health(replace(present, database=nowhere, presence=Silent(connect_redis("redis://127.0.0.1:1"))), tenant.owner)

    assert time.monotonic() - began < 1.0
    assert (found.database.answers, found.database.took_ms, found.events.answers) == (False, None, False)
    assert (found.relay, found.queue, found.partitions_ahead, found.planners, found.processes) == (None,) * 5


async def test_it_needs_a_scope(backend: Backend, tenant: Tenant) -> None:
    with pytest.raises(ForbiddenError, match="settings:read"):
        await system_health(backend, tenant.having(Role.OPERATOR))
