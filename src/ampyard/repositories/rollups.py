"""Making roll-ups: whole days of depots at a time, always from the records, so that making them again changes _NO_VALUE."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    ARRAY,
    CTE,
    ColumnElement,
    DateTime,
    Delete,
    Double,
    Insert,
    Integer,
    Interval,
    Select,
    Table,
    Text,
    Uuid,
    and_,
    bindparam,
    cast,
    column,
    delete,
    false,
    func,
    insert,
    literal,
    null,
    select,
    true,
    union_all,
)

from ampyard.domain.transactions import TransactionState
from ampyard.repositories import tables
from ampyard.repositories.database import Session, WriteSession

TABLES = (tables.depot_rollup, tables.node_rollup, tables.charge_point_rollup, tables.vehicle_rollup)

_MOMENT = DateTime(timezone=True)
_QUARTER_HOUR = literal(timedelta(minutes=15), Interval())
_INSTANT = literal(timedelta(microseconds=1), Interval())
_EPOCH = literal(datetime(1970, 1, 1, tzinfo=UTC), _MOMENT)
_NO_VALUE: ColumnElement[Any] = null().cast(Double())
_NO_NUMBER: ColumnElement[Any] = null().cast(Integer())
# No transaction is looked for that began longer than this before the day in question.
_LONGEST_TRANSACTION = literal(timedelta(days=31), Interval())
# Clocks that go back make a day of 25 hours; one in another zone overlaps with it.
_LONGEST_DAY = timedelta(hours=26)


@dataclass(frozen=True, slots=True)
class Change:
    """That something about the energy or the transactions of a depot has changed, of a time."""

    depot_id: uuid.UUID
    from_at: datetime
    to_at: datetime


@dataclass(frozen=True, slots=True, order=True)
class DepotTime:
    """A time at a depot, for the most part one of its local days in `time_zone`."""

    depot_id: uuid.UUID
    starts_at: datetime
    ends_at: datetime
    time_zone: str


async def try_lock(session: WriteSession, tenant_id: uuid.UUID) -> bool:
    """Take the lock of a tenant's roll-ups until the end of the transaction; returns False, at once, when another holds it."""
    key = func.hashtextextended(f"rollups {tenant_id}", 0)
    return bool((await session.fetch(select(func.pg_try_advisory_xact_lock(key))))[0][0])


async def take_changes(session: WriteSession, *, at_most: int) -> list[Change]:
    """Take the oldest changes off the list: they are dealt with when the session's transaction is committed."""
    change = tables.rollup_change
    oldest = select(change.c.id).order_by(change.c.id).limit(at_most)
    taken = delete(change).where(change.c.id.in_(oldest)).returning(change.c.depot_id, change.c.from_at, change.c.to_at)
    return [Change(*row) for row in await session.fetch(taken)]


async def depots_in_use(session: Session) -> list[uuid.UUID]:
    """Return the depots in which a transaction runs: time passes there without anybody reporting it."""
    tx = tables.transaction
    statement = select(tx.c.depot_id).where(tx.c.state == TransactionState.ACTIVE).distinct()
    return [row[0] for row in await session.fetch(statement)]


async def refresh(session: WriteSession, days: Sequence[DepotTime], *, now: datetime) -> None:
    """Make the roll-ups of energy, plugged-in time and departures of these days anew; what runs counts until `now`."""
    await _replace(
        session,
        (tables.depot_rollup, tables.charge_point_rollup, tables.vehicle_rollup),
        (_depot_quarters(), _depot_days(), _charge_point_days(), _vehicle_days()),
        days,
        now=now,
    )


