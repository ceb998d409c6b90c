import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType

from sqlalchemy import ColumnElement, func

from ampyard.domain.vehicles import IdTag, Vehicle, VehicleKind
from ampyard.repositories import tables
from ampyard.repositories.repository import Repository


@dataclass(frozen=True, slots=True)
class VehicleFilter:
    """Which vehicles to list; a field that is `None` does not narrow."""

    depot_id: uuid.UUID | None = None
    kind: VehicleKind | None = None
    name_contains: str | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filter as SQL conditions."""
        column = tables.vehicle.c
        return [
            *([column.depot_id == self.depot_id] if self.depot_id is not None else []),
            *([column.kind == self.kind] if self.kind is not None else []),
            *([column.name.icontains(self.name_contains, autoescape=True)] if self.name_contains else []),
        ]


class Vehicles(Repository[Vehicle]):
    entity = Vehicle
    table = tables.vehicle
    orders = MappingProxyType({"NAME": table.c.name, "CREATED_AT": table.c.created_at})


class IdTags(Repository[IdTag]):
    entity = IdTag
    table = tables.id_tag

    async def by_value(self, value: str) -> IdTag | None:
        """Return the tag with this value, in whatever case it was read."""
        found = await self.where(func.lower(self.table.c.value) == value.lower())
        return found[0] if found else None

    async def of_vehicles(self, vehicle_ids: Sequence[uuid.UUID], *, reads: frozenset[str] | None = None) -> dict[uuid.UUID, list[IdTag]]:
        """Return the tags of each vehicle, by value."""
        return await self.grouped(self.table.c.vehicle_id, vehicle_ids, self.table.c.value, reads=reads)
