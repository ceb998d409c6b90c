"""Vehicle groups: named sets of vehicles.

A group may have vehicles of the whole tenant in it, so making, naming and removing one needs the right for the whole tenant; who has it
for some vehicles may put those in and take them out.
"""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ampyard.domain.access import Principal, Scope
from ampyard.domain.errors import ConflictError, ForbiddenError, NotFoundError
from ampyard.domain.events import Event, EventKind
from ampyard.domain.ids import new_id
from ampyard.domain.texts import checked_text
from ampyard.domain.vehicle_groups import VehicleGroup, VehicleGroupMember
from ampyard.domain.vehicles import Vehicle, check_given
from ampyard.repositories.priorities import Priorities
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.repositories.vehicle_groups import VehicleGroupMembers, VehicleGroups, remove_group, remove_members
from ampyard.repositories.vehicles import Vehicles
from ampyard.services.backend import Backend

_NAME_LENGTH = 100
_DESCRIPTION_LENGTH = 500


async def create_vehicle_group(
    backend: Backend, principal: Principal, *, name: str, description: str | None = None, vehicle_ids: Iterable[uuid.UUID] = ()
) -> VehicleGroup:
    """Make a group, with some vehicles in it.

    Raises:
        ForbiddenError: the principal lacks `vehicles:write` for the whole tenant.
        NotFoundError: there is no such vehicle.
        InvalidInputError: name or description is too long, or empty.
        ConflictError: there is a group with this name.
    """
    _require_whole(principal)
    async with backend.unit_of_work(principal, Scope.VEHICLES_WRITE) as work:
        group = VehicleGroup(
            new_id(),
            work.tenant_id,
            checked_text(name, "name", at_most=_NAME_LENGTH),
            _description(description),
            work.now,
            work.now,
        )
        await _check_free(work, group.name)
        await work.add(VehicleGroups, group)
        await work.audit("vehicle_group.create", "vehicle_group", group.id, name=group.name)
        await _add(work, group, await _vehicles(work, vehicle_ids))
        work.answers(vehicle_group=group)
        await work.commit()
    return group


async def edit_vehicle_group(backend: Backend, principal: Principal, group_id: uuid.UUID, changes: Mapping[str, Any]) -> VehicleGroup:
    """Change name or description of a group.

    Raises:
        ForbiddenError: the principal lacks `vehicles:write` for the whole tenant.
        NotFoundError: there is no such group.
        InvalidInputError: name or description is too long, or the name empty.
        ConflictError: another group has the name.
    """
    _require_whole(principal)
    async with backend.unit_of_work(principal, Scope.VEHICLES_WRITE) as work:
        known = await work.require(VehicleGroups, group_id, "vehicle group")
        check_given(changes, [name for name in ("name",) if name in changes])
        changed = replace(
            known,
            name=checked_text(changes.get("name", known.name), "name", at_most=_NAME_LENGTH),
            description=_description(changes.get("description", known.description)),
            updated_at=work.now,
        )
        if changed.name != known.name:
            await _check_free(work, changed.name)
        await work.change(VehicleGroups, known.id, name=changed.name, description=changed.description, updated_at=work.now)
        await work.audit("vehicle_group.edit", "vehicle_group", known.id, name=changed.name, description=changed.description)
        work.answers(vehicle_group=changed)
        await work.commit()
    return changed


async def remove_vehicle_group(backend: Backend, principal: Principal, group_id: uuid.UUID) -> VehicleGroup:
    """Remove a group; its vehicles stay. Returns it as it was.

    Raises:
        ForbiddenError: the principal lacks `vehicles:write` for the whole tenant.
        NotFoundError: there is no such group.
        ConflictError: there are priorities about it that have not been cleared.
    """
    _require_whole(principal)
    async with backend.unit_of_work(principal, Scope.VEHICLES_WRITE) as work:
        group = await work.require(VehicleGroups, group_id, "vehicle group")
        rules = (await Priorities(work.session).of_vehicle_groups([group.id])).get(group.id, [])
        uncleared = sum(rule.cleared_at is None for rule in rules)
        if uncleared:
            message = f"There are {uncleared} priorities about the group; clear them first."
            raise ConflictError(message, ("input", "vehicleGroupId"))
        await remove_group(work.session, group.id)
        await work.audit("vehicle_group.remove", "vehicle_group", group.id, name=group.name)
        work.answers(vehicle_group=None)
        await work.commit()
    return group


