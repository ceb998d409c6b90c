"""Charging requests: full lists of depot management systems, and what people and integrators ask for single vehicles."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from ampyard.domain.access import Principal, Scope, system_principal
from ampyard.domain.charging_requests import (
    ChargingRequest,
    Difference,
    PreconditioningLoad,
    PreconditioningWish,
    RequestSource,
    Statement,
    difference,
    flaw_of,
    overruled,
)
from ampyard.domain.depot_links import DepotLink
from ampyard.domain.errors import ConflictError, InvalidInputError, NotFoundError, Problems
from ampyard.domain.events import Event, EventKind
from ampyard.domain.ids import new_id
from ampyard.domain.priorities import PriorityLevel
from ampyard.domain.texts import checked_text
from ampyard.domain.vehicles import Vehicle
from ampyard.repositories.charging_requests import ChargingRequests, evses_known_as, vehicles_known_as
from ampyard.repositories.database import Session
from ampyard.repositories.depot_links import DepotLinks
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.repositories.vehicles import Vehicles
from ampyard.services.backend import Backend
from ampyard.services.request_priorities import settle_rules

_REASON_LENGTH = 500
_FULL = 100
_MOST_PRECONDITIONING_KW = 100


@dataclass(frozen=True, slots=True)
class NewChargingRequest:
    """What is asked for a vehicle. Without a minimum it is as high as the maximum, without a maximum what the vehicle is charged to."""

    vehicle_id: uuid.UUID
    min_soc_percent: float | None = None
    max_soc_percent: float | None = None
    departs_at: datetime | None = None
    level: PriorityLevel = PriorityLevel.NORMAL
    ad_hoc: bool = False
    preconditioning_at: datetime | None = None
    preconditioning_kw: float | None = None
    reason: str | None = None


async def take_list(backend: Backend, tenant_id: uuid.UUID, link_id: uuid.UUID, listed: Sequence[Statement]) -> Difference:
    """Take the full list of what a depot management system asks for; what was in its last list and is missing is withdrawn.

    The vehicles, charging points and classes of `listed` are looked up here. A request that names what nobody knows is kept, with its flaw.

    Raises:
        InvalidInputError: an id is listed twice.
        NotFoundError: the link is no more.
    """
    ids = [statement.external_id for statement in listed]
    twice = sorted({str(one) for one in ids if ids.count(one) > 1}) if len(set(ids)) < len(ids) else []
    if twice:
        raise InvalidInputError(f"chargingRequestId {', '.join(twice)} is in the list more than once; give each request once.")
    async with backend.unit_of_work(system_principal(tenant_id, "vdv463")) as work:
        link = await work.lock(DepotLinks, link_id)
        if link is None or link.removed_at is not None:
            raise NotFoundError("This link has been removed.")
        known = await ChargingRequests(work.session).of_link(link.id)
        changes = difference(known, await _understood(work, link, listed))
        await work.change(DepotLinks, link.id, listed_at=work.now, message_at=work.now)
        if changes:
            await _apply(work, link, changes)
        await work.commit()
    return changes


async def _understood(work: UnitOfWork, link: DepotLink, listed: Sequence[Statement]) -> list[Statement]:
    vehicles = await vehicles_known_as(work.session, [statement.vehicle_name for statement in listed])
    named = any(statement.charge_point_name is not None for statement in listed)
    evses = await evses_known_as(work.session, link.depot_id) if named else {}
    found = []
    for said in listed:
        level = link.bands.level(said.priority)
        statement = replace(
            said,
            vehicle_id=vehicles.get(said.vehicle_name),
            evse_id=None if said.charge_point_name is None else evses.get(said.charge_point_name),
            # Who wants to charge at once is served before those who can wait.
            level=max(level, PriorityLevel.HIGH) if said.ad_hoc else level,
            weight=link.bands.weight(said.priority),
        )
        found.append(replace(statement, flaw=flaw_of(statement)))
    return found


async def _apply(work: UnitOfWork, link: DepotLink, changes: Difference) -> None:
    author = f"depot link:{link.identity}"
    new = [_made(work, link.depot_id, statement, source=RequestSource.VDV463, link_id=link.id, author=author) for statement in changes.new]
    changed = [known.stating(statement) for known, statement in changes.changed]
    if new:
        await work.add(ChargingRequests, *new)
    for request in changed:
        said = request.statement
        values = {name: getattr(said, name) for name in Statement.__dataclass_fields__}
        await work.change(ChargingRequests, request.id, **values, updated_at=work.now)
    await withdraw_all(work, changes.withdrawn, by=author)
    await settle_rules(work, _vehicles_of([*new, *changed, *(known for known, _ in changes.changed)]))
    for request in (*new, *changed):
        work.publish(_event(request))
    await work.audit("charging_requests.list", "depot_link", link.id, new=len(new), changed=len(changed), withdrawn=len(changes.withdrawn))
    work.wake_planner(link.depot_id)


async def withdraw_all(work: UnitOfWork, requests: Sequence[ChargingRequest], *, by: str) -> list[ChargingRequest]:
    """Withdraw requests, with the rules that stand for them; returns them as they then are."""
    gone = [replace(request, withdrawn_at=work.now, withdrawn_by=by, updated_at=work.now) for request in requests]
    # What a person asks for a vehicle takes the place of what another one did, who may see more of it.
    async with work.whole_tenant():
        for request in gone:
            values = {"withdrawn_at": request.withdrawn_at, "withdrawn_by": by, "updated_at": work.now}
            await work.change(ChargingRequests, request.id, **values)
    await settle_rules(work, _vehicles_of(gone), gone)
    for request in gone:
        work.publish(_event(request))
    return gone


async def request_charging(backend: Backend, principal: Principal, wanted: NewChargingRequest) -> ChargingRequest:
    """Ask for a vehicle to be charged, in place of what a person asked for it before.

    Raises:
        ForbiddenError: the principal lacks `dispatch:write`, or has it not for the vehicle.
        NotFoundError: there is no such vehicle.
        InvalidInputError: the departure is in the past, or targets, preconditioning or reason cannot be: each with its place.
        ConflictError: the vehicle is archived.
    """
    principal.require(Scope.DISPATCH_WRITE)
    async with backend.unit_of_work(principal, Scope.DISPATCH_WRITE) as work:
        vehicle = await work.require(Vehicles, wanted.vehicle_id, "vehicle")
        if vehicle.archived_at is not None:
            raise ConflictError(f"{vehicle.name} is archived; nothing can be asked for it.", ("input", "vehicleId"))
        reason = None if wanted.reason is None else checked_text(wanted.reason, "reason", at_most=_REASON_LENGTH)
        statement = _statement(vehicle, wanted, work.now)
        async with work.whole_tenant():
            former = await ChargingRequests(work.session).of_person(vehicle.id)
        await withdraw_all(work, [] if former is None else [former], by=principal.author)
        request = _made(work, vehicle.depot_id, statement, source=RequestSource.GRAPH, author=principal.author, reason=reason)
        await work.add(ChargingRequests, request)
        await settle_rules(work, [vehicle.id])
        await work.audit("charging_request.make", "charging_request", request.id, vehicle_id=str(vehicle.id), **_told(request))
        work.publish(_event(request))
        work.wake_planner(vehicle.depot_id)
        work.answers(charging_request=request)
        await work.commit()
    return request


async def withdraw_request(backend: Backend, principal: Principal, request_id: uuid.UUID) -> ChargingRequest:
    """Take back what a person asked for; from then on what a depot management system asks for the vehicle counts again.

    Raises:
        ForbiddenError: the principal lacks `dispatch:write`, or has it not for the request.
        NotFoundError: there is no such request.
        ConflictError: it is a depot management system's, or was withdrawn already.
    """
    principal.require(Scope.DISPATCH_WRITE)
    async with backend.unit_of_work(principal, Scope.DISPATCH_WRITE) as work:
        request = await work.require(ChargingRequests, request_id, "charging request")
        where = ("input", "chargingRequestId")
        if request.source is not RequestSource.GRAPH:
            message = "It is a depot management system's, whose next list would bring it back; ask for the vehicle to be charged otherwise."
            raise ConflictError(message, where)
        if request.withdrawn_at is not None:
            raise ConflictError(f"It was withdrawn at {request.withdrawn_at.isoformat()}.", where)
        (gone,) = await withdraw_all(work, [request], by=principal.author)
        await work.audit("charging_request.withdraw", "charging_request", request.id, vehicle_id=str(request.vehicle_id))
        work.wake_planner(request.depot_id)
        work.answers(charging_request=gone)
        await work.commit()
    return gone


async def overruled_among(session: Session, request_ids: Sequence[uuid.UUID], *, now: datetime) -> dict[uuid.UUID, ChargingRequest]:
    """Return which of these requests do not count because a person asked otherwise, each with the person's."""
    requests = await ChargingRequests(session).by_ids(request_ids)
    of_vehicles = await ChargingRequests(session).of_vehicles(_vehicles_of(requests.values()), at=now)
    return {request_id: person for request_id, person in overruled(of_vehicles, at=now).items() if request_id in requests}


