"""What the demo's people have set up: who may do what, what energy costs, which runs there are, and who drives them this week."""

import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from ampyard.domain.access import Principal, Role, system_principal
from ampyard.domain.blocks import Block
from ampyard.domain.depots import Depot
from ampyard.domain.errors import DomainError
from ampyard.domain.local_time import Weekday
from ampyard.domain.pricing import PriceWindow
from ampyard.domain.resource_groups import MemberKind
from ampyard.domain.vehicles import Vehicle, VehicleKind
from ampyard.repositories.access import Users
from ampyard.repositories.blocks import Blocks
from ampyard.repositories.depots import Depots
from ampyard.repositories.vehicles import Vehicles
from ampyard.services.assignments import NewAssignment, assign_vehicle
from ampyard.services.backend import Backend
from ampyard.services.blocks import NewBlock, create_block
from ampyard.services.energy_prices import NewEnergyPrice, set_energy_price
from ampyard.services.grants import NewGrant, grant_role
from ampyard.services.resource_groups import add_to_group, create_group
from ampyard.services.users import NewUser, invite_user
from ampyard.services.vehicles import edit_vehicle

_EVERY_DAY = frozenset(Weekday)
_WORKDAYS = frozenset(day for day in Weekday if day <= Weekday.FRIDAY)
_NIGHT = PriceWindow(_EVERY_DAY, time(22), time(6), Decimal("0.1890"))
_DAYS_AHEAD = 7
_CONSUMPTION_KWH_PER_KM = {VehicleKind.BUS: 1.2, VehicleKind.TRUCK: 1.1, VehicleKind.VAN: 0.25}
# By depot: what a run is called, its weekdays, how far it goes, when the first leaves, and how long each is away.
_RUNS = {
    "Hafen": ("Tour", _WORKDAYS, 180.0, time(5, 30), timedelta(hours=9)),
    "Werk": ("Line", _EVERY_DAY, 210.0, time(4, 45), timedelta(hours=11)),
}


async def set_up_operation(backend: Backend, tenant_id: uuid.UUID, progress: Callable[[str], None]) -> None:
    """Make what is missing of it; what is there stays. Called at every start, because vehicles are assigned a week ahead at most."""
    principal = system_principal(tenant_id, "demo")
    async with backend.database.snapshot(tenant_id) as snapshot:
        depots = await Depots(snapshot).where()
        vehicles = await Vehicles(snapshot).where(order_by=[Vehicles.table.c.name])
        is_new = await Users(snapshot).by_subject("dispatcher@hafen") is None
    if is_new:
        await _people(backend, principal, depots)
        for vehicle in vehicles:
            await edit_vehicle(backend, principal, vehicle.id, {"consumption_kwh_per_km": _CONSUMPTION_KWH_PER_KM[vehicle.kind]})
        for depot in depots:
            price = NewEnergyPrice(depot.id, "EUR", Decimal("0.2890"), (_NIGHT,))
            await set_energy_price(backend, principal, price)
            await _runs(backend, principal, depot, sum(vehicle.depot_id == depot.id for vehicle in vehicles) // 2)
    assigned = 0
    for depot in depots:
        async with backend.database.snapshot(tenant_id) as snapshot:
            blocks = await Blocks(snapshot).where(Blocks.table.c.departure_depot_id == depot.id, order_by=[Blocks.table.c.name])
        assigned += await _week(backend, principal, depot, blocks, [v for v in vehicles if v.depot_id == depot.id])
    progress(f"Dispatch: {assigned} vehicles assigned to the runs of the coming week.")


async def _people(backend: Backend, principal: Principal, depots: Sequence[Depot]) -> None:
    everybody = await invite_user(backend, principal, NewUser("owner@demo", "Olivia Owner"))
    await grant_role(backend, principal, NewGrant(everybody.id, Role.OWNER))
    for depot in depots:
        group = await create_group(backend, principal, name=depot.name, description=f"Everything in {depot.name}")
        await add_to_group(backend, principal, group.id, [(MemberKind.DEPOT, depot.id)])
        for role in (Role.DISPATCHER, Role.VIEWER):
            place = depot.name.lower()
            user = await invite_user(backend, principal, NewUser(f"{role.value}@{place}", f"{role.value.title()} of {depot.name}"))
            await grant_role(backend, principal, NewGrant(user.id, role, group.id))


async def _runs(backend: Backend, principal: Principal, depot: Depot, count: int) -> None:
    title, weekdays, distance_km, first, away = _RUNS[depot.name]
    today = backend.clock().astimezone(ZoneInfo(depot.time_zone)).date()
    for number in range(count):
        leaves = datetime.combine(today, first) + number * timedelta(minutes=20)
        block = NewBlock(
            name=f"{title} {number + 1:02d}",
            departure_depot_id=depot.id,
            departure_time=leaves.time(),
            return_time=(leaves + away).time(),
            weekdays=weekdays,
            first_day=today,
            distance_km=distance_km,
        )
        await create_block(backend, principal, block)


async def _week(backend: Backend, principal: Principal, depot: Depot, blocks: Sequence[Block], vehicles: Sequence[Vehicle]) -> int:
    """Put a vehicle on each run of the coming days that it can still be put on; returns how many."""
    today = backend.clock().astimezone(ZoneInfo(depot.time_zone)).date()
    assigned = 0
    for day in (today + timedelta(days=ahead) for ahead in range(_DAYS_AHEAD)):
        for block, vehicle in zip(blocks, vehicles, strict=False):
            try:
                await assign_vehicle(backend, principal, NewAssignment(block.id, vehicle.id, day))
            except DomainError:
                continue  # not a day of this run, over, or taken already
            assigned += 1
    return assigned
