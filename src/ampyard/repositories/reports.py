import uuid
from datetime import date, datetime, timedelta
from types import MappingProxyType

from sqlalchemy import ColumnElement, DateTime, case, cast, exists, func, or_, select
from sqlalchemy.dialects.postgresql import insert

from ampyard.domain.reports import EnergyRow, Report, ReportKind
from ampyard.domain.transactions import Measurand
from ampyard.repositories import tables
from ampyard.repositories.database import Session, WriteSession
from ampyard.repositories.repository import Repository

# No transaction is looked for that began longer than this before the day in question.
_LONGEST_TRANSACTION = timedelta(days=31)
# A change carries the time its transaction began; it is committed, and seen by a report, a moment later.
_COMMIT_DELAY = timedelta(minutes=1)


class Reports(Repository[Report]):
    entity = Report
    table = tables.report
    orders = MappingProxyType({"DAY": table.c.day, "CREATED_AT": table.c.created_at})

    async def daily_energy_since(self, day: date) -> dict[tuple[uuid.UUID, date], Report]:
        """Return the tenant's daily energy reports of this and later days, by depot and day."""
        found = await self.where(self.table.c.kind == ReportKind.DAILY_ENERGY, self.table.c.day >= day)
        return {(report.depot_id, report.day): report for report in found}

    async def outdated_since(self, day: date) -> set[tuple[uuid.UUID, date]]:
        """Return depot and day of those daily energy reports, of this and later days, that no longer tell the truth.

        They are the ones with a transaction of their day that has ended, or changed after its end, since they were
        written: a charge point that was offline delivers days later, and one night's transaction is on two reports.
        """
        report, tx, depot = self.table, tables.transaction, tables.depot
        begin = cast(report.c.day, DateTime)
        starts, ends = (func.timezone(depot.c.time_zone, moment) for moment in (begin, begin + timedelta(days=1)))
        ended_since = exists().where(
            tx.c.depot_id == report.c.depot_id,
            tx.c.started_at < ends,
            tx.c.started_at > starts - _LONGEST_TRANSACTION,
            tx.c.ended_at > starts,
            tx.c.updated_at > report.c.updated_at - _COMMIT_DELAY,
        )
        statement = (
            select(report.c.depot_id, report.c.day)
            .join(depot, depot.c.id == report.c.depot_id)
            .where(report.c.kind == ReportKind.DAILY_ENERGY, report.c.day >= day, ended_since)
        )
        return {(row[0], row[1]) for row in await self.session.fetch(statement)}


async def save(session: WriteSession, report: Report) -> Report:
    """Insert a report, or replace the one of the same depot, kind and day; returns what is stored: a replaced one keeps its id."""
    values = {column.name: getattr(report, column.name) for column in Reports.columns()}
    kept = {"id", "tenant_id", "depot_id", "kind", "day", "created_at"}
    statement = (
        insert(tables.report)
        .values(**values)
        .on_conflict_do_update(index_elements=["depot_id", "kind", "day"], set_={k: v for k, v in values.items() if k not in kept})
        .returning(*Reports.columns())
    )
    rows = await session.fetch(statement)
    return Report(*rows[0])


async def energy_between(session: Session, depot_id: uuid.UUID, start: datetime, end: datetime) -> list[EnergyRow]:
    """Return the energy each transaction of a depot took from `start` (inclusive) to `end` (exclusive), in Wh.

    It is the difference of the transaction's meter register at both instants, so that the parts of a transaction add up
    to its whole. Transactions that overlap the time are listed even when they took nothing.
    """
    tx, cp, evse, vehicle = tables.transaction, tables.charge_point, tables.evse, tables.vehicle
    energy = func.coalesce(_register_at(end) - _register_at(start), 0.0)
    statement = (
        select(tx.c.id, cp.c.identity, evse.c.evse_no, vehicle.c.name, tx.c.id_tag, tx.c.started_at, tx.c.ended_at, energy)
        .select_from(tx)
        .join(cp, cp.c.id == tx.c.charge_point_id)
        .join(evse, evse.c.id == tx.c.evse_id)
        .outerjoin(vehicle, vehicle.c.id == tx.c.vehicle_id)
        .where(
            tx.c.depot_id == depot_id,
            tx.c.started_at < end,
            # The last: one that ended the moment it began belongs to that moment's day.
            or_(tx.c.ended_at.is_(None), tx.c.ended_at > start, tx.c.started_at >= start),
        )
        .order_by(cp.c.identity, evse.c.evse_no, tx.c.started_at, tx.c.id)
    )
    return [EnergyRow(*row) for row in await session.fetch(statement)]


def _register_at(moment: datetime) -> ColumnElement[float | None]:
    """Return the SQL for a transaction's register at an instant: the highest reported by then; `NULL` without a begin register.

    It never falls as time goes on, not even where the meter did, and lies between the begin and the newest register,
    as the transaction's own energy does.
    """
    tx, sample = tables.transaction, tables.meter_sample
    highest = (
        select(func.max(sample.c.value))
        .where(
            sample.c.transaction_id == tx.c.id,
            sample.c.measurand == Measurand.ENERGY_REGISTER.value,
            sample.c.phase.is_(None),
            # As everywhere: what is measured at the inlet or in the vehicle is not what the supply delivered.
            or_(sample.c.location.is_(None), sample.c.location == "Outlet"),
            # A sample lies within its transaction; the lower bound lets the database skip months.
            sample.c.sampled_at >= tx.c.started_at,
            sample.c.sampled_at <= moment,
        )
        .correlate(tx)
        .scalar_subquery()
    )
    newest = func.coalesce(tx.c.meter_wh, tx.c.meter_start_wh)
    return case(
        (or_(tx.c.meter_start_wh.is_(None), tx.c.started_at >= moment), tx.c.meter_start_wh),
        # The end carries a register without a sample; of an open one nothing newer is known than its last measurement.
        (func.coalesce(tx.c.ended_at, tx.c.measured_at) <= moment, newest),
        # GREATEST and LEAST pass over NULL.
        else_=func.least(newest, func.greatest(tx.c.meter_start_wh, highest)),
    )
