"""Vehicles and their types: what is computed of them, and changes: decode the ids, call the service."""

from collections.abc import Callable, Mapping
from typing import Any

from ampyard.domain.access import Scope
from ampyard.domain.depots import Depot
from ampyard.domain.imports import ImportReport
from ampyard.domain.state_of_charge import confidence_at
from ampyard.domain.vehicles import Vehicle, VehicleKind, VehicleType, own_value
from ampyard.engine import computed
from ampyard.resolvers.changes import Caller
from ampyard.resolvers.context import Info
from ampyard.resolvers.ids import decode_id, optional_id
from ampyard.services import states_of_charge, vehicle_import, vehicle_types, vehicles
from ampyard.services.imports import ImportFile
from ampyard.services.states_of_charge import SocReport
from ampyard.services.vehicle_types import NewVehicleType
from ampyard.services.vehicles import NewVehicle


def own(name: str, *, description: str) -> Any:
    """Return a field that shows one of a vehicle's own values, by a name in `LIMITS`."""

    def resolve(root: Vehicle) -> float | None:
        return own_value(root, name)

    return computed(resolve, reads=["type_id", name, f"own_{name}"], description=description)


def resolve_soc_confidence(root: Vehicle, info: Info) -> float | None:
    """Resolve how far the vehicle's state of charge is believed now."""
    info.context.principal.require(Scope.FLEET_READ)
    return None if root.soc is None else confidence_at(root.soc, info.context.now)


async def create_vehicle_type(
    caller: Caller, *, name: str, kind: VehicleKind, manufacturer: str | None = None, **values: float | None
) -> dict[str, Any]:
    """Add a vehicle type."""
    wanted = NewVehicleType(name, kind, manufacturer, values)
    return {"vehicle_type": await vehicle_types.create_vehicle_type(caller.backend, caller.principal, wanted)}


async def edit_vehicle_type(caller: Caller, *, vehicle_type_id: str, **changes: Any) -> dict[str, Any]:
    """Change a vehicle type."""
    type_id = decode_id("input.vehicleTypeId", vehicle_type_id, VehicleType)
    return {"vehicle_type": await vehicle_types.edit_vehicle_type(caller.backend, caller.principal, type_id, changes)}


def archive_vehicle_type(*, archived: bool) -> Callable[..., Any]:
    """Return what takes a type out of use, or back into it."""

    async def archive(caller: Caller, *, vehicle_type_id: str) -> dict[str, Any]:
        type_id = decode_id("input.vehicleTypeId", vehicle_type_id, VehicleType)
        changed = await vehicle_types.archive_vehicle_type(caller.backend, caller.principal, type_id, archived=archived)
        return {"vehicle_type": changed}

    return archive


async def create_vehicle(
    caller: Caller,
    *,
    name: str,
    depot_id: str,
    vin: str,
    license_plate: str,
    kind: VehicleKind | None = None,
    vehicle_type_id: str | None = None,
    **own_values: float | None,
) -> dict[str, Any]:
    """Take a vehicle into the fleet."""
    wanted = NewVehicle(
        name=name,
        depot_id=decode_id("input.depotId", depot_id, Depot),
        vin=vin,
        license_plate=license_plate,
        kind=kind,
        type_id=optional_id("input.vehicleTypeId", vehicle_type_id, VehicleType),
        own=own_values,
    )
    return {"vehicle": await vehicles.create_vehicle(caller.backend, caller.principal, wanted)}


async def edit_vehicle(caller: Caller, *, vehicle_id: str, **changes: Any) -> dict[str, Any]:
    """Change a vehicle."""
    if "vehicle_type_id" in changes:
        changes["type_id"] = optional_id("input.vehicleTypeId", changes.pop("vehicle_type_id"), VehicleType)
    wanted = decode_id("input.vehicleId", vehicle_id, Vehicle)
    return {"vehicle": await vehicles.edit_vehicle(caller.backend, caller.principal, wanted, changes)}


async def move_vehicle(caller: Caller, *, vehicle_id: str, depot_id: str) -> dict[str, Any]:
    """Give a vehicle another home depot."""
    vehicle, depot = decode_id("input.vehicleId", vehicle_id, Vehicle), decode_id("input.depotId", depot_id, Depot)
    return {"vehicle": await vehicles.move_vehicle(caller.backend, caller.principal, vehicle, depot)}


async def archive_vehicle(caller: Caller, *, vehicle_id: str) -> dict[str, Any]:
    """Take a vehicle out of the fleet."""
    wanted = decode_id("input.vehicleId", vehicle_id, Vehicle)
    return {"vehicle": await vehicles.archive_vehicle(caller.backend, caller.principal, wanted)}


async def restore_vehicle(caller: Caller, *, vehicle_id: str) -> dict[str, Any]:
    """Take an archived vehicle back."""
    wanted = decode_id("input.vehicleId", vehicle_id, Vehicle)
    return {"vehicle": await vehicles.restore_vehicle(caller.backend, caller.principal, wanted)}


async def import_vehicles(caller: Caller, *, file_name: str, content: str, dry_run: bool) -> Mapping[str, ImportReport]:
    """Import vehicles from a file."""
    file = ImportFile(file_name, content)
    return {"report": await vehicle_import.import_vehicles(caller.backend, caller.principal, file, dry_run=dry_run)}


async def report_state_of_charge(caller: Caller, *, readings: list[Any]) -> dict[str, Any]:
    """Take in what telematics tells."""
    told = [
        SocReport(
            percent=one.percent,
            at=one.at,
            vehicle_id=optional_id(f"input.readings.{n}.vehicleId", one.vehicle_id, Vehicle),
            vin=one.vin,
            confidence=one.confidence,
        )
        for n, one in enumerate(readings)
    ]
    return {"vehicles": await states_of_charge.report_state_of_charge(caller.backend, caller.principal, told)}