async def add_to_group(backend: Backend, principal: Principal, group_id: uuid.UUID, vehicle_ids: Iterable[uuid.UUID]) -> VehicleGroup:
    """Put vehicles into a group; those that are in it stay.

    Raises:
        ForbiddenError: the principal lacks `vehicles:write`, or has it not for a vehicle.
        NotFoundError: there is no such group or vehicle.
    """
    principal.require(Scope.VEHICLES_WRITE)
    async with backend.unit_of_work(principal, Scope.VEHICLES_WRITE) as work:
        group = await work.require(VehicleGroups, group_id, "vehicle group")
        members = (await VehicleGroupMembers(work.session).of_groups([group.id])).get(group.id, set())
        await _add(work, group, [vehicle for vehicle in await _vehicles(work, vehicle_ids) if vehicle.id not in members])
        work.answers(vehicle_group=group)
        await work.commit()
    return group


async def take_from_group(backend: Backend, principal: Principal, group_id: uuid.UUID, vehicle_ids: Iterable[uuid.UUID]) -> VehicleGroup:
    """Take vehicles out of a group; those that are not in it change nothing.

    Raises:
        ForbiddenError: the principal lacks `vehicles:write`, or has it not for a vehicle.
        NotFoundError: there is no such group or vehicle.
    """
    principal.require(Scope.VEHICLES_WRITE)
    async with backend.unit_of_work(principal, Scope.VEHICLES_WRITE) as work:
        group = await work.require(VehicleGroups, group_id, "vehicle group")
        vehicles = await _vehicles(work, vehicle_ids)
        if await remove_members(work.session, group.id, [vehicle.id for vehicle in vehicles]):
            await work.audit("vehicle_group.take", "vehicle_group", group.id, vehicle_ids=[str(vehicle.id) for vehicle in vehicles])
            _publish(work, vehicles)
        work.answers(vehicle_group=group)
        await work.commit()
    return group


async def _add(work: UnitOfWork, group: VehicleGroup, vehicles: list[Vehicle]) -> None:
    if not vehicles:
        return
    members = [VehicleGroupMember(new_id(), work.tenant_id, group.id, vehicle.id, work.now) for vehicle in vehicles]
    await work.add(VehicleGroupMembers, *members)
    await work.audit("vehicle_group.add", "vehicle_group", group.id, vehicle_ids=[str(vehicle.id) for vehicle in vehicles])
    _publish(work, vehicles)


def _publish(work: UnitOfWork, vehicles: Iterable[Vehicle]) -> None:
    for vehicle in vehicles:
        work.publish(Event(EventKind.VEHICLE_UPDATED, vehicle.id, vehicle.depot_id))
        work.wake_planner(vehicle.depot_id)


async def _vehicles(work: UnitOfWork, vehicle_ids: Iterable[uuid.UUID]) -> list[Vehicle]:
    wanted = list(dict.fromkeys(vehicle_ids))
    found = await Vehicles(work.session).locked(wanted)
    for n, vehicle_id in enumerate(wanted):
        if vehicle_id not in found:
            raise NotFoundError("There is no such vehicle.", ("input", "vehicleIds", str(n)))
    return list(found.values())


def _require_whole(principal: Principal) -> None:
    principal.require(Scope.VEHICLES_WRITE)
    if principal.groups(Scope.VEHICLES_WRITE) is not None:
        raise ForbiddenError(
            "Making, naming and removing vehicle groups needs vehicles:write for the whole tenant, not for resource groups."
        )


async def _check_free(work: UnitOfWork, name: str) -> None:
    if await VehicleGroups(work.session).by_unique("name", [name]):
        raise ConflictError(f"There is a vehicle group {name!r} already; choose another name.", ("input", "name"))


def _description(text: str | None) -> str | None:
    return None if text is None else checked_text(text, "description", at_most=_DESCRIPTION_LENGTH)
