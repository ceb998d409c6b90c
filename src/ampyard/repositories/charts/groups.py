"""Energy of groups: of what is in them, each counted once. Unless told, a group's chart keeps the time that most of its depots keep."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import CTE, ColumnElement, Select, Text, Uuid, bindparam, column, exists, func, select, union_all

from ampyard.domain.charts import Chart, ChartBucket, ChartSpan, EnergyPoint
from ampyard.repositories import tables
from ampyard.repositories.charts.frame import drawn, energy, frame, rows_of, statement
from ampyard.repositories.database import Session
from ampyard.repositories.repository import UuidArray


async def energy_of_resource_groups(
    session: Session, ids: Sequence[uuid.UUID], span: ChartSpan, now: datetime
) -> dict[uuid.UUID, Chart[EnergyPoint]]:
    """Return the energy charged at the depots and charge points that are in each group or in one below it."""
    return await drawn(session, "energy_of_resource_groups", _of_resource_groups, ids, span, EnergyPoint, now=now)


def _of_resource_groups(bucket: ChartBucket) -> Select[Any]:
    group, member, charge_point = tables.resource_group, tables.resource_group_member, tables.charge_point
    given = _given()
    below = select(given.c.number, given.c.id).cte("below", recursive=True)
    below = below.union(select(below.c.number, group.c.id).where(group.c.parent_id == below.c.id))
    of_group = member.c.resource_group_id == below.c.id
    depot = select(below.c.number, member.c.depot_id.label("id")).distinct().where(of_group, member.c.depot_id.is_not(None)).cte("depots")
    # A charge point whose depot is in the group, too, is counted with that.
    counted = exists().where(depot.c.number == below.c.number, depot.c.id == charge_point.c.depot_id)
    point = (
        select(below.c.number, charge_point.c.id, charge_point.c.depot_id)
        .distinct()
        .where(of_group, member.c.charge_point_id == charge_point.c.id, ~counted)
        .cte("points")
    )
    framed = frame(_in_time_of_most(given, select(depot.c.number, depot.c.id.label("depot_id")), select(point.c.number, point.c.depot_id)))
    zone = framed.parent.c
    depots = select(depot.c.number, depot.c.id, zone.zone).where(zone.number == depot.c.number).cte("zoned_depots")
    points = select(point.c.number, point.c.id, zone.zone).where(zone.number == point.c.number).cte("zoned_points")
    of_depot, of_point = tables.depot_rollup, tables.charge_point_rollup
    rows = [
        *rows_of(bucket, framed, of_depot, "depot_id", of_depot, ["energy_wh"], of=depots),
        *rows_of(bucket, framed, of_point, "charge_point_id", tables.energy_interval, ["energy_wh"], same=["depot_id"], of=points),
    ]
    return statement(framed, rows, energy)


async def energy_of_vehicle_groups(
    session: Session, ids: Sequence[uuid.UUID], span: ChartSpan, now: datetime
) -> dict[uuid.UUID, Chart[EnergyPoint]]:
    """Return the energy that the vehicles of each group took, in whatever depot."""
    return await drawn(session, "energy_of_vehicle_groups", _of_vehicle_groups, ids, span, EnergyPoint, now=now)


def _of_vehicle_groups(bucket: ChartBucket) -> Select[Any]:
    member, vehicle = tables.vehicle_group_member, tables.vehicle
    given = _given()
    in_group = (
        select(given.c.number, vehicle.c.id, vehicle.c.depot_id)
        .where(member.c.vehicle_group_id == given.c.id, vehicle.c.id == member.c.vehicle_id)
        .cte("in_group")
    )
    framed = frame(_in_time_of_most(given, select(in_group.c.number, in_group.c.depot_id)))
    zone = framed.parent.c
    vehicles = select(in_group.c.number, in_group.c.id, zone.zone).where(zone.number == in_group.c.number).cte("zoned_vehicles")
    days, intervals = tables.vehicle_rollup, tables.energy_interval
    rows = rows_of(bucket, framed, days, "vehicle_id", intervals, ["energy_wh"], same=["depot_id"], of=vehicles)
    return statement(framed, rows, energy)


def _given() -> CTE:
    return (
        select(
            func.unnest(bindparam("ids", type_=UuidArray()))
            .table_valued(column("id", Uuid), with_ordinality="number", name="given")
            .render_derived()
        )
    ).cte("given")


def _in_time_of_most(given: CTE, *members: Select[Any]) -> CTE:
    """Return the groups with their zones; `members` are selects of number and depot."""
    depot = tables.depot
    member = (members[0] if len(members) == 1 else union_all(*members)).subquery("member")
    of_most: ColumnElement[Any] = (
        select(func.mode().within_group(depot.c.time_zone))
        .where(member.c.number == given.c.number, depot.c.id == member.c.depot_id)
        .correlate(given)
        .scalar_subquery()
    )
    return select(given.c.number, given.c.id, func.coalesce(bindparam("zone", type_=Text()), of_most, "UTC").label("zone")).cte("parent")
