"""The load of power nodes over time: a row a node and five minutes, whoever looks and however often."""

import asyncio
from datetime import timedelta

import pytest

from ampyard.domain.supply import MeterReading, NodeLoad
from ampyard.domain.transactions import ChargingState, Measurand, Reading
from ampyard.repositories.supply import loads_of
from ampyard.services import transactions
from ampyard.services.backend import Backend
from ampyard.services.depots import archive_depot
from ampyard.services.node_loads import record_depot, record_node_loads
from ampyard.services.power_nodes import NewLimitException, add_limit_exception
from ampyard.services.site_meters import report_site_meter
from ampyard.services.transactions import Report
from tests.charging import station_of
from tests.sent import statements_sent
from tests.services.supplied import HOUR, NOW, Site, new_site

LOOK = timedelta(seconds=30)


@pytest.fixture
async def site(backend: Backend) -> Site:
    return await new_site(backend)


async def draws(site: Site, kw: float) -> None:
    """Have CP-3, on feeder 2, draw so much from now on."""
    station, now = await station_of(site.backend, site.tenant_id, "CP-3"), site.backend.clock()
    reading = Reading(now, Measurand.POWER_IMPORT, kw, "kW")
    report = Report(
        at=now, evse_no=1, ocpp_transaction_id="tx-1", id_tag="TAG-1", charging_state=ChargingState.CHARGING, readings=[reading]
    )
    await transactions.start(site.backend, station, report)


async def loads(site: Site, name: str) -> list[NodeLoad]:
    node = await site.node(name)
    async with site.backend.database.snapshot(site.tenant_id) as snapshot:
        return (await loads_of(snapshot, [node.id], NOW - HOUR, NOW + HOUR)).get(node.id, [])


async def look(site: Site) -> int:
    return await record_depot(site.backend, site.tenant_id, site.depot_id)


async def test_a_bucket_has_the_average_and_the_highest_of_what_was_seen(site: Site) -> None:
    grid = await site.node("Grid")
    await report_site_meter(site.backend, site.who, [(grid.id, MeterReading(NOW, 30.0))])
    await draws(site, 12.0)
    assert await look(site) == 3
    later = site.at(NOW + LOOK)
    await draws(later, 22.0)
    await add_limit_exception(later.backend, site.who, NewLimitException(grid.id, None, NOW + HOUR, 90.0, None, "Works"))
    assert await look(later) == 3

    (of_grid,), (of_feeder,), (of_other,) = await loads(site, "Grid"), await loads(site, "Feeder 2"), await loads(site, "Feeder 1")

    assert of_grid == NodeLoad(site.tenant_id, site.depot_id, grid.id, NOW, 2, 17.0, 22.0, 30.0, 0.0, 90.0)
    assert (of_feeder.measured_avg_kw, of_feeder.measured_max_kw, of_feeder.unmanaged_avg_kw, of_feeder.limit_kw) == (
        17.0,
        22.0,
        0.0,
        150.0,
    )
    assert (of_other.samples, of_other.measured_avg_kw) == (2, 0.0)


async def test_each_five_minutes_are_a_row(site: Site) -> None:
    for minutes in (0, 4, 5, 9, 12):
        await look(site.at(NOW + timedelta(minutes=minutes)))
    assert [(load.bucket_at - NOW, load.samples) for load in await loads(site, "Grid")] == [
        (timedelta(), 2),
        (timedelta(minutes=5), 2),
        (timedelta(minutes=10), 1),
    ]


async def test_workers_that_look_in_the_same_turn_count_once(site: Site) -> None:
    looks = [look(site.at(NOW + timedelta(seconds=s))) for s in (0, 3, 11, 29)]
    assert sorted(await asyncio.gather(*looks)) == [0, 0, 0, 3]
    assert await look(site.at(NOW + LOOK)) == 3
    # One that comes late with an older turn changes nothing.
    assert await look(site) == 0
    assert [load.samples for load in await loads(site, "Grid")] == [2]


async def test_every_depot_is_looked_at_but_archived_ones_in_one_statement_each(site: Site) -> None:
    with statements_sent() as sent:
        await look(site)
    assert len([statement for statement in sent if statement.startswith("INSERT INTO node_load")]) == 1
    assert await record_node_loads(site.at(NOW + LOOK).backend) >= 3
    await archive_depot(site.backend, site.who, site.depot_id)
    await record_node_loads(site.at(NOW + 2 * LOOK).backend)
    assert [load.samples for load in await loads(site, "Grid")] == [2]
