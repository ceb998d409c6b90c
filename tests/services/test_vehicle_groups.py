"""Vehicle groups: made for the whole tenant, filled by whoever may change the vehicles."""

import uuid
from dataclasses import replace

import pytest

from ampyard.domain.access import Grant, Scope
from ampyard.domain.errors import ConflictError, ForbiddenError, NotFoundError
from ampyard.domain.priorities import PriorityLevel
from ampyard.repositories.vehicle_groups import VehicleGroupMembers, VehicleGroups
from ampyard.repositories.vehicles import Vehicles
from ampyard.services import priorities, vehicle_groups
from ampyard.services.backend import Backend
from ampyard.services.priorities import NewPriority
from tests.fleet import new_fleet, user


async def test_a_group_is_filled_emptied_and_removed_when_nothing_ranks_it(backend: Backend) -> None:
    tenant_id = (await new_fleet(backend)).tenant_id
    principal = user(tenant_id)
    async with backend.database.snapshot(tenant_id) as snapshot:
        one, two, three = (vehicle.id for vehicle in (await Vehicles(snapshot).where())[:3])

    group = await vehicle_groups.create_vehicle_group(backend, principal, name="Line 7", vehicle_ids=[one, two])
    await vehicle_groups.add_to_group(backend, principal, group.id, [two, three])
    await vehicle_groups.take_from_group(backend, principal, group.id, [one])
    async with backend.database.snapshot(tenant_id) as snapshot:
        assert await VehicleGroupMembers(snapshot).of_groups([group.id]) == {group.id: {two, three}}

    with pytest.raises(ConflictError, match="There is a vehicle group 'Line 7' already"):
        await vehicle_groups.create_vehicle_group(backend, principal, name="Line 7")
    with pytest.raises(NotFoundError, match="There is no such vehicle"):
        await vehicle_groups.add_to_group(backend, principal, group.id, [one, uuid.uuid4()])
    rule = await priorities.set_priority(backend, principal, NewPriority(PriorityLevel.HIGH, vehicle_group_id=group.id))
    with pytest.raises(ConflictError, match="clear them first"):
        await vehicle_groups.remove_vehicle_group(backend, principal, group.id)
    await priorities.clear_priority(backend, principal, rule.id)
    await vehicle_groups.remove_vehicle_group(backend, principal, group.id)
    async with backend.database.snapshot(tenant_id) as snapshot:
        assert await VehicleGroups(snapshot).where() == []
        assert await VehicleGroupMembers(snapshot).where() == []


async def test_who_is_confined_makes_and_ranks_no_group(backend: Backend) -> None:
    everywhere = user((await new_fleet(backend)).tenant_id)
    scopes = frozenset({Scope.VEHICLES_WRITE, Scope.PRIORITIES_WRITE})
    confined = replace(everywhere, scopes=frozenset(), grants=(Grant(scopes, frozenset({uuid.uuid4()})),))
    group = await vehicle_groups.create_vehicle_group(backend, everywhere, name="Line 7")
    with pytest.raises(ForbiddenError, match="whole tenant"):
        await vehicle_groups.create_vehicle_group(backend, confined, name="Line 8")
    with pytest.raises(NotFoundError):
        await priorities.set_priority(backend, confined, NewPriority(PriorityLevel.HIGH, vehicle_group_id=group.id))
