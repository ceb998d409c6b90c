"""Roll-ups follow what is reported, however late and however often, and are the same when they are made again."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select, update

from ampyard.domain.supply import NodeLoad
from ampyard.repositories import rollups as repository
from ampyard.repositories import tables
from ampyard.repositories.depots import Depots, PowerNodes
from ampyard.repositories.supply import record_loads
from ampyard.services import rollups
from ampyard.services.backend import Backend
from ampyard.services.charge_points import Station
from tests.charging import charge, finish, measure, station_of
from tests.fleet import new_fleet, user

# 8:00 in Berlin.
T0 = datetime(2026, 11, 2, 7, 0, tzinfo=UTC)
MIDNIGHT = datetime(2026, 11, 2, 23, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
QUARTER = timedelta(minutes=15)
ROLLUPS = (tables.depot_rollup, tables.charge_point_rollup, tables.vehicle_rollup, tables.node_rollup)


def at(backend: Backend, moment: datetime) -> Backend:
    return replace(backend, clock=lambda: moment)


async def new(backend: Backend) -> tuple[uuid.UUID, Station]:
    tenant_id = (await new_fleet(at(backend, T0 - 24 * HOUR))).tenant_id
    return tenant_id, await station_of(backend, tenant_id)


async def everything(backend: Backend, tenant_id: uuid.UUID) -> dict[str, list[Any]]:
    async with backend.database.snapshot(tenant_id) as snapshot:
        return {table.name: sorted(map(tuple, await snapshot.fetch(select(table))), key=repr) for table in ROLLUPS}


async def days(backend: Backend, tenant_id: uuid.UUID) -> dict[datetime, tuple[float | None, float]]:
    """Return energy and plugged-in hours of each day of the depot."""
    column = tables.depot_rollup.c
    async with backend.database.snapshot(tenant_id) as snapshot:
        rows = await snapshot.fetch(select(column.starts_at, column.energy_wh, column.plugged_s).where(column.of_day))
    return {row[0]: (row[1], row[2] / 3600) for row in rows}


async def test_a_transaction_is_in_the_roll_ups_of_its_days_and_made_again_they_are_the_same(backend: Backend) -> None:
    tenant_id, station = await new(backend)
    await charge(backend, station, (MIDNIGHT - HOUR, 1000.0), (MIDNIGHT, 5000.0), end=(MIDNIGHT + 2 * HOUR, 6000.0))
    later = at(backend, MIDNIGHT + 5 * HOUR)

    assert await rollups.roll_up(later, tenant_id) > 0

    assert await days(backend, tenant_id) == {MIDNIGHT - 24 * HOUR: (4000.0, 1.0), MIDNIGHT: (1000.0, 2.0)}
    made = await everything(backend, tenant_id)
    assert {name: len(rows) for name, rows in made.items()} == {
        "depot_rollup": 12 + 2,
        "charge_point_rollup": 2,
        "vehicle_rollup": 2,
        "node_rollup": 0,
    }
    assert await rollups.roll_up(later, tenant_id) == 0
    async with later.unit_of_work(user(tenant_id)) as work:
        (depot,) = await Depots(work.session).where()
        whole = repository.DepotTime(depot.id, MIDNIGHT, MIDNIGHT + 24 * HOUR, depot.time_zone)
        await repository.refresh(work.session, [whole], now=work.now)
        await work.commit()
    assert await everything(backend, tenant_id) == made


async def test_what_comes_late_is_in_the_day_it_was_of(backend: Backend) -> None:
    tenant_id, station = await new(backend)
    transaction = await charge(backend, station, (T0, 1000.0), end=(T0 + HOUR, 3000.0))
    await rollups.roll_up(at(backend, T0 + 60 * HOUR), tenant_id)
    assert await days(backend, tenant_id) == {MIDNIGHT - 24 * HOUR: (2000.0, 1.0)}

    await measure(backend, station, transaction.ocpp_transaction_id, [(T0 + HOUR / 2, 2900.0)])
    await charge(backend, station, (T0 - 26 * HOUR, 0.0), end=(T0 - 25 * HOUR, 500.0), id_tag="TAG-2")
    await rollups.roll_up(at(backend, T0 + 61 * HOUR), tenant_id)

    assert await days(backend, tenant_id) == {MIDNIGHT - 24 * HOUR: (2000.0, 1.0), MIDNIGHT - 48 * HOUR: (500.0, 1.0)}
    column = tables.depot_rollup.c
    async with backend.database.snapshot(tenant_id) as snapshot:
        rows = await snapshot.fetch(
            select(column.starts_at, column.energy_wh).where(column.starts_at >= T0, column.of_day.is_(False)).order_by(column.starts_at)
        )
    assert [row[1] for row in rows] == [950.0, 950.0, 50.0, 50.0]


async def test_time_passes_for_who_is_plugged_in_without_a_word(backend: Backend) -> None:
    tenant_id, station = await new(backend)
    transaction = await charge(backend, station, (T0, 1000.0))
    for hours in (1, 3):
        await rollups.roll_up(at(backend, T0 + hours * HOUR), tenant_id)
        assert (await days(backend, tenant_id))[MIDNIGHT - 24 * HOUR][1] == hours
    await finish(backend, station, transaction, (T0 + 2 * HOUR, 1000.0))
    await rollups.roll_up(at(backend, T0 + 4 * HOUR), tenant_id)
    assert (await days(backend, tenant_id))[MIDNIGHT - 24 * HOUR][1] == 2


async def test_days_are_others_where_clocks_are_said_to_be_others(backend: Backend) -> None:
    tenant_id, station = await new(backend)
    await charge(backend, station, (MIDNIGHT - HOUR, 0.0), (MIDNIGHT, 100.0), end=(MIDNIGHT + HOUR, 150.0))
    await rollups.roll_up(at(backend, MIDNIGHT + 9 * HOUR), tenant_id)
    async with backend.unit_of_work(user(tenant_id)) as work:
        await work.session.execute(update(tables.depot).values(time_zone="Asia/Kolkata"))
        await work.commit()

    await rollups.roll_up(at(backend, MIDNIGHT + 9 * HOUR), tenant_id)

    # 23:00 UTC is 4:30 in the morning there.
    assert await days(backend, tenant_id) == {datetime(2026, 11, 2, 18, 30, tzinfo=UTC): (150.0, 2.0)}


async def test_loads_are_rolled_up_as_they_come(backend: Backend) -> None:
    tenant_id, _ = await new(backend)
    column = tables.node_rollup.c
    asked = select(column.starts_at, column.of_day, column.samples, column.measured_avg_kw, column.measured_max_kw, column.limit_kw)
    for n in range(5):
        async with at(backend, T0 + n * QUARTER / 3).unit_of_work(user(tenant_id)) as work:
            (root,) = await PowerNodes(work.session).where(PowerNodes.table.c.parent_id.is_(None))
            load = NodeLoad(tenant_id, root.depot_id, root.id, T0 + n * QUARTER / 3, 10, 10.0 * n, 12.0 * n, 5.0, 20.0, 200.0 - n)
            await record_loads(work.session, [load], sampled_at=work.now)
            await work.commit()
        await rollups.roll_up(at(backend, T0 + n * QUARTER / 3), tenant_id)
    async with backend.database.snapshot(tenant_id) as snapshot:
        rows = sorted(map(tuple, await snapshot.fetch(asked)))
    assert rows == [
        (MIDNIGHT - 24 * HOUR, True, 50, 20.0, 48.0, 196.0),
        (T0, False, 30, 10.0, 24.0, 198.0),
        (T0 + QUARTER, False, 20, 35.0, 48.0, 196.0),
    ]


async def test_a_tenant_is_rolled_up_by_one_at_a_time(backend: Backend) -> None:
    tenant_id, station = await new(backend)
    await charge(backend, station, (T0, 0.0), end=(T0 + HOUR, 100.0))
    async with backend.unit_of_work(user(tenant_id)) as work:
        assert await repository.try_lock(work.session, tenant_id)
        assert await rollups.roll_up(at(backend, T0 + 2 * HOUR), tenant_id) == 0
    assert await days(backend, tenant_id) == {}
    await rollups.roll_up(at(backend, T0 + 2 * HOUR), tenant_id)
    assert await days(backend, tenant_id) == {MIDNIGHT - 24 * HOUR: (100.0, 1.0)}
