"""A tenant with two depots on a Monday, for tests of dispatch."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import select

from ampyard.domain.access import Principal
from ampyard.domain.assignments import Assignment
from ampyard.domain.blocks import Block
from ampyard.domain.depots import Depot
from ampyard.domain.local_time import Weekday
from ampyard.domain.settings import TenantSettings
from ampyard.domain.vehicles import Vehicle
from ampyard.repositories import tables
from ampyard.repositories.assignments import Assignments
from ampyard.repositories.blocks import Blocks
from ampyard.repositories.depots import Depots
from ampyard.repositories.settings import write_settings
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.repositories.vehicles import Vehicles
from ampyard.services.assignments import NewAssignment, assign_vehicle
from ampyard.services.backend import Backend
from ampyard.services.blocks import NewBlock, create_block
from ampyard.services.seeding import seed
from tests.busy import two_depots
from tests.fleet import user
from tests.published import waiting

# 9:00 in Berlin, on a Monday.
NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
TODAY = date(2026, 11, 2)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Yard:
    """The tenant; depots and vehicles by name."""

    backend: Backend
    tenant_id: uuid.UUID
    depots: Mapping[str, Depot]
    vehicles: Mapping[str, Vehicle]

    @property
    def principal(self) -> Principal:
        return user(self.tenant_id)

    def at(self, moment: datetime) -> "Yard":
        """Return the tenant at another moment."""
        return replace(self, backend=replace(self.backend, clock=lambda: moment))

    def work(self) -> UnitOfWork:
        return self.backend.unit_of_work(self.principal)

    def wanted(self, name: str = "12", **changes: Any) -> NewBlock:
        """Return a block that runs daily from 10:00 to 14:00 out of and into Central."""
        given = NewBlock(
            name=name,
            departure_depot_id=self.depots["Central"].id,
            departure_time=time(10),
            return_time=time(14),
            weekdays=frozenset(Weekday),
            first_day=TODAY,
            energy_kwh=120.0,
        )
        return replace(given, **changes)

    async def block(self, name: str = "12", **changes: Any) -> Block:
        return await create_block(self.backend, self.principal, self.wanted(name, **changes))

    async def assign(self, block: Block, vehicle: str = "Bus 1", day: date = TODAY) -> Assignment:
        wanted = NewAssignment(block.id, self.vehicles[vehicle].id, day)
        return await assign_vehicle(self.backend, self.principal, wanted)

    async def blocks(self) -> list[Block]:
        async with self.backend.snapshot(self.principal) as snapshot:
            return await Blocks(snapshot).where(order_by=[Blocks.table.c.id])

    async def assignments(self) -> list[Assignment]:
        async with self.backend.snapshot(self.principal) as snapshot:
            return await Assignments(snapshot).where(order_by=[Assignments.table.c.id])

    async def audited(self) -> list[tuple[str, uuid.UUID, dict[str, Any]]]:
        """Return action, target and detail of the audit records of dispatch, oldest first."""
        column = tables.audit_record.c
        statement = select(column.action, column.target_id, column.detail).where(column.target_kind.in_(["block", "assignment"]))
        async with self.backend.snapshot(self.principal) as snapshot:
            return [tuple(row) for row in await snapshot.fetch(statement.order_by(column.id))]

    async def events(self) -> list[tuple[str, uuid.UUID, uuid.UUID | None]]:
        """Return kind, aggregate and depot of what was published about dispatch."""
        published = await waiting(self.backend, self.tenant_id)
        return [(e.kind, e.aggregate_id, e.depot_id) for e in published if e.kind.startswith(("block.", "assignment.", "readiness."))]

    async def everything(self) -> tuple[Any, ...]:
        """Return all of dispatch: what a refused change must leave as it was."""
        return await self.blocks(), await self.assignments(), await self.audited(), await self.events()


async def new_yard(backend: Backend) -> Yard:
    """Make a tenant of its own for one test, in which a tenth shall be left in batteries."""
    seeded = await seed(backend, two_depots(f"t-{uuid.uuid4().hex[:12]}"), lambda _: None)
    async with backend.unit_of_work(user(seeded.tenant_id)) as work:
        settings = TenantSettings(reserve_soc_percent=10.0)
        await write_settings(work.session, seeded.tenant_id, settings, after=0, author="tester", at=NOW)
        await work.commit()
    async with backend.database.snapshot(seeded.tenant_id) as snapshot:
        depots = {depot.name: depot for depot in await Depots(snapshot).where()}
        vehicles = {vehicle.name: vehicle for vehicle in await Vehicles(snapshot).where()}
    return Yard(replace(backend, clock=lambda: NOW), seeded.tenant_id, depots, vehicles)
