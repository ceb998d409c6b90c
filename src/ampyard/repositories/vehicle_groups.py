import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from sqlalchemy import ColumnElement, delete, func

from ampyard.domain.vehicle_groups import VehicleGroup, VehicleGroupMember
from ampyard.repositories import tables
from ampyard.repositories.database import WriteSession
from ampyard.repositories.repository import Repository, array


@dataclass(frozen=True, slots=True)
class VehicleGroupFilter:
    """Which groups to list; a field that is `None` does not narrow."""

    name_contains: str | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filter as SQL conditions."""
        return [*([tables.vehicle_group.c.name.icontains(self.name_contains, autoescape=True)] if self.name_contains else [])]


class VehicleGroups(Repository[VehicleGroup]):
    entity = VehicleGroup
    table = tables.vehicle_group
    orders = MappingProxyType({"NAME": table.c.name, "CREATED_AT": table.c.created_at})

    async def of_vehicles(
        self, vehicle_ids: Sequence[uuid.UUID], *, reads: frozenset[str] | None = None
    ) -> dict[uuid.UUID, list[VehicleGroup]]:
        """Return the groups that each vehicle is in, by name."""
        member = tables.vehicle_group_member.c
        order = (self.table.c.name, self.table.c.id)
        return await self.linked(member.vehicle_id, member.vehicle_group_id, vehicle_ids, *order, reads=reads)


class VehicleGroupMembers(Repository[VehicleGroupMember]):
    entity = VehicleGroupMember
    table = tables.vehicle_group_member

    async def of_groups(self, group_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, set[uuid.UUID]]:
        """Return the ids of the vehicles in each group."""
        found = await self.grouped(self.table.c.vehicle_group_id, group_ids)
        return {group_id: {member.vehicle_id for member in members} for group_id, members in found.items()}


async def remove_members(session: WriteSession, group_id: uuid.UUID, vehicle_ids: Iterable[uuid.UUID]) -> int:
    """Take vehicles out of a group; returns how many were in it."""
    column = tables.vehicle_group_member.c
    statement = delete(tables.vehicle_group_member).where(
        column.vehicle_group_id == group_id, column.vehicle_id == func.any(array(vehicle_ids))
    )
    return await session.execute(statement)


async def remove_group(session: WriteSession, group_id: uuid.UUID) -> None:
    """Remove a group, with its members' places in it and the priorities about it."""
    await session.execute(delete(tables.vehicle_group).where(tables.vehicle_group.c.id == group_id))
