"""Making the large fleet, step by step: a step is there as a whole or not at all, and what is there is not made again."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from ampyard.domain.access import system_principal
from ampyard.domain.depots import Depot
from ampyard.domain.errors import ConflictError
from ampyard.domain.local_time import local_day, moment_of
from ampyard.domain.supply import bucket_of
from ampyard.repositories import large_fleet, rollups, tenants
from ampyard.repositories.access import ResourceGroups
from ampyard.repositories.alerts import Alerts
from ampyard.repositories.assignments import Assignments
from ampyard.repositories.blocks import Blocks
from ampyard.repositories.bulk import copy_entities
from ampyard.repositories.charge_points import ChargePoints, Connectors, Evses
from ampyard.repositories.depots import Depots, PowerNodes
from ampyard.repositories.directory import Directory
from ampyard.repositories.faults import Faults
from ampyard.repositories.id_tags import IdTags
from ampyard.repositories.partitions import make_partitions
from ampyard.repositories.priorities import Priorities
from ampyard.repositories.readiness import ReadinessRecords
from ampyard.repositories.resource_groups import ResourceGroupMembers
from ampyard.repositories.rollups import DepotTime
from ampyard.repositories.transactions import Transactions
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.repositories.vehicles import Vehicles
from ampyard.services.backend import Backend
from ampyard.services.fallbacks import check_fallbacks
from ampyard.services.large_fleet.history import groups_of, history_of
from ampyard.services.large_fleet.plan import CHARGING_SHARE, FULL_SIZE, LargeFleet, Size, Yard
from ampyard.services.rollups import roll_up

LARGE = "large"

_QUARTER_HOUR = timedelta(minutes=15)
_DENSE = timedelta(minutes=1)
_DENSE_DAYS = timedelta(days=2)
_LOADS_KEPT = timedelta(days=7)
_ONE_DAY = timedelta(days=1)
_NOBODY = uuid.UUID(int=0)


@dataclass(frozen=True, slots=True)
class Made:
    """How far it has come: what was made last, and how much of all there is to make is done."""

    what: str
    done: int
    of: int


async def make_large_fleet(backend: Backend, *, seed: int = 1, size: Size = FULL_SIZE, slug: str = LARGE) -> AsyncIterator[Made]:
    """Make the tenant with all that has happened there in a year, or what an earlier call did not get to; yields after each step.

    Raises:
        ConflictError: the tenant is there and was made of another seed or size, or not by this.
        InvalidInputError: the fall-back profiles of a depot do not fit one of its power nodes.
    """
    fleet = await _begun(backend, seed, size, slug)
    months = fleet.months()
    steps = 1 + len(months) + len(fleet.yards) + 1
    yield Made(f"{len(fleet.yards)} depots with what stands there", 1, steps)
    for number, (first, until) in enumerate(months, start=2):
        made = await _month(backend, fleet, first, until)
        yield Made(f"{first:%B %Y}: {made:,} transactions", number, steps)
    for number, yard in enumerate(fleet.yards, start=2 + len(months)):
        await _rest(backend, fleet, yard)
        yield Made(f"What was planned, went wrong and flowed in {yard.depot.name}", number, steps)
    await roll_up(backend, fleet.tenant_id)
    yield Made("Roll-ups", steps, steps)


async def _begun(backend: Backend, seed: int, size: Size, slug: str) -> LargeFleet:
    async with backend.database.system_snapshot() as system:
        tenant_id = await Directory(system).tenant_id(slug)
    wanted: dict[str, Any] = {"seed": seed, "size": asdict(size)}
    if tenant_id is not None:
        async with backend.database.snapshot(tenant_id) as snapshot:
            made = await large_fleet.made_of(snapshot)
        if made is None or {name: made.get(name) for name in wanted} != wanted:
            described = "was not made as a large fleet" if made is None else f"was made of {made}"
            raise ConflictError(f"The tenant {slug!r} is there and {described}; this would make it of {wanted}. Give the same.")
        return LargeFleet(slug, seed, datetime.fromisoformat(made["until"]), size)
    fleet = LargeFleet(slug, seed, backend.clock(), size)
    await _make_partitions(backend, fleet)
    async with backend.unit_of_work(system_principal(fleet.tenant_id, "seed")) as work:
        await tenants.add(work.session, work.tenant_id, slug=slug, name=slug.title(), at=fleet.made_at)
        for yard in fleet.yards:
            await copy_entities(work.session, Depots, [yard.depot])
            await copy_entities(work.session, PowerNodes, yard.nodes)
            await copy_entities(work.session, ChargePoints, yard.charge_points)
            await copy_entities(work.session, Evses, yard.evses)
            await check_fallbacks(work, yard.depot.id)
            await copy_entities(work.session, Connectors, yard.connectors)
            await copy_entities(work.session, Vehicles, yard.vehicles)
            await copy_entities(work.session, IdTags, yard.id_tags)
        groups, members = groups_of(fleet)
        await copy_entities(work.session, ResourceGroups, groups)
        await copy_entities(work.session, ResourceGroupMembers, members)
        await work.audit(large_fleet.MADE, "tenant", work.tenant_id, **wanted, until=fleet.now.isoformat())
        await work.commit()
    return fleet


async def _make_partitions(backend: Backend, fleet: LargeFleet) -> None:
    months = (fleet.now.year - fleet.made_at.year) * 12 + fleet.now.month - fleet.made_at.month
    async with backend.database.session(_NOBODY) as session:
        await make_partitions(session, months_ahead=2, months_back=months)
        await session.commit()


async def _month(backend: Backend, fleet: LargeFleet, first: date, until: date) -> int:
    from_at, to_at = (datetime.combine(day, time(), UTC) for day in (first, until))
    async with backend.unit_of_work(system_principal(fleet.tenant_id, "seed")) as work:
        column = Transactions.table.c
        known = await Transactions(work.session).count(column.started_at >= from_at, column.started_at < to_at)
        if known:
            return known
        transactions = list(fleet.transactions(first, until))
        await copy_entities(work.session, Transactions, transactions)
        await large_fleet.add_intervals(work.session, from_at, to_at, share=CHARGING_SHARE)
        dense_from = min(max(from_at, fleet.now - _DENSE_DAYS), to_at)
        await large_fleet.add_samples(work.session, from_at, dense_from, _QUARTER_HOUR, share=CHARGING_SHARE)
        await large_fleet.add_samples(work.session, dense_from, to_at, _DENSE, share=CHARGING_SHARE)
        await work.commit()
    await roll_up(backend, fleet.tenant_id)
    return len(transactions)


async def _rest(backend: Backend, fleet: LargeFleet, yard: Yard) -> None:
    async with backend.unit_of_work(system_principal(fleet.tenant_id, "seed")) as work:
        if not await rollups.has_loads(work.session, yard.depot.id):
            await _history(work, fleet, yard)
            await _loads(work, fleet, yard.depot)
            await work.commit()


async def _history(work: UnitOfWork, fleet: LargeFleet, yard: Yard) -> None:
    history = history_of(fleet, yard)
    await copy_entities(work.session, Blocks, history.blocks)
    await copy_entities(work.session, Assignments, history.assignments)
    await copy_entities(work.session, ReadinessRecords, history.readiness)
    await copy_entities(work.session, Priorities, history.priorities)
    await copy_entities(work.session, Faults, history.faults)
    await copy_entities(work.session, Alerts, history.alerts)


async def _loads(work: UnitOfWork, fleet: LargeFleet, depot: Depot) -> None:
    depot_id, zone, now = depot.id, depot.time_zone, bucket_of(fleet.now, _QUARTER_HOUR)
    first = moment_of(fleet.first_day, time.min, zone)
    recent_at = max(now - _LOADS_KEPT, first)
    await large_fleet.add_loads(work.session, depot_id, first, recent_at, now)
    days = [fleet.first_day + timedelta(days=number) for number in range((local_day(recent_at, zone) - fleet.first_day).days)]
    whole = [DepotTime(depot_id, moment_of(day, time.min, zone), moment_of(day + timedelta(days=1), time.min, zone), zone) for day in days]
    await rollups.refresh_loads(work.session, [], whole)
