"""Runs of jobs are noted as they go, tell no secrets, and can be asked for again when they have failed."""

import asyncio
import uuid
from dataclasses import replace
from datetime import timedelta

import pytest

from ampyard.domain.access import Role
from ampyard.domain.errors import ConflictError, ForbiddenError, NotFoundError
from ampyard.domain.job_runs import JobRun, JobRunState
from ampyard.repositories.database import connect_asyncpg
from ampyard.repositories.job_runs import JobRunFilter, JobRuns
from ampyard.server.embedded import EmbeddedServers
from ampyard.services import job_runs, settings, tenants
from ampyard.services.backend import Backend
from tests.services.admin import NOW, Tenant
from tests.services.test_tenants import ROOT

PAYLOAD = {"depot_id": "x"}


async def runs(tenant: Tenant) -> list[JobRun]:
    async with tenant.snapshot() as snapshot:
        return await JobRuns(snapshot).where(order_by=[JobRuns.table.c.id])


async def fail(tenant: Tenant, error: Exception, *, queue_id: int | None = None, last_try: bool = True) -> None:
    with pytest.raises(type(error)):
        async with job_runs.noted(tenant.backend, tenant.tenant_id, "daily_energy", payload=PAYLOAD, queue_id=queue_id, last_try=last_try):
            raise error


def number() -> int:
    return uuid.uuid4().int % 2**62


async def test_a_run_is_noted_while_it_runs_and_when_it_has_ended(tenant: Tenant) -> None:
    async with job_runs.noted(tenant.backend, tenant.tenant_id, "daily_energy", payload=PAYLOAD, queue_id=(queue_id := number())):
        (during,) = await runs(tenant)
    (after,) = await runs(tenant)

    assert during == JobRun(during.id, tenant.tenant_id, "daily_energy", JobRunState.RUNNING, 1, PAYLOAD, queue_id, None, NOW, NOW, None)
    assert after == replace(during, state=JobRunState.SUCCEEDED, finished_at=NOW)


async def test_a_job_that_the_queue_gives_out_again_goes_on_with_its_run(tenant: Tenant) -> None:
    queue_id = number()
    await fail(tenant, NotFoundError("There is no depot x."), queue_id=queue_id, last_try=False)
    (waiting,) = await runs(tenant)
    await fail(tenant, NotFoundError("There is no depot x."), queue_id=queue_id)
    (failed,) = await runs(tenant)

    assert (waiting.state, waiting.attempts, waiting.error) == (JobRunState.RETRYING, 1, "There is no depot x.")
    assert (failed.id, failed.state, failed.attempts) == (waiting.id, JobRunState.FAILED, 2)


@pytest.mark.parametrize("error", [OSError("postgresql://ampyard:s3cret@db/ampyard refuses"), ValueError("s3cret"), KeyError("s3cret")])
async def test_the_text_of_an_unforeseen_error_is_not_kept(tenant: Tenant, error: Exception) -> None:
    await fail(tenant, error)

    (run,) = await runs(tenant)
    assert run.error == f"{type(error).__name__}; the worker's log tells more."


async def test_a_failed_job_is_queued_again_and_its_run_goes_on(tenant: Tenant, servers: EmbeddedServers) -> None:
    await fail(tenant, ValueError("x"), queue_id=number())
    (failed,) = await runs(tenant)

    waiting = await job_runs.retry_job(tenant.backend, tenant.owner, failed.id)

    assert waiting == replace(failed, state=JobRunState.QUEUED, queue_id=waiting.queue_id, finished_at=None)
    connection = await connect_asyncpg(servers.database_url)
    try:
        queued = await connection.fetchrow("SELECT entrypoint, payload FROM pgqueuer WHERE id = $1", waiting.queue_id)
        await connection.execute("DELETE FROM pgqueuer WHERE id = $1", waiting.queue_id)
    finally:
        await connection.close()
    assert queued is not None
    assert (queued["entrypoint"], queued["payload"]) == ("daily_energy", b'{"depot_id":"x"}')
    async with job_runs.noted(tenant.backend, tenant.tenant_id, "daily_energy", payload=PAYLOAD, queue_id=waiting.queue_id):
        pass
    (run,) = await runs(tenant)
    assert (run.id, run.state, run.attempts, run.error) == (failed.id, JobRunState.SUCCEEDED, 2, None)
    assert [(record.action, record.target_id) for record in await tenant.audited()] == [("job.retry", failed.id)]


