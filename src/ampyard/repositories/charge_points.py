import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType

from sqlalchemy import ColumnElement, func, select

from ampyard.domain.charge_points import ChargePoint, Connector, Evse
from ampyard.repositories import tables
from ampyard.repositories.repository import Repository, array


@dataclass(frozen=True, slots=True)
class ChargePointFilter:
    """Which charge points to list; a field that is `None` does not narrow."""

    depot_id: uuid.UUID | None = None
    connected: bool | None = None
    identity_contains: str | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filter as SQL conditions."""
        column = tables.charge_point.c
        return [
            *([column.depot_id == self.depot_id] if self.depot_id is not None else []),
            *([column.connected == self.connected] if self.connected is not None else []),
            *([column.identity.icontains(self.identity_contains, autoescape=True)] if self.identity_contains else []),
        ]


class ChargePoints(Repository[ChargePoint]):
    entity = ChargePoint
    table = tables.charge_point
    orders = MappingProxyType({"IDENTITY": table.c.identity, "CREATED_AT": table.c.created_at})


class Evses(Repository[Evse]):
    entity = Evse
    table = tables.evse

    async def of_charge_points(self, charge_point_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[Evse]]:
        """Return the EVSEs of each charge point, by number."""
        return await self.grouped(self.table.c.charge_point_id, charge_point_ids, self.table.c.evse_no)

    async def locked_of(self, charge_point_ids: Sequence[uuid.UUID]) -> list[tuple[Evse, float | None]]:
        """Return the EVSEs of charge points with the highest limit that may be in force, locked against other writers."""
        statement = (
            select(*self.columns(), self.table.c.in_force_kw)
            .where(self.table.c.charge_point_id == func.any(array(charge_point_ids)))
            .order_by(self.table.c.id)
            .with_for_update(key_share=True)
        )
        return [(Evse(*row[:-1]), row[-1]) for row in await self.session.fetch(statement)]


class Connectors(Repository[Connector]):
    entity = Connector
    table = tables.connector

    async def of_evses(self, evse_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[Connector]]:
        """Return the connectors of each EVSE, by number."""
        return await self.grouped(self.table.c.evse_id, evse_ids, self.table.c.connector_no)
