"""Charts against a model: every interval put into its bucket by the zone's own clock, in Python."""

import random
import uuid
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert, update

from ampyard.domain.charts import ChartBucket, ChartSpan
from ampyard.domain.local_time import local_day, moment_of
from ampyard.repositories import charts, tables
from ampyard.repositories.charge_points import ChargePoints, Evses
from ampyard.repositories.depots import Depots
from ampyard.repositories.transactions import Transactions
from ampyard.repositories.vehicles import Vehicles
from ampyard.services import rollups
from ampyard.services.backend import Backend
from ampyard.services.large_fleet.plan import LargeFleet, Size
from tests.fleet import new_fleet, user

QUARTER = timedelta(minutes=15)
DAY = timedelta(days=1)
ZONES = ["Europe/Berlin", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Adelaide", "America/Havana", "Atlantic/Azores", "UTC"]
# Clocks change in Berlin, the Azores and Havana, and in Adelaide, within these weeks.
FROM = datetime(2026, 10, 1, tzinfo=UTC)
TO = datetime(2026, 11, 6, tzinfo=UTC)
NOW = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Charged:
    """A fleet in a zone, and the intervals of all its transactions."""

    backend: Backend
    tenant_id: uuid.UUID
    zone: str
    intervals: list[dict[str, Any]]
    transactions: list[Any]


@cache
def begin_of(moment: datetime, bucket: ChartBucket, zone: str) -> datetime:
    """Return when the bucket of a moment began, by the clocks of the zone."""
    day = local_day(moment, zone)
    if bucket is ChartBucket.WEEK:
        day -= timedelta(days=day.weekday())
    if bucket is ChartBucket.MONTH:
        day = day.replace(day=1)
    if bucket.is_of_days:
        return moment_of(day, time.min, zone)
    minutes = {ChartBucket.QUARTER_HOUR: 15, ChartBucket.HOUR: 60}[bucket]
    past = moment.astimezone(ZoneInfo(zone)).minute % minutes
    return moment.replace(second=0, microsecond=0) - timedelta(minutes=past)


async def charged(backend: Backend, zone: str) -> Charged:
    seeded = await new_fleet(replace(backend, clock=lambda: FROM - DAY))
    draw = random.Random(zone)
    async with backend.database.snapshot(seeded.tenant_id) as snapshot:
        (depot,) = await Depots(snapshot).where()
        points = {cp.id: cp for cp in await ChargePoints(snapshot).where()}
        evses = await Evses(snapshot).where(order_by=[Evses.table.c.id])
        vehicles = await Vehicles(snapshot).where(order_by=[Vehicles.table.c.id])
    plan = LargeFleet("template", 1, NOW, Size(1, 1, 1, 1))
    template = next(iter(plan.transactions(plan.first_day, plan.first_day + DAY)))
    intervals, transactions = [], []
    for evse in evses:
        at = FROM
        while at < TO:
            at += timedelta(hours=draw.uniform(1, 30))
            end = at + timedelta(hours=draw.uniform(0.1, 6))
            vehicle = draw.choice([*vehicles, None])
            tx = replace(
                template,
                id=uuid.UUID(int=draw.getrandbits(128)),
                tenant_id=seeded.tenant_id,
                depot_id=depot.id,
                charge_point_id=evse.charge_point_id,
                evse_id=evse.id,
                connector_id=None,
                vehicle_id=vehicle.id if vehicle else None,
                ocpp_transaction_id=f"{evse.id}{at}",
                started_at=at,
                ended_at=end,
            )
            transactions.append(tx)
            quarter = at - (at - FROM) % QUARTER
            while quarter < end:
                energy_wh = float(draw.randrange(0, 5000))
                intervals.append(
                    {
                        "tenant_id": seeded.tenant_id,
                        "transaction_id": tx.id,
                        "depot_id": depot.id,
                        "charge_point_id": evse.charge_point_id,
                        "evse_id": evse.id,
                        "vehicle_id": tx.vehicle_id,
                        "starts_at": quarter,
                        "energy_wh": energy_wh,
                        "peak_kw": energy_wh / 200,
                        "gap": False,
                    }
                )
                quarter += QUARTER
            at = end
    async with backend.unit_of_work(user(seeded.tenant_id)) as work:
        await work.session.execute(update(tables.depot).values(time_zone=zone))
        await work.add(Transactions, *transactions)
        await work.session.execute(insert(tables.energy_interval), intervals)
        await work.commit()
    assert len(points) == 4
    backend = replace(backend, clock=lambda: NOW)
    assert await rollups.roll_up(backend, seeded.tenant_id) > 0
    return Charged(backend, seeded.tenant_id, zone, intervals, transactions)


@pytest.fixture(scope="module")
async def fleets(backend: Backend) -> dict[str, Charged]:
    return {zone: await charged(backend, zone) for zone in ZONES}


async def drawn(
    fleet: Charged, kind: Any, ids: Any, bucket: ChartBucket, zone: str | None, begin: datetime = FROM, end: datetime = TO
) -> Any:
    async with fleet.backend.database.snapshot(fleet.tenant_id) as snapshot:
        return await kind(snapshot, ids, ChartSpan(begin, end, bucket, zone), NOW)


def summed(fleet: Charged, subject: str, bucket: ChartBucket, zone: str) -> dict[uuid.UUID, dict[datetime, float]]:
    sums: dict[uuid.UUID, dict[datetime, float]] = defaultdict(lambda: defaultdict(float))
    for interval in fleet.intervals:
        if interval[subject] is not None:
            sums[interval[subject]][begin_of(interval["starts_at"], bucket, zone)] += interval["energy_wh"]
    return sums


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("shown_in", [None, "Asia/Kathmandu"])
@pytest.mark.parametrize("bucket", [ChartBucket.DAY, ChartBucket.WEEK, ChartBucket.MONTH])
@pytest.mark.parametrize(
    ("kind", "subject"),
    [
        (charts.energy_of_depots, "depot_id"),
        (charts.energy_of_charge_points, "charge_point_id"),
        (charts.energy_of_vehicles, "vehicle_id"),
    ],
)
async def test_energy_is_in_the_bucket_that_clocks_say(
    fleets: dict[str, Charged], zone: str, shown_in: str | None, bucket: ChartBucket, kind: Any, subject: str
) -> None:
    fleet = fleets[zone]
    wanted = summed(fleet, subject, bucket, shown_in or zone)

    # Wide enough for all of it, however the buckets lie.
    found = await drawn(fleet, kind, list(wanted), bucket, shown_in, FROM - 32 * DAY, TO + 8 * DAY)

    assert set(found) == set(wanted)
    for subject_id, chart in found.items():
        assert chart.time_zone == (shown_in or zone)
        assert {p.starts_at: p.energy_wh for p in chart.points if p.energy_wh is not None} == pytest.approx(dict(wanted[subject_id]))
        # Buckets follow one another without a gap.
        assert all(a.ends_at == b.starts_at for a, b in zip(chart.points, chart.points[1:], strict=False))
        assert chart.points[0].starts_at <= FROM - 32 * DAY < chart.points[0].ends_at
        assert chart.points[-1].starts_at < TO + 8 * DAY <= chart.points[-1].ends_at


@pytest.mark.parametrize("bucket", [ChartBucket.DAY, ChartBucket.MONTH])
async def test_what_is_in_a_group_twice_is_counted_once(fleets: dict[str, Charged], bucket: ChartBucket) -> None:
    fleet = fleets["Australia/Adelaide"]
    async with fleet.backend.database.snapshot(fleet.tenant_id) as snapshot:
        (depot,) = await Depots(snapshot).where()
        points = await ChargePoints(snapshot).where(order_by=[ChargePoints.table.c.identity])
    groups = {name: uuid.uuid4() for name in ("all", "below", "points", "empty")}
    parents = {"below": "all"}
    members = [("all", "depot_id", depot.id), ("below", "depot_id", depot.id)]
    members += [(name, "charge_point_id", point.id) for name in ("points", "below") for point in points[:2]]
    async with fleet.backend.unit_of_work(user(fleet.tenant_id)) as work:
        for name, group_id in groups.items():
            parent_id = groups.get(parents.get(name, ""))
            named = {"tenant_id": fleet.tenant_id, "id": group_id, "name": f"{name} {bucket}", "parent_id": parent_id}
            await work.session.execute(insert(tables.resource_group).values(**named))
        for name, column, member_id in members:
            member = {"tenant_id": fleet.tenant_id, "id": uuid.uuid4(), "resource_group_id": groups[name], column: member_id}
            await work.session.execute(insert(tables.resource_group_member).values(**member))
        await work.commit()

    found = await drawn(fleet, charts.energy_of_resource_groups, list(groups.values()), bucket, None)

    def total(name: str) -> float:
        return sum(point.energy_wh or 0.0 for point in found[groups[name]].points)

    of_points = {point.id for point in points[:2]}
    whole_wh = sum(interval["energy_wh"] for interval in fleet.intervals)
    some_wh = sum(interval["energy_wh"] for interval in fleet.intervals if interval["charge_point_id"] in of_points)
    if bucket is ChartBucket.MONTH:  # whose buckets hold all there is
        assert [total(name) for name in groups] == pytest.approx([whole_wh, whole_wh, some_wh, 0.0])
    assert total("all") == pytest.approx(total("below"))
    assert found[groups["all"]].time_zone == "Australia/Adelaide"
    # Where there is no depot there is no clock but that of UTC.
    assert (found[groups["empty"]].time_zone, {point.energy_wh for point in found[groups["empty"]].points}) == ("UTC", {None})


async def test_a_group_of_vehicles_took_what_its_vehicles_took(fleets: dict[str, Charged]) -> None:
    fleet = fleets["Asia/Kolkata"]
    async with fleet.backend.database.snapshot(fleet.tenant_id) as snapshot:
        vehicles = await Vehicles(snapshot).where(order_by=[Vehicles.table.c.id])
    group_id, empty_id = uuid.uuid4(), uuid.uuid4()
    async with fleet.backend.unit_of_work(user(fleet.tenant_id)) as work:
        for one, name in ((group_id, "some"), (empty_id, "none")):
            await work.session.execute(insert(tables.vehicle_group).values(tenant_id=fleet.tenant_id, id=one, name=name))
        for vehicle in vehicles[:2]:
            member = {"tenant_id": fleet.tenant_id, "id": uuid.uuid4(), "vehicle_group_id": group_id, "vehicle_id": vehicle.id}
            await work.session.execute(insert(tables.vehicle_group_member).values(**member))
        await work.commit()
    of_group = {vehicle.id for vehicle in vehicles[:2]}
    wanted: dict[datetime, float] = defaultdict(float)
    for interval in fleet.intervals:
        if interval["vehicle_id"] in of_group:
            wanted[begin_of(interval["starts_at"], ChartBucket.DAY, fleet.zone)] += interval["energy_wh"]

    found = await drawn(fleet, charts.energy_of_vehicle_groups, [group_id, empty_id], ChartBucket.DAY, None, FROM - 2 * DAY, TO + 2 * DAY)

    assert found[group_id].time_zone == "Asia/Kolkata"
    assert {p.starts_at: p.energy_wh for p in found[group_id].points if p.energy_wh is not None} == pytest.approx(dict(wanted))
    assert {p.energy_wh for p in found[empty_id].points} == {None}
