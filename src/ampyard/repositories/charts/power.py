import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import CTE, ColumnElement, FromClause, Select, func, or_, select

from ampyard.domain.charts import Chart, ChartBucket, ChartSpan, NodePowerPoint, PowerPoint, mean_kw
from ampyard.domain.transactions import Measurand
from ampyard.repositories import tables
from ampyard.repositories.charts.frame import Frame, drawn, frame, of_each, parents, rows_of, since_until, statement
from ampyard.repositories.database import Session

_LOADS = ["samples", "measured_avg_kw", "measured_max_kw", "unmanaged_avg_kw", "allocated_avg_kw", "limit_kw"]


async def power_of_nodes(
    session: Session, ids: Sequence[uuid.UUID], span: ChartSpan, now: datetime
) -> dict[uuid.UUID, Chart[NodePowerPoint]]:
    """Return the load of each power node."""
    node = tables.power_node

    def make(bucket: ChartBucket) -> Select[Any]:
        framed = frame(parents(node, node.c.depot_id))
        return statement(framed, _load_rows(bucket, framed), _load)

    return await drawn(session, "power_of_nodes", make, ids, span, NodePowerPoint, now=now)


async def power_of_depots(
    session: Session, ids: Sequence[uuid.UUID], span: ChartSpan, now: datetime
) -> dict[uuid.UUID, Chart[NodePowerPoint]]:
    """Return the load of each depot: that of the node which supplies all others."""
    depot, root = tables.depot, tables.power_node

    def make(bucket: ChartBucket) -> Select[Any]:
        charted = parents(depot, depot.c.id)
        parent = (
            select(charted.c.number, root.c.id, charted.c.zone)
            .join_from(charted, root, (root.c.depot_id == charted.c.id) & root.c.parent_id.is_(None), isouter=True)
            .cte("root")
        )
        framed = frame(parent)
        return statement(framed, _load_rows(bucket, framed), _load)

    return await drawn(session, "power_of_depots", make, ids, span, NodePowerPoint, now=now)


async def power_of_charge_points(
    session: Session, ids: Sequence[uuid.UUID], span: ChartSpan, now: datetime
) -> dict[uuid.UUID, Chart[PowerPoint]]:
    """Return the power of each charge point: by five minutes as its samples say, else from the energy of its transactions."""
    charge_point, sample = tables.charge_point, tables.meter_sample

    def make(bucket: ChartBucket) -> Select[Any]:
        framed = frame(parents(charge_point, charge_point.c.depot_id))
        if bucket is ChartBucket.FIVE_MINUTES:
            evse, parent = tables.evse, framed.parent
            return statement(
                framed, [_sampled(parent, sample.c.evse_id == evse.c.id, evse.c.charge_point_id == parent.c.id)], _mean_of_each
            )
        days, intervals = tables.charge_point_rollup, tables.energy_interval
        rows = rows_of(bucket, framed, days, "charge_point_id", intervals, ["energy_wh", "peak_kw"], same=["depot_id"])
        return statement(framed, rows, _energy_and_peak)

    return await drawn(session, "power_of_charge_points", make, ids, span, _point(span, now), now=now)


async def power_of_transactions(
    session: Session, ids: Sequence[uuid.UUID], span: ChartSpan, now: datetime
) -> dict[uuid.UUID, Chart[PowerPoint]]:
    """Return the power of each transaction, as for charge points."""
    transaction, sample, interval = tables.transaction, tables.meter_sample, tables.energy_interval

    def make(bucket: ChartBucket) -> Select[Any]:
        framed = frame(parents(transaction, transaction.c.depot_id))
        parent = framed.parent
        if bucket is ChartBucket.FIVE_MINUTES:
            return statement(framed, [_sampled(parent, sample.c.transaction_id == parent.c.id)], _mean_of_each)
        rows = select(interval.c.starts_at.label("at"), interval.c.energy_wh, interval.c.peak_kw).where(
            interval.c.transaction_id == parent.c.id, since_until(interval.c.starts_at)
        )
        return statement(framed, [of_each(parent, rows)], _energy_and_peak)

    return await drawn(session, "power_of_transactions", make, ids, span, _point(span, now), now=now)


def _point(span: ChartSpan, now: datetime) -> Any:
    def of_energy(starts_at: datetime, ends_at: datetime, energy_wh: float | None, peak_kw: float | None) -> PowerPoint:
        return PowerPoint(starts_at, ends_at, mean_kw(starts_at, ends_at, energy_wh, now=now), peak_kw)

    return PowerPoint if span.bucket is ChartBucket.FIVE_MINUTES else of_energy


def _load_rows(bucket: ChartBucket, framed: Frame) -> list[Select[Any]]:
    load, rollup, parent = tables.node_load, tables.node_rollup, framed.parent
    if bucket is not ChartBucket.FIVE_MINUTES:
        return rows_of(bucket, framed, rollup, "power_node_id", rollup, _LOADS)
    rows = select(load.c.bucket_at.label("at"), *(load.c[name] for name in _LOADS))
    return [of_each(parent, rows.where(load.c.power_node_id == parent.c.id, since_until(load.c.bucket_at)))]


def _load(rows: FromClause) -> list[ColumnElement[Any]]:
    def mean(name: str) -> ColumnElement[Any]:
        return (func.sum(rows.c[name] * rows.c.samples) / func.sum(rows.c.samples)).label(name)

    return [
        mean("measured_avg_kw"),
        func.max(rows.c.measured_max_kw).label("measured_max_kw"),
        mean("unmanaged_avg_kw"),
        mean("allocated_avg_kw"),
        func.min(rows.c.limit_kw).label("limit_kw"),
    ]


def _sampled(parent: CTE, *of_parent: ColumnElement[bool]) -> Select[Any]:
    """Return the samples of the power that is delivered, in kW: not those of single phases, nor those from elsewhere than the outlet."""
    sample = tables.meter_sample
    rows = select(sample.c.sampled_at.label("at"), sample.c.evse_id, (sample.c.value / 1000).label("kw")).where(
        *of_parent,
        sample.c.measurand == Measurand.POWER_IMPORT.value,
        sample.c.phase.is_(None),
        or_(sample.c.location.is_(None), sample.c.location == "Outlet"),
        since_until(sample.c.sampled_at),
    )
    return of_each(parent, rows)


def _mean_of_each(rows: FromClause) -> list[ColumnElement[Any]]:
    # The mean of what was sampled, for each of the EVSEs that sampled something.
    evses = func.count(rows.c.evse_id.distinct())
    return [(func.avg(rows.c.kw) * evses).label("mean_kw"), func.max(rows.c.kw).label("peak_kw")]


def _energy_and_peak(rows: FromClause) -> list[ColumnElement[Any]]:
    return [func.sum(rows.c.energy_wh).label("energy_wh"), func.max(rows.c.peak_kw).label("peak_kw")]
