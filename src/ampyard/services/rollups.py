"""Roll-ups: what charts are drawn from, kept up to date with what is reported, however late that is."""

import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime, time, timedelta

from ampyard.domain.access import system_principal
from ampyard.domain.depots import Depot
from ampyard.domain.local_time import local_day, moment_of
from ampyard.repositories import rollups
from ampyard.repositories.depots import Depots
from ampyard.repositories.directory import Directory
from ampyard.repositories.partitions import make_partitions
from ampyard.repositories.rollups import Change, DepotTime
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.services.backend import Backend

# How far back a transaction that runs is looked at anew: as long as workers may have been stopped without a gap.
_LOOK_BACK = timedelta(days=1)
_CHANGES_AT_A_TIME = 2_000
_DAYS_AT_A_TIME = 400
_INSTANT = timedelta(microseconds=1)
_ONE_DAY = timedelta(days=1)
# Nothing is rolled up that a clock, which was wrong, says was long before the depot was set up.
_BEFORE_SET_UP = timedelta(days=400)


async def roll_up_all(backend: Backend) -> int:
    """Bring the roll-ups of all tenants up to date; returns how many changes were dealt with."""
    async with backend.database.system_snapshot() as system:
        tenants = sorted({depot.tenant_id for depot in await Directory(system).depots()})
    return sum([await roll_up(backend, tenant_id) for tenant_id in tenants])


async def roll_up(backend: Backend, tenant_id: uuid.UUID) -> int:
    """Bring a tenant's roll-ups up to date; returns how many changes were dealt with, none where another does it at this moment."""
    done = 0
    while True:
        taken = await _roll_up_some(backend, tenant_id)
        done += taken
        if taken < _CHANGES_AT_A_TIME:
            return done


async def _roll_up_some(backend: Backend, tenant_id: uuid.UUID) -> int:
    async with backend.unit_of_work(system_principal(tenant_id, "roll-ups")) as work:
        if not await rollups.try_lock(work.session, tenant_id):
            return 0
        changes = await rollups.take_changes(work.session, at_most=_CHANGES_AT_A_TIME)
        running = [Change(depot_id, work.now - _LOOK_BACK, work.now) for depot_id in await rollups.depots_in_use(work.session)]
        depots = {depot.id: depot for depot in await Depots(work.session).where()}
        days = _days((*changes, *running), depots, now=work.now)
        if days:
            await _make_room(work, min(day.starts_at for day in days))
        for begin in range(0, len(days), _DAYS_AT_A_TIME):
            await rollups.refresh(work.session, days[begin : begin + _DAYS_AT_A_TIME], now=work.now)
        loads = await rollups.loads_to_roll_up(work.session)
        of_loads = _days((Change(it.depot_id, it.starts_at, it.ends_at) for it in loads), depots, now=work.now)
        await rollups.refresh_loads(work.session, loads, of_loads)
        await work.commit()
    return len(changes)


async def _make_room(work: UnitOfWork, earliest: datetime) -> None:
    """Make the months that the roll-ups of old days are in: what comes late, or was there before there were roll-ups, may have none."""
    back = (work.now.year - earliest.year) * 12 + work.now.month - earliest.month
    if back > 1:
        await make_partitions(work.session, months_ahead=0, months_back=back, of=rollups.TABLES)


def _days(changes: Iterable[Change], depots: Mapping[uuid.UUID, Depot], *, now: datetime) -> list[DepotTime]:
    """Return the local days that changes are in, in order, each once."""
    days = set()
    for change in changes:
        depot = depots.get(change.depot_id)
        if depot is None:
            continue
        zone = depot.time_zone
        day = local_day(max(change.from_at, depot.created_at - _BEFORE_SET_UP), zone)
        last = local_day(min(max(change.to_at - _INSTANT, change.from_at), now + _ONE_DAY), zone)
        while day <= last:
            days.add(DepotTime(depot.id, moment_of(day, time.min, zone), moment_of(day + _ONE_DAY, time.min, zone), zone))
            day += _ONE_DAY
    return sorted(days)
