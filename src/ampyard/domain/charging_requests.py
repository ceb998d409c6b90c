"""Charging requests: which vehicle shall hold how much by when, as depot management systems and people ask for it (VDV 463)."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from enum import StrEnum

from ampyard.domain.priorities import PriorityLevel

# Whoever has not left so long after the time it was to leave is not waited for any more.
OVERDUE = timedelta(hours=6)
# Of a run and a request whose departures are no further apart, both speak of the same.
SAME_DEPARTURE = timedelta(hours=2)


class RequestSource(StrEnum):
    """Who asks: a depot management system over VDV 463, or a person or integrator through the graph."""

    VDV463 = "VDV463"
    GRAPH = "GRAPH"


class RequestFlaw(StrEnum):
    """What is wrong with a request; all but `UNKNOWN_CHARGE_POINT` keep it from counting.

    UNKNOWN_VEHICLE: no vehicle, or more than one, is known by what it names. UNKNOWN_CHARGE_POINT: the depot has no EVSE that it may mean.
    CONTRADICTORY: its minimum is above its maximum, or it leaves before it arrives.
    """

    UNKNOWN_VEHICLE = "UNKNOWN_VEHICLE"
    UNKNOWN_CHARGE_POINT = "UNKNOWN_CHARGE_POINT"
    CONTRADICTORY = "CONTRADICTORY"


class PreconditioningKind(StrEnum):
    """What a vehicle is prepared with before it leaves (VDV 463, PreconditioningRequest of VDV 261)."""

    WARM_WATER_AND_VENTILATION = "WarmWaterAndVentilation"
    HOT_WATER_AND_HEATING = "HotWaterAndHeating"
    NO_WATER_COOLING_OR_VENTILATION = "NoWaterCoolingOrVentilation"
    NO_CLIMATIC_PRECONDITIONING_OR_SNA = "NoClimaticPreconditioningOrSNA"
    AUTOMATIC_PRESELECTION_BY_THE_VEHICLE = "NoClimatePreconditioningOrAutomaticPreselectionByTheVehicle"
    NOT_AVAILABLE = "SNA"


@dataclass(frozen=True, slots=True)
class PreconditioningLoad:
    """A consumer in the vehicle that is to run from a moment on; `kw` is None where its power is not told."""

    begins_at: datetime
    kw: float | None


@dataclass(frozen=True, slots=True)
class PreconditioningWish:
    """How a vehicle is to be prepared before it leaves.

    Where the vehicle sees to it by itself `kind` says what with, and the times from when until when. Where each consumer is switched on
    by hand, `hvac` and `system` say when and with how much.
    """

    kind: PreconditioningKind | None = None
    ambient_celsius: float | None = None
    begins_at: datetime | None = None
    ends_at: datetime | None = None
    target_soc_percent: float | None = None
    hvac: PreconditioningLoad | None = None
    system: PreconditioningLoad | None = None

    @property
    def loads(self) -> tuple[PreconditioningLoad, ...]:
        """The consumers that begin at a moment and whose power is told; each runs until the vehicle leaves."""
        return tuple(load for load in (self.hvac, self.system) if load is not None and load.kw)


@dataclass(frozen=True, slots=True)
class Statement:
    """What a request says, and how it is understood; two that are equal ask for the same.

    Names are as the other side has them, ids what they were found to be. Energy is in percent of what the battery holds now.
    """

    external_id: str | None
    vehicle_name: str
    vehicle_id: uuid.UUID | None
    min_soc_percent: float
    max_soc_percent: float
    charge_point_name: str | None = None
    evse_id: uuid.UUID | None = None
    process_id: str | None = None
    priority: int | None = None
    level: PriorityLevel = PriorityLevel.NORMAL
    weight: float = 1.0
    arrives_at: datetime | None = None
    arrival_soc_percent: float | None = None
    departs_at: datetime | None = None
    ad_hoc: bool = False
    preconditioning: PreconditioningWish | None = None
    flaw: RequestFlaw | None = None


@dataclass(frozen=True, slots=True)
class ChargingRequest:
    """What a vehicle shall hold by when: at least `min_soc_percent`, at best `max_soc_percent`, at `departs_at` (None: when it is cheap).

    `level` is the class in which it is served, `weight` what it weighs against others of that class. An `ad_hoc` one is to be charged
    at once. `depot_id` is where it is asked for. `priority_id` is the rule that stands for its class. `updated_at` is when it last
    changed, not when it was last repeated.
    """

    id: uuid.UUID
    tenant_id: uuid.UUID
    depot_id: uuid.UUID
    source: RequestSource
    link_id: uuid.UUID | None
    external_id: str | None
    vehicle_name: str
    vehicle_id: uuid.UUID | None
    charge_point_name: str | None
    evse_id: uuid.UUID | None
    process_id: str | None
    priority: int | None
    level: PriorityLevel
    weight: float
    arrives_at: datetime | None
    arrival_soc_percent: float | None
    min_soc_percent: float
    max_soc_percent: float
    departs_at: datetime | None
    ad_hoc: bool
    preconditioning: PreconditioningWish | None
    flaw: RequestFlaw | None
    reason: str | None
    author: str
    priority_id: uuid.UUID | None
    withdrawn_at: datetime | None
    withdrawn_by: str | None
    created_at: datetime
    updated_at: datetime

    @property
    def statement(self) -> Statement:
        """What it says."""
        return Statement(**{name: getattr(self, name) for name in _STATED})

    def stating(self, statement: Statement) -> "ChargingRequest":
        """Return the request saying something else."""
        return replace(self, **{name: getattr(statement, name) for name in _STATED})

    def is_in_force(self, at: datetime) -> bool:
        """Tell whether it is still asked for: not withdrawn, and not overdue for hours."""
        return (self.withdrawn_at is None or self.withdrawn_at > at) and (self.departs_at is None or self.departs_at + OVERDUE > at)

    @property
    def is_sound(self) -> bool:
        """Whether something can be done with it."""
        return self.flaw in {None, RequestFlaw.UNKNOWN_CHARGE_POINT}

    @property
    def problem(self) -> str | None:
        """What is wrong with it, in words; None where nothing is."""
        match self.flaw:
            case RequestFlaw.UNKNOWN_VEHICLE:
                return f"No vehicle, or more than one, has {self.vehicle_name!r} as its VIN, name or license plate."
            case RequestFlaw.UNKNOWN_CHARGE_POINT:
                return f"The depot has no charging point {self.charge_point_name!r}; the vehicle is charged wherever it is plugged in."
            case RequestFlaw.CONTRADICTORY:
                return (
                    f"It asks for at least {self.min_soc_percent:g} % and at most {self.max_soc_percent:g} %, from"
                    f" {_told(self.arrives_at)} until {_told(self.departs_at)}; the first of each has to come first."
                )
        return None


_STATED = tuple(field.name for field in fields(Statement))


def _told(moment: datetime | None) -> str:
    return "an unknown time" if moment is None else moment.isoformat()


def charging_point_name(identity: str, evse_no: int) -> str:
    """Return what an EVSE is called outside. A colon: no identity has one, as it ends the user name of a login (RFC 7617, 2)."""
    return f"{identity}:{evse_no}"


def flaw_of(statement: Statement) -> RequestFlaw | None:
    """Return what is wrong with a statement whose names have been looked up; the worst first."""
    if statement.vehicle_id is None:
        return RequestFlaw.UNKNOWN_VEHICLE
    backwards = statement.arrives_at is not None and statement.departs_at is not None and statement.departs_at < statement.arrives_at
    if statement.min_soc_percent > statement.max_soc_percent or backwards:
        return RequestFlaw.CONTRADICTORY
    if statement.charge_point_name is not None and statement.evse_id is None:
        return RequestFlaw.UNKNOWN_CHARGE_POINT
    return None


@dataclass(frozen=True, slots=True)
class Difference:
    """What a full list changes: what is new in it, what it says otherwise than before, and what is missing from it and so withdrawn."""

    new: tuple[Statement, ...]
    changed: tuple[tuple[ChargingRequest, Statement], ...]
    withdrawn: tuple[ChargingRequest, ...]

    def __bool__(self) -> bool:
        return bool(self.new or self.changed or self.withdrawn)


def difference(known: Iterable[ChargingRequest], listed: Sequence[Statement]) -> Difference:
    """Return what a full list of requests changes of those that are known of the same sender; ids are unique in both.

    Applied to what is known it gives what is listed, in whatever order that is; the same list again changes nothing.
    """
    by_id = {request.external_id: request for request in known}
    ids = {statement.external_id for statement in listed}
    return Difference(
        new=tuple(statement for statement in listed if statement.external_id not in by_id),
        changed=tuple(
            (by_id[statement.external_id], statement)
            for statement in listed
            if statement.external_id in by_id and by_id[statement.external_id].statement != statement
        ),
        withdrawn=tuple(request for external_id, request in by_id.items() if external_id not in ids),
    )


def counting(requests: Iterable[ChargingRequest], *, at: datetime) -> dict[uuid.UUID, list[ChargingRequest]]:
    """Return those requests of each vehicle that count, the earliest to leave first; those without a departure come last.

    A request counts while it is in force and nothing keeps it from being understood. Where a person and a depot management system speak
    of the same stay of a vehicle, the person's counts: it was made in the knowledge of the other, and can be withdrawn. It is the same stay
    unless the other's arrives only when the person's has left. Each vehicle has at most one of a person's.
    """
    by_vehicle: dict[uuid.UUID, list[ChargingRequest]] = defaultdict(list)
    for request in requests:
        if request.vehicle_id is not None and request.is_sound and request.is_in_force(at):
            by_vehicle[request.vehicle_id].append(request)
    return {vehicle_id: _counting(found) for vehicle_id, found in by_vehicle.items()}


def _counting(requests: Iterable[ChargingRequest]) -> list[ChargingRequest]:
    found = sorted(requests, key=_by_time)
    person = next((request for request in found if request.source is RequestSource.GRAPH), None)
    return [request for request in found if request is person or person is None or _is_later(request, person)]


def _is_later(request: ChargingRequest, person: ChargingRequest) -> bool:
    return person.departs_at is not None and request.arrives_at is not None and request.arrives_at >= person.departs_at


def _by_time(request: ChargingRequest) -> tuple[bool, float, float, uuid.UUID]:
    departs_at, arrives_at = request.departs_at, request.arrives_at
    return (
        departs_at is None,
        departs_at.timestamp() if departs_at else 0.0,
        arrives_at.timestamp() if arrives_at else 0.0,
        request.id,
    )


def with_runs(
    requests: Sequence[ChargingRequest], departures: Mapping[uuid.UUID, datetime], *, at: datetime
) -> dict[uuid.UUID, ChargingRequest]:
    """Return which request of a vehicle speaks of which of its runs, by run; `requests` are those that count.

    Each goes with the run whose departure is nearest to its own, within two hours; one without a departure, with the first run ahead that
    no other goes with.
    """
    found: dict[uuid.UUID, ChargingRequest] = {}
    by_time = sorted(departures.items(), key=lambda run: (run[1], run[0]))
    for request in requests:
        free = [(run_id, departs_at) for run_id, departs_at in by_time if run_id not in found]
        if request.departs_at is None:
            run_id = next((run_id for run_id, departs_at in free if departs_at > at), None)
        else:
            asked = request.departs_at
            near = [(abs(departs_at - asked), run_id) for run_id, departs_at in free if abs(departs_at - asked) <= SAME_DEPARTURE]
            run_id = min(near)[1] if near else None
        if run_id is not None:
            found[run_id] = request
    return found


def overruled(requests: Sequence[ChargingRequest], *, at: datetime) -> dict[uuid.UUID, ChargingRequest]:
    """Return which requests do not count because a person asked otherwise, each with the person's."""
    found: dict[uuid.UUID, ChargingRequest] = {}
    counts: Mapping[uuid.UUID, list[ChargingRequest]] = counting(requests, at=at)
    for request in requests:
        of_vehicle = counts.get(request.vehicle_id, []) if request.vehicle_id else []
        person = next((one for one in of_vehicle if one.source is RequestSource.GRAPH), None)
        if person is not None and request.is_sound and request.is_in_force(at) and request not in of_vehicle:
            found[request.id] = person
    return found
