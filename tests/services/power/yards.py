"""A depot in which every EVSE charges, and what is asked of it."""

import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from ampyard.domain.charge_points import Evse
from ampyard.domain.commands import Command, CommandKind, CommandState
from ampyard.domain.equipment import PhaseRotation
from ampyard.domain.supply import PowerNode
from ampyard.domain.transactions import Measurand, Reading, Transaction
from ampyard.repositories.charge_points import Connectors, Evses
from ampyard.repositories.commands import Commands
from ampyard.repositories.depots import Depots, PowerNodes
from ampyard.repositories.transactions import Transactions
from ampyard.repositories.vehicles import Vehicles
from ampyard.services import commands, power, transactions
from ampyard.services.backend import Backend
from ampyard.services.charge_points import Station
from ampyard.services.transactions import Report
from tests.fleet import new_fleet, user
from tests.services.stations import online

T0 = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)


@dataclass
class Yard:
    """A depot with all five EVSEs charging: CP-1 AC and CP-2 DC on feeder 1, CP-3 AC and CP-4 with two DC on feeder 2."""

    backend: Backend
    tenant_id: uuid.UUID
    depot_id: uuid.UUID
    stations: dict[str, Station]

    def wait_until(self, moment: datetime) -> None:
        self.backend = replace(self.backend, clock=lambda: moment)

    async def tick(self) -> list[Command]:
        """Run a step and return the limits that now wait to be sent."""
        await power.tick(self.backend, self.tenant_id, self.depot_id)
        async with self.backend.database.snapshot(self.tenant_id) as snapshot:
            column = Commands.table.c
            return await Commands(snapshot).where(column.state == CommandState.PENDING, column.kind == CommandKind.SET_LIMIT)

    async def answer(self, waiting: list[Command], state: CommandState = CommandState.ACCEPTED) -> None:
        for command in waiting:
            await commands.claim(self.backend, self.tenant_id, command.id)
            await commands.finish(self.backend, self.tenant_id, command.id, state, state.value)

    async def settle(self) -> dict[tuple[str, int], float | None]:
        """Step and accept until nothing changes; return the confirmed limits by (identity, EVSE number)."""
        for _ in range(6):
            waiting = await self.tick()
            if not waiting:
                break
            await self.answer(waiting)
        return {key: evse.limit_kw for key, evse in (await self.evses()).items()}

    async def evses(self) -> dict[tuple[str, int], Evse]:
        identities = {station.charge_point_id: identity for identity, station in self.stations.items()}
        async with self.backend.database.snapshot(self.tenant_id) as snapshot:
            return {(identities[evse.charge_point_id], evse.evse_no): evse for evse in await Evses(snapshot).where()}

    async def transaction(self, identity: str, evse_no: int = 1) -> Transaction:
        evse = (await self.evses())[identity, evse_no]
        async with self.backend.database.snapshot(self.tenant_id) as snapshot:
            return (await Transactions(snapshot).active_of_evses([evse.id]))[evse.id]


async def new_power_yard(backend: Backend) -> Yard:
    """Have all five EVSEs of a new tenant charge."""
    seeded = await new_fleet(backend, grid_kw=200.0)
    async with backend.unit_of_work(user(seeded.tenant_id)) as work:
        for vehicle in await Vehicles(work.session).where():
            await work.change(Vehicles, vehicle.id, ac_phases=3)
        await work.commit()
    stations = await online(backend, seeded.tenant_id)
    plugs = [("CP-1", 1), ("CP-2", 1), ("CP-3", 1), ("CP-4", 1), ("CP-4", 2)]
    for number, (identity, evse_no) in enumerate(plugs, start=1):
        report = Report(at=T0, evse_no=evse_no, id_tag=f"TAG-{number}", register_wh=0.0, ocpp_transaction_id=f"tx-{number}")
        await transactions.start(backend, stations[identity], report)
    async with backend.database.snapshot(seeded.tenant_id) as snapshot:
        (depot,) = await Depots(snapshot).where()
    return Yard(backend, seeded.tenant_id, depot.id, stations)


async def with_one_phase(yard: Yard, **rotations: PhaseRotation) -> None:
    """Have the EVSE of each charge point named (CP_1 for CP-1) be one of 22 kW on a single phase, connected so."""
    evses = await yard.evses()
    async with yard.backend.unit_of_work(user(yard.tenant_id)) as work:
        for name, rotation in rotations.items():
            evse = evses[name.replace("_", "-"), 1]
            of_one_phase = {"phases": 1, "min_power_kw": 1.38, "fallback_kw": 1.38, "fallback_in_force_kw": 1.38}
            await work.change(Evses, evse.id, **of_one_phase, phase_rotation=rotation)
            for connector in (await Connectors(work.session).of_evses([evse.id]))[evse.id]:
                await work.change(Connectors, connector.id, max_amperage_a=96)
        await work.commit()


async def root_of(yard: Yard) -> PowerNode:
    async with yard.backend.database.snapshot(yard.tenant_id) as snapshot:
        (root,) = await PowerNodes(snapshot).where(PowerNodes.table.c.parent_id.is_(None))
    return root


async def measure(yard: Yard, identity: str, power_kw: float, *, evse_no: int = 1) -> None:
    at = yard.backend.clock()
    readings = [Reading(at, Measurand.POWER_IMPORT, power_kw, "kW")]
    await transactions.measured(yard.backend, yard.stations[identity], evse_no, readings, ocpp_transaction_id=None)


def later(yard: Yard, **passed: float) -> None:
    yard.wait_until(yard.backend.clock() + timedelta(**passed))


def allowed(limits: dict[tuple[str, int], float | None]) -> float:
    return round(sum(limit or 0.0 for limit in limits.values()), 1)
