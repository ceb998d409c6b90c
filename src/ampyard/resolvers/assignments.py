"""Changes of assignments: decode the ids, call the service."""

from datetime import date
from typing import Any

from ampyard.domain.assignments import Assignment
from ampyard.domain.blocks import Block
from ampyard.domain.vehicles import Vehicle
from ampyard.resolvers.changes import Caller
from ampyard.resolvers.ids import decode_id
from ampyard.services import assignment_lists, assignments
from ampyard.services.assignments import NewAssignment
from ampyard.services.imports import ImportFile


async def assign_vehicle(caller: Caller, *, block_id: str, vehicle_id: str, day: date) -> dict[str, Any]:
    """Put a vehicle on a block's day."""
    wanted = NewAssignment(decode_id("input.blockId", block_id, Block), decode_id("input.vehicleId", vehicle_id, Vehicle), day)
    return {"assignment": await assignments.assign_vehicle(caller.backend, caller.principal, wanted)}


async def change_assignment(caller: Caller, *, assignment_id: str, vehicle_id: str) -> dict[str, Any]:
    """Put another vehicle on what is assigned already."""
    wanted = decode_id("input.assignmentId", assignment_id, Assignment)
    vehicle = decode_id("input.vehicleId", vehicle_id, Vehicle)
    return {"assignment": await assignments.change_assignment(caller.backend, caller.principal, wanted, vehicle)}


async def remove_assignment(caller: Caller, *, assignment_id: str) -> dict[str, Any]:
    """Take a vehicle off a block's day."""
    wanted = decode_id("input.assignmentId", assignment_id, Assignment)
    return {"assignment": await assignments.remove_assignment(caller.backend, caller.principal, wanted)}


async def schedule_vehicle(caller: Caller, *, block_external_id: str, vin: str, day: date) -> dict[str, Any]:
    """Have a vehicle go on a block's day, both by the ids that others know them by."""
    scheduled = await assignment_lists.schedule_vehicle(caller.backend, caller.principal, external_id=block_external_id, vin=vin, on=day)
    return {"assignment": scheduled}


async def import_assignments(caller: Caller, *, file_name: str, content: str, dry_run: bool) -> dict[str, Any]:
    """Put vehicles on blocks as a file says."""
    file = ImportFile(file_name, content)
    return {"report": await assignment_lists.import_assignments(caller.backend, caller.principal, file, dry_run=dry_run)}
