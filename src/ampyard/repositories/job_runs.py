import uuid
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, case, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from ampyard.domain.ids import new_id
from ampyard.domain.job_runs import JobRun, JobRunState
from ampyard.repositories import tables
from ampyard.repositories.database import WriteSession
from ampyard.repositories.repository import Repository


@dataclass(frozen=True, slots=True)
class JobRunFilter:
    """Which runs to list; a field that is `None` does not narrow. `until` is exclusive."""

    kind: str | None = None
    states: tuple[JobRunState, ...] | None = None
    since: datetime | None = None
    until: datetime | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filter as SQL conditions."""
        column = tables.job_run.c
        return [
            *([column.kind == self.kind] if self.kind is not None else []),
            *([column.state.in_(self.states)] if self.states is not None else []),
            *([column.created_at >= self.since] if self.since is not None else []),
            *([column.created_at < self.until] if self.until is not None else []),
        ]


class JobRuns(Repository[JobRun]):
    entity = JobRun
    table = tables.job_run
    orders = MappingProxyType({"CREATED_AT": table.c.created_at})


async def begin(
    session: WriteSession, tenant_id: uuid.UUID, kind: str, payload: dict[str, Any] | None, *, queue_id: int | None, at: datetime
) -> JobRun:
    """Note that a job begins: a new run, or, of a job that the queue gives out again, one attempt more of the run there is."""
    column = tables.job_run.c
    statement = insert(tables.job_run).values(
        id=new_id(),
        tenant_id=tenant_id,
        kind=kind,
        state=JobRunState.RUNNING,
        attempts=1,
        payload=payload,
        queue_id=queue_id,
        created_at=at,
        started_at=at,
    )
    again = {"state": JobRunState.RUNNING, "attempts": column.attempts + 1, "started_at": at, "finished_at": None}
    statement = statement.on_conflict_do_update(index_elements=["queue_id"], set_=again)
    return JobRun(*(await session.fetch(statement.returning(*JobRuns.columns())))[0])


async def end(session: WriteSession, run_id: uuid.UUID, state: JobRunState, *, error: str | None, at: datetime) -> None:
    """Note how a run ended."""
    statement = update(tables.job_run).where(tables.job_run.c.id == run_id)
    await session.execute(statement.values(state=state, error=error, finished_at=at))


async def requeued(session: WriteSession, run_id: uuid.UUID, *, queue_id: int) -> JobRun:
    """Note that a run that had failed waits again, under a new number of the queue's."""
    column = tables.job_run.c
    statement = (
        update(tables.job_run)
        .where(column.id == run_id)
        .values(state=JobRunState.QUEUED, queue_id=queue_id, finished_at=None)
        .returning(*JobRuns.columns())
    )
    return JobRun(*(await session.fetch(statement))[0])


async def abandoned(session: WriteSession, *, before: datetime, error: str, at: datetime) -> list[uuid.UUID]:
    """Note as failed what began before a moment and has neither ended nor come again: its worker died. Returns the runs' ids."""
    column = tables.job_run.c
    statement = (
        update(tables.job_run)
        .where(column.state.in_([JobRunState.RUNNING, JobRunState.RETRYING]), column.started_at < before)
        .values(state=JobRunState.FAILED, error=case((column.error.is_(None), error), else_=column.error), finished_at=at)
        .returning(column.id)
    )
    return [row[0] for row in await session.fetch(statement)]


async def remove_finished(session: WriteSession, *, before: datetime) -> int:
    """Remove the tenant's runs that ended before a moment; returns how many."""
    return await session.execute(delete(tables.job_run).where(tables.job_run.c.finished_at < before))


async def of_queue(session: WriteSession, queue_id: int) -> JobRun | None:
    """Return the run of one of the queue's jobs."""
    row = await session.fetch_one(select(*JobRuns.columns()).where(tables.job_run.c.queue_id == queue_id))
    return None if row is None else JobRun(*row)
