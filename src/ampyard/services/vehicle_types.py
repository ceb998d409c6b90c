"""Vehicle types: the models that vehicles take their values from. They are the whole tenant's, and so is the right to change them."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ampyard.domain.access import Principal, Scope
from ampyard.domain.errors import ConflictError, ForbiddenError
from ampyard.domain.events import Event, EventKind
from ampyard.domain.ids import new_id
from ampyard.domain.texts import checked_text
from ampyard.domain.vehicles import LIMITS, NEEDED, VehicleKind, VehicleType, check_given, check_values
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.repositories.vehicles import VehicleTypes, take_over_type
from ampyard.services.backend import Backend

_NAME_LENGTH = 100


@dataclass(frozen=True, slots=True)
class NewVehicleType:
    """What is asked for; `values` are by the names in `domain.vehicles.LIMITS`."""

    name: str
    kind: VehicleKind
    manufacturer: str | None = None
    values: Mapping[str, float | None] = field(default_factory=dict)


async def create_vehicle_type(backend: Backend, principal: Principal, wanted: NewVehicleType) -> VehicleType:
    """Add a vehicle type.

    Raises:
        ForbiddenError: the principal lacks `vehicles:write` for the whole tenant.
        InvalidInputError: a value is out of bounds or contradicts another.
        ConflictError: there is a type with this name.
    """
    _require(principal)
    values = dict.fromkeys(LIMITS) | dict(wanted.values)
    check_given(values, NEEDED)
    check_values(values)
    async with backend.unit_of_work(principal, Scope.VEHICLES_WRITE) as work:
        name = checked_text(wanted.name, "name", at_most=_NAME_LENGTH)
        await _check_free(work, name)
        made: VehicleType = VehicleType(
            id=new_id(),
            tenant_id=work.tenant_id,
            name=name,
            kind=wanted.kind,
            manufacturer=_manufacturer(wanted.manufacturer),
            archived_at=None,
            created_at=work.now,
            updated_at=work.now,
            **values,  # type: ignore[arg-type]  # checked above: what is needed is there
        )
        await work.add(VehicleTypes, made)
        await work.audit("vehicle_type.create", "vehicle_type", made.id, name=made.name, kind=made.kind, **values)
        work.answers(vehicle_type=made)
        await work.commit()
    return made


async def edit_vehicle_type(backend: Backend, principal: Principal, type_id: uuid.UUID, changes: Mapping[str, Any]) -> VehicleType:
    """Change a vehicle type, and with it every vehicle of it wherever that has no value of its own.

    Raises:
        ForbiddenError: the principal lacks `vehicles:write` for the whole tenant.
        NotFoundError: there is no such type.
        InvalidInputError: a value is out of bounds, contradicts another, or is needed and cleared.
        ConflictError: another type has the name.
    """
    _require(principal)
    async with backend.unit_of_work(principal, Scope.VEHICLES_WRITE) as work:
        known = await work.require(VehicleTypes, type_id, "vehicle type")
        changed = replace(known, **_checked(changes), updated_at=work.now)
        values = {name: getattr(changed, name) for name in LIMITS}
        check_given(values, NEEDED)
        check_values(values)
        if changed.name != known.name:
            await _check_free(work, changed.name)
        await work.change(VehicleTypes, known.id, **{name: getattr(changed, name) for name in changes}, updated_at=work.now)
        for vehicle_id, depot_id in await take_over_type(work.session, changed, at=work.now):
            work.publish(Event(EventKind.VEHICLE_UPDATED, vehicle_id, depot_id))
            work.wake_planner(depot_id)
        await work.audit("vehicle_type.edit", "vehicle_type", known.id, **{name: getattr(changed, name) for name in changes})
        work.answers(vehicle_type=changed)
        await work.commit()
    return changed


async def archive_vehicle_type(backend: Backend, principal: Principal, type_id: uuid.UUID, *, archived: bool) -> VehicleType:
    """Take a type out of use, or back into it: no vehicle can be given an archived one, and those that have it keep it.

    Raises:
        ForbiddenError: the principal lacks `vehicles:write` for the whole tenant.
        NotFoundError: there is no such type.
    """
    _require(principal)
    async with backend.unit_of_work(principal, Scope.VEHICLES_WRITE) as work:
        known = await work.require(VehicleTypes, type_id, "vehicle type")
        changed = replace(known, archived_at=(known.archived_at or work.now) if archived else None, updated_at=work.now)
        await work.change(VehicleTypes, known.id, archived_at=changed.archived_at, updated_at=work.now)
        await work.audit("vehicle_type.archive" if archived else "vehicle_type.restore", "vehicle_type", known.id)
        work.answers(vehicle_type=changed)
        await work.commit()
    return changed


def _require(principal: Principal) -> None:
    principal.require(Scope.VEHICLES_WRITE)
    if principal.groups(Scope.VEHICLES_WRITE) is not None:
        message = "Vehicle types are the whole tenant's: changing them needs vehicles:write for the whole tenant, not for resource groups."
        raise ForbiddenError(message)


async def _check_free(work: UnitOfWork, name: str) -> None:
    if await VehicleTypes(work.session).by_unique("name", [name]):
        raise ConflictError(f"There is a vehicle type {name!r} already; choose another name.", ("input", "name"))


def _checked(changes: Mapping[str, Any]) -> dict[str, Any]:
    checked = dict(changes)
    check_given(checked, [name for name in ("name", "kind") if name in checked])
    if "name" in checked:
        checked["name"] = checked_text(checked["name"], "name", at_most=_NAME_LENGTH)
    if "manufacturer" in checked:
        checked["manufacturer"] = _manufacturer(checked["manufacturer"])
    return checked


def _manufacturer(text: str | None) -> str | None:
    return None if text is None else checked_text(text, "manufacturer", at_most=_NAME_LENGTH)
