import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Double,
    FromClause,
    Interval,
    Select,
    Table,
    and_,
    bindparam,
    cast,
    column,
    func,
    literal,
    select,
    true,
)

from ampyard.domain.charts import Chart, ChartBucket, ChartSpan, Evses, ReadinessPoint, UtilisationPoint, utilisation
from ampyard.repositories import tables
from ampyard.repositories.charts.frame import (
    EPOCH,
    INSTANT,
    MOMENT,
    NOTHING,
    QUARTER_HOUR,
    Frame,
    days_of,
    drawn,
    frame,
    of_each,
    parents,
    rows_of,
    statement,
)
from ampyard.repositories.database import Session

# As for roll-ups: no transaction is looked for that began longer than this before.
_LONGEST_TRANSACTION = literal(timedelta(days=31), Interval())
_USED = ["energy_wh", "plugged_s"]


async def utilisation_of_depots(
    session: Session, ids: Sequence[uuid.UUID], span: ChartSpan, now: datetime
) -> dict[uuid.UUID, Chart[UtilisationPoint]]:
    """Return how much the EVSEs of each depot were used."""
    depot, charge_point, rollup = tables.depot, tables.charge_point, tables.depot_rollup

    def make(bucket: ChartBucket) -> Select[Any]:
        framed = _with_evses(depot, depot.c.id, charge_point.c.depot_id == depot.c.id)
        return _used(framed, rows_of(bucket, framed, rollup, "depot_id", rollup, _USED))

    return await drawn(session, "utilisation_of_depots", make, ids, span, _utilisation(now), now=now)


async def utilisation_of_charge_points(
    session: Session, ids: Sequence[uuid.UUID], span: ChartSpan, now: datetime
) -> dict[uuid.UUID, Chart[UtilisationPoint]]:
    """Return how much the EVSEs of each charge point were used."""
    here, days, intervals = tables.charge_point, tables.charge_point_rollup, tables.energy_interval

    def make(bucket: ChartBucket) -> Select[Any]:
        of_same = tables.charge_point.alias("of_same")
        framed = _with_evses(here, here.c.depot_id, of_same.c.id == here.c.id, charge_point=of_same)
        day = days_of(framed, days, "charge_point_id", [*_USED, "depot_id"], framed.parent)
        energy = rows_of(bucket, framed, days, "charge_point_id", intervals, _USED, same=["depot_id"], day=day)
        return _used(framed, [*energy, _plugged(framed.parent, day if bucket.is_of_days else None)])

    return await drawn(session, "utilisation_of_charge_points", make, ids, span, _utilisation(now), now=now)


async def readiness_of_depots(
    session: Session, ids: Sequence[uuid.UUID], span: ChartSpan, now: datetime
) -> dict[uuid.UUID, Chart[ReadinessPoint]]:
    """Return for how many departures of each depot the vehicle was ready."""
    depot, rollup = tables.depot, tables.depot_rollup

    def make(bucket: ChartBucket) -> Select[Any]:
        framed = frame(parents(depot, depot.c.id))
        return statement(framed, rows_of(bucket, framed, rollup, "depot_id", rollup, ["departures", "ready_departures"]), _departures)

    def point(starts_at: datetime, ends_at: datetime, departures: int | None, ready: int | None) -> ReadinessPoint:
        return ReadinessPoint(starts_at, ends_at, departures or 0, ready or 0)

    return await drawn(session, "readiness_of_depots", make, ids, span, point, now=now)


def _departures(rows: FromClause) -> list[ColumnElement[Any]]:
    return [func.sum(rows.c[name]).label(name) for name in ("departures", "ready_departures")]


def _with_evses(
    subject: Table, depot_id: ColumnElement[Any], hangs_there: ColumnElement[bool], *, charge_point: FromClause = tables.charge_point
) -> Frame:
    """Return the frame of what is charted with the EVSEs it has now: how many, what they deliver together at most, and since when."""
    evse = tables.evse
    there = (
        select(
            func.count(evse.c.id).label("evses"),
            func.sum(evse.c.max_power_kw).label("max_power_kw"),
            func.min(evse.c.created_at).label("since"),
        )
        .select_from(charge_point.join(evse, evse.c.charge_point_id == charge_point.c.id))
        .where(hangs_there)
        .correlate(subject)
        .lateral("there")
    )
    return frame(
        parents(subject, depot_id, there.c.evses, there.c.max_power_kw, there.c.since, given_to=lambda source: source.join(there, true()))
    )


def _used(framed: Frame, rows: Sequence[Select[Any]]) -> Select[Any]:
    def values(part: FromClause) -> list[ColumnElement[Any]]:
        return [func.sum(part.c[name]).label(name) for name in _USED]

    there = framed.parent.c
    return statement(framed, rows, values, there.evses, there.max_power_kw, there.since)


def _utilisation(now: datetime) -> Callable[..., UtilisationPoint]:
    def point(
        starts_at: datetime,
        ends_at: datetime,
        energy_wh: float | None,
        plugged_s: float | None,
        number: int,
        power_kw: float | None,
        since: datetime | None,
    ) -> UtilisationPoint:
        evses = None if power_kw is None or since is None else Evses(number, power_kw, since)
        return utilisation(starts_at, ends_at, energy_wh, plugged_s, evses, now=now)

    return point


def _plugged(parent: CTE, day: CTE | None) -> Select[Any]:
    """Return how long vehicles were plugged in at charge points, by quarter-hour; where a roll-up by day says it, nothing."""
    tx = tables.transaction
    begin: ColumnElement[Any] = func.date_bin(QUARTER_HOUR, bindparam("lowest", type_=MOMENT), EPOCH)
    end: ColumnElement[Any] = bindparam("highest", type_=MOMENT)
    of_same: list[ColumnElement[bool]] = []
    if day is not None:
        parent, begin, end, of_same = day, day.c.starts_at, day.c.ends_at, [tx.c.depot_id == day.c.depot_id]
    until = func.coalesce(tx.c.ended_at, bindparam("now", type_=MOMENT))
    overlaps = and_(
        tx.c.charge_point_id == parent.c.id,
        tx.c.started_at < end,
        tx.c.started_at > begin - _LONGEST_TRANSACTION,
        until > begin,
        *of_same,
    )
    first = func.date_bin(QUARTER_HOUR, func.greatest(tx.c.started_at, begin), EPOCH)
    quarter = (
        func.generate_series(first, func.least(until, end) - INSTANT, QUARTER_HOUR)
        .table_valued(column("at", MOMENT), name="quarter")
        .render_derived()
        .lateral("quarter")
    )
    seconds = func.extract("epoch", func.least(quarter.c.at + QUARTER_HOUR, until) - func.greatest(quarter.c.at, tx.c.started_at))
    rows = select(quarter.c.at, NOTHING.label("energy_wh"), cast(seconds, Double()).label("plugged_s"))
    plugged = of_each(parent, rows.select_from(tx.join(quarter, true())).where(overlaps))
    return plugged if day is None else plugged.where(day.c.whole.is_(False))
