"""What runs in the background is noted as it begins and ends, and can be asked for again when it has failed."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from ampyard.domain.access import Principal, Scope, system_principal
from ampyard.domain.errors import ConflictError
from ampyard.domain.events import Event, EventKind
from ampyard.domain.job_runs import JobRun, JobRunState, tellable
from ampyard.repositories import job_runs as store
from ampyard.repositories import jobs
from ampyard.repositories.directory import Directory
from ampyard.repositories.job_runs import JobRuns
from ampyard.repositories.settings import read_settings
from ampyard.services.backend import Backend

# No job takes this long: who has not ended by then has died.
_LONGEST = timedelta(hours=6)


@asynccontextmanager
async def noted(
    backend: Backend,
    tenant_id: uuid.UUID,
    kind: str,
    *,
    payload: dict[str, Any] | None = None,
    queue_id: int | None = None,
    last_try: bool = True,
) -> AsyncIterator[None]:
    """Note a run of a job around what it does.

    Args:
        backend: the ports.
        tenant_id: for whom it runs.
        kind: the job's name.
        payload: what it was given; without it, it cannot be asked for again.
        queue_id: the queue's number of it; a job that is tried again has the same.
        last_try: whether nobody will try again by himself when it fails.
    """
    async with backend.unit_of_work(system_principal(tenant_id, "jobs")) as work:
        run = await store.begin(work.session, tenant_id, kind, payload, queue_id=queue_id, at=work.now)
        work.publish(Event(EventKind.JOB_RUN_CHANGED, run.id))
        await work.commit()
    try:
        yield
    except Exception as error:
        await _end(backend, run, JobRunState.FAILED if last_try else JobRunState.RETRYING, tellable(error))
        raise
    await _end(backend, run, JobRunState.SUCCEEDED, None)


async def _end(backend: Backend, run: JobRun, state: JobRunState, error: str | None) -> None:
    async with backend.unit_of_work(system_principal(run.tenant_id, "jobs")) as work:
        await store.end(work.session, run.id, state, error=error, at=work.now)
        work.publish(Event(EventKind.JOB_RUN_CHANGED, run.id))
        await work.commit()


async def for_each_tenant(backend: Backend, kind: str, act: Callable[[Backend, uuid.UUID], Awaitable[object]]) -> None:
    """Do something for one tenant after the other, as a turn of a schedule; each is a run of its own, and one's failure is not the others'.

    Raises the failures together, once all tenants have had their turn.
    """
    async with backend.database.system_snapshot() as system:
        tenants = await Directory(system).active_tenants()
    failures: list[Exception] = []
    for tenant_id in tenants:
        try:
            async with noted(backend, tenant_id, kind):
                await act(backend, tenant_id)
        except Exception as error:  # noqa: BLE001 - noted, and raised below with the others
            failures.append(error)
    if failures:
        raise ExceptionGroup(f"{kind} failed for {len(failures)} of {len(tenants)} tenants", failures)


async def retry_job(backend: Backend, principal: Principal, run_id: uuid.UUID) -> JobRun:
    """Have a failed job done again; its run goes on.

    Raises:
        ForbiddenError: the principal lacks `jobs:write`.
        NotFoundError: there is no such run.
        ConflictError: it has not failed, or it is a turn of a schedule, which comes again by itself.
    """
    principal.require(Scope.JOBS_WRITE)
    async with backend.unit_of_work(principal, Scope.JOBS_WRITE) as work:
        run = await work.require(JobRuns, run_id, "job run")
        if run.state is not JobRunState.FAILED:
            raise ConflictError(f"The job is {run.state.value}; only one that has FAILED can be tried again.", ("input", "jobRunId"))
        if run.payload is None:
            raise ConflictError("This was a turn of a schedule; the next one comes by itself.", ("input", "jobRunId"))
        queue_id = await jobs.enqueue_again(work.session, run.kind, run.payload, run_id=run.id)
        waiting = await store.requeued(work.session, run.id, queue_id=queue_id)
        await work.audit("job.retry", "job_run", run.id, kind=run.kind, attempts=run.attempts)
        work.publish(Event(EventKind.JOB_RUN_CHANGED, run.id))
        work.answers(job_run=waiting)
        await work.commit()
    return waiting


async def tidy(backend: Backend, tenant_id: uuid.UUID) -> int:
    """Note as failed what a dead worker left, and remove runs that ended longer ago than the tenant keeps them; returns how many went."""
    async with backend.unit_of_work(system_principal(tenant_id, "retention")) as work:
        error = "The worker that ran it has gone."
        for run_id in await store.abandoned(work.session, before=work.now - _LONGEST, error=error, at=work.now):
            work.publish(Event(EventKind.JOB_RUN_CHANGED, run_id))
        kept = timedelta(days=(await read_settings(work.session, tenant_id)).values.job_run_days_kept)
        removed = await store.remove_finished(work.session, before=work.now - kept)
        await work.commit()
    return removed
