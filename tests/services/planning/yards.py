"""A yard with a solver, for tests of planning: vehicles that are plugged in, told how full they are, and put on runs."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from ampyard.domain.assignments import Assignment
from ampyard.domain.planning import PlanNode, PlanProblem, Stay
from ampyard.domain.state_of_charge import SocSource
from ampyard.domain.supply import PowerNode
from ampyard.domain.transactions import Transaction
from ampyard.repositories.charge_points import ChargePoints
from ampyard.repositories.depots import PowerNodes
from ampyard.repositories.vehicles import Vehicles
from ampyard.services.backend import Backend
from ampyard.services.planning.outlook import Outlook
from ampyard.services.planning.problem import Posed, pose
from ampyard.services.planning.reading import read_outlook
from tests.charging import charge, station_of
from tests.services.dispatching import NOW, Yard, new_yard
from tests.services.planning.doubles import Greedy

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class PlannedYard:
    """The yard of `tests.services.dispatching`, and the solver of its backend."""

    yard: Yard
    solver: Greedy

    @property
    def backend(self) -> Backend:
        return replace(self.yard.backend, solver=self.solver)

    @property
    def depot_id(self) -> Any:
        return self.yard.depots["Central"].id

    def at(self, moment: datetime) -> "PlannedYard":
        return replace(self, yard=self.yard.at(moment))

    async def plugged(self, vehicle: str = "Bus 1", identity: str = "CP-2", *, soc: float | None = 40.0, evse_no: int = 1) -> Transaction:
        """Plug a vehicle in, at a charge point that is on the line."""
        await self.told(vehicle, soc)
        station = await station_of(self.backend, self.yard.tenant_id, identity)
        now = self.backend.clock()
        transaction = await charge(self.backend, station, (now, 0.0), id_tag=f"TAG-{vehicle.rsplit(maxsplit=1)[-1]}", evse_no=evse_no)
        async with self.yard.work() as work:
            await work.change(ChargePoints, transaction.charge_point_id, connected=True)
            await work.commit()
        return transaction

    async def told(self, vehicle: str, soc: float | None) -> None:
        """Have a vehicle tell its state of charge."""
        if soc is not None:
            values = {"soc_percent": soc, "soc_source": SocSource.TELEMATICS, "soc_at": self.backend.clock()}
            async with self.yard.work() as work:
                await work.change(Vehicles, self.yard.vehicles[vehicle].id, **values)
                await work.commit()

    async def run(self, vehicle: str = "Bus 1", name: str = "12", **block: Any) -> Assignment:
        """Put a vehicle on a block of today."""
        return await self.yard.assign(await self.yard.block(name, **block), vehicle)

    async def outlook(self) -> Outlook:
        async with self.backend.snapshot(self.yard.principal) as snapshot:
            found = await read_outlook(snapshot, self.depot_id, at=self.backend.clock())
        assert found is not None
        return found

    async def posed(self) -> Posed:
        return pose(await self.outlook())

    async def named_node(self, name: str) -> PowerNode:
        async with self.backend.snapshot(self.yard.principal) as snapshot:
            (found,) = await PowerNodes(snapshot).where(PowerNodes.table.c.name == name)
        return found

    async def nodes(self, problem: PlanProblem) -> Mapping[str, PlanNode]:
        """Return the nodes of a problem by their names."""
        async with self.backend.snapshot(self.yard.principal) as snapshot:
            names = {node.id: node.name for node in await PowerNodes(snapshot).where()}
        return {names[node.id]: node for node in problem.nodes}


def stay_of(posed: Posed, one: Transaction | Assignment) -> Stay:
    """Return the stay of a transaction, or the one that ends with an assignment."""
    return next(stay for stay in posed.problem.stays if stay.id == one.id)


async def planned_yard(backend: Backend) -> PlannedYard:
    """Make one, at nine o'clock on a Monday."""
    return PlannedYard(await new_yard(replace(backend, clock=lambda: NOW)), Greedy())
