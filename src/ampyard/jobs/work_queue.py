"""The job queue's worker: what is due by the calendar, and the jobs that use cases have queued."""

import asyncio
from datetime import timedelta

from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.core.applications import PgQueuer
from pgqueuer.core.executors import AbstractEntrypointExecutor, DatabaseRetryEntrypointExecutor, EntrypointExecutorParameters
from pgqueuer.domain.models import Job, Schedule

from ampyard.repositories.database import APPLICATION_ROLE, connect_asyncpg
from ampyard.services import reports, retention
from ampyard.services.backend import Backend
from ampyard.services.notifications import delivering
from ampyard.services.notifications.queueing import DELIVER_JOB

# How long an idle worker waits before it looks for jobs that it was not told of.
_POLL = timedelta(seconds=10)
# After a long stop a week of reports of all depots is due at once; each job takes a database connection for a while.
_AT_A_TIME = 8
_FIRST_RETRY = timedelta(seconds=2)


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
    @queue.entrypoint(reports.DAILY_ENERGY_JOB, executor_factory=_retried)
    async def write_report(job: Job) -> None:
        await reports.write_requested(backend, job.payload or b"")

    @queue.entrypoint(DELIVER_JOB, executor_factory=_retried)
    async def deliver_notification(job: Job) -> None:
        await delivering.deliver_requested(backend, job.payload or b"")

    @queue.schedule("due_reports", "*/10 * * * *")
    async def request_due_reports(_: Schedule) -> None:
        await reports.request_due_reports(backend)

    @queue.schedule("retention", "15 * * * *")
    async def remove_outdated(_: Schedule) -> None:
        await retention.remove_outdated(backend)


def _retried(parameters: EntrypointExecutorParameters) -> AbstractEntrypointExecutor:
    # After the last try the job is dropped; what is still due then is requested again by its schedule.
    return DatabaseRetryEntrypointExecutor(parameters, max_attempts=5, initial_delay=_FIRST_RETRY)


async def _pass_on(stop: asyncio.Event, shutdown: asyncio.Event) -> None:
    await stop.wait()
    shutdown.set()