def _statement(vehicle: Vehicle, wanted: NewChargingRequest, now: datetime) -> Statement:
    usual = 100.0 if vehicle.target_soc_percent is None else vehicle.target_soc_percent
    most = wanted.max_soc_percent
    if most is None:
        most = usual if wanted.min_soc_percent is None else max(usual, wanted.min_soc_percent)
    least = most if wanted.min_soc_percent is None else wanted.min_soc_percent
    problems = Problems()
    for name, percent in (("minSocPercent", least), ("maxSocPercent", most)):
        problems.check(0 <= percent <= _FULL, f"{name} is {percent:g}; give 0 to {_FULL}.", "input", name)
    both = f"minSocPercent {least:g} is above maxSocPercent {most:g}; give at most that."
    problems.check(least <= most, both, "input", "minSocPercent")
    if wanted.departs_at is not None:
        past = f"departsAt {wanted.departs_at.isoformat()} is in the past; now is {now.isoformat()}."
        problems.check(wanted.departs_at > now, past, "input", "departsAt")
    preconditioning = _preconditioning(problems, wanted)
    problems.raise_any()
    return Statement(
        external_id=None,
        vehicle_name=vehicle.name,
        vehicle_id=vehicle.id,
        min_soc_percent=least,
        max_soc_percent=most,
        level=max(wanted.level, PriorityLevel.HIGH) if wanted.ad_hoc else wanted.level,
        departs_at=wanted.departs_at,
        ad_hoc=wanted.ad_hoc,
        preconditioning=preconditioning,
    )


