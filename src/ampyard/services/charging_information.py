"""What a depot management system is told: the depot's charge points, what charges there, and what becomes of what was asked for."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ampyard.domain.access import system_principal
from ampyard.domain.charge_points import ChargePoint, Evse
from ampyard.domain.charging_forecast import Battery, Forecast
from ampyard.domain.charging_outlook import ChargingOutlook, expected_outlook, outlook_of
from ampyard.domain.charging_requests import ChargingRequest, counting, overruled
from ampyard.domain.depot_links import DepotLink
from ampyard.domain.depots import Depot
from ampyard.domain.errors import NotFoundError
from ampyard.domain.faults import Fault
from ampyard.domain.plans import PlannedStay
from ampyard.domain.plugs import Plug, plugged_in
from ampyard.domain.readiness import OLDEST_SOC
from ampyard.domain.transactions import Transaction
from ampyard.domain.vehicles import Vehicle
from ampyard.repositories.charge_points import ChargePoints, Evses
from ampyard.repositories.charging_requests import ChargingRequests
from ampyard.repositories.database import Session
from ampyard.repositories.depot_links import DepotLinks
from ampyard.repositories.depots import Depots
from ampyard.repositories.faults import Faults
from ampyard.repositories.plans import PlannedStays
from ampyard.repositories.readiness import plugs
from ampyard.repositories.transactions import Transactions
from ampyard.repositories.vehicles import Vehicles
from ampyard.services.backend import Backend


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A request whose vehicle is not charging by it yet, and what becomes of it."""

    request: ChargingRequest
    outlook: ChargingOutlook


@dataclass(frozen=True, slots=True)
class PointInformation:
    """An EVSE, what is wrong with it, what charges there and for which request, and what is asked for at it later."""

    evse: Evse
    faults: Sequence[Fault]
    transaction: Transaction | None
    vehicle: Vehicle | None
    request: ChargingRequest | None
    outlook: ChargingOutlook | None
    scheduled: Sequence[Scheduled]


@dataclass(frozen=True, slots=True)
class StationInformation:
    """A charge point, what is wrong with it as a whole, and its EVSEs."""

    charge_point: ChargePoint
    faults: Sequence[Fault]
    points: Sequence[PointInformation]


@dataclass(frozen=True, slots=True)
class ChargingInformation:
    """All that is told of a depot: `unplaced` are requests that name no charging point, `rejected` those that do not count, with why."""

    link: DepotLink
    depot: Depot
    stations: Sequence[StationInformation]
    unplaced: Sequence[Scheduled]
    rejected: Sequence[tuple[ChargingRequest, str]]


async def charging_information(backend: Backend, tenant_id: uuid.UUID, link_id: uuid.UUID) -> ChargingInformation:
    """Return what is to be told over a link now, read in one snapshot and a fixed number of statements.

    Raises:
        NotFoundError: the link is no more.
    """
    now = backend.clock()
    async with backend.snapshot(system_principal(tenant_id, "vdv463")) as snapshot:
        link = await DepotLinks(snapshot).by_id(link_id)
        depot = None if link is None else await Depots(snapshot).by_id(link.depot_id)
        if link is None or depot is None:
            raise NotFoundError("This link has been removed.")
        charge_points = sorted(await ChargePoints(snapshot).of_depot(depot.id), key=lambda one: one.identity)
        ids = [one.id for one in charge_points]
        evses = await Evses(snapshot).of_charge_points(ids)
        running = await Transactions(snapshot).active_of_evses([evse.id for of_point in evses.values() for evse in of_point])
        faults = await Faults(snapshot).open_of_all(ids)
        asked = await ChargingRequests(snapshot).of_link(link.id)
        charging = {one.vehicle_id for one in running.values() if one.vehicle_id is not None}
        others = {request.vehicle_id for request in asked if request.vehicle_id is not None}
        of_vehicles = await ChargingRequests(snapshot).of_vehicles(charging | others, at=now)
        foresight = await foresight_of(snapshot, charging | others, running.values(), now=now)
    counts = counting(of_vehicles, at=now)
    met: set[uuid.UUID] = set()

    def point(evse: Evse) -> PointInformation:
        transaction = running.get(evse.id)
        vehicle = foresight.vehicles.get(transaction.vehicle_id) if transaction is not None and transaction.vehicle_id else None
        request = next(iter(counts.get(vehicle.id, [])), None) if vehicle is not None else None
        if request is not None:
            met.add(request.id)
        outlook = None if request is None else foresight.outlook(request)
        return PointInformation(evse, [one for one in faults if one.evse_id == evse.id], transaction, vehicle, request, outlook, [])

    stations = {
        one.id: (
            one,
            [fault for fault in faults if fault.charge_point_id == one.id and fault.evse_id is None],
            list(map(point, evses[one.id])),
        )
        for one in charge_points
    }
    counted = {request.id for found in counts.values() for request in found}
    later = [Scheduled(request, foresight.outlook(request)) for request in asked if request.id in counted and request.id not in met]
    known = {evse.id for of_point in evses.values() for evse in of_point}
    return ChargingInformation(
        link=link,
        depot=depot,
        stations=[
            StationInformation(charge_point, its_faults, [_with_scheduled(one, later) for one in points])
            for charge_point, its_faults, points in stations.values()
        ],
        unplaced=[one for one in later if one.request.evse_id not in known],
        rejected=_rejected(asked, of_vehicles, now),
    )


