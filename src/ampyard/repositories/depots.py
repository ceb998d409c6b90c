import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from sqlalchemy import ColumnElement, func, select

from ampyard.domain.depots import Depot
from ampyard.domain.supply import PowerNode
from ampyard.domain.transactions import TransactionState
from ampyard.repositories import tables
from ampyard.repositories.database import Session, WriteSession
from ampyard.repositories.repository import Repository


class Archived(StrEnum):
    """Whether a list has what is archived in it."""

    EXCLUDED = "EXCLUDED"
    INCLUDED = "INCLUDED"
    ONLY = "ONLY"


@dataclass(frozen=True, slots=True)
class DepotFilter:
    """Which depots to list; a field that is `None` does not narrow. Archived ones are left out unless told."""

    name_contains: str | None = None
    city: str | None = None
    time_zone: str | None = None
    archived: Archived = Archived.EXCLUDED

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filter as SQL conditions."""
        column = tables.depot.c
        return [
            *([column.name.icontains(self.name_contains, autoescape=True)] if self.name_contains else []),
            *([func.lower(column.city) == self.city.lower()] if self.city is not None else []),
            *([column.time_zone == self.time_zone] if self.time_zone is not None else []),
            *([column.archived_at.is_(None)] if self.archived is Archived.EXCLUDED else []),
            *([column.archived_at.is_not(None)] if self.archived is Archived.ONLY else []),
        ]


class Depots(Repository[Depot]):
    entity = Depot
    table = tables.depot
    orders = MappingProxyType(
        {"NAME": table.c.name, "CITY": table.c.city, "CREATED_AT": table.c.created_at, "UPDATED_AT": table.c.updated_at}
    )


class PowerNodes(Repository[PowerNode]):
    entity = PowerNode
    table = tables.power_node

    async def of_depots(self, depot_ids: Sequence[uuid.UUID], *, reads: frozenset[str] | None = None) -> dict[uuid.UUID, list[PowerNode]]:
        """Return all nodes of each depot, by name."""
        return await self.grouped(self.table.c.depot_id, depot_ids, self.table.c.name, self.table.c.id, reads=reads)

    async def children_of(self, node_ids: Sequence[uuid.UUID], *, reads: frozenset[str] | None = None) -> dict[uuid.UUID, list[PowerNode]]:
        """Return the nodes directly below each node, by name."""
        return await self.grouped(self.table.c.parent_id, node_ids, self.table.c.name, self.table.c.id, reads=reads)

    async def hanging_on(self, node_id: uuid.UUID) -> tuple[int, int]:
        """Return how many nodes and how many charge points hang directly on a node."""
        nodes = select(func.count()).where(self.table.c.parent_id == node_id).scalar_subquery()
        points = select(func.count()).where(tables.charge_point.c.power_node_id == node_id).scalar_subquery()
        rows = await self.session.fetch(select(nodes, points))
        return rows[0][0], rows[0][1]


async def open_transactions(session: Session, depot_id: uuid.UUID) -> int:
    """Return how many transactions run at a depot."""
    column = tables.transaction.c
    rows = await session.fetch(select(func.count()).where(column.depot_id == depot_id, column.state == TransactionState.ACTIVE))
    return int(rows[0][0])


async def try_lock(session: WriteSession, depot_id: uuid.UUID) -> bool:
    """Take the lock of a depot's planning until the end of the transaction; returns False, at once, when another holds it."""
    key = func.hashtextextended(str(depot_id), 0)
    return bool((await session.fetch(select(func.pg_try_advisory_xact_lock(key))))[0][0])