async def test_only_what_has_failed_can_be_tried_again(tenant: Tenant) -> None:
    with pytest.raises(ValueError, match="x"):
        async with job_runs.noted(tenant.backend, tenant.tenant_id, "retention"):
            raise ValueError("x")
    async with job_runs.noted(tenant.backend, tenant.tenant_id, "daily_energy", payload=PAYLOAD):
        pass
    turn, succeeded = await runs(tenant)
    async with tenant.refused(ConflictError, "This was a turn of a schedule"):
        await job_runs.retry_job(tenant.backend, tenant.owner, turn.id)
    async with tenant.refused(ConflictError, "The job is SUCCEEDED"):
        await job_runs.retry_job(tenant.backend, tenant.owner, succeeded.id)
    async with tenant.refused(ForbiddenError, "jobs:write"):
        await job_runs.retry_job(tenant.backend, tenant.having(Role.OPERATOR), turn.id)
    async with tenant.refused(NotFoundError, "There is no such job run"):
        await job_runs.retry_job(tenant.backend, tenant.owner, uuid.UUID(int=1))


async def test_a_turn_is_each_tenants_own_and_ones_failure_is_not_the_others(tenant: Tenant) -> None:
    other = Tenant(tenant.backend, (await tenants.create_tenant(tenant.backend, ROOT, _new())).id)
    idle = Tenant(tenant.backend, (await tenants.create_tenant(tenant.backend, ROOT, _new())).id)
    await tenants.suspend_tenant(tenant.backend, ROOT, idle.tenant_id, reason="Does not pay.")
    done: list[uuid.UUID] = []

    async def act(_: Backend, tenant_id: uuid.UUID) -> None:
        if tenant_id == tenant.tenant_id:
            raise ValueError("x")
        done.append(tenant_id)

    with pytest.raises(ExceptionGroup, match="turn failed for 1 of"):
        await job_runs.for_each_tenant(tenant.backend, "turn", act)

    assert other.tenant_id in done
    assert [run.state for one in (tenant, other, idle) for run in await runs(one)] == [JobRunState.FAILED, JobRunState.SUCCEEDED]


def _new() -> tenants.NewTenant:
    return tenants.NewTenant(f"t-{uuid.uuid4().hex[:12]}", "Other", "anna", "Anna")


async def test_what_a_dead_worker_left_is_noted_as_failed_and_old_runs_go(tenant: Tenant) -> None:
    long_ago = replace(tenant, backend=replace(tenant.backend, clock=lambda: NOW - timedelta(days=20)))
    async with job_runs.noted(long_ago.backend, tenant.tenant_id, "old"):
        pass
    running = job_runs.noted(long_ago.backend, tenant.tenant_id, "daily_energy", payload=PAYLOAD)
    await running.__aenter__()
    assert await job_runs.tidy(tenant.backend, tenant.tenant_id) == 0

    old, left = await runs(tenant)
    assert (old.kind, left.state, left.error) == ("old", JobRunState.FAILED, "The worker that ran it has gone.")
    await settings.update_settings(tenant.backend, tenant.owner, version=None, changes={"job_run_days_kept": 19})
    assert await job_runs.tidy(tenant.backend, tenant.tenant_id) == 1
    assert [run.id for run in await runs(tenant)] == [left.id]
    assert not await running.__aexit__(asyncio.CancelledError, asyncio.CancelledError(), None)


async def test_runs_are_listed_by_what_became_of_them(tenant: Tenant) -> None:
    await fail(tenant, ValueError("x"))
    async with job_runs.noted(tenant.backend, tenant.tenant_id, "retention"):
        pass
    hour = timedelta(hours=1)
    for narrowing, kinds in (
        (JobRunFilter(), ["daily_energy", "retention"]),
        (JobRunFilter(states=(JobRunState.FAILED,)), ["daily_energy"]),
        (JobRunFilter(kind="retention"), ["retention"]),
        (JobRunFilter(since=NOW, until=NOW + hour), ["daily_energy", "retention"]),
        (JobRunFilter(until=NOW), []),
        (JobRunFilter(since=NOW + hour), []),
    ):
        async with tenant.snapshot() as snapshot:
            found = await JobRuns(snapshot).where(*narrowing.conditions(), order_by=[JobRuns.table.c.id])
        assert [run.kind for run in found] == kinds
