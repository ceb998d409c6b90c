"""What the statements of all charts have in common: one statement for many parents, with the buckets of each one's own time zone.

A row of a roll-up by day is used where it lies within one bucket; else the finer rows are, which fit every zone.
"""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any, TypeVar

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    DateTime,
    Double,
    FromClause,
    Integer,
    Interval,
    Select,
    Table,
    Text,
    Uuid,
    and_,
    bindparam,
    column,
    func,
    literal,
    null,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

from ampyard.domain.charts import Chart, ChartBucket, ChartSpan
from ampyard.repositories import tables
from ampyard.repositories.database import Session
from ampyard.repositories.repository import UuidArray
from ampyard.repositories.statements import Query, recall

P = TypeVar("P")

MOMENT = DateTime(timezone=True)
QUARTER_HOUR = literal(timedelta(minutes=15), Interval())
INSTANT = literal(timedelta(microseconds=1), Interval())
EPOCH = literal(datetime(1970, 1, 1, tzinfo=UTC), MOMENT)
NOTHING: ColumnElement[Any] = null().cast(Double())

# How far the buckets may reach beyond what is asked for, at either end: they are whole ones.
_BEYOND = {
    ChartBucket.FIVE_MINUTES: timedelta(minutes=5),
    ChartBucket.QUARTER_HOUR: timedelta(minutes=15),
    ChartBucket.HOUR: timedelta(hours=2),
    ChartBucket.DAY: timedelta(days=2),
    ChartBucket.WEEK: timedelta(days=8),
    ChartBucket.MONTH: timedelta(days=32),
}


def parents(
    subject: Table,
    depot_id: ColumnElement[Any] | None,
    *more: ColumnElement[Any],
    given_to: Callable[[FromClause], FromClause] = lambda it: it,
) -> CTE:
    """Return what is charted: its number among those asked for, its id, and the zone whose time its chart keeps.

    Args:
        subject: the table of what is charted.
        depot_id: says which depot's zone it is unless told; None: UTC.
        more: further columns, of what `given_to` adds to the tables that are read.
        given_to: see `more`.
    """
    depot = tables.depot
    given = (
        func.unnest(bindparam("ids", type_=UuidArray()))
        .table_valued(column("id", Uuid), with_ordinality="number", name="given")
        .render_derived()
    )
    zone: ColumnElement[Any] = func.coalesce(bindparam("zone", type_=Text()), "UTC")
    source: FromClause = given.join(subject, subject.c.id == given.c.id)
    if depot_id is not None:
        zone = func.coalesce(bindparam("zone", type_=Text()), depot.c.time_zone, "UTC")
        if subject is not depot:
            # What is within reach may be of a depot that is not.
            source = source.outerjoin(depot, depot.c.id == depot_id)
    return select(given.c.number, given.c.id, zone.label("zone"), *more).select_from(given_to(source)).cte("parent")


