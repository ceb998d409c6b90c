"""Blocks in both depots, some with vehicles: one that has left, some that are to leave, one that was taken off; and their readiness."""

import base64
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from ampyard.domain.local_time import Weekday
from ampyard.repositories.assignments import Assignments
from ampyard.repositories.blocks import Blocks
from ampyard.repositories.depots import Depots
from ampyard.repositories.vehicles import Vehicles
from ampyard.services import assignments, blocks, readiness
from ampyard.services.assignments import NewAssignment
from ampyard.services.backend import Backend
from ampyard.services.blocks import NewBlock
from tests.fleet import user
from tests.schema.graph import id_of

if TYPE_CHECKING:
    from tests.busy import Busy

_MONDAY = date(2026, 11, 2)


async def happen(busy: "Busy") -> None:
    """Given two in the afternoon: let what leaves in the morning have left, and plan the evening."""
    now = busy.backend.clock()
    principal = user(busy.tenant_id)
    depots = {depot.name: depot.id for depot in await busy.all(Depots)}
    vehicles = {vehicle.name: vehicle.id for vehicle in await busy.all(Vehicles)}

    def at(moment: datetime) -> Backend:
        return replace(busy.backend, clock=lambda: moment)

    def plan(name: str, depot: str, departs: int, back: str | None = None, **more: Any) -> NewBlock:
        wanted = NewBlock(
            name=name,
            departure_depot_id=depots[depot],
            departure_time=time(departs),
            return_depot_id=None if back is None else depots[back],
            return_time=time(departs + 3),
            weekdays=frozenset(Weekday),
            first_day=_MONDAY,
        )
        return replace(wanted, **({"energy_kwh": 90.0} | more))

    yesterday = at(now - timedelta(days=1))
    for prefix, depot, other in (("", "Central", "North"), ("N", "North", "Central")):
        bus = "Bus" if depot == "Central" else "North Bus"
        morning = await blocks.create_block(yesterday, principal, plan(f"{prefix}12", depot, 10))
        distance: dict[str, Any] = {"energy_kwh": None, "distance_km": 80.0, "last_day": date(2026, 12, 31)}
        named = {"external_id": f"{prefix}ext-13", "note": "Line 7"}
        evening = await blocks.create_block(yesterday, principal, plan(f"{prefix}13", depot, 18, other, **distance, **named))
        night = await blocks.create_block(yesterday, principal, plan(f"{prefix}14", depot, 20, energy_kwh=250.0))
        await blocks.create_block(yesterday, principal, plan(f"{prefix}16", depot, 20))
        gone = await blocks.create_block(yesterday, principal, plan(f"{prefix}15", depot, 9))
        await blocks.remove_block(yesterday, principal, gone.id)
        for block, number in ((morning, 1), (evening, 2), (night, 1)):
            wanted = NewAssignment(block.id, vehicles[f"{bus} {number}"], _MONDAY)
            await assignments.assign_vehicle(yesterday, principal, wanted)
        taken_off = await assignments.assign_vehicle(
            yesterday, principal, NewAssignment(night.id, vehicles[f"{bus} 3"], _MONDAY + timedelta(days=1))
        )
        await assignments.remove_assignment(yesterday, principal, taken_off.id)
    left_at = datetime.combine(_MONDAY, time(9, 1), now.tzinfo)  # 10:01 in both depots
    for moment in (left_at - timedelta(hours=1), left_at, now):
        await readiness.record(at(moment), busy.tenant_id)


async def valid_inputs(busy: "Busy") -> dict[str, dict[str, Any]]:
    """Return arguments with which what changes and shows dispatch would do something."""
    depot = next(depot for depot in await busy.all(Depots) if depot.name == "Central")
    vehicle = next(vehicle for vehicle in await busy.all(Vehicles) if vehicle.name == "Bus 6")
    block = next(block for block in await busy.all(Blocks) if block.name == "13")
    night = next(block for block in await busy.all(Blocks) if block.name == "14")
    assignment = next(one for one in await busy.all(Assignments) if one.block_id == block.id)
    tomorrow = str(_MONDAY + timedelta(days=1))
    new = {
        "name": "99",
        "departureDepotId": id_of(depot),
        "departureTime": "05:00",
        "returnTime": "06:30",
        "weekdays": ["MONDAY"],
        "firstDay": tomorrow,
        "energyKwh": 20.0,
    }
    columns = "external id,name,departure depot,departure time,return time,weekdays,first day,energy kWh"
    lines = f"{columns}\nx,99,Central,5:00,6:00,daily,{tomorrow},20"
    return {
        "notReady": {"until": (busy.backend.clock() + timedelta(days=1)).isoformat()},
        "dispatchChanged": {"depotId": id_of(depot)},
        "createBlock": {"input": new},
        "editBlock": {"input": {"blockId": id_of(night), "name": "14 b"}},
        "removeBlock": {"input": {"blockId": id_of(night), "releaseAssignments": True}},
        "upsertBlocks": {"input": {"blocks": [new | {"externalId": "x"}]}},
        "importBlocks": {"input": _file(lines)},
        "assignVehicle": {"input": {"blockId": id_of(block), "vehicleId": id_of(vehicle), "day": tomorrow}},
        "changeAssignment": {"input": {"assignmentId": id_of(assignment), "vehicleId": id_of(vehicle)}},
        "removeAssignment": {"input": {"assignmentId": id_of(assignment)}},
        "scheduleVehicle": {"input": {"blockExternalId": "ext-13", "vin": vehicle.vin, "day": tomorrow}},
        "importAssignments": {"input": _file(f"block,day,vehicle\next-13,{tomorrow},Bus 6")},
    }


async def foreign_inputs(busy: "Busy", twin: "Busy") -> dict[tuple[str, str], dict[str, Any]]:
    """Return what is valid, with one id of the other tenant's."""
    own, other = await valid_inputs(busy), await valid_inputs(twin)
    ids = {
        "createBlock": ["departureDepotId"],
        "editBlock": ["blockId"],
        "removeBlock": ["blockId"],
        "assignVehicle": ["blockId", "vehicleId"],
        "changeAssignment": ["assignmentId", "vehicleId"],
        "removeAssignment": ["assignmentId"],
    }
    found = {(name, key): own[name]["input"] | {key: other[name]["input"][key]} for name, keys in ids.items() for key in keys}
    foreign_depot = other["createBlock"]["input"]["departureDepotId"]
    found["createBlock", "returnDepotId"] = own["createBlock"]["input"] | {"returnDepotId": foreign_depot}
    for place in ("departureDepotId", "returnDepotId"):
        found["editBlock", place] = own["editBlock"]["input"] | {place: foreign_depot}
    return found


def _file(lines: str) -> dict[str, Any]:
    return {"fileName": "dispatch.csv", "content": base64.b64encode(lines.encode()).decode(), "dryRun": False}