async def loads_to_roll_up(session: Session) -> list[DepotTime]:
    """Return, of each depot that has loads which are not rolled up, or were when their quarter-hour was not over, the time they are of."""
    load, rollup, depot = tables.node_load, tables.node_rollup, tables.depot
    rolled = select(func.max(rollup.c.starts_at)).where(rollup.c.depot_id == depot.c.id, rollup.c.of_day.is_(False))
    first, last = (
        select(edge(load.c.bucket_at)).where(load.c.depot_id == depot.c.id).correlate(depot).scalar_subquery()
        for edge in (func.min, func.max)
    )
    since = func.coalesce(rolled.correlate(depot).scalar_subquery(), func.date_bin(_QUARTER_HOUR, first, _EPOCH))
    rows = await session.fetch(select(depot.c.id, since, last + _QUARTER_HOUR, depot.c.time_zone).where(last >= since))
    return [DepotTime(*row) for row in rows]


async def has_loads(session: Session, depot_id: uuid.UUID) -> bool:
    """Return whether loads of a depot's nodes are rolled up."""
    rollup = tables.node_rollup
    return bool(await session.fetch(select(rollup.c.power_node_id).where(rollup.c.depot_id == depot_id).limit(1)))


async def refresh_loads(session: WriteSession, times: Sequence[DepotTime], days: Sequence[DepotTime]) -> None:
    """Make the roll-ups of the loads of power nodes anew: by quarter-hour of these times, and by day of the days they are in."""
    await _replace(session, (tables.node_rollup,), (_node_quarters(),), times)
    await _replace(session, (), (_node_days(),), days)


async def drop_before(session: WriteSession, day: date) -> int:
    """Drop the months of roll-ups that were over by then, of all tenants; returns how many tables went."""
    return int((await session.fetch(select(func.ampyard_drop_rollups(day))))[0][0])


async def _replace(
    session: WriteSession, outdated: Sequence[Table], made: Sequence[Insert], times: Sequence[DepotTime], **more: Any
) -> None:
    if not times:
        return
    parameters = {
        "depots": [time.depot_id for time in times],
        "starts": [time.starts_at for time in times],
        "ends": [time.ends_at for time in times],
        "zones": [time.time_zone for time in times],
    }
    # The two bounds say _NO_VALUE new; they let the database skip months.
    bounds = {"lowest": min(time.starts_at for time in times) - _LONGEST_DAY, "highest": max(time.ends_at for time in times)}
    for table in outdated:
        await session.execute(_outdated(table), parameters | bounds)
    for statement in made:
        await session.execute(statement, parameters | more)


def _times() -> CTE:
    given = func.unnest(
        bindparam("depots", type_=ARRAY(Uuid())),
        bindparam("starts", type_=ARRAY(_MOMENT)),
        bindparam("ends", type_=ARRAY(_MOMENT)),
        bindparam("zones", type_=ARRAY(Text())),
    ).table_valued(
        column("depot_id", Uuid), column("starts_at", _MOMENT), column("ends_at", _MOMENT), column("time_zone", Text), name="given"
    )
    given = given.render_derived()
    return select(func.ampyard_tenant(type_=Uuid()).label("tenant_id"), *given.c).cte("time")


def _outdated(table: Table) -> Delete:
    time = _times()
    return delete(table).where(
        table.c.depot_id == time.c.depot_id,
        # By overlap: days may have begun at another time, in another zone.
        table.c.starts_at < time.c.ends_at,
        table.c.ends_at > time.c.starts_at,
        table.c.starts_at > bindparam("lowest", type_=_MOMENT),
        table.c.starts_at < bindparam("highest", type_=_MOMENT),
    )


def _within(moment: ColumnElement[Any], time: CTE) -> ColumnElement[bool]:
    return (moment >= time.c.starts_at) & (moment < time.c.ends_at)