def since_until(moment: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return that a moment is near what is asked for: what the database finds rows, and skips months, by."""
    return and_(moment >= bindparam("lowest", type_=MOMENT), moment < bindparam("highest", type_=MOMENT))


@dataclass(frozen=True, slots=True)
class Frame:
    """What a chart is drawn into: what is charted (`parents`), the buckets of each zone among them, and each zone's as a scale."""

    parent: CTE
    bucket: CTE
    scale: CTE


def frame(parent: CTE) -> Frame:
    """Return the frame of the charts of some parents."""
    zone = select(parent.c.zone).distinct().subquery("zone")
    found = (
        func.ampyard_buckets(
            bindparam("bucket", type_=Text()), bindparam("from_at", type_=MOMENT), bindparam("to_at", type_=MOMENT), zone.c.zone
        )
        .table_valued(column("starts_at", MOMENT), column("ends_at", MOMENT), with_ordinality="place", name="found")
        .render_derived()
        .lateral("found")
    )
    bucket = select(zone.c.zone, found.c.place, found.c.starts_at, found.c.ends_at).select_from(zone.join(found, true())).cte("bucket")
    starts = func.array_agg(aggregate_order_by(bucket.c.starts_at, bucket.c.starts_at))
    scale = (
        select(bucket.c.zone, starts.label("starts"), func.min(bucket.c.starts_at).label("begin"), func.max(bucket.c.ends_at).label("end"))
        .group_by(bucket.c.zone)
        .cte("scale")
    )
    return Frame(parent, bucket, scale)


def statement(
    frame: Frame, rows: Sequence[Select[Any]], values: Callable[[FromClause], list[ColumnElement[Any]]], *shown: ColumnElement[Any]
) -> Select[Any]:
    """Return the statement of a chart: for each parent (by number) and bucket, in order, a row of number, zone, begin, end and values.

    Args:
        frame: what it is drawn into.
        rows: what there is: each a select of number, zone, `at`, and what `values` are made of.
        values: aggregates over the rows of a bucket.
        shown: columns of the frame's `parent` that follow the values.
    """
    parent, bucket, scale = frame.parent, frame.bucket, frame.scale
    part = (rows[0] if len(rows) == 1 else union_all(*rows)).subquery("part")
    place = func.width_bucket(part.c.at, scale.c.starts, type_=BigInteger())
    value = (
        select(part.c.number, place.label("place"), *values(part))
        .join_from(part, scale, and_(scale.c.zone == part.c.zone, part.c.at >= scale.c.begin, part.c.at < scale.c.end))
        .group_by(part.c.number, place)
        .subquery("value")
    )
    here = and_(value.c.number == parent.c.number, value.c.place == bucket.c.place)
    return (
        select(parent.c.number, parent.c.zone, bucket.c.starts_at, bucket.c.ends_at, *list(value.c)[2:], *shown)
        .select_from(parent.join(bucket, bucket.c.zone == parent.c.zone).outerjoin(value, here))
        .order_by(parent.c.number, bucket.c.starts_at)
    )


async def drawn(
    session: Session,
    name: str,
    make: Callable[[ChartBucket], Select[Any]],
    ids: Sequence[uuid.UUID],
    span: ChartSpan,
    point: Callable[..., P],
    *,
    now: datetime,
) -> dict[uuid.UUID, Chart[P]]:
    """Return the charts of these parents, by id; `point` makes a point of begin, end and values. A statement is made once for a bucket."""
    compiled = recall((drawn, name, span.bucket), lambda: Query(make(span.bucket)))
    beyond = _BEYOND[span.bucket]
    parameters = {
        "ids": list(ids),
        "zone": span.time_zone,
        "bucket": span.bucket.value,
        "from_at": span.from_at,
        "to_at": span.to_at,
        "lowest": span.from_at - beyond,
        "highest": span.to_at + beyond,
        "now": now,
    }
    charts = {}
    for number, of_parent in groupby(await session.records(compiled, parameters), key=lambda record: record[0]):
        records = list(of_parent)
        charts[ids[number - 1]] = Chart(span.bucket, records[0][1], tuple(point(*record[2:]) for record in records))
    return charts


def rows_of(
    bucket: ChartBucket,
    frame: Frame,
    days: Table,
    subject: str,
    finer: Table,
    values: Sequence[str],
    *,
    same: Sequence[str] = (),
    of: CTE | None = None,
    day: CTE | None = None,
) -> list[Select[Any]]:
    """Return the rows of a chart: those of days that lie within a bucket, and the finer ones of days that do not.

    Args:
        bucket: of the chart; what is shorter than a day is made of the finer rows alone.
        frame: what it is drawn into.
        days: a roll-up; where it has an `of_day`, of that kind alone.
        subject: the column in both by which rows belong to what is charted.
        finer: what a day consists of.
        values: the columns that are charted; one that `finer` lacks is nothing there.
        same: further columns by which a finer row belongs to a day.
        of: whose rows they are, as number, id and zone; what is charted itself, unless told.
        day: what `days_of` has made of the days, where it is needed for more than this.
    """
    parent = frame.parent if of is None else of
    of_quarter = [finer.c.of_day.is_(False)] if "of_day" in finer.c else []
    of_finer = [finer.c[name] if name in finer.c else NOTHING.label(name) for name in values]
    rows = select(finer.c.starts_at.label("at"), *of_finer).where(*of_quarter)
    if not bucket.is_of_days:
        return [of_each(parent, rows.where(finer.c[subject] == parent.c.id, since_until(finer.c.starts_at)))]
    # Read once, for both kinds of days.
    day = day if day is not None else days_of(frame, days, subject, [*values, *same], parent)
    within = [finer.c[subject] == day.c.id, finer.c.starts_at >= day.c.starts_at, finer.c.starts_at < day.c.ends_at]
    return [
        select(day.c.number, day.c.zone, day.c.starts_at.label("at"), *(day.c[name] for name in values)).where(day.c.whole),
        of_each(day, rows.where(*within, *(finer.c[name] == day.c[name] for name in same))).where(day.c.whole.is_(False)),
    ]


def of_each(parent: CTE, rows: Select[Any]) -> Select[Any]:
    """Return the rows of one parent after the other, with its number and zone.

    Asked for together, the database does not know how few there are of each, and would rather read a whole table.
    """
    of_one = rows.correlate(parent).offset(0).lateral("of_one")
    return select(parent.c.number, parent.c.zone, *of_one.c).select_from(parent.join(of_one, true()))


def days_of(frame: Frame, days: Table, subject: str, columns: Sequence[str], parent: CTE) -> CTE:
    """Return the rows by day of what is charted, and of each whether it is `whole`: within one bucket.

    They are where the chart keeps the time that they were made for, and most days of a month are in any zone.
    """
    day, scale = days.alias("day"), frame.scale
    starts, last = scale.c.starts, day.c.ends_at - INSTANT
    within_one = func.width_bucket(day.c.starts_at, starts, type_=Integer()) == func.width_bucket(last, starts, type_=Integer())
    whole = or_(day.c.time_zone == scale.c.zone, and_(within_one, day.c.ends_at <= scale.c.end))
    return (
        select(
            parent.c.number,
            parent.c.id,
            parent.c.zone,
            day.c.starts_at,
            day.c.ends_at,
            whole.label("whole"),
            *(day.c[it] for it in dict.fromkeys(columns)),
        )
        .where(
            day.c[subject] == parent.c.id,
            scale.c.zone == parent.c.zone,
            since_until(day.c.starts_at),
            *([day.c.of_day] if "of_day" in day.c else []),
        )
        .cte(f"{days.name}_day")
    )


def energy(rows: FromClause) -> list[ColumnElement[Any]]:
    """Return the value of charts of energy."""
    return [func.sum(rows.c.energy_wh).label("energy_wh")]
