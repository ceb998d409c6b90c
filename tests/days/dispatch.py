"""Blocks in both depots, some with vehicles: one that has left, some that are to leave, one that was taken off; and their readiness."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from ampyard.domain.local_time import Weekday
from ampyard.repositories.depots import Depots
from ampyard.repositories.vehicles import Vehicles
from ampyard.services import assignments, blocks, readiness
from ampyard.services.assignments import NewAssignment
from ampyard.services.backend import Backend
from ampyard.services.blocks import NewBlock
from tests.fleet import user

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
        night = await blocks.create_block(yesterday, principal, plan(f"{prefix}14", depot, 20))
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
