"""Retention: what has served its time goes, what will be needed is made ahead."""

import uuid
from datetime import timedelta

from ampyard.domain.access import system_principal
from ampyard.repositories import (
    allocations,
    charging_requests,
    commands,
    depot_links,
    grid_signals,
    jobs,
    plans,
    readiness,
    rollups,
    supply,
)
from ampyard.repositories.notifications import remove_old_deliveries
from ampyard.repositories.partitions import make_partitions as make_missing
from ampyard.repositories.requests import remove_answers
from ampyard.repositories.schedule_checks import remove_checks
from ampyard.repositories.settings import read_settings
from ampyard.repositories.states_of_charge import remove_readings
from ampyard.repositories.unknown_identifications import remove_unknown
from ampyard.services import job_runs
from ampyard.services.backend import Backend

# A client that is not told of its request's outcome asks again within minutes, or not at all.
_ANSWERS_KEPT = timedelta(days=7)
_QUEUE_LOG_KEPT = timedelta(days=30)
_ROLLUPS_KEPT = timedelta(days=3653)
# By five minutes, and as site meters told it; beyond, roll-ups tell.
_LOADS_KEPT = timedelta(days=400)
_FORESEEN_KEPT = timedelta(days=90)
# What was planned, to be looked at beside what came of it; the day before yesterday's nobody asks for.
_PLANS_KEPT = timedelta(days=2)
_DELIVERIES_KEPT = timedelta(days=90)
_SIGNALS_KEPT = timedelta(days=90)
_SOC_READINGS_KEPT = timedelta(days=90)
_ALLOCATIONS_KEPT = timedelta(days=90)
# What they were computed from takes more room, and serves to look into what has just happened.
_STEPS_KEPT = timedelta(days=30)
_STRANGERS_KEPT = timedelta(days=90)
_REQUESTS_KEPT = timedelta(days=90)
# Of depot management systems; one that is sent the whole depot every few seconds fills a table.
_MESSAGES_KEPT = timedelta(days=7)
# No tenant has this id: a session that sees no tenant's rows.
_NOBODY = uuid.UUID(int=0)


async def make_partitions(backend: Backend) -> int:
    """Make the partitions that the coming two months of samples, readings and loads will need; returns how many were missing."""
    async with backend.database.session(_NOBODY) as session:
        made = await make_missing(session, months_ahead=2)
        await session.commit()
    return made


async def remove_outdated(backend: Backend, tenant_id: uuid.UUID) -> int:
    """Remove what has served its time; returns how many commands went.

    How long ended commands, with checks of schedules, and ended runs of jobs stay is the tenant's to say; answers to idempotency keys go
    after a week, readiness that was foreseen, allocations, deliveries of notifications, readings of states of charge, signals from outside
    and charging requests that are over after 90 days, what allocations were computed from after 30, identifications that nobody knows
    when they have not shown up for 90 days, messages of depot links after seven days, plans after two. What was true at departures stays.
    """
    async with backend.unit_of_work(system_principal(tenant_id, "retention")) as work:
        kept = (await read_settings(work.session, tenant_id)).values
        removed = await commands.remove_finished(work.session, before=work.now - timedelta(days=kept.command_days_kept))
        await remove_checks(work.session, before=work.now - timedelta(days=kept.command_days_kept))
        await plans.remove_plans(work.session, before=work.now - _PLANS_KEPT)
        await readiness.remove_old(work.session, before=work.now - _FORESEEN_KEPT)
        await remove_old_deliveries(work.session, before=work.now - _DELIVERIES_KEPT)
        await allocations.remove_allocations(work.session, before=work.now - _ALLOCATIONS_KEPT)
        await allocations.remove_steps(work.session, before=work.now - _STEPS_KEPT)
        await grid_signals.remove_old(work.session, before=work.now - _SIGNALS_KEPT)
        await remove_readings(work.session, before=work.now - _SOC_READINGS_KEPT)
        await remove_unknown(work.session, before=work.now - _STRANGERS_KEPT)
        await charging_requests.remove_withdrawn(work.session, before=work.now - _REQUESTS_KEPT)
        await depot_links.remove_messages(work.session, before=work.now - _MESSAGES_KEPT)
        await remove_answers(work.session, before=work.now - _ANSWERS_KEPT)
        await work.commit()
    await job_runs.tidy(backend, tenant_id)
    return removed


async def remove_shared(backend: Backend) -> None:
    """Remove what is of no tenant alone.

    What the job queue itself logged goes after 30 days, readings of site meters and loads by five minutes after 13 months, roll-ups after
    ten years.
    """
    now = backend.clock()
    async with backend.database.session(_NOBODY) as session:
        await jobs.remove_log(session, before=now - _QUEUE_LOG_KEPT)
        await rollups.drop_before(session, (now - _ROLLUPS_KEPT).date())
        await supply.drop_before(session, (now - _LOADS_KEPT).date())
        await session.commit()
