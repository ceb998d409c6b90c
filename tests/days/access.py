"""Users with grants on resource groups, one in each depot; and a request that was answered."""

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import insert

from ampyard.domain.access import Role
from ampyard.domain.ids import new_id
from ampyard.domain.priorities import PriorityLevel
from ampyard.domain.resource_groups import ResourceGroup
from ampyard.domain.users import RoleGrant, User
from ampyard.repositories import tables
from ampyard.repositories.access import ResourceGroups, RoleGrants, Users
from ampyard.repositories.charge_points import ChargePoints
from ampyard.repositories.depots import Depots
from ampyard.repositories.requests import Request
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.repositories.vehicles import Vehicles
from ampyard.services import priorities
from ampyard.services.priorities import NewPriority
from tests.fleet import user

if TYPE_CHECKING:
    from tests.busy import Busy


async def _key(work: UnitOfWork, group: ResourceGroup) -> None:
    key = {
        "id": new_id(),
        "tenant_id": group.tenant_id,
        "name": f"Key of {group.name}",
        "prefix": "ampk_0000",
        "key_hash": f"no key has this hash: {group.id}",
        "scopes": ["fleet:read"],
        "resource_group_id": group.id,
    }
    await work.session.execute(insert(tables.api_key), [key])


async def happen(busy: "Busy") -> None:
    async with busy.backend.unit_of_work(user(busy.tenant_id)) as work:
        parent = None
        for depot in await busy.all(Depots):
            group = ResourceGroup(new_id(), busy.tenant_id, parent, f"Group {depot.name}", None, work.now, work.now)
            somebody = User(new_id(), busy.tenant_id, f"user-of-{depot.name}", None, f"User of {depot.name}", None, work.now, work.now)
            grant = RoleGrant(new_id(), busy.tenant_id, somebody.id, Role.DISPATCHER, group.id, "user:tester", work.now, None, None)
            await work.add(ResourceGroups, group)
            await work.add(Users, somebody)
            await work.add(RoleGrants, grant)
            of_depot = {
                "depot_id": depot.id,
                "charge_point_id": next(cp.id for cp in await busy.all(ChargePoints) if cp.depot_id == depot.id),
                "vehicle_id": next(vehicle.id for vehicle in await busy.all(Vehicles) if vehicle.depot_id == depot.id),
            }
            for name, member_id in of_depot.items():
                member = {"id": new_id(), "tenant_id": busy.tenant_id, "resource_group_id": group.id, name: member_id}
                await work.session.execute(insert(tables.resource_group_member), [member])
            await _key(work, group)
            parent = group.id
        await work.commit()
    vehicle = next(v for v in await busy.all(Vehicles) if v.name == "Bus 6")
    once = replace(busy.backend, request=Request("key-of-bus-6", "setPriority", "digest"))
    wanted = NewPriority(PriorityLevel.NORMAL, vehicle_id=vehicle.id, reason="because NORMAL")
    await priorities.set_priority(once, user(busy.tenant_id), wanted)
