"""Energy by interval: read for many transactions at once, and written anew from the samples of one."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ARRAY, DateTime, Interval, bindparam, cast, delete, func, literal, null, or_, select, tuple_, union_all
from sqlalchemy.dialects.postgresql import insert

from ampyard.domain.energy import QUARTER_HOUR, EnergyInterval
from ampyard.domain.transactions import Measurand, Transaction
from ampyard.repositories import tables
from ampyard.repositories.database import Session, WriteSession
from ampyard.repositories.repository import array

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class QuarterReadings:
    """What was read within a quarter-hour: the registers it began and ended with, and the highest power; None: none was."""

    starts_at: datetime
    first_at: datetime | None
    first_wh: float | None
    last_at: datetime | None
    last_wh: float | None
    peak_kw: float | None


async def intervals_of(session: Session, transaction_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[EnergyInterval]]:
    """Return the quarter-hours of each transaction that has any, in order of time."""
    column = tables.energy_interval.c
    rows = await session.fetch(
        select(column.transaction_id, column.starts_at, column.energy_wh, column.peak_kw, column.gap)
        .where(column.transaction_id == func.any(array(transaction_ids)))
        .order_by(column.transaction_id, column.starts_at)
    )
    found: dict[uuid.UUID, list[EnergyInterval]] = defaultdict(list)
    for transaction_id, starts_at, energy_wh, peak_kw, gap in rows:
        found[transaction_id].append(EnergyInterval(starts_at, starts_at + QUARTER_HOUR, energy_wh, peak_kw, gap))
    return found


async def energy_before(session: Session, transaction_id: uuid.UUID, moment: datetime) -> float:
    """Return the energy of a transaction's stored intervals that begin before a moment, in Wh."""
    column = tables.energy_interval.c
    added = select(func.coalesce(func.sum(column.energy_wh), 0.0)).where(column.transaction_id == transaction_id, column.starts_at < moment)
    return float((await session.fetch(added))[0][0])


async def readings_by_quarter(session: Session, transaction: Transaction, *, since: datetime) -> list[QuarterReadings]:
    """Return what a transaction's samples from `since` on say of each quarter-hour that has any.

    Within a quarter-hour a register only rises, as a rule: its lowest value counts as the first, its highest as the last. Power
    that is told phase by phase is added up.
    """
    sample = tables.meter_sample.c
    quarter = func.date_bin(cast(literal("15 minutes"), Interval), sample.sampled_at, literal(_EPOCH)).label("quarter")
    total = (
        sample.transaction_id == transaction.id,
        sample.sampled_at >= since,
        or_(sample.location.is_(None), sample.location == "Outlet"),
    )
    registers = (
        select(
            quarter,
            func.min(sample.sampled_at).label("first_at"),
            func.min(sample.value).label("first"),
            func.max(sample.sampled_at).label("last_at"),
            func.max(sample.value).label("last"),
        )
        .where(*total, sample.measurand == Measurand.ENERGY_REGISTER.value, sample.phase.is_(None))
        .group_by(quarter)
    )
    at_once = (
        select(quarter, func.coalesce(func.max(sample.value).filter(sample.phase.is_(None)), func.sum(sample.value)).label("power_w"))
        .where(*total, sample.measurand == Measurand.POWER_IMPORT.value)
        .group_by(quarter, sample.sampled_at)
        .subquery()
    )
    powers = select(at_once.c.quarter, null(), null(), null(), func.max(at_once.c.power_w)).group_by(at_once.c.quarter)
    found: dict[datetime, QuarterReadings] = {}
    for starts_at, first_at, first_wh, last_at, last in await session.fetch(union_all(registers, powers)):
        known = found.get(starts_at, QuarterReadings(starts_at, None, None, None, None, None))
        if first_at is None:
            found[starts_at] = QuarterReadings(starts_at, known.first_at, known.first_wh, known.last_at, known.last_wh, last / 1000)
        else:
            found[starts_at] = QuarterReadings(starts_at, first_at, first_wh, last_at, last, known.peak_kw)
    return sorted(found.values(), key=lambda readings: readings.starts_at)


async def write_intervals(session: WriteSession, transaction: Transaction, intervals: Sequence[EnergyInterval]) -> None:
    """Store intervals of a transaction; those of the same quarter-hours give way to them."""
    if not intervals:
        return
    table = tables.energy_interval
    statement = insert(table)
    named = ("energy_wh", "peak_kw", "gap", "vehicle_id")
    there, new = (tuple_(*(source[name] for name in named)) for source in (table.c, statement.excluded))
    statement = statement.on_conflict_do_update(
        index_elements=[table.c.transaction_id, table.c.starts_at],
        set_={name: statement.excluded[name] for name in named},
        where=there.is_distinct_from(new),
    )
    rows = [
        {
            "tenant_id": transaction.tenant_id,
            "transaction_id": transaction.id,
            "depot_id": transaction.depot_id,
            "charge_point_id": transaction.charge_point_id,
            "evse_id": transaction.evse_id,
            "vehicle_id": transaction.vehicle_id,
            "starts_at": interval.starts_at,
            "energy_wh": interval.energy_wh,
            "peak_kw": interval.peak_kw,
            "gap": interval.gap,
        }
        for interval in intervals
    ]
    await session.execute(statement, rows)


async def keep_only(session: WriteSession, transaction_id: uuid.UUID, intervals: Sequence[EnergyInterval]) -> None:
    """Remove the intervals of a transaction that are none of these quarter-hours."""
    table = tables.energy_interval
    kept = bindparam(None, [interval.starts_at for interval in intervals], type_=ARRAY(DateTime(timezone=True)), unique=True)
    await session.execute(delete(table).where(table.c.transaction_id == transaction_id, table.c.starts_at != func.all(kept)))


async def name_vehicle(session: WriteSession, transaction_id: uuid.UUID, vehicle_id: uuid.UUID) -> None:
    """Say of all intervals of a transaction whose they are, once that is known."""
    table = tables.energy_interval
    await session.execute(table.update().where(table.c.transaction_id == transaction_id).values(vehicle_id=vehicle_id))
