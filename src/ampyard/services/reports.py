"""Reports: written by jobs, read by those with the scope for it."""

import math
import re
import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import orjson

from ampyard.domain.access import Principal, Scope, system_principal
from ampyard.domain.depots import Depot
from ampyard.domain.errors import InvalidInputError, NotFoundError
from ampyard.domain.ids import new_id
from ampyard.domain.reports import DAILY_ENERGY_JOB, Report, ReportKind, daily_energy_csv, day_bounds
from ampyard.repositories import jobs
from ampyard.repositories.depots import Depots
from ampyard.repositories.reports import Reports, energy_between, save
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.services.backend import Backend
from ampyard.services.settings import is_on
from ampyard.services.tenants import tenant_by_slug

# How far back a missing or outdated daily report is made up for.
_LOOK_BACK = timedelta(days=7)
_CONTENT_TYPE = "text/csv; charset=utf-8; header=present"  # RFC 4180, section 3


@dataclass(frozen=True, slots=True)
class DueReport:
    """A daily energy report that should be written: it is missing, was written too early, or no longer tells the truth."""

    tenant_id: uuid.UUID
    depot_id: uuid.UUID
    day: date


async def write_daily_energy(backend: Backend, tenant_id: uuid.UUID, depot_id: uuid.UUID, day: date) -> Report:
    """Write the energy each transaction of a depot took within one of its local days; written again, it replaces the first.

    A report of the day that still runs holds what is known so far. Raises `NotFoundError` for an unknown depot and
    `InvalidInputError` for a day that has not begun there.
    """
    written_at = backend.clock()
    async with backend.database.snapshot(tenant_id) as snapshot:
        depot = await Depots(snapshot).by_id(depot_id)
        if depot is None:
            raise NotFoundError(f"There is no depot {depot_id}.")
        if day > (today := _local_date(written_at, depot)):
            raise InvalidInputError(f"{day} has not begun at depot {depot.name} ({depot.time_zone}), where it is {today}.")
        rows = await energy_between(snapshot, depot_id, *day_bounds(day, depot.time_zone))
    content = daily_energy_csv(depot, day, rows)
    report = Report(
        id=new_id(),
        tenant_id=tenant_id,
        depot_id=depot_id,
        kind=ReportKind.DAILY_ENERGY,
        day=day,
        file_key=f"{tenant_id}/daily-energy/{depot_id}/{day}.csv",
        file_name=f"daily-energy-{re.sub(r'[^a-z0-9]+', '-', depot.name.lower()).strip('-') or depot_id}-{day}.csv",
        content_type=_CONTENT_TYPE,
        size_bytes=len(content),
        energy_wh=math.fsum(row.energy_wh for row in rows),
        created_at=written_at,
        updated_at=written_at,
    )
    await backend.files.write(report.file_key, content, report.content_type)
    async with backend.unit_of_work(system_principal(tenant_id, "reports")) as work:
        report = await save(work.session, report)
        await work.commit()
    return report


async def read_report(backend: Backend, principal: Principal, report_id: uuid.UUID) -> tuple[Report, bytes]:
    """Return a report and its content. Needs `reports:read`; raises `NotFoundError` when there is no such report."""
    principal.require(Scope.REPORTS_READ)
    async with backend.database.snapshot(principal.tenant_id) as snapshot:
        report = await Reports(snapshot).by_id(report_id)
    content = await backend.files.read(report.file_key) if report is not None else None
    if report is None or content is None:
        raise NotFoundError(f"There is no report {report_id}.")
    return report, content


async def due_reports(backend: Backend, tenant_id: uuid.UUID) -> list[DueReport]:
    """Return the daily energy reports of a tenant to write: complete local days of the last week, from the depot's first on."""
    now = backend.clock()
    due = []
    async with backend.database.snapshot(tenant_id) as snapshot:
        if not await is_on(snapshot, "daily_energy_reports"):
            return []
        earliest = now.date() - _LOOK_BACK - timedelta(days=1)
        depots = await Depots(snapshot).where()
        written = await Reports(snapshot).daily_energy_since(earliest)
        outdated = await Reports(snapshot).outdated_since(earliest)
    for depot in depots:
        today = _local_date(now, depot)
        # Nothing happens at an archived depot from the day after that on.
        end = today if depot.archived_at is None else min(today, _local_date(depot.archived_at, depot) + timedelta(days=1))
        day = max(today - _LOOK_BACK, _local_date(depot.created_at, depot))
        while day < end:
            report = written.get((depot.id, day))
            complete = report is not None and report.updated_at >= day_bounds(day, depot.time_zone)[1]
            if not complete or (depot.id, day) in outdated:
                due.append(DueReport(tenant_id, depot.id, day))
            day += timedelta(days=1)
    return due


async def request_daily_energy(work: UnitOfWork, depot_id: uuid.UUID, day: date) -> bool:
    """Have a worker write a daily energy report after the commit; returns False when that is on its way already."""
    payload = {"tenant_id": str(work.tenant_id), "depot_id": str(depot_id), "day": day.isoformat()}
    return await jobs.enqueue(work.session, DAILY_ENERGY_JOB, payload, dedupe_key=f"{DAILY_ENERGY_JOB}:{depot_id}:{day}")


async def request_due_reports(backend: Backend, tenant_id: uuid.UUID) -> int:
    """Request every report of a tenant that is due; returns how many were not on their way already."""
    due = await due_reports(backend, tenant_id)
    if not due:
        return 0
    async with backend.unit_of_work(system_principal(tenant_id, "reports")) as work:
        requested = sum([await request_daily_energy(work, report.depot_id, report.day) for report in due])
        await work.commit()
    return requested


async def write_requested(backend: Backend, payload: bytes) -> Report:
    """Write the report that `request_daily_energy` asked for."""
    wanted = orjson.loads(payload)
    return await write_daily_energy(
        backend, uuid.UUID(wanted["tenant_id"]), uuid.UUID(wanted["depot_id"]), date.fromisoformat(wanted["day"])
    )


async def run_daily_energy_now(backend: Backend, tenant_slug: str, depot_name: str | None = None, day: date | None = None) -> list[Report]:
    """Write the daily energy report of one depot, or of each depot of a tenant, at once.

    Args:
        backend: the ports.
        tenant_slug: the tenant; `NotFoundError` names those there are.
        depot_name: one depot, else all; `NotFoundError` names those there are.
        day: the depots' local day, else the last complete one of each; `InvalidInputError` for one that has not begun.
    """
    tenant_id = await tenant_by_slug(backend, tenant_slug)
    async with backend.database.snapshot(tenant_id) as snapshot:
        depots = await Depots(snapshot).where(order_by=[Depots.table.c.name])
    chosen = [depot for depot in depots if depot_name in {None, depot.name}]
    if not chosen:
        known = ", ".join(depot.name for depot in depots) or "none"
        wanted = f"no depot {depot_name!r}" if depot_name is not None else "no depot"
        raise NotFoundError(f"Tenant {tenant_slug!r} has {wanted}; known: {known}.")
    now = backend.clock()
    return [await write_daily_energy(backend, tenant_id, depot.id, day or _local_date(now, depot) - timedelta(days=1)) for depot in chosen]


def _local_date(moment: datetime, depot: Depot) -> date:
    return moment.astimezone(ZoneInfo(depot.time_zone)).date()