def _stays(time: CTE) -> CTE:
    """Return the transactions of each depot from its first time to its last, `until` their end or `now`.

    They are read once for all of these times: for each by itself, those of a month before it would be looked at again and again.
    """
    tx = tables.transaction
    span = (
        select(time.c.depot_id, func.min(time.c.starts_at).label("starts_at"), func.max(time.c.ends_at).label("ends_at"))
        .group_by(time.c.depot_id)
        .cte("span")
    )
    until = func.coalesce(tx.c.ended_at, bindparam("now", type_=_MOMENT))
    return (
        select(tx.c.depot_id, tx.c.charge_point_id, tx.c.started_at, until.label("until"))
        .where(
            tx.c.depot_id == span.c.depot_id,
            tx.c.started_at < span.c.ends_at,
            tx.c.started_at > span.c.starts_at - _LONGEST_TRANSACTION,
            until > span.c.starts_at,
        )
        .cte("stay")
        .prefix_with("MATERIALIZED")
    )


def _overlaps(stay: CTE, time: CTE) -> ColumnElement[bool]:
    return and_(stay.c.depot_id == time.c.depot_id, stay.c.started_at < time.c.ends_at, stay.c.until > time.c.starts_at)


def _seconds(begin: ColumnElement[Any], until: ColumnElement[Any]) -> ColumnElement[float]:
    return cast(func.extract("epoch", until - begin), Double())


def _depot_quarters() -> Insert:
    time, interval = _times(), tables.energy_interval
    stay = _stays(time)
    energy = select(
        time.c.tenant_id,
        time.c.depot_id,
        interval.c.starts_at,
        interval.c.energy_wh,
        _NO_VALUE.label("plugged_s"),
        _NO_NUMBER.label("departures"),
        _NO_NUMBER.label("ready"),
    ).where(interval.c.depot_id == time.c.depot_id, _within(interval.c.starts_at, time))
    first = func.date_bin(_QUARTER_HOUR, func.greatest(stay.c.started_at, time.c.starts_at), _EPOCH)
    quarter = (
        func.generate_series(first, func.least(stay.c.until, time.c.ends_at) - _INSTANT, _QUARTER_HOUR)
        .table_valued(column("at", _MOMENT), name="quarter")
        .render_derived()
        .lateral("quarter")
    )
    begin, end = func.greatest(quarter.c.at, stay.c.started_at), func.least(quarter.c.at + _QUARTER_HOUR, stay.c.until)
    plugged = select(time.c.tenant_id, time.c.depot_id, quarter.c.at, _NO_VALUE, _seconds(begin, end), _NO_NUMBER, _NO_NUMBER).select_from(
        time.join(stay, _overlaps(stay, time)).join(quarter, true())
    )
    left = tables.readiness_record
    departed = select(
        time.c.tenant_id,
        time.c.depot_id,
        func.date_bin(_QUARTER_HOUR, left.c.departs_at, _EPOCH),
        _NO_VALUE,
        _NO_VALUE,
        literal(1, Integer()),
        cast(func.coalesce(left.c.ready, false()), Integer()),
    ).where(left.c.at_departure, left.c.depot_id == time.c.depot_id, _within(left.c.departs_at, time))
    parts = union_all(energy, plugged, departed).subquery("part")
    return _insert(
        tables.depot_rollup,
        select(
            parts.c.tenant_id,
            parts.c.depot_id,
            false().label("of_day"),
            parts.c.starts_at,
            (parts.c.starts_at + _QUARTER_HOUR).label("ends_at"),
            func.sum(parts.c.energy_wh).label("energy_wh"),
            func.coalesce(func.sum(parts.c.plugged_s), 0.0).label("plugged_s"),
            func.coalesce(func.sum(parts.c.departures), 0).label("departures"),
            func.coalesce(func.sum(parts.c.ready), 0).label("ready_departures"),
        ).group_by(parts.c.tenant_id, parts.c.depot_id, parts.c.starts_at),
    )


