"""A tenant in the middle of a working day: two depots with everything in them that the graph can show.

Whoever asks for one gets the same, down to identities, tags, VINs and OCPP transaction ids; only the ids differ.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import select

from ampyard.domain.charge_points import ConnectorStatus
from ampyard.domain.commands import CommandKind
from ampyard.domain.events import Event, EventKind
from ampyard.domain.priorities import PriorityLevel
from ampyard.domain.transactions import ChargingState, Measurand, Reading, Transaction
from ampyard.repositories.charge_points import ChargePoints, Evses
from ampyard.repositories.depots import Depots
from ampyard.repositories.repository import Repository
from ampyard.repositories.tables import metadata
from ampyard.repositories.transactions import Transactions
from ampyard.repositories.vehicles import Vehicles
from ampyard.services import charge_points, commands, priorities, reports, transactions
from ampyard.services.backend import Backend
from ampyard.services.charge_points import Station
from ampyard.services.priorities import NewPriority
from ampyard.services.seeding import DepotSpec, NodeSpec, Seeded, TenantSpec, seed
from ampyard.services.transactions import Report
from tests.days import DAYS
from tests.fleet import fleet_spec, user
from tests.services.planning.doubles import Greedy
from tests.services.stations import online

E = TypeVar("E")

# 9:00 in Berlin, where both depots are. The fleet was made the day before; it is now two in the afternoon.
T0 = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
MADE = T0 - timedelta(days=1)
NOW = T0 + timedelta(hours=5)
DAY = T0.date()
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Busy:
    """The tenant, and `backend` with the clock stopped at `NOW`."""

    backend: Backend
    seeded: Seeded
    stations: dict[str, Station]

    @property
    def tenant_id(self) -> uuid.UUID:
        return self.seeded.tenant_id

    async def all(self, repository: type[Repository[E]]) -> Sequence[E]:
        """Return every entity of the tenant, oldest first."""
        async with self.backend.database.snapshot(self.tenant_id) as snapshot:
            return await repository(snapshot).where(order_by=[repository.table.c.id])

    async def everything(self) -> dict[str, list[tuple[Any, ...]]]:
        """Return every row of the tenant by table: what a refused change must leave as it was, audit records and commands included."""
        async with self.backend.database.snapshot(self.tenant_id) as snapshot:
            return {
                table.name: sorted((tuple(row) for row in await snapshot.fetch(select(table))), key=repr)
                for table in metadata.sorted_tables
            }

    async def transaction(self, ocpp_id: str) -> Transaction:
        """Return a transaction by its OCPP id."""
        return next(t for t in await self.all(Transactions) if t.ocpp_transaction_id == ocpp_id)


def two_depots(slug: str) -> TenantSpec:
    """Return the test fleet twice: depot Central, and depot North, whose identities, tags and VINs begin with N."""
    spec = fleet_spec(slug)
    (central,) = spec.depots
    return replace(spec, depots=(central, _north(central)))


def _north(central: DepotSpec) -> DepotSpec:
    vehicles = tuple(
        replace(v, name=f"North {v.name}", vin=f"N{v.vin[1:]}", license_plate=f"N{v.license_plate}", id_tag=f"N-{v.id_tag}")
        for v in central.vehicles
    )
    return replace(central, name="North", supply=_renamed(central.supply), vehicles=vehicles)


def _renamed(node: NodeSpec) -> NodeSpec:
    return replace(
        node,
        name=f"North {node.name}",
        children=tuple(_renamed(child) for child in node.children),
        charge_points=tuple(replace(cp, identity=f"N-{cp.identity}") for cp in node.charge_points),
    )


async def busy_tenant(backend: Backend) -> Busy:
    """Make the tenant and let its morning happen."""
    slug = f"t-{uuid.uuid4().hex[:12]}"
    seeded = await seed(replace(backend, clock=lambda: MADE), two_depots(slug), lambda _: None)
    backend = replace(backend, clock=lambda: NOW, solver=Greedy())
    busy = Busy(backend, seeded, await online(replace(backend, clock=lambda: T0), seeded.tenant_id))
    await _charge(busy)
    await _rank(busy)
    await _confirm_limits(busy)
    for depot in await busy.all(Depots):
        await reports.write_daily_energy(backend, busy.tenant_id, depot.id, DAY)
    async with backend.unit_of_work(user(busy.tenant_id)) as work:
        for identity in ("CP-1", "CP-2", "N-CP-1"):
            payload = {"evse_no": 1, "limit_kw": 4.2}
            await commands.give(work, busy.stations[identity].charge_point_id, CommandKind.SET_DEFAULT_LIMIT, payload)
        await work.commit()
    for day in DAYS:
        await day.happen(busy)
    return busy


async def _charge(busy: Busy) -> None:
    for n, (identity, evse_no, tag, end) in enumerate(
        [
            ("CP-1", 1, "TAG-1", 1.0),
            ("CP-1", 1, "tag-1", None),
            ("CP-2", 1, "TAG-2", None),
            ("CP-3", 1, "NOBODY", None),
            ("CP-4", 1, "TAG-3", 2.0),
            ("CP-4", 2, "TAG-4", None),
            ("N-CP-1", 1, "N-TAG-1", 1.0),
            ("N-CP-1", 1, "N-TAG-1", None),
            ("N-CP-4", 1, "N-TAG-2", None),
        ],
        start=1,
    ):
        begin = T0 + n * timedelta(minutes=10) + (2 * HOUR if end is None else timedelta())
        station, ocpp_id = busy.stations[identity], f"tx-{n}"
        start = Report(at=begin, evse_no=evse_no, ocpp_transaction_id=ocpp_id, id_tag=tag, register_wh=1000.0 * n)
        await transactions.start(busy.backend, station, start)
        later = begin + timedelta(minutes=5)
        readings = [
            Reading(later, Measurand.ENERGY_REGISTER, 1000.0 * n + 100.0 * n, "Wh"),
            Reading(later, Measurand.POWER_IMPORT, 10.0 + n, "kW", location="Outlet", context="Sample.Periodic"),
            Reading(later, Measurand.SOC, 40.0 + n, "Percent"),
        ]
        update = Report(
            at=later, evse_no=evse_no, ocpp_transaction_id=ocpp_id, charging_state=ChargingState.CHARGING, seq_no=1, readings=readings
        )
        await transactions.start(busy.backend, station, update)
        await _status(busy, station, evse_no, ConnectorStatus.CHARGING, later)
        if end is not None:
            stop = Report(
                at=begin + end * HOUR, ocpp_transaction_id=ocpp_id, register_wh=1000.0 * n + 500.0 * n, stop_reason="EVDisconnected"
            )
            await transactions.end(busy.backend, station, stop)
            await _status(busy, station, evse_no, ConnectorStatus.AVAILABLE, begin + end * HOUR)


async def _status(busy: Busy, station: Station, evse_no: int, status: ConnectorStatus, at: datetime) -> None:
    await charge_points.status_changed(busy.backend, station, evse_no, 1, status, error_code=None, at=at)


async def _rank(busy: Busy) -> None:
    async def rank(rule: NewPriority) -> uuid.UUID:
        return (await priorities.set_priority(busy.backend, user(busy.tenant_id), replace(rule, reason=f"because {rule.level.name}"))).id

    vehicle = {v.name: v.id for v in await busy.all(Vehicles)}
    await rank(NewPriority(PriorityLevel.HIGH, vehicle_id=vehicle["Bus 1"]))
    await rank(NewPriority(PriorityLevel.LOW, charge_point_id=busy.stations["CP-1"].charge_point_id))
    await rank(NewPriority(PriorityLevel.HIGH, charge_point_id=busy.stations["CP-2"].charge_point_id))
    await rank(NewPriority(PriorityLevel.CRITICAL, charge_point_id=busy.stations["CP-4"].charge_point_id))
    await rank(NewPriority(PriorityLevel.LOW, transaction_id=(await busy.transaction("tx-6")).id))
    await rank(NewPriority(PriorityLevel.HIGH, vehicle_id=vehicle["North Bus 1"]))
    await rank(NewPriority(PriorityLevel.LOW, vehicle_id=vehicle["North Bus 2"]))
    cleared = await rank(NewPriority(PriorityLevel.CRITICAL, vehicle_id=vehicle["Bus 2"]))
    await priorities.clear_priority(busy.backend, user(busy.tenant_id), cleared)


async def _confirm_limits(busy: Busy) -> None:
    """Have the first EVSE of three charge points hold a limit; no transaction runs on the last of them."""
    limits_kw = {"CP-1": 11.0, "CP-2": 50.0, "CP-4": 7.0}
    identities = {cp.id: cp.identity for cp in await busy.all(ChargePoints)}
    async with busy.backend.unit_of_work(user(busy.tenant_id)) as work:
        for evse in await busy.all(Evses):
            limit_kw = limits_kw.get(identities[evse.charge_point_id])
            if limit_kw is not None and evse.evse_no == 1:
                await work.change(Evses, evse.id, limit_kw=limit_kw, in_force_kw=limit_kw, limit_at=NOW, limit_reason="Its share.")
        await work.commit()


async def announce(busy: Busy, kind: EventKind, aggregate_id: uuid.UUID, depot_id: uuid.UUID | None) -> None:
    """Write an event to the outbox, as a service would that has changed the aggregate."""
    async with busy.backend.unit_of_work(user(busy.tenant_id)) as work:
        work.publish(Event(kind, aggregate_id, depot_id))
        await work.commit()
