"""Plans of depots: kept as they are made, and asked for by depot, transaction or assignment while they are fresh."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Column, ColumnElement, DateTime, Interval, bindparam, delete, func, literal, select
from sqlalchemy.dialects.postgresql import distinct_on, insert

from ampyard.domain.departures import PastStay
from ampyard.domain.planning import PlanStatus
from ampyard.domain.plans import DepotPlan, PlannedPower, PlannedStay, planned_power
from ampyard.domain.transactions import TransactionState
from ampyard.repositories import tables
from ampyard.repositories.database import Session, WriteSession
from ampyard.repositories.repository import ANY_OF_IDS, Repository, array

_AT = bindparam("at", type_=DateTime(timezone=True))
_QUARTER_HOUR = literal(timedelta(minutes=15), Interval())
_EPOCH = literal(datetime(1970, 1, 1, tzinfo=UTC), DateTime(timezone=True))


class DepotPlans(Repository[DepotPlan]):
    entity = DepotPlan
    table = tables.depot_plan

    async def newest(self, depot_ids: Iterable[uuid.UUID], *, at: datetime) -> dict[uuid.UUID, DepotPlan]:
        """Return the newest plan of each depot that has one at a moment, fresh or not."""
        column = self.table.c
        reading = self._reading(
            ("newest",),
            None,
            lambda columns: (
                select(*columns)
                .where(column.depot_id == ANY_OF_IDS, column.made_at <= _AT)
                .ext(distinct_on(column.depot_id))
                .order_by(column.depot_id, column.made_at.desc(), column.id.desc())
            ),
        )
        records = await self.session.records(reading.query, {"ids": list(depot_ids), "at": at})
        return {plan.depot_id: plan for plan in reading.build(records)}


class PlannedStays(Repository[PlannedStay]):
    entity = PlannedStay
    table = tables.planned_stay

    async def of_plans(self, plan_ids: Sequence[uuid.UUID], *, reads: frozenset[str] | None = None) -> dict[uuid.UUID, list[PlannedStay]]:
        """Return the stays of each plan, as they arrive."""
        return await self.grouped(self.table.c.plan_id, plan_ids, self.table.c.arrives_at, self.table.c.id, reads=reads)

    async def of_transactions(self, transaction_ids: Iterable[uuid.UUID], *, at: datetime) -> dict[uuid.UUID, PlannedStay]:
        """Return what is planned of each transaction by the newest plan that has it and is fresh at a moment."""
        column = self.table.c.transaction_id
        return {stay.transaction_id: stay for stay in await self._newest(column, transaction_ids, at) if stay.transaction_id is not None}

    async def of_assignments(self, assignment_ids: Iterable[uuid.UUID], *, at: datetime) -> dict[uuid.UUID, PlannedStay]:
        """Return what is planned before the departure of each assignment, by the newest plan that has it and is fresh at a moment."""
        column = self.table.c.assignment_id
        return {stay.assignment_id: stay for stay in await self._newest(column, assignment_ids, at) if stay.assignment_id is not None}

    async def of_requests(self, request_ids: Iterable[uuid.UUID], *, at: datetime) -> dict[uuid.UUID, PlannedStay]:
        """Return what is planned of each charging request by the newest plan that has it and is fresh at a moment."""
        column = self.table.c.request_id
        return {stay.request_id: stay for stay in await self._newest(column, request_ids, at) if stay.request_id is not None}

    async def of_vehicles(self, vehicle_ids: Iterable[uuid.UUID], *, at: datetime) -> list[PlannedStay]:
        """Return the stays of vehicles in plans that are fresh at a moment; of each stay the newest."""
        column = self.table.c
        stay = func.coalesce(column.transaction_id, column.assignment_id, column.request_id, column.vehicle_id)
        reading = self._reading(
            ("of_vehicles",),
            None,
            lambda columns: (
                select(*columns)
                .where(column.vehicle_id == ANY_OF_IDS, *_fresh(column))
                .ext(distinct_on(stay))
                .order_by(stay, column.made_at.desc(), column.id.desc())
            ),
        )
        return reading.build(await self.session.records(reading.query, {"ids": list(vehicle_ids), "at": at}))

    async def _newest(self, key: Column[Any], ids: Iterable[uuid.UUID], at: datetime) -> list[PlannedStay]:
        reading = self._reading(
            ("newest of", key),
            None,
            lambda columns: (
                select(*columns)
                .where(key == ANY_OF_IDS, *_fresh(self.table.c))
                .ext(distinct_on(key))
                .order_by(key, self.table.c.made_at.desc(), self.table.c.id.desc())
            ),
        )
        return reading.build(await self.session.records(reading.query, {"ids": list(ids), "at": at}))


def _fresh(column: Any) -> list[ColumnElement[bool]]:
    return [column.made_at <= _AT, column.fresh_until > _AT]


async def planned(session: Session, depot_id: uuid.UUID, *, at: datetime) -> Mapping[uuid.UUID, PlannedPower]:
    """Return what the newest plan of a depot says of each open transaction that it has, by transaction, from a moment on.

    Nothing where there is no plan, or none that is still fresh: what is stale is ignored. One statement.
    """
    plan = tables.depot_plan.c
    newest = (
        select(plan.id)
        .where(plan.depot_id == bindparam("depot_id"), *_fresh(plan))
        .order_by(plan.made_at.desc(), plan.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    stays = PlannedStays(session)
    stay = stays.table.c
    reading = stays._reading(  # noqa: SLF001 - of this module
        ("planned",), None, lambda columns: select(*columns).where(stay.plan_id == newest, stay.transaction_id.is_not(None))
    )
    found = reading.build(await session.records(reading.query, {"depot_id": depot_id, "at": at}))
    return {one.transaction_id: planned_power(one, at) for one in found}


async def keep_plan(session: WriteSession, plan: DepotPlan, stays: Sequence[PlannedStay]) -> None:
    """Keep a plan with its stays."""
    for table, entities in ((tables.depot_plan, [plan]), (tables.planned_stay, list(stays))):
        if entities:
            names = [field.name for field in fields(entities[0])]
            await session.execute(insert(table), [{name: getattr(one, name) for name in names} for one in entities])


@dataclass(frozen=True, slots=True)
class PlanFigures:
    """How good a plan is, how long it took, and since when there is it."""

    status: PlanStatus
    gap: float
    solve_s: float
    made_at: datetime


async def fresh_figures(session: Session, *, at: datetime) -> list[PlanFigures]:
    """Return the figures of the newest plan of each depot that has one that is fresh at a moment; of all tenants, for the system role."""
    column = tables.depot_plan.c
    statement = (
        select(column.status, column.gap, column.solve_s, column.made_at)
        .where(column.made_at <= at, column.fresh_until > at)
        .ext(distinct_on(column.depot_id))
        .order_by(column.depot_id, column.made_at.desc(), column.id.desc())
    )
    return [PlanFigures(*row) for row in await session.fetch(statement)]


async def peak_kw(session: Session, depot_id: uuid.UUID, *, since: datetime, until: datetime) -> float:
    """Return the highest mean power of a quarter-hour that is over, of all that flowed through a depot's root between two moments, in kW.

    0 where nothing was recorded. `since` is on a quarter-hour.
    """
    load, node = tables.node_load.c, tables.power_node.c
    root = select(node.id).where(node.depot_id == depot_id, node.parent_id.is_(None)).scalar_subquery()
    quarter = func.date_bin(_QUARTER_HOUR, load.bucket_at, _EPOCH)
    means = (
        select(func.avg(load.measured_avg_kw + load.unmanaged_avg_kw).label("kw"))
        .where(load.power_node_id == root, load.bucket_at >= since, load.bucket_at < until)
        .group_by(quarter)
        .subquery()
    )
    row = await session.fetch_one(select(func.coalesce(func.max(means.c.kw), 0.0)))
    return 0.0 if row is None else float(row[0])


async def vehicles_of_stays(session: Session, stay_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, uuid.UUID]:
    """Return whose stays these are, by `PlannedStay.stay_id`."""
    wanted, tx, run = list(stay_ids), tables.transaction.c, tables.assignment.c
    asked, vehicle = tables.charging_request.c, tables.vehicle.c
    known = select(tx.id, tx.vehicle_id).where(tx.id == func.any(array(wanted)), tx.vehicle_id.is_not(None))
    to_come = select(run.id, run.vehicle_id).where(run.id == func.any(array(wanted)))
    asked_for = select(asked.id, asked.vehicle_id).where(asked.id == func.any(array(wanted)), asked.vehicle_id.is_not(None))
    itself = select(vehicle.id, vehicle.id).where(vehicle.id == func.any(array(wanted)))
    return {row[0]: row[1] for row in await session.fetch(known.union_all(to_come, asked_for, itself))}


async def past_stays(session: Session, vehicle_ids: Iterable[uuid.UUID], depot_id: uuid.UUID, *, since: datetime) -> list[PastStay]:
    """Return the stays of vehicles at a depot that began after a moment, and have ended."""
    tx = tables.transaction.c
    statement = select(tx.vehicle_id, tx.started_at, tx.ended_at, tx.energy_wh / 1000).where(
        tx.vehicle_id == func.any(array(vehicle_ids)),
        tx.started_at >= since,
        tx.depot_id == depot_id,
        tx.state == TransactionState.ENDED,
    )
    return [PastStay(*row) for row in await session.fetch(statement)]


async def try_lock(session: WriteSession, depot_id: uuid.UUID) -> bool:
    """Take the lock of making a depot's plan until the end of the transaction; returns False, at once, when another holds it."""
    key = func.hashtextextended(f"plan of {depot_id}", 0)
    return bool((await session.fetch(select(func.pg_try_advisory_xact_lock(key))))[0][0])


async def remove_plans(session: WriteSession, *, before: datetime) -> int:
    """Remove the plans that were made before a moment, with their stays; returns how many plans went."""
    return await session.execute(delete(tables.depot_plan).where(tables.depot_plan.c.made_at < before))