async def outlooks(session: Session, request_ids: Sequence[uuid.UUID], *, now: datetime) -> dict[uuid.UUID, ChargingOutlook]:
    """Return what becomes of requests, by request; those that do not count are absent."""
    requests = await ChargingRequests(session).by_ids(request_ids)
    ids = {request.vehicle_id for request in requests.values() if request.vehicle_id is not None}
    counts = counting(await ChargingRequests(session).of_vehicles(ids, at=now), at=now)
    running = await Transactions(session).active_of_vehicles(list(ids))
    foresight = await foresight_of(session, ids, running.values(), now=now)
    return {request.id: foresight.outlook(request) for found in counts.values() for request in found if request.id in requests}


def _with_scheduled(point: PointInformation, later: Iterable[Scheduled]) -> PointInformation:
    here = [one for one in later if one.request.evse_id == point.evse.id]
    return PointInformation(point.evse, point.faults, point.transaction, point.vehicle, point.request, point.outlook, here)


def _rejected(asked: Sequence[ChargingRequest], of_vehicles: Sequence[ChargingRequest], now: datetime) -> list[tuple[ChargingRequest, str]]:
    by_person = overruled(of_vehicles, at=now)
    found = []
    for request in asked:
        if not request.is_sound:
            found.append((request, request.problem or ""))
        elif request.id in by_person:
            person = by_person[request.id]
            found.append((request, f"{person.author} has asked otherwise for this vehicle at {person.created_at.isoformat()}."))
        elif not request.is_in_force(now):
            found.append((request, "Its vehicle should have left hours ago."))
    return found


@dataclass(frozen=True, slots=True)
class Foresight:
    """What outlooks of requests are made of: vehicles, where they are plugged in, and what is planned there.

    `expected` has what is planned of those that have yet to come, by their requests.
    """

    now: datetime
    vehicles: Mapping[uuid.UUID, Vehicle]
    plugs: Mapping[uuid.UUID, Plug]
    planned: Mapping[uuid.UUID, PlannedStay]
    expected: Mapping[uuid.UUID, PlannedStay]

    def outlook(self, request: ChargingRequest) -> ChargingOutlook:
        """Return what becomes of a request at what its vehicle gets where it is plugged in: as it is planned, else as it flows now."""
        vehicle = self.vehicles.get(request.vehicle_id) if request.vehicle_id is not None else None
        if vehicle is None:
            return ChargingOutlook(self.now, reason="The vehicle is not known.")
        soc = vehicle.soc
        fresh = None if soc is None or self.now - soc.at > OLDEST_SOC else soc.percent
        expected = self.expected.get(request.id)
        if expected is not None:
            return expected_outlook(expected, now=self.now)
        if request.arrives_at is not None and request.arrives_at > self.now and vehicle.id not in self.plugs:
            return ChargingOutlook(self.now, reason=f"The vehicle is expected at {request.arrives_at.isoformat()}.")
        plan = self.planned.get(vehicle.id)
        battery = Battery(vehicle.battery_kwh, max(vehicle.max_ac_kw, vehicle.max_dc_kw))
        return outlook_of(
            request, battery, soc_percent=fresh, forecast=self._forecast(vehicle, plan), planned=plan is not None, now=self.now
        )

    def _forecast(self, vehicle: Vehicle, plan: PlannedStay | None) -> Forecast:
        plug = self.plugs.get(vehicle.id)
        flowing = () if plug is None else plugged_in(plug, vehicle).forecast
        return flowing if plan is None else plan.forecast(flowing)


async def foresight_of(session: Session, vehicle_ids: Iterable[uuid.UUID], running: Iterable[Transaction], *, now: datetime) -> Foresight:
    """Return what outlooks of these vehicles' requests are made of; `running` are the transactions they are in."""
    ids = set(vehicle_ids)
    stays = await PlannedStays(session).of_vehicles(ids, at=now)
    open_ones = {one.id for one in running}
    return Foresight(
        now=now,
        vehicles=await Vehicles(session).by_ids(ids),
        plugs=await plugs(session, ids),
        planned={stay.vehicle_id: stay for stay in stays if stay.transaction_id in open_ones},
        expected={stay.request_id: stay for stay in stays if stay.is_expected and stay.request_id is not None},
    )
