"""Changes of vehicle groups: decode the ids, call the service."""

import uuid
from collections.abc import Sequence
from typing import Any

from ampyard.domain.vehicle_groups import VehicleGroup
from ampyard.domain.vehicles import Vehicle
from ampyard.resolvers.changes import Caller
from ampyard.resolvers.ids import decode_id
from ampyard.services import vehicle_groups


async def create_vehicle_group(
    caller: Caller, *, name: str, description: str | None = None, vehicle_ids: Sequence[str] | None = None
) -> dict[str, Any]:
    """Make a group."""
    group = await vehicle_groups.create_vehicle_group(
        caller.backend, caller.principal, name=name, description=description, vehicle_ids=_vehicles(vehicle_ids or ())
    )
    return {"vehicle_group": group}


async def edit_vehicle_group(caller: Caller, *, vehicle_group_id: str, **changes: Any) -> dict[str, Any]:
    """Change name or description of a group."""
    group_id = decode_id("input.vehicleGroupId", vehicle_group_id, VehicleGroup)
    return {"vehicle_group": await vehicle_groups.edit_vehicle_group(caller.backend, caller.principal, group_id, changes)}


async def remove_vehicle_group(caller: Caller, *, vehicle_group_id: str) -> dict[str, Any]:
    """Remove a group."""
    group_id = decode_id("input.vehicleGroupId", vehicle_group_id, VehicleGroup)
    await vehicle_groups.remove_vehicle_group(caller.backend, caller.principal, group_id)
    return {"vehicle_group": None}


async def add_vehicles_to_group(caller: Caller, *, vehicle_group_id: str, vehicle_ids: Sequence[str]) -> dict[str, Any]:
    """Put vehicles into a group."""
    group_id = decode_id("input.vehicleGroupId", vehicle_group_id, VehicleGroup)
    group = await vehicle_groups.add_to_group(caller.backend, caller.principal, group_id, _vehicles(vehicle_ids))
    return {"vehicle_group": group}


async def take_vehicles_from_group(caller: Caller, *, vehicle_group_id: str, vehicle_ids: Sequence[str]) -> dict[str, Any]:
    """Take vehicles out of a group."""
    group_id = decode_id("input.vehicleGroupId", vehicle_group_id, VehicleGroup)
    group = await vehicle_groups.take_from_group(caller.backend, caller.principal, group_id, _vehicles(vehicle_ids))
    return {"vehicle_group": group}


def _vehicles(vehicle_ids: Sequence[str]) -> list[uuid.UUID]:
    return [decode_id(f"input.vehicleIds.{n}", vehicle_id, Vehicle) for n, vehicle_id in enumerate(vehicle_ids)]
