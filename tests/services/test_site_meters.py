"""Site meters: readings in any order, late, repeated, of several nodes at once; all or none are taken."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from ampyard.domain.access import Role, Scope
from ampyard.domain.errors import ForbiddenError, InvalidInputError, NotFoundError
from ampyard.domain.ids import new_id
from ampyard.domain.supply import MeterReading, UnmanagedSource
from ampyard.repositories import tables
from ampyard.repositories.supply import Supply
from ampyard.services.backend import Backend
from ampyard.services.power_nodes import edit_power_node
from ampyard.services.site_meters import report_site_meter
from tests.fleet import user
from tests.grants import confined, group_of
from tests.services.supplied import HOUR, NOW, Site, new_site

MINUTE = timedelta(minutes=1)


@pytest.fixture
async def site(backend: Backend) -> Site:
    return await new_site(backend)


def reading(minutes_ago: float, kw: float, *amperes: float | None) -> MeterReading:
    l1_a, l2_a, l3_a = (*amperes, None, None, None)[:3]
    return MeterReading(NOW - minutes_ago * MINUTE, kw, l1_a, l2_a, l3_a)


async def kept(site: Site) -> list[tuple[float, float]]:
    """Return the readings as (minutes ago, kW), oldest first."""
    column = tables.site_meter_reading.c
    async with site.backend.database.snapshot(site.tenant_id) as snapshot:
        rows = await snapshot.fetch(select(column.measured_at, column.kw).order_by(column.measured_at, column.power_node_id))
    return [((NOW - row.measured_at) / MINUTE, row.kw) for row in rows]


async def counted(site: Site, name: str) -> tuple[float, UnmanagedSource]:
    node = await site.node(name)
    async with site.backend.database.snapshot(site.tenant_id) as snapshot:
        load = (await Supply(snapshot).states([node.id], at=NOW))[node.id].unmanaged(NOW)
    return load.kw, load.source


async def test_the_newest_reading_counts_in_whatever_order_they_come(site: Site) -> None:
    grid, feeder = await site.node("Grid"), await site.node("Feeder 1")

    nodes, added = await report_site_meter(
        site.backend, site.who, [(grid.id, reading(2, 40.0)), (feeder.id, reading(1, 5.0)), (grid.id, reading(3, 90.0))]
    )

    assert ({node.name for node in nodes}, added) == ({"Grid", "Feeder 1"}, 3)
    assert await counted(site, "Grid") == (40.0, UnmanagedSource.METER)
    assert await counted(site, "Feeder 1") == (5.0, UnmanagedSource.METER)
    # A late one is kept and changes nothing; a newer one counts.
    await report_site_meter(site.backend, site.who, [(grid.id, reading(4, 10.0))])
    assert await counted(site, "Grid") == (40.0, UnmanagedSource.METER)
    await report_site_meter(site.backend, site.who, [(grid.id, reading(0, 15.0, 10.0, 12.0, 14.0))])
    assert await counted(site, "Grid") == (15.0, UnmanagedSource.METER)
    assert await kept(site) == [(4.0, 10.0), (3.0, 90.0), (2.0, 40.0), (1.0, 5.0), (0.0, 15.0)]
    # At the grid connection it is that of all nodes below it, too.
    assert (await site.power("Grid")).unmanaged_kw == 20.0


async def test_a_repeated_reading_does_no_harm(site: Site) -> None:
    grid = await site.node("Grid")
    once = [(grid.id, reading(1, 40.0)), (grid.id, reading(1, 40.0))]
    assert (await report_site_meter(site.backend, site.who, once))[1] == 1
    assert (await report_site_meter(site.backend, site.who, [*once, (grid.id, reading(1, 99.0))]))[1] == 0
    assert await kept(site) == [(1.0, 40.0)]
    assert await counted(site, "Grid") == (40.0, UnmanagedSource.METER)


async def test_reports_at_the_same_time_of_the_same_nodes_do_not_stand_in_each_others_way(site: Site) -> None:
    nodes = [await site.node(name) for name in ("Grid", "Feeder 1", "Feeder 2")]
    reports = [[(node.id, reading(n, 10.0 + n)) for node in (nodes if n % 2 else nodes[::-1])] for n in range(8)]
    done = await asyncio.gather(*(report_site_meter(site.backend, site.who, one) for one in reports))
    assert [added for _, added in done] == [3] * 8
    assert await counted(site, "Grid") == (10.0, UnmanagedSource.METER)


async def test_a_meter_that_falls_silent_shrinks_what_can_be_shared(site: Site) -> None:
    grid = await site.node("Grid")
    await edit_power_node(site.backend, site.who, grid.id, unmanaged_fallback_kw=60.0, site_meter_max_age_s=120)
    await report_site_meter(site.backend, site.who, [(grid.id, reading(2, 40.0))])
    assert await counted(site, "Grid") == (40.0, UnmanagedSource.METER)
    assert (await site.at(NOW + MINUTE).power("Grid")).unmanaged_kw == 60.0
    await edit_power_node(site.backend, site.who, grid.id, unmanaged_fallback_kw=None)
    await report_site_meter(site.backend, site.who, [(grid.id, reading(9, 75.0))])
    assert (await site.at(NOW + MINUTE).power("Grid")).unmanaged_kw == 75.0


async def test_the_highest_of_each_phase_is_kept_for_when_it_falls_silent(site: Site) -> None:
    grid = await site.node("Grid")
    told = [reading(5, 6.9, 20.0, None, 5.0), reading(4, 6.9, 8.0, 30.0, 5.0)]
    await report_site_meter(site.backend, site.who, [(grid.id, one) for one in told])
    await report_site_meter(site.backend, site.who, [(grid.id, reading(3, 6.9, None, 10.0, 9.0))])
    async with site.backend.database.snapshot(site.tenant_id) as snapshot:
        state = (await Supply(snapshot).states([grid.id], at=NOW))[grid.id]
    assert state.meter is not None
    assert (state.meter.highest_kw, state.meter.highest_l1_a, state.meter.highest_l2_a, state.meter.highest_l3_a) == (6.9, 20.0, 30.0, 9.0)
    assert state.unmanaged(NOW).line_a == pytest.approx((10.0, 10.0, 9.0), abs=0.5)
    assert state.unmanaged(NOW + HOUR).line_a == pytest.approx((20.0, 30.0, 10.0))


@pytest.mark.parametrize(
    ("wrong", "path", "message"),
    [
        (reading(-3, 10.0), "measuredAt", "is in the future"),
        (reading(1, float("nan")), "kw", "nan kW is out of range"),
        (reading(1, 1e7), "kw", "1e[+]07 kW is out of range"),
        (reading(1, 10.0, 5.0, float("inf")), "l2A", "inf A is out of range"),
    ],
)
async def test_what_no_meter_tells_is_refused_with_all_the_rest(site: Site, wrong: MeterReading, path: str, message: str) -> None:
    grid = await site.node("Grid")
    before = await site.everything()
    with pytest.raises(InvalidInputError, match=message) as refused:
        await report_site_meter(site.backend, site.who, [(grid.id, reading(1, 40.0)), (grid.id, wrong)])
    assert refused.value.path == ("input", "readings", "1", path)
    assert await site.everything() == before


async def test_there_is_a_most_and_a_least_of_readings(site: Site) -> None:
    grid = await site.node("Grid")
    for count in (0, 1001):
        with pytest.raises(InvalidInputError, match=f"There are {count} readings; give 1 to 1000 at once"):
            await report_site_meter(site.backend, site.who, [(grid.id, reading(1, 40.0))] * count)
    many = [(grid.id, replace(reading(0, 40.0), measured_at=NOW - timedelta(seconds=n))) for n in range(1000)]
    assert (await report_site_meter(site.backend, site.who, many))[1] == 1000


async def test_who_may_not_is_told_so_and_a_stranger_finds_nothing(site: Site) -> None:
    grid = await site.node("Grid")
    inside = await group_of(site.backend, site.tenant_id, name="Inside", depot_id=site.depot_id)
    outside = await group_of(site.backend, site.tenant_id, name="Outside")
    before = await site.everything()
    told = [(grid.id, reading(1, 40.0))]
    with pytest.raises(ForbiddenError):
        await report_site_meter(site.backend, user(site.tenant_id, Scope.FLEET_READ, Scope.DEPOTS_WRITE), told)
    with pytest.raises(NotFoundError, match="There is no such power node"):
        await report_site_meter(site.backend, confined(site.tenant_id, outside), told)
    with pytest.raises(NotFoundError, match="There is no such power node"):
        await report_site_meter(site.backend, site.who, [*told, (new_id(), reading(1, 1.0))])
    assert await site.everything() == before
    assert (await report_site_meter(site.backend, confined(site.tenant_id, inside, role=Role.OPERATOR), told))[1] == 1
