import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType

from sqlalchemy import ColumnElement

from ampyard.domain.pricing import EnergyPrice
from ampyard.repositories import tables
from ampyard.repositories.repository import Repository


@dataclass(frozen=True, slots=True)
class EnergyPriceFilter:
    """Which prices to list; a field that is `None` does not narrow."""

    depot_id: uuid.UUID | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filter as SQL conditions."""
        return [*([tables.energy_price.c.depot_id == self.depot_id] if self.depot_id is not None else [])]


class EnergyPrices(Repository[EnergyPrice]):
    entity = EnergyPrice
    table = tables.energy_price
    orders = MappingProxyType({"VALID_FROM": table.c.valid_from})

    async def of_depots(self, depot_ids: Sequence[uuid.UUID], *, reads: frozenset[str] | None = None) -> dict[uuid.UUID, list[EnergyPrice]]:
        """Return the prices of each depot, by when they begin."""
        return await self.grouped(self.table.c.depot_id, depot_ids, self.table.c.valid_from, self.table.c.id, reads=reads)
