"""Id tags: given to vehicles, blocked, moved, removed. What was removed stays on record, as the time in which a vehicle had it."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from ampyard.domain.access import Principal, Scope
from ampyard.domain.errors import ConflictError, InvalidInputError
from ampyard.domain.events import Event, EventKind
from ampyard.domain.id_tags import IdTag, IdTagKind, canonical, checked
from ampyard.domain.ids import new_id
from ampyard.domain.vehicles import Vehicle
from ampyard.repositories.id_tags import IdTags
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.repositories.vehicles import Vehicles
from ampyard.services.backend import Backend


@dataclass(frozen=True, slots=True)
class NewIdTag:
    """What is asked for; the times are when it begins and ceases to be valid, None: open."""

    vehicle_id: uuid.UUID
    value: str
    kind: IdTagKind
    valid_from: datetime | None = None
    valid_until: datetime | None = None


async def add_id_tag(backend: Backend, principal: Principal, wanted: NewIdTag) -> IdTag:
    """Give a vehicle an id tag.

    Raises:
        ForbiddenError: the principal lacks `vehicles:write`, or has it not for the vehicle.
        NotFoundError: there is no such vehicle.
        InvalidInputError: the value has not the form of its kind, or the tag would never be valid.
        ConflictError: a vehicle has the tag already, or the vehicle is archived.
    """
    principal.require(Scope.VEHICLES_WRITE)
    async with backend.unit_of_work(principal, Scope.VEHICLES_WRITE) as work:
        vehicle = await _vehicle(work, wanted.vehicle_id)
        tag = await give_tag(work, vehicle, wanted)
        work.answers(id_tag=tag)
        await work.commit()
    return tag


async def give_tag(work: UnitOfWork, vehicle: Vehicle, wanted: NewIdTag) -> IdTag:
    """Add a tag to a vehicle inside a unit of work, with its audit record and event.

    Raises:
        InvalidInputError: see `add_id_tag`.
        ConflictError: a vehicle has the tag already.
    """
    tag = new_tag(work, wanted)
    if await IdTags(work.session).by_value(tag.value) is not None:
        raise ConflictError(f"A vehicle has the id tag {tag.value!r} already; move it from there, or remove it.", ("input", "value"))
    await work.add(IdTags, tag)
    await work.audit("id_tag.add", "id_tag", tag.id, vehicle_id=str(vehicle.id), value=tag.value, kind=tag.kind)
    work.publish(Event(EventKind.VEHICLE_UPDATED, vehicle.id, vehicle.depot_id))
    return tag


def new_tag(work: UnitOfWork, wanted: NewIdTag) -> IdTag:
    """Return the tag that is asked for, checked; nothing is stored.

    Raises:
        InvalidInputError: see `add_id_tag`.
    """
    value = checked(wanted.value, wanted.kind)
    _check_validity(wanted.valid_from, wanted.valid_until)
    return IdTag(
        id=new_id(),
        tenant_id=work.tenant_id,
        vehicle_id=wanted.vehicle_id,
        value=value,
        canonical=canonical(value),
        kind=wanted.kind,
        blocked=False,
        valid_from=wanted.valid_from,
        valid_until=wanted.valid_until,
        removed_at=None,
        created_at=work.now,
        updated_at=work.now,
    )


async def edit_id_tag(backend: Backend, principal: Principal, tag_id: uuid.UUID, changes: Mapping[str, Any]) -> IdTag:
    """Change when a tag is valid, or whether it is blocked; what is not in `changes` stays.

    Raises:
        ForbiddenError: the principal lacks `vehicles:write`, or has it not for the vehicle.
        NotFoundError: there is no such tag.
        InvalidInputError: the tag would never be valid.
        ConflictError: it was removed, or is to be unblocked while its vehicle is archived.
    """
    principal.require(Scope.VEHICLES_WRITE)
    async with backend.unit_of_work(principal, Scope.VEHICLES_WRITE) as work:
        tag, vehicle = await _tag(work, tag_id)
        changed = replace(tag, **changes, updated_at=work.now)
        _check_validity(changed.valid_from, changed.valid_until)
        if tag.blocked and not changed.blocked and vehicle.archived_at is not None:
            raise ConflictError("The vehicle is archived; restore it before its id tags are unblocked.", ("input", "blocked"))
        await work.change(IdTags, tag.id, **changes, updated_at=work.now)
        told: dict[str, Any] = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in changes.items()}
        await work.audit("id_tag.edit", "id_tag", tag.id, vehicle_id=str(vehicle.id), **told)
        work.publish(Event(EventKind.VEHICLE_UPDATED, vehicle.id, vehicle.depot_id))
        work.answers(id_tag=changed)
        await work.commit()
    return changed


async def remove_id_tag(backend: Backend, principal: Principal, tag_id: uuid.UUID) -> IdTag:
    """Take a tag from its vehicle: it is not accepted any more, and another vehicle may be given it.

    Raises:
        ForbiddenError: the principal lacks `vehicles:write`, or has it not for the vehicle.
        NotFoundError: there is no such tag.
        ConflictError: it was removed already.
    """
    principal.require(Scope.VEHICLES_WRITE)
    async with backend.unit_of_work(principal, Scope.VEHICLES_WRITE) as work:
        tag, vehicle = await _tag(work, tag_id)
        removed = await _take(work, tag, vehicle)
        work.answers(id_tag=removed)
        await work.commit()
    return removed


async def move_id_tag(backend: Backend, principal: Principal, tag_id: uuid.UUID, vehicle_id: uuid.UUID) -> IdTag:
    """Give a tag to another vehicle; returns the tag as that vehicle has it, which is a new record.

    Raises:
        ForbiddenError: the principal lacks `vehicles:write`, or has it not for both vehicles.
        NotFoundError: there is no such tag or vehicle.
        ConflictError: the tag was removed, is the vehicle's already, or the vehicle is archived.
    """
    principal.require(Scope.VEHICLES_WRITE)
    async with backend.unit_of_work(principal, Scope.VEHICLES_WRITE) as work:
        tag, before = await _tag(work, tag_id)
        vehicle = await _vehicle(work, vehicle_id)
        if vehicle.id == tag.vehicle_id:
            raise ConflictError("The vehicle has this id tag already.", ("input", "vehicleId"))
        await _take(work, tag, before)
        moved = replace(tag, id=new_id(), vehicle_id=vehicle.id, canonical=canonical(tag.value), created_at=work.now, updated_at=work.now)
        await work.add(IdTags, moved)
        await work.audit("id_tag.move", "id_tag", moved.id, from_vehicle_id=str(before.id), to_vehicle_id=str(vehicle.id), value=tag.value)
        work.publish(Event(EventKind.VEHICLE_UPDATED, vehicle.id, vehicle.depot_id))
        work.answers(id_tag=moved)
        await work.commit()
    return moved


async def _take(work: UnitOfWork, tag: IdTag, vehicle: Vehicle) -> IdTag:
    await work.change(IdTags, tag.id, removed_at=work.now, updated_at=work.now)
    await work.audit("id_tag.remove", "id_tag", tag.id, vehicle_id=str(vehicle.id), value=tag.value)
    work.publish(Event(EventKind.VEHICLE_UPDATED, vehicle.id, vehicle.depot_id))
    return replace(tag, removed_at=work.now, updated_at=work.now)


async def _tag(work: UnitOfWork, tag_id: uuid.UUID) -> tuple[IdTag, Vehicle]:
    tag = await work.require(IdTags, tag_id, "id tag")
    if tag.removed_at is not None:
        raise ConflictError(f"The id tag was removed at {tag.removed_at.isoformat()}; add it again.", ("input", "idTagId"))
    return tag, await work.require(Vehicles, tag.vehicle_id, "vehicle")


async def _vehicle(work: UnitOfWork, vehicle_id: uuid.UUID) -> Vehicle:
    vehicle = await work.require(Vehicles, vehicle_id, "vehicle")
    if vehicle.archived_at is not None:
        raise ConflictError("The vehicle is archived; restore it first.", ("input", "vehicleId"))
    return vehicle


def _check_validity(valid_from: datetime | None, valid_until: datetime | None) -> None:
    if valid_from is not None and valid_until is not None and valid_until <= valid_from:
        span = f"from {valid_from.isoformat()} until {valid_until.isoformat()}"
        raise InvalidInputError(f"An id tag {span} would never be valid; give an end after its start, or none.", ("input", "validUntil"))
