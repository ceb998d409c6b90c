"""Readiness of assignments: foreseen for whoever asks, in a handful of statements whatever their number; and kept for charts and alerts."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Protocol

from ampyard.domain.access import system_principal
from ampyard.domain.assignments import Assignment
from ampyard.domain.blocks import Block
from ampyard.domain.charging_forecast import Battery
from ampyard.domain.charging_requests import OVERDUE, ChargingRequest, with_runs
from ampyard.domain.events import Event, EventKind
from ampyard.domain.plans import PlannedStay
from ampyard.domain.plugs import Offer, Plug, offered, plugged_in
from ampyard.domain.readiness import (
    OLDEST_SOC,
    Leg,
    Outlook,
    Readiness,
    Risk,
    Supply,
    at_departure,
    needed_energy,
    readiness,
)
from ampyard.domain.readiness_records import KEPT_BEFORE, MADE_UP_FOR, ReadinessRecord, departed, foreseen, is_worth_keeping
from ampyard.domain.vehicles import Vehicle
from ampyard.repositories.assignments import Assignments
from ampyard.repositories.blocks import Blocks
from ampyard.repositories.charging_requests import ChargingRequests
from ampyard.repositories.database import Session
from ampyard.repositories.directory import Directory
from ampyard.repositories.plans import PlannedStays
from ampyard.repositories.readiness import ReadinessRecords, keep, offers, plugs, try_lock
from ampyard.repositories.settings import read_settings
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.repositories.vehicles import Vehicles
from ampyard.services.backend import Backend

# Who will not be ready unless something is done, or at all.
LATE = frozenset({Risk.AT_RISK, Risk.NOT_READY})
_MOMENT = timedelta(microseconds=1)


class Leaving(Protocol):
    """What readiness depends on of an assignment."""

    @property
    def id(self) -> uuid.UUID: ...
    @property
    def vehicle_id(self) -> uuid.UUID: ...
    @property
    def depot_id(self) -> uuid.UUID: ...
    @property
    def departs_at(self) -> datetime: ...
    @property
    def removed_at(self) -> datetime | None: ...


async def foresee(session: Session, assignments: Sequence[Leaving], *, now: datetime) -> dict[uuid.UUID, Readiness]:
    """Return how ready the vehicles of assignments will be, by assignment; what has left or was removed is absent."""
    ahead = [one for one in assignments if one.departs_at > now and one.removed_at is None]
    if not ahead:
        return {}
    outlooks = await _outlooks(session, ahead, now)
    found = {vehicle_id: readiness(outlook, now=now) for vehicle_id, outlook in outlooks.items()}
    return {one.id: found[one.vehicle_id][one.id] if one.vehicle_id in found else _unseen(one, now) for one in ahead}


async def not_ready(session: Session, *, now: datetime, until: datetime, depot_id: uuid.UUID | None = None) -> list[Readiness]:
    """Return the readiness of those that leave by `until` and will not be ready, of a depot or of all, by departure."""
    leaving = await Assignments(session).leaving(now, until, depot_id)
    found = await foresee(session, leaving, now=now)
    return [found[one.id] for one in leaving if found[one.id].risk in LATE]


async def record_all(backend: Backend) -> int:
    """Keep the readiness of all tenants; returns how many records were made."""
    async with backend.database.system_snapshot() as system:
        tenants = dict.fromkeys(depot.tenant_id for depot in await Directory(system).depots())
    return sum([await record(backend, tenant_id) for tenant_id in tenants])


async def record(backend: Backend, tenant_id: uuid.UUID) -> int:
    """Keep a tenant's readiness: of what leaves within a day, where it has changed, and of what has just left.

    Returns how many records were made: none, at once, while another process is at it.
    """
    async with backend.unit_of_work(system_principal(tenant_id, "readiness")) as work:
        if not await try_lock(work.session, tenant_id):
            return 0
        records = [*await _departures(work), *await _ahead(work)]
        await keep(work.session, records)
        for one in records:
            work.publish(Event(EventKind.READINESS_CHANGED, one.assignment_id, one.depot_id))
        await work.commit()
    return len(records)


async def _departures(work: UnitOfWork) -> list[ReadinessRecord]:
    """Return the records of departures that have none yet. Who was assigned after leaving left with a charge that nobody asked for."""
    left = await Assignments(work.session).leaving(work.now - MADE_UP_FOR, work.now)
    last = await ReadinessRecords(work.session).newest([one.id for one in left])
    new = [one for one in left if one.created_at <= one.departs_at and not (one.id in last and last[one.id].at_departure)]
    outlooks = await _outlooks(work.session, new, work.now)
    return [departed(one, at_departure(outlooks[one.vehicle_id], one.id, now=work.now), last.get(one.id)) for one in new]


async def _ahead(work: UnitOfWork) -> list[ReadinessRecord]:
    leaving = await Assignments(work.session).leaving(work.now, work.now + KEPT_BEFORE)
    found = await foresee(work.session, leaving, now=work.now)
    last = await ReadinessRecords(work.session).newest(found)
    return [foreseen(one, found[one.id]) for one in leaving if is_worth_keeping(found[one.id], last.get(one.id))]


async def _outlooks(session: Session, assignments: Sequence[Leaving], now: datetime) -> dict[uuid.UUID, Outlook]:
    """Return what is ahead of each vehicle of some assignments, up to the last of them; of vehicles that may be seen."""
    if not assignments:
        return {}
    vehicles = await Vehicles(session).by_ids({one.vehicle_id for one in assignments})
    until = max(one.departs_at for one in assignments) + _MOMENT
    runs = await Assignments(session).of_vehicles(vehicles, now - OLDEST_SOC, until)
    every_run = [run for of_vehicle in runs.values() for run in of_vehicle]
    blocks = await Blocks(session).by_ids({run.block_id for run in every_run})
    plugged = await plugs(session, vehicles)
    returns = {block.return_depot_id for block in blocks.values()}
    offer = await offers(session, returns | {one.depot_id for one in assignments})
    reserve_percent = await _reserve_percent(session, vehicles.values())
    planned = {stay.transaction_id or stay.assignment_id: stay for stay in await PlannedStays(session).of_vehicles(vehicles, at=now)}
    requests = await ChargingRequests(session).counting(vehicles, at=now)
    known = _Known({one.id for one in assignments}, blocks, plugged, offer, planned, reserve_percent, requests, now)
    first = {one.vehicle_id: one.depot_id for one in sorted(assignments, key=lambda one: one.departs_at, reverse=True)}
    return {vehicle.id: known.outlook(vehicle, runs[vehicle.id], first[vehicle.id]) for vehicle in vehicles.values()}


@dataclass(frozen=True, slots=True)
class _Known:
    """What outlooks are made of: whose readiness is asked for, blocks, where vehicles are plugged in, what depots have to offer, and plans.

    `planned` has what is planned of each transaction, and of each stay ahead by the assignment that ends it.
    """

    wanted: AbstractSet[uuid.UUID]
    blocks: Mapping[uuid.UUID, Block]
    plugs: Mapping[uuid.UUID, Plug]
    offers: Mapping[uuid.UUID, list[Offer]]
    planned: Mapping[uuid.UUID | None, PlannedStay]
    reserve_percent: float
    requests: Mapping[uuid.UUID, Sequence[ChargingRequest]]
    now: datetime

    def outlook(self, vehicle: Vehicle, runs: Sequence[Assignment], depot_id: uuid.UUID) -> Outlook:
        """Return what is ahead of a vehicle that leaves next from this depot."""
        plug = self.plugs.get(vehicle.id)
        if plug is None:
            here = offered(self.offers.get(depot_id, []), vehicle, plugged=False)
        else:
            here = self._as_planned(plugged_in(plug, vehicle), plug.transaction_id)
        legs = [run for run in runs if run.id in self.wanted or not self._is_back(vehicle, run, plug)]
        followed_by = {run.id: following.id for run, following in pairwise(legs)}
        return Outlook(
            battery=Battery(vehicle.battery_kwh, max(vehicle.max_ac_kw, vehicle.max_dc_kw)),
            soc=vehicle.soc,
            reserve_kwh=vehicle.battery_kwh * (self.reserve_percent if vehicle.min_soc_percent is None else vehicle.min_soc_percent) / 100,
            here=here,
            legs=self._legs(vehicle, legs, followed_by),
        )

    def _as_planned(self, supply: Supply, stay_id: uuid.UUID | None) -> Supply:
        """Return what a vehicle gets by the plan, where there is one that has it."""
        stay = None if stay_id is None else self.planned.get(stay_id)
        return supply if stay is None else Supply(stay.forecast(supply.forecast), max(supply.highest_kw, stay.max_kw))

    def _legs(self, vehicle: Vehicle, runs: Sequence[Assignment], followed_by: Mapping[uuid.UUID, uuid.UUID]) -> list[Leg]:
        """Return the runs, each with what is asked for it, and what is asked for besides: departures of which no run is known."""
        asked = self.requests.get(vehicle.id, ())
        of_runs = with_runs(asked, {run.id: run.departs_at for run in runs}, at=self.now)
        legs = [_asked(self._leg(run, vehicle, followed_by.get(run.id)), vehicle, of_runs.get(run.id)) for run in runs]
        besides = [request for request in asked if request not in of_runs.values()]
        legs += [_besides(request, vehicle) for request in besides if request.departs_at is not None and request.departs_at > self.now]
        return sorted(legs, key=lambda leg: leg.departs_at)

    def _leg(self, run: Assignment, vehicle: Vehicle, following: uuid.UUID | None) -> Leg:
        block = self.blocks.get(run.block_id)
        needed = afterwards = None
        if block is not None:
            needed = needed_energy(
                energy_kwh=block.energy_kwh,
                distance_km=block.distance_km,
                consumption_kwh_per_km=vehicle.consumption_kwh_per_km,
            )
            afterwards = self.offers.get(block.return_depot_id)
        supply = self._as_planned(offered(afterwards or [], vehicle, plugged=True), following)
        return Leg(run.id, run.departs_at, run.returns_at, needed, supply)

    def _is_back(self, vehicle: Vehicle, run: Assignment, plug: Plug | None) -> bool:
        """Tell whether a vehicle has come back from a run, early perhaps: it is plugged in there since, and has told its charge since."""
        block = self.blocks.get(run.block_id)
        if plug is None or block is None or vehicle.soc_at is None:
            return False
        return plug.depot_id == block.return_depot_id and run.departs_at < plug.since <= vehicle.soc_at


def _asked(leg: Leg, vehicle: Vehicle, request: ChargingRequest | None) -> Leg:
    """Return a run's leg with what is asked for it."""
    if request is None:
        return leg
    return replace(leg, minimum_kwh=vehicle.battery_kwh * request.min_soc_percent / 100, charged_by=request.departs_at)


def _besides(request: ChargingRequest, vehicle: Vehicle) -> Leg:
    """Return the leg of a request that goes with no run: what it takes, and when it returns, nobody has said."""
    assert request.departs_at is not None
    minimum_kwh = vehicle.battery_kwh * request.min_soc_percent / 100
    away = Leg(request.id, request.departs_at, request.departs_at + OVERDUE, None, offered([], vehicle, plugged=False))
    return replace(away, minimum_kwh=minimum_kwh)


async def _reserve_percent(session: Session, vehicles: Iterable[Vehicle]) -> float:
    """Return what shall be left in batteries on return where a vehicle and its type say nothing of it, in percent."""
    tenants = {vehicle.tenant_id for vehicle in vehicles}
    return (await read_settings(session, tenants.pop())).values.reserve_soc_percent if tenants else 0.0


def _unseen(assignment: Leaving, now: datetime) -> Readiness:
    return Readiness(assignment.id, now, Risk.UNKNOWN, "The vehicle is in no resource group that you may see.", None, None)
