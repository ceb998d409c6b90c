import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType

from sqlalchemy import ColumnElement, func

from ampyard.domain.faults import Fault
from ampyard.repositories import tables
from ampyard.repositories.repository import Repository, array


@dataclass(frozen=True, slots=True)
class FaultFilter:
    """Which faults to list; a field that is `None` does not narrow."""

    is_open: bool | None = None
    code: str | None = None
    vendor_code: str | None = None
    charge_point_id: uuid.UUID | None = None
    depot_id: uuid.UUID | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filter as SQL conditions."""
        column = tables.charge_point_fault.c
        point = tables.charge_point.c
        return [
            *([column.cleared_at.is_(None) == self.is_open] if self.is_open is not None else []),
            *([column.code == self.code] if self.code is not None else []),
            *([column.vendor_code == self.vendor_code] if self.vendor_code is not None else []),
            *([column.charge_point_id == self.charge_point_id] if self.charge_point_id is not None else []),
            *(
                [tables.charge_point.select().where(point.id == column.charge_point_id, point.depot_id == self.depot_id).exists()]
                if self.depot_id is not None
                else []
            ),
        ]


class Faults(Repository[Fault]):
    entity = Fault
    table = tables.charge_point_fault
    orders = MappingProxyType({"RAISED_AT": table.c.raised_at})

    async def open_of_all(self, charge_point_ids: Iterable[uuid.UUID]) -> list[Fault]:
        """Return the open faults of charge points, oldest first."""
        column = self.table.c
        return await self.where(
            column.charge_point_id == func.any(array(charge_point_ids)), column.cleared_at.is_(None), order_by=[column.raised_at, column.id]
        )

    async def open_of(self, charge_point_id: uuid.UUID) -> list[Fault]:
        """Return the open faults of a charge point, oldest first."""
        column = self.table.c
        return await self.where(
            column.charge_point_id == charge_point_id, column.cleared_at.is_(None), order_by=[column.raised_at, column.id]
        )
