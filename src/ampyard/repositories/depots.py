import uuid
from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

from sqlalchemy import Select, func, select

from ampyard.domain.depots import Depot, NodePower, PowerNode
from ampyard.domain.transactions import TransactionState
from ampyard.repositories import tables
from ampyard.repositories.database import WriteSession
from ampyard.repositories.repository import ANY_OF_IDS, Repository
from ampyard.repositories.statements import Query, recall


class Depots(Repository[Depot]):
    entity = Depot
    table = tables.depot
    orders = MappingProxyType({"NAME": table.c.name, "UPDATED_AT": table.c.updated_at})


class PowerNodes(Repository[PowerNode]):
    entity = PowerNode
    table = tables.power_node

    async def of_depots(self, depot_ids: Sequence[uuid.UUID], *, reads: frozenset[str] | None = None) -> dict[uuid.UUID, list[PowerNode]]:
        """Return all nodes of each depot, by name."""
        return await self.grouped(self.table.c.depot_id, depot_ids, self.table.c.name, self.table.c.id, reads=reads)

    async def children_of(self, node_ids: Sequence[uuid.UUID], *, reads: frozenset[str] | None = None) -> dict[uuid.UUID, list[PowerNode]]:
        """Return the nodes directly below each node, by name."""
        return await self.grouped(self.table.c.parent_id, node_ids, self.table.c.name, self.table.c.id, reads=reads)

    async def power(self, node_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, NodePower]:
        """Return what flows through each node now: measured and allocated power of the open transactions below it, in kW."""
        flowing = recall((PowerNodes, "power"), lambda: Query(_flowing()))
        return {record[0]: NodePower(*record) for record in await self.session.records(flowing, {"ids": list(node_ids)})}


def _flowing() -> Select[Any]:
    node, cp, tx, evse = tables.power_node, tables.charge_point, tables.transaction, tables.evse
    below = select(node.c.id.label("top"), node.c.id.label("id")).where(node.c.id == ANY_OF_IDS).cte("below", recursive=True)
    below = below.union_all(select(below.c.top, node.c.id).where(node.c.parent_id == below.c.id))
    return (
        select(
            below.c.top,
            func.coalesce(func.sum(tx.c.power_kw), 0.0),
            func.coalesce(func.sum(evse.c.limit_kw).filter(tx.c.id.is_not(None)), 0.0),
            func.max(tx.c.measured_at),
        )
        .select_from(below)
        .outerjoin(cp, cp.c.power_node_id == below.c.id)
        .outerjoin(evse, evse.c.charge_point_id == cp.c.id)
        .outerjoin(tx, (tx.c.evse_id == evse.c.id) & (tx.c.state == TransactionState.ACTIVE))
        .group_by(below.c.top)
    )


async def try_lock(session: WriteSession, depot_id: uuid.UUID) -> bool:
    """Take the lock of a depot's planning until the end of the transaction; returns False, at once, when another holds it."""
    key = func.hashtextextended(str(depot_id), 0)
    return bool((await session.fetch(select(func.pg_try_advisory_xact_lock(key))))[0][0])
