"""The job queue's worker: what is due by the calendar, and the jobs that use cases have queued."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta

import orjson
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.core.applications import PgQueuer
from pgqueuer.core.executors import AbstractEntrypointExecutor, DatabaseRetryEntrypointExecutor, EntrypointExecutorParameters
from pgqueuer.domain.models import Job, Schedule

from ampyard.domain.reports import DAILY_ENERGY_JOB
from ampyard.repositories.database import APPLICATION_ROLE, connect_asyncpg
from ampyard.services import job_runs, reports, retention
from ampyard.services.backend import Backend
from ampyard.services.notifications import delivering
from ampyard.services.notifications.queueing import DELIVER_JOB

# How long an idle worker waits before it looks for jobs that it was not told of.
_POLL = timedelta(seconds=10)
# After a long stop a week of reports of all depots is due at once; each job takes a database connection for a while.
_AT_A_TIME = 8
_FIRST_RETRY = timedelta(seconds=2)
_RETRIES = 5


async def run_work_queue(backend: Backend, database_url: str, stop: asyncio.Event) -> None:
    """Take jobs until `stop` is set, then finish those that run. Raises when the connection is lost; call it again.

    Any number of workers may run: each job, and each turn of a schedule, is taken by one.
    """
    connection = await connect_asyncpg(database_url, role=APPLICATION_ROLE, application_name="ampyard job queue")
    try:
        queue = PgQueuer(AsyncpgDriver(connection))
        _register(queue, backend)
        stopping = asyncio.create_task(_pass_on(stop, queue.shutdown))
        try:
            await queue.run(
                dequeue_timeout=_POLL, batch_size=_AT_A_TIME // 2, max_concurrent_tasks=_AT_A_TIME, shutdown_on_listener_failure=True
            )
        finally:
            stopping.cancel()
    finally:
        await connection.close(timeout=1)


def _register(queue: PgQueuer, backend: Backend) -> None:
    _job(queue, backend, DAILY_ENERGY_JOB, reports.write_requested)
    _each_tenant(queue, backend, "due_reports", "*/10 * * * *", reports.request_due_reports)
    _each_tenant(queue, backend, "retention", "15 * * * *", retention.remove_outdated)

    # Each tells of itself how it goes (notificationDeliveries): it needs no note beside.
    @queue.entrypoint(DELIVER_JOB, executor_factory=_retried)
    async def deliver_notification(job: Job) -> None:
        await delivering.deliver_requested(backend, job.payload or b"")

    @queue.schedule("shared_retention", "45 * * * *")
    async def remove_shared(_: Schedule) -> None:
        await retention.remove_shared(backend)


def _job(queue: PgQueuer, backend: Backend, kind: str, act: Callable[[Backend, bytes], Awaitable[object]]) -> None:
    """Take jobs of a kind, whose payloads name the tenant they are for, and note how each goes."""

    @queue.entrypoint(kind, executor_factory=_retried)
    async def run(job: Job) -> None:
        payload = job.payload or b"{}"
        given = orjson.loads(payload)
        tenant_id, last_try = uuid.UUID(given["tenant_id"]), job.attempts >= _RETRIES
        async with job_runs.noted(backend, tenant_id, kind, payload=given, queue_id=job.id, last_try=last_try):
            await act(backend, payload)


def _each_tenant(queue: PgQueuer, backend: Backend, kind: str, cron: str, act: Callable[[Backend, uuid.UUID], Awaitable[object]]) -> None:
    """Do something for one tenant after the other whenever it is due, and note how it goes for each."""

    @queue.schedule(kind, cron)
    async def turn(_: Schedule) -> None:
        await job_runs.for_each_tenant(backend, kind, act)


def _retried(parameters: EntrypointExecutorParameters) -> AbstractEntrypointExecutor:
    # After the last try the job is dropped; its run says so, and can be asked for again.
    return DatabaseRetryEntrypointExecutor(parameters, max_attempts=_RETRIES, initial_delay=_FIRST_RETRY)


async def _pass_on(stop: asyncio.Event, shutdown: asyncio.Event) -> None:
    await stop.wait()
    shutdown.set()
