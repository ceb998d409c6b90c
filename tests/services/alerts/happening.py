"""What alerts are about, made to happen."""

from datetime import datetime, time, timedelta
from uuid import UUID

from sqlalchemy import insert, update

from ampyard.domain.charge_points import OcppVersion
from ampyard.domain.ids import new_id
from ampyard.domain.job_runs import JobRunState
from ampyard.domain.local_time import Weekday
from ampyard.domain.readiness import Risk
from ampyard.domain.reports import DAILY_ENERGY_JOB
from ampyard.domain.transactions import ChargingState, Transaction
from ampyard.repositories import tables
from ampyard.repositories.depots import Depots
from ampyard.repositories.vehicles import Vehicles
from ampyard.services import charge_points
from tests.charging import charge
from tests.services.alerts.watch import Watch


async def lose(here: Watch, identity: str = "CP-1") -> None:
    await charge_points.disconnected(here.backend, here.stations[identity])


async def find(here: Watch, identity: str = "CP-1") -> None:
    await charge_points.connected(here.backend, here.stations[identity], OcppVersion.V16)


async def stand_still(here: Watch, **values: object) -> Transaction:
    """Have a vehicle plugged in at CP-1 that may have 11 kW and takes nothing."""
    transaction = await charge(here.backend, here.stations["CP-1"], (here.now, 0.0))
    facts = {"charging_state": ChargingState.EV_CONNECTED, "power_kw": 0.0, **values}
    async with here.backend.unit_of_work(here.admin) as work:
        table = tables.transaction
        await work.session.execute(update(table).where(table.c.id == transaction.id).values(**facts))
        await work.session.execute(update(tables.evse).where(tables.evse.c.id == transaction.evse_id).values(limit_kw=11.0))
        await work.commit()
    return transaction


async def plan_downtime(here: Watch) -> None:
    """Have CP-1 down as planned from ten minutes after now for an hour."""
    async with here.backend.unit_of_work(here.admin) as work:
        down = {
            "id": new_id(),
            "tenant_id": here.tenant_id,
            "charge_point_id": here.stations["CP-1"].charge_point_id,
            "starts_at": here.now + timedelta(minutes=10),
            "ends_at": here.now + timedelta(minutes=70),
            "reason": "Maintenance",
            "author": "user:tester",
        }
        await work.session.execute(insert(tables.planned_downtime), [down])
        await work.commit()


async def assign(here: Watch, departs_at: datetime) -> dict[str, UUID]:
    """Have Bus 1 leave at a time; returns its assignment, vehicle and depot."""
    async with here.backend.unit_of_work(here.admin) as work:
        (vehicle, *_) = await Vehicles(work.session).where(order_by=[Vehicles.table.c.name])
        ids = {"assignment_id": new_id(), "vehicle_id": vehicle.id, "depot_id": vehicle.depot_id}
        block = {
            "id": new_id(),
            "tenant_id": here.tenant_id,
            "name": "Line 1",
            "energy_kwh": 100.0,
            "weekdays": frozenset(Weekday),
            "first_day": departs_at.date(),
            "enabled": True,
            "return_days_later": 0,
        }
        for place, at in (("departure", time(18)), ("return", time(20))):
            block |= {f"{place}_depot_id": vehicle.depot_id, f"{place}_time": at, f"{place}_zone": "Europe/Berlin"}
        await work.session.execute(insert(tables.block), [block])
        assignment = {
            "id": ids["assignment_id"],
            "tenant_id": here.tenant_id,
            "block_id": block["id"],
            "vehicle_id": vehicle.id,
            "depot_id": vehicle.depot_id,
            "day": departs_at.date(),
            "departs_at": departs_at,
            "returns_at": departs_at + timedelta(hours=2),
            "author": "user:tester",
        }
        await work.session.execute(insert(tables.assignment), [assignment])
        await work.commit()
    return ids


async def foresee(here: Watch, ids: dict[str, UUID], departs_at: datetime, risk: Risk) -> None:
    async with here.backend.unit_of_work(here.admin) as work:
        record = {
            "id": new_id(),
            "tenant_id": here.tenant_id,
            **ids,
            "departs_at": departs_at,
            "recorded_at": here.now,
            "at_departure": False,
            "risk": risk,
            "reason": "So it seems.",
            "reserve_kwh": 0.0,
            "shortfall_kwh": 12.5,
        }
        await work.session.execute(insert(tables.readiness_record), [record])
        await work.commit()


async def run_report(here: Watch, state: JobRunState, day: str = "2026-11-01") -> None:
    async with here.backend.unit_of_work(here.admin) as work:
        (depot,) = await Depots(work.session).where()
        run = {
            "id": new_id(),
            "tenant_id": here.tenant_id,
            "kind": DAILY_ENERGY_JOB,
            "state": state,
            "attempts": 5,
            "payload": {"tenant_id": str(here.tenant_id), "depot_id": str(depot.id), "day": day},
            "error": "TimeoutError; the worker's log tells more.",
            "created_at": here.now,
            "finished_at": here.now if state in {JobRunState.FAILED, JobRunState.SUCCEEDED} else None,
        }
        await work.session.execute(insert(tables.job_run), [run])
        await work.commit()