def _preconditioning(problems: Problems, wanted: NewChargingRequest) -> PreconditioningWish | None:
    begins_at, kw = wanted.preconditioning_at, wanted.preconditioning_kw
    where = ("input", "preconditioningAt" if begins_at is None else "preconditioningKw")
    problems.check((begins_at is None) == (kw is None), "Preconditioning needs both when it begins and its power, or neither.", *where)
    if begins_at is None or kw is None:
        return None
    strength = f"preconditioningKw is {kw:g}; give more than 0 and at most {_MOST_PRECONDITIONING_KW}."
    problems.check(0 < kw <= _MOST_PRECONDITIONING_KW, strength, "input", "preconditioningKw")
    in_time = wanted.departs_at is not None and begins_at < wanted.departs_at
    problems.check(in_time, "Preconditioning begins before a departure; give one, and an earlier beginning.", "input", "preconditioningAt")
    return PreconditioningWish(hvac=PreconditioningLoad(begins_at, kw))


def _made(
    work: UnitOfWork,
    depot_id: uuid.UUID,
    statement: Statement,
    *,
    source: RequestSource,
    author: str,
    link_id: uuid.UUID | None = None,
    reason: str | None = None,
) -> ChargingRequest:
    said = {name: getattr(statement, name) for name in Statement.__dataclass_fields__}
    return ChargingRequest(
        id=new_id(),
        tenant_id=work.tenant_id,
        depot_id=depot_id,
        source=source,
        link_id=link_id,
        **said,
        reason=reason,
        author=author,
        priority_id=None,
        withdrawn_at=None,
        withdrawn_by=None,
        created_at=work.now,
        updated_at=work.now,
    )


def _vehicles_of(requests: Iterable[ChargingRequest]) -> set[uuid.UUID]:
    return {request.vehicle_id for request in requests if request.vehicle_id is not None}


def _event(request: ChargingRequest) -> Event:
    about = {"vehicle_id": None if request.vehicle_id is None else str(request.vehicle_id)}
    return Event(EventKind.CHARGING_REQUEST_CHANGED, request.id, request.depot_id, about)


def _told(request: ChargingRequest) -> dict[str, Any]:
    return {
        "min_soc_percent": request.min_soc_percent,
        "max_soc_percent": request.max_soc_percent,
        "departs_at": None if request.departs_at is None else request.departs_at.isoformat(),
        "level": request.level.name,
        "ad_hoc": request.ad_hoc,
    }
