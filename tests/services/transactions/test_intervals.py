"""The stored energy of each quarter-hour follows the registers, however they come."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from ampyard.domain.energy import EnergyInterval
from ampyard.domain.transactions import Measurand, Reading
from ampyard.repositories.energy_intervals import intervals_of
from ampyard.repositories.tables import energy_interval
from ampyard.repositories.transactions import Transactions
from ampyard.services import transactions
from ampyard.services.backend import Backend
from ampyard.services.charge_points import Station
from ampyard.services.transactions import Report
from ampyard.services.transactions.intervals import spread_overdue
from tests.charging import charge, finish, measure, station_of
from tests.fleet import new_fleet, user

T0 = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return T0 + timedelta(minutes=minutes)


async def stored(backend: Backend, station: Station, transaction_id: uuid.UUID) -> list[EnergyInterval]:
    async with backend.database.snapshot(station.tenant_id) as snapshot:
        return (await intervals_of(snapshot, [transaction_id])).get(transaction_id, [])


async def wh(backend: Backend, station: Station, transaction_id: uuid.UUID) -> list[tuple[float, float]]:
    return [((i.starts_at - T0) / timedelta(minutes=1), i.energy_wh) for i in await stored(backend, station, transaction_id)]


async def new_station(backend: Backend) -> Station:
    return await station_of(backend, (await new_fleet(backend)).tenant_id)


async def test_intervals_grow_with_the_registers_and_are_whole_at_the_end(backend: Backend) -> None:
    cp = await new_station(backend)
    running = await charge(backend, cp, (at(5), 1000.0), (at(10), 1500.0))
    assert await wh(backend, cp, running.id) == [(0, 500.0)]

    await measure(backend, cp, running.ocpp_transaction_id, [(at(15), 2000.0), (at(20), 2500.0), (at(40), 4500.0)])
    assert await wh(backend, cp, running.id) == [(0, 1000.0), (15, 1500.0), (30, 1000.0)]

    ended = (await finish(backend, cp, running, (at(50), 5000.5))).transaction
    found = await stored(backend, cp, running.id)
    assert await wh(backend, cp, running.id) == [(0, 1000.0), (15, 1500.0), (30, 1250.25), (45, 250.25)]
    assert sum(interval.energy_wh for interval in found) == ended.energy_wh == 4000.5
    # ... and a repetition changes nothing
    await finish(backend, cp, running, (at(50), 5000.5))
    await measure(backend, cp, running.ocpp_transaction_id, [(at(15), 2000.0)])
    assert await stored(backend, cp, running.id) == found


async def test_what_comes_late_is_put_where_it_belongs(backend: Backend) -> None:
    cp = await new_station(backend)
    running = await charge(backend, cp, (at(0), 0.0), (at(60), 6000.0))
    before = await stored(backend, cp, running.id)
    assert [(i.energy_wh, i.gap) for i in before] == [(1500.0, True)] * 4

    await measure(backend, cp, running.ocpp_transaction_id, [(at(15), 0.0), (at(30), 3000.0), (at(45), 6000.0)])
    after = await stored(backend, cp, running.id)
    assert [(i.energy_wh, i.gap) for i in after] == [(0.0, False), (3000.0, False), (3000.0, False), (0.0, False)]


async def test_peaks_are_those_measured_with_phases_added_up(backend: Backend) -> None:
    cp = await new_station(backend)
    running = await charge(backend, cp, (at(0), 0.0))
    readings = [
        Reading(at(10), Measurand.ENERGY_REGISTER, 1000.0, "Wh"),
        Reading(at(5), Measurand.POWER_IMPORT, 9.0, "kW"),
        Reading(at(10), Measurand.POWER_IMPORT, 7.5, "kW"),
        *(Reading(at(20), Measurand.POWER_IMPORT, 4000.0, "W", phase=phase) for phase in ("L1", "L2", "L3")),
        Reading(at(25), Measurand.POWER_IMPORT, 99.0, "kW", location="Body"),
        Reading(at(40), Measurand.ENERGY_REGISTER, 7000.0, "Wh"),
    ]
    await transactions.measured(backend, cp, 1, readings, ocpp_transaction_id=running.ocpp_transaction_id)

    # where none was measured, the mean: 2,000 Wh in ten minutes
    assert [i.peak_kw for i in await stored(backend, cp, running.id)] == [9.0, 12.0, 12.0]


async def test_a_vehicle_that_becomes_known_later_is_named_in_all_of_them(backend: Backend) -> None:
    cp = await new_station(backend)
    start = Report(at=at(0), evse_no=1, ocpp_transaction_id="tx", register_wh=0.0)
    await transactions.start(backend, cp, start)
    await measure(backend, cp, "tx", [(at(10), 1000.0)])
    known = await transactions.start(backend, cp, replace(start, at=at(11), id_tag="TAG-1", register_wh=None, begins=False))

    async with backend.database.snapshot(cp.tenant_id) as snapshot:
        rows = await snapshot.fetch(energy_interval.select())
    assert [(row.vehicle_id, row.energy_wh) for row in rows] == [(known.transaction.vehicle_id, 1000.0)]
    assert known.transaction.vehicle_id is not None


async def test_an_abandoned_transaction_whose_end_comes_late_has_its_intervals_anew(backend: Backend) -> None:
    cp = await new_station(backend)
    lost = await charge(backend, cp, (at(0), 0.0), (at(10), 1000.0))
    await charge(backend, cp, (at(60), 5000.0))
    assert await wh(backend, cp, lost.id) == [(0, 1000.0)]

    await finish(backend, cp, lost, (at(30), 3000.0))
    assert await wh(backend, cp, lost.id) == [(0, 1500.0), (15, 1500.0)]


async def test_transactions_from_before_there_were_intervals_get_theirs(backend: Backend) -> None:
    cp = await new_station(backend)
    old = await charge(backend, cp, (at(0), 0.0), (at(10), 1000.0), end=(at(20), 2000.0))
    async with backend.unit_of_work(user(cp.tenant_id)) as work:
        await work.session.execute(energy_interval.delete())
        await work.change(Transactions, old.id, register_at=None)
        await work.commit()

    assert await spread_overdue(backend) >= 1
    assert await wh(backend, cp, old.id) == [(0, 1500.0), (15, 500.0)]
    assert await spread_overdue(backend) == 0
