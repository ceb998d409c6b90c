"""Retention: what has served its time goes, what will be needed is made ahead."""

import uuid
from datetime import timedelta

from ampyard.domain.access import system_principal
from ampyard.repositories import commands, jobs, readiness, requests, rollups
from ampyard.repositories.directory import Directory
from ampyard.repositories.partitions import make_partitions as make_missing
from ampyard.services.backend import Backend

_COMMANDS_KEPT = timedelta(days=7)
_ANSWERS_KEPT = timedelta(days=7)
_JOB_LOG_KEPT = timedelta(days=30)
_ROLLUPS_KEPT = timedelta(days=3653)
_FORESEEN_KEPT = timedelta(days=90)
# No tenant has this id: a session that sees no tenant's rows.
_NOBODY = uuid.UUID(int=0)


async def make_partitions(backend: Backend) -> int:
    """Make the partitions that the coming two months of samples, readings and loads will need; returns how many were missing."""
    async with backend.database.session(_NOBODY) as session:
        made = await make_missing(session, months_ahead=2)
        await session.commit()
    return made


async def remove_outdated(backend: Backend) -> int:
    """Remove what has served its time; returns how many commands went.

    Ended commands and answers to idempotency keys go after a week, what the job queue logged after 30 days, readiness that was foreseen
    after 90, roll-ups after ten years. What was true at departures stays.
    """
    now = backend.clock()
    async with backend.database.session(_NOBODY) as session:
        await jobs.remove_log(session, before=now - _JOB_LOG_KEPT)
        await rollups.drop_before(session, (now - _ROLLUPS_KEPT).date())
        await session.commit()
    async with backend.database.system_snapshot() as system:
        tenants = await Directory(system).tenant_ids()
    removed = 0
    for tenant_id in tenants:
        async with backend.unit_of_work(system_principal(tenant_id, "retention")) as work:
            removed += await commands.remove_finished(work.session, before=now - _COMMANDS_KEPT)
            await requests.remove_answers(work.session, before=now - _ANSWERS_KEPT)
            await readiness.remove_old(work.session, before=now - _FORESEEN_KEPT)
            await work.commit()
    return removed
