"""A depot whose supply is changed, for tests: the fleet of `tests/fleet.py` at eight o'clock, its nodes by name, and what came of it."""

import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select

from ampyard.domain.access import Principal
from ampyard.domain.depots import Depot
from ampyard.domain.supply import NodePower, PowerNode
from ampyard.repositories import tables
from ampyard.repositories.depots import Depots, PowerNodes
from ampyard.repositories.supply import Supply
from ampyard.repositories.tables import metadata
from ampyard.services.backend import Backend
from tests.fleet import new_fleet, user
from tests.published import waiting

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)  # a Monday, 9:00 in Berlin, where the depot is
HOUR = timedelta(hours=1)
# Of all EVSEs of the depot: 2 AC with 4.14 kW, 3 DC with 10 kW. Those of CP-3 and CP-4 hang on feeder 2.
FALLBACKS_KW, FALLBACKS_OF_FEEDER_2_KW = 38.28, 24.14


@dataclass(frozen=True)
class Site:
    """The tenant with its one depot; `backend` has the clock stopped at `NOW`."""

    backend: Backend
    tenant_id: uuid.UUID
    depot_id: uuid.UUID

    @property
    def who(self) -> Principal:
        return user(self.tenant_id)

    def at(self, moment: datetime) -> "Site":
        """Return the same at another time."""
        return replace(self, backend=replace(self.backend, clock=lambda: moment))

    async def depot(self) -> Depot:
        async with self.backend.database.snapshot(self.tenant_id) as snapshot:
            return (await Depots(snapshot).by_ids([self.depot_id]))[self.depot_id]

    async def node(self, name: str) -> PowerNode:
        async with self.backend.database.snapshot(self.tenant_id) as snapshot:
            (found,) = await PowerNodes(snapshot).where(PowerNodes.table.c.name == name)
        return found

    async def power(self, name: str) -> NodePower:
        """Return what flows through a node, and what may, now."""
        node = await self.node(name)
        async with self.backend.database.snapshot(self.tenant_id) as snapshot:
            return (await Supply(snapshot).power([node.id], at=self.backend.clock()))[node.id]

    async def audited(self) -> list[tuple[str, dict[str, Any]]]:
        """Return action and detail of the audit records after the seeding, oldest first."""
        column = tables.audit_record.c
        async with self.backend.database.snapshot(self.tenant_id) as snapshot:
            rows = await snapshot.fetch(select(column.action, column.detail).where(column.at == NOW).order_by(column.id))
        return [(row.action, row.detail) for row in rows if row.action != "tenant.seed"]

    async def events(self) -> list[tuple[str, uuid.UUID]]:
        """Return kind and aggregate of what waits to be published."""
        return [(entry.kind, entry.aggregate_id) for entry in await waiting(self.backend, self.tenant_id)]

    async def everything(self) -> dict[str, list[tuple[Any, ...]]]:
        """Return every row of the tenant by table, events left out: relays of other tests may take them."""
        async with self.backend.database.snapshot(self.tenant_id) as snapshot:
            return {
                table.name: sorted((tuple(row) for row in await snapshot.fetch(select(table))), key=repr)
                for table in metadata.sorted_tables
                if table.name != "outbox"
            }


async def new_site(backend: Backend, *, grid_kw: float = 200.0) -> Site:
    """Return a site of its own for one test."""
    seeded = await new_fleet(replace(backend, clock=lambda: NOW), grid_kw=grid_kw)
    async with backend.database.snapshot(seeded.tenant_id) as snapshot:
        (depot,) = await Depots(snapshot).where()
    return Site(replace(backend, clock=lambda: NOW), seeded.tenant_id, depot.id)
