"""What there may be alerts about: for each kind one statement that finds it in all that the session reaches."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import ColumnElement, Select, Uuid, and_, cast, exists, func, or_, select, true
from sqlalchemy.dialects.postgresql import distinct_on

from ampyard.domain.alerts import AlertKind, Sighting
from ampyard.domain.job_runs import JobRunState
from ampyard.domain.life_cycle import ChargePointState
from ampyard.domain.plans import PlannedStay
from ampyard.domain.readiness import Risk
from ampyard.domain.readiness_records import KEPT_BEFORE
from ampyard.domain.reports import DAILY_ENERGY_JOB
from ampyard.domain.schedule_checks import ScheduleVerdict
from ampyard.domain.supply import LimitSource
from ampyard.domain.transactions import ChargingState, TransactionState
from ampyard.repositories import tables
from ampyard.repositories.database import Session
from ampyard.repositories.grid_fallbacks import fallbacks_below
from ampyard.repositories.plans import PlannedStays
from ampyard.repositories.supply import Supply

# Less is what electronics take while nothing is charged.
_NO_POWER_KW = 0.1
# Less is no shortfall: forecasts are not that exact.
_NEGLIGIBLE_KWH = 0.05
# From here on a vehicle may have decided that it is full.
_FULL_PERCENT = 95.0
# A report that nobody has mended by then is not missed any more.
_REPORTS_LOOKED_AT = timedelta(days=14)


async def offline(session: Session, at: datetime) -> list[Sighting]:
    """Return the charge points in service that have been on the line and are not now, in depots that are in use."""
    cp, depot = tables.charge_point, tables.depot
    statement = (
        select(cp.c.id, cp.c.depot_id, func.coalesce(cp.c.disconnected_at, cp.c.last_seen_at), _is_planned(at))
        # Who reaches a charge point does not always reach its depot.
        .outerjoin(depot, depot.c.id == cp.c.depot_id)
        .where(
            cp.c.connected.is_(False),
            cp.c.connected_at.is_not(None),
            cp.c.state == ChargePointState.IN_SERVICE,
            depot.c.archived_at.is_(None),
        )
    )
    return [
        Sighting(target_id=row[0], since=row[2], depot_id=row[1], charge_point_id=row[0], is_planned=row[3])
        for row in await session.fetch(statement)
    ]


async def faulted(session: Session, at: datetime) -> list[Sighting]:
    """Return the charge points in service that have a fault; with the first that is open."""
    cp, fault = tables.charge_point, tables.charge_point_fault
    statement = (
        select(cp.c.id, cp.c.depot_id, fault.c.raised_at, fault.c.code, fault.c.vendor_code, _is_planned(at))
        .join(fault, fault.c.charge_point_id == cp.c.id)
        .where(fault.c.cleared_at.is_(None), cp.c.state == ChargePointState.IN_SERVICE)
        .ext(distinct_on(cp.c.id))
        .order_by(cp.c.id, fault.c.raised_at, fault.c.id)
    )
    return [
        Sighting(
            target_id=row.id,
            since=row.raised_at,
            depot_id=row.depot_id,
            charge_point_id=row.id,
            is_planned=row.is_planned,
            facts={"fault": row.code, "vendor_code": row.vendor_code},
        )
        for row in await session.fetch(statement)
    ]


def _is_planned(at: datetime) -> ColumnElement[bool]:
    """Return whether a charge point is down as planned."""
    down = tables.planned_downtime.c
    planned = exists().where(
        down.charge_point_id == tables.charge_point.c.id, down.starts_at <= at, down.ends_at > at, down.cancelled_at.is_(None)
    )
    return planned.label("is_planned")


async def not_charging(session: Session, at: datetime) -> list[Sighting]:
    """Return the open transactions without power that could have some: the charge point is there and may give it, the vehicle is not full.

    A vehicle that has suspended charging is taken to be full unless it says otherwise.
    """
    return [
        Sighting(
            target_id=row.id,
            depot_id=row.depot_id,
            charge_point_id=row.charge_point_id,
            vehicle_id=row.vehicle_id,
            transaction_id=row.id,
            is_planned=row.is_planned,
            facts={"evse_no": row.evse_no, "charging_state": row.charging_state.value, "soc_percent": row.soc_percent},
        )
        for row in await session.fetch(_without_power(at))
    ]


def _without_power(at: datetime) -> Select[Any]:
    tx, cp, evse = tables.transaction, tables.charge_point, tables.evse
    soc = tx.c.soc_percent
    return (
        select(tx.c.id, tx.c.depot_id, tx.c.charge_point_id, tx.c.vehicle_id, evse.c.evse_no, tx.c.charging_state, soc, _is_planned(at))
        .join(cp, cp.c.id == tx.c.charge_point_id)
        .join(evse, evse.c.id == tx.c.evse_id)
        .where(
            tx.c.state == TransactionState.ACTIVE,
            tx.c.power_kw < _NO_POWER_KW,
            tx.c.charging_state != ChargingState.IDLE,
            cp.c.connected,
            cp.c.state == ChargePointState.IN_SERVICE,
            or_(evse.c.limit_kw.is_(None), evse.c.limit_kw >= evse.c.min_power_kw),
            or_(soc < _FULL_PERCENT, and_(soc.is_(None), tx.c.charging_state != ChargingState.SUSPENDED_EV)),
        )
    )


async def over_limit(session: Session, at: datetime) -> list[Sighting]:
    """Return the power nodes that carry more than they may, of depots that are in use."""
    node, depot = tables.power_node, tables.depot
    rows = await session.fetch(
        select(node.c.id, node.c.depot_id).join(depot, depot.c.id == node.c.depot_id).where(depot.c.archived_at.is_(None))
    )
    depots = {row[0]: row[1] for row in rows}
    found = []
    for node_id, power in (await Supply(session).power(depots, at=at)).items():
        load_kw = power.measured_kw + power.unmanaged_kw
        if load_kw > power.limit_kw:
            facts = {"load_kw": round(load_kw, 3), "limit_kw": power.limit_kw}
            found.append(Sighting(target_id=node_id, depot_id=depots[node_id], power_node_id=node_id, facts=facts))
    return found


async def overdrawing(session: Session, at: datetime) -> list[Sighting]:
    """Return the EVSEs that draw more than they may, as the last step of power sharing found them."""
    evse, cp, tx = tables.evse, tables.charge_point, tables.transaction
    permitted_kw = func.coalesce(evse.c.in_force_kw, evse.c.fallback_in_force_kw, evse.c.max_power_kw).label("permitted_kw")
    statement = (
        select(evse.c.id, cp.c.depot_id, evse.c.charge_point_id, tx.c.id.label("transaction_id"), tx.c.vehicle_id, _is_planned(at))
        .add_columns(evse.c.overdrawn_since, evse.c.evse_no, tx.c.power_kw, permitted_kw)
        .join(cp, cp.c.id == evse.c.charge_point_id)
        .join(tx, and_(tx.c.evse_id == evse.c.id, tx.c.state == TransactionState.ACTIVE))
        .where(evse.c.overdrawn_since.is_not(None), cp.c.state != ChargePointState.RETIRED)
    )
    return [
        Sighting(
            target_id=row.id,
            since=row.overdrawn_since,
            depot_id=row.depot_id,
            charge_point_id=row.charge_point_id,
            vehicle_id=row.vehicle_id,
            transaction_id=row.transaction_id,
            is_planned=row.is_planned,
            facts={"evse_no": row.evse_no, "power_kw": round(row.power_kw, 3), "permitted_kw": round(row.permitted_kw, 3)},
        )
        for row in await session.fetch(statement)
    ]


async def higher_schedules(session: Session, at: datetime) -> list[Sighting]:
    """Return the EVSEs that said, when they were last asked, that they obey higher limits than they were told.

    An answer that tells nothing takes nothing back. With a transaction its limits end, and what was said of them.
    """
    evse, cp, tx, check = tables.evse, tables.charge_point, tables.transaction, tables.schedule_check
    ended = tx.alias("ended")
    newest = (
        select(check.c.evse_id, check.c.verdict, check.c.periods, check.c.checked_at)
        .where(check.c.evse_id == evse.c.id, check.c.verdict != ScheduleVerdict.UNKNOWN)
        .order_by(check.c.checked_at.desc(), check.c.id.desc())
        .limit(1)
        .lateral("newest")
    )
    statement = (
        select(evse.c.id, evse.c.evse_no, evse.c.charge_point_id, cp.c.depot_id, _is_planned(at), newest.c.periods, newest.c.checked_at)
        .add_columns(tx.c.id.label("transaction_id"), tx.c.vehicle_id)
        .select_from(evse)
        .join(cp, cp.c.id == evse.c.charge_point_id)
        .join(newest, true())
        .outerjoin(tx, and_(tx.c.evse_id == evse.c.id, tx.c.state == TransactionState.ACTIVE))
        .where(
            newest.c.verdict == ScheduleVerdict.HIGHER,
            cp.c.state != ChargePointState.RETIRED,
            or_(tx.c.id.is_(None), tx.c.created_at <= newest.c.checked_at),
            ~exists().where(ended.c.evse_id == evse.c.id, ended.c.ended_at >= newest.c.checked_at),
        )
    )
    found = []
    for row in await session.fetch(statement):
        higher = [period for period in row.periods if period.verdict is ScheduleVerdict.HIGHER]
        worst = max(higher, key=lambda it: it.told_kw - it.expected_kw)
        found.append(
            Sighting(
                target_id=row.id,
                since=row.checked_at,
                depot_id=row.depot_id,
                charge_point_id=row.charge_point_id,
                vehicle_id=row.vehicle_id,
                transaction_id=row.transaction_id,
                is_planned=row.is_planned,
                facts={"evse_no": row.evse_no, "obeyed_kw": round(worst.told_kw, 3), "told_kw": round(worst.expected_kw, 3)},
            )
        )
    return found


async def not_ready(session: Session, at: datetime) -> list[Sighting]:
    """Return the assignments of the coming day that will not be ready, or may not be, by what was foreseen last."""
    assignment, record = tables.assignment, tables.readiness_record
    newest = (
        select(record.c.risk, record.c.shortfall_kwh)
        .where(record.c.assignment_id == assignment.c.id)
        .order_by(record.c.recorded_at.desc(), record.c.id.desc())
        .limit(1)
        .lateral("newest")
    )
    statement = (
        select(
            assignment.c.id, assignment.c.depot_id, assignment.c.vehicle_id, assignment.c.departs_at, newest.c.risk, newest.c.shortfall_kwh
        )
        .join(newest, true())
        .where(
            assignment.c.removed_at.is_(None),
            assignment.c.departs_at > at,
            assignment.c.departs_at <= at + KEPT_BEFORE,
            newest.c.risk.in_([Risk.AT_RISK, Risk.NOT_READY]),
        )
    )
    return [
        Sighting(
            target_id=row[0],
            depot_id=row[1],
            vehicle_id=row[2],
            assignment_id=row[0],
            departs_at=row[3],
            facts={"risk": row[4].value, "departs_at": row[3].isoformat(timespec="minutes"), "shortfall_kwh": row[5]},
        )
        for row in await session.fetch(statement)
    ]


async def shortfalls(session: Session, at: datetime) -> list[Sighting]:
    """Return the stays that will lack of what they need, by plans that are still fresh, without those that a newer plan has replaced.

    Who reaches a vehicle alone sees no plan: then one that is gone is told of until the plan it was in is stale.
    """
    plan, column = tables.depot_plan.c, tables.planned_stay.c
    replaced = exists().where(plan.depot_id == column.depot_id, plan.made_at > column.made_at, plan.made_at <= at)
    short = await PlannedStays(session).where(
        column.made_at <= at,
        column.fresh_until > at,
        column.departs_at > at,
        column.cause.is_not(None),
        column.lacks_minimum_kwh >= _NEGLIGIBLE_KWH,
        ~replaced,
        order_by=[column.made_at, column.id],
    )
    return [_short(stay, stay.stay_id) for stay in short]


def _short(stay: PlannedStay, target_id: UUID) -> Sighting:
    shortfall = stay.shortfall
    assert shortfall is not None
    return Sighting(
        target_id=target_id,
        depot_id=stay.depot_id,
        charge_point_id=None if stay.transaction_id is None else stay.charge_point_id,
        power_node_id=stay.binding_node_id,
        vehicle_id=stay.vehicle_id,
        transaction_id=stay.transaction_id,
        assignment_id=stay.assignment_id,
        departs_at=stay.departs_at,
        facts={
            "lacks_kwh": round(stay.lacks_minimum_kwh, 3),
            "departs_at": None if stay.departs_at is None else stay.departs_at.isoformat(timespec="minutes"),
            "cause": shortfall.cause.value,
            "sentence": shortfall.sentence,
        },
    )


async def failed_reports(session: Session, at: datetime) -> list[Sighting]:
    """Return the reports of the last two weeks that could not be written, by the run of each that ended last."""
    run, depot = tables.job_run, tables.depot
    depot_id, day = run.c.payload["depot_id"].astext, run.c.payload["day"].astext
    last = (
        select(depot_id.label("depot_id"), day.label("day"), run.c.state, run.c.finished_at, run.c.error)
        .where(
            run.c.kind == DAILY_ENERGY_JOB,
            run.c.created_at > at - _REPORTS_LOOKED_AT,
            run.c.state.in_([JobRunState.FAILED, JobRunState.SUCCEEDED]),
        )
        .ext(distinct_on(depot_id, day))
        .order_by(depot_id, day, run.c.finished_at.desc(), run.c.id.desc())
        .subquery()
    )
    statement = (
        select(depot.c.id, last.c.day, last.c.finished_at, last.c.error)
        .join(depot, depot.c.id == cast(last.c.depot_id, Uuid))
        .where(last.c.state == JobRunState.FAILED)
    )
    return [
        # The same report has the same target, whichever run of it failed.
        Sighting(target_id=uuid5(row[0], row[1]), since=row[2], depot_id=row[0], facts={"day": row[1], "error": row[3]})
        for row in await session.fetch(statement)
    ]


async def anomalies(session: Session, _at: datetime) -> list[Sighting]:
    """Return what is odd about transactions and has not been resolved."""
    odd, tx = tables.transaction_anomaly, tables.transaction
    statement = (
        select(odd.c.id, odd.c.detected_at, odd.c.depot_id, odd.c.charge_point_id, odd.c.transaction_id, tx.c.vehicle_id, odd.c.kind)
        .outerjoin(tx, tx.c.id == odd.c.transaction_id)
        .where(odd.c.resolved_at.is_(None))
    )
    return [
        Sighting(
            target_id=row[0],
            since=row[1],
            depot_id=row[2],
            charge_point_id=row[3],
            transaction_id=row[4],
            vehicle_id=row[5],
            facts={"anomaly": row[6].value},
        )
        for row in await session.fetch(statement)
    ]


async def lost_links(session: Session, at: datetime) -> list[Sighting]:
    """Return the grid links on which nobody has been heard in time, in depots that are in use."""
    link, depot = tables.grid_link, tables.depot
    statement = (
        select(link.c.id, link.c.lost_at, link.c.depot_id, link.c.power_node_id, link.c.kind)
        .join(depot, depot.c.id == link.c.depot_id)
        .where(link.c.enabled, link.c.lost_at <= at, depot.c.archived_at.is_(None))
    )
    return [
        Sighting(target_id=row[0], since=row[1], depot_id=row[2], power_node_id=row[3], facts={"kind": row[4].value})
        for row in await session.fetch(statement)
    ]


async def fallbacks_over_signals(session: Session, at: datetime) -> list[Sighting]:
    """Return the power nodes whose strictest limit from outside is below the sum of the fall-backs there: it cannot be kept for certain."""
    node, depot = tables.power_node, tables.depot
    limited = exists().where(tables.grid_signal.c.power_node_id == node.c.id, tables.grid_signal.c.counts_until > at)
    rows = await session.fetch(select(node.c.id).join(depot, depot.c.id == node.c.depot_id).where(limited, depot.c.archived_at.is_(None)))
    states = await Supply(session).states([row[0] for row in rows], at=at)
    needed_kw = await fallbacks_below(session, list(states))
    found = []
    for node_id, state in states.items():
        limit = state.limit(at)
        fallback_kw = needed_kw[node_id]
        if limit.source is LimitSource.GRID_SIGNAL and fallback_kw > limit.limit_kw:
            excess_kw = round(fallback_kw - limit.limit_kw, 3)
            facts = {"fallback_kw": round(fallback_kw, 3), "limit_kw": limit.limit_kw, "excess_kw": excess_kw}
            found.append(Sighting(target_id=node_id, depot_id=state.node.depot_id, power_node_id=node_id, facts=facts))
    return found


SIGHTINGS: Mapping[AlertKind, Callable[[Session, datetime], Awaitable[list[Sighting]]]] = {
    AlertKind.OFFLINE: offline,
    AlertKind.FAULTED: faulted,
    AlertKind.NOT_CHARGING: not_charging,
    AlertKind.OVER_LIMIT: over_limit,
    AlertKind.OVERDRAW: overdrawing,
    AlertKind.SCHEDULE_HIGHER: higher_schedules,
    AlertKind.NOT_READY: not_ready,
    AlertKind.SHORTFALL: shortfalls,
    AlertKind.REPORT_FAILED: failed_reports,
    AlertKind.ANOMALY: anomalies,
    AlertKind.GRID_LINK_LOST: lost_links,
    AlertKind.FALLBACKS_OVER_SIGNAL: fallbacks_over_signals,
}