def _depot_days() -> Insert:
    day, quarter = _times(), tables.depot_rollup
    return _insert(
        tables.depot_rollup,
        select(
            day.c.tenant_id,
            day.c.depot_id,
            true().label("of_day"),
            day.c.starts_at,
            day.c.ends_at,
            day.c.time_zone,
            *(func.sum(quarter.c[name]).label(name) for name in ("energy_wh", "plugged_s", "departures", "ready_departures")),
        )
        .where(quarter.c.depot_id == day.c.depot_id, quarter.c.of_day.is_(False), _within(quarter.c.starts_at, day))
        .group_by(*day.c),
    )


def _charge_point_days() -> Insert:
    day, interval = _times(), tables.energy_interval
    energy = select(*day.c, interval.c.charge_point_id, interval.c.energy_wh, interval.c.peak_kw, _NO_VALUE.label("plugged_s")).where(
        interval.c.depot_id == day.c.depot_id, _within(interval.c.starts_at, day)
    )
    stay = _stays(day)
    seconds = _seconds(func.greatest(stay.c.started_at, day.c.starts_at), func.least(stay.c.until, day.c.ends_at))
    plugged = select(*day.c, stay.c.charge_point_id, _NO_VALUE, _NO_VALUE, seconds).where(_overlaps(stay, day))
    parts = union_all(energy, plugged).subquery("part")
    key = [*(parts.c[it.name] for it in day.c), parts.c.charge_point_id]
    return _insert(
        tables.charge_point_rollup,
        select(
            *key,
            func.sum(parts.c.energy_wh).label("energy_wh"),
            func.max(parts.c.peak_kw).label("peak_kw"),
            func.coalesce(func.sum(parts.c.plugged_s), 0.0).label("plugged_s"),
        ).group_by(*key),
    )


def _vehicle_days() -> Insert:
    day, interval = _times(), tables.energy_interval
    key = [*day.c, interval.c.vehicle_id]
    return _insert(
        tables.vehicle_rollup,
        select(*key, func.sum(interval.c.energy_wh).label("energy_wh"))
        .where(interval.c.depot_id == day.c.depot_id, interval.c.vehicle_id.is_not(None), _within(interval.c.starts_at, day))
        .group_by(*key),
    )


def _node_quarters() -> Insert:
    time, load = _times(), tables.node_load
    quarter = func.date_bin(_QUARTER_HOUR, load.c.bucket_at, _EPOCH)
    rows = (
        select(time.c.tenant_id, time.c.depot_id, load.c.power_node_id, quarter.label("starts_at"), *_load(load))
        .where(load.c.depot_id == time.c.depot_id, _within(load.c.bucket_at, time))
        .group_by(time.c.tenant_id, time.c.depot_id, load.c.power_node_id, quarter)
        .subquery("rows")
    )
    return _insert(tables.node_rollup, select(*rows.c, false().label("of_day"), (rows.c.starts_at + _QUARTER_HOUR).label("ends_at")))


def _node_days() -> Insert:
    day, quarter = _times(), tables.node_rollup
    key = [*day.c, quarter.c.power_node_id]
    return _insert(
        tables.node_rollup,
        select(*key, true().label("of_day"), *_load(quarter))
        .where(quarter.c.depot_id == day.c.depot_id, quarter.c.of_day.is_(False), _within(quarter.c.starts_at, day))
        .group_by(*key),
    )


def _load(source: Table) -> list[ColumnElement[Any]]:
    """Return the values of a load over several: means weighted by how often each was looked at, the highest, the strictest limit."""
    samples = func.sum(source.c.samples)
    means = [
        (func.sum(source.c[name] * source.c.samples) / samples).label(name)
        for name in ("measured_avg_kw", "unmanaged_avg_kw", "allocated_avg_kw")
    ]
    return [
        samples.label("samples"),
        *means,
        func.max(source.c.measured_max_kw).label("measured_max_kw"),
        func.min(source.c.limit_kw).label("limit_kw"),
    ]


def _insert(table: Table, rows: Select[Any]) -> Insert:
    return insert(table).from_select([it.name for it in rows.selected_columns], rows)
