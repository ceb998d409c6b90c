"""Planned downtimes: announced, moved, cancelled. None is ever written into the past: uptime that was lost stays lost."""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from ampyard.domain.access import Principal, Scope
from ampyard.domain.availability import PlannedDowntime
from ampyard.domain.charge_points import ChargePoint
from ampyard.domain.errors import ConflictError, NotFoundError, Problems
from ampyard.domain.ids import new_id
from ampyard.domain.life_cycle import ChargePointState
from ampyard.repositories.availability import PlannedDowntimes
from ampyard.repositories.charge_points import ChargePoints
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.services.backend import Backend
from ampyard.services.charge_points import publish_change

_REASON_LENGTH = 500
_MOST_AT_ONCE = 200


async def plan_downtime(
    backend: Backend,
    principal: Principal,
    charge_point_ids: Sequence[uuid.UUID],
    *,
    ends_at: datetime,
    reason: str,
    starts_at: datetime | None = None,
) -> list[PlannedDowntime]:
    """Announce the same downtime for charge points, from now unless told: for all of them, or for none.

    Raises:
        ForbiddenError: the principal lacks `charge_points:write`.
        NotFoundError: one of the charge points does not exist.
        InvalidInputError: no reason, a window that is empty or begins in the past, or charge points that are retired or named twice:
            each with its place.
    """
    principal.require(Scope.CHARGE_POINTS_WRITE)
    async with backend.unit_of_work(principal, Scope.CHARGE_POINTS_WRITE) as work:
        problems = Problems()
        start = starts_at or work.now
        problems.check(start >= work.now, _past("startsAt", start, work.now), "input", "startsAt")
        _check(problems, start, ends_at, reason)
        charge_points = await _charge_points(work, problems, charge_point_ids)
        problems.raise_any()
        planned = [
            PlannedDowntime(
                id=new_id(),
                tenant_id=work.tenant_id,
                charge_point_id=charge_point.id,
                starts_at=start,
                ends_at=ends_at,
                reason=reason.strip(),
                author=principal.author,
                cancelled_at=None,
                created_at=work.now,
                updated_at=work.now,
            )
            for charge_point in charge_points
        ]
        await work.add(PlannedDowntimes, *planned)
        for charge_point, downtime in zip(charge_points, planned, strict=True):
            await _told(work, charge_point, downtime, "plan")
        work.answers(downtimes=planned)
        await work.commit()
    return planned


async def edit_downtime(
    backend: Backend,
    principal: Principal,
    downtime_id: uuid.UUID,
    *,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    reason: str | None = None,
) -> PlannedDowntime:
    """Move a downtime, or change its reason; `None` leaves as it is. One that has begun can only end at another time to come.

    Raises:
        ForbiddenError: the principal lacks `charge_points:write`.
        NotFoundError: there is no such downtime.
        InvalidInputError: the window would be empty or begin in the past, or the reason is too long.
        ConflictError: it is over or cancelled, or has begun and is to begin at another time.
    """
    principal.require(Scope.CHARGE_POINTS_WRITE)
    async with backend.unit_of_work(principal, Scope.CHARGE_POINTS_WRITE) as work:
        downtime = await work.require(PlannedDowntimes, downtime_id, "planned downtime")
        _refuse_over(downtime, work.now)
        changed = replace(
            downtime,
            starts_at=starts_at or downtime.starts_at,
            ends_at=ends_at or downtime.ends_at,
            reason=downtime.reason if reason is None else reason.strip(),
            updated_at=work.now,
        )
        if changed.starts_at != downtime.starts_at and downtime.starts_at <= work.now:
            raise ConflictError(f"It has begun at {downtime.starts_at.isoformat()}; its end can still be moved, its beginning cannot.")
        problems = Problems()
        moved = changed.starts_at != downtime.starts_at
        problems.check(not moved or changed.starts_at >= work.now, _past("startsAt", changed.starts_at, work.now), "input", "startsAt")
        problems.check(changed.ends_at >= work.now, _past("endsAt", changed.ends_at, work.now), "input", "endsAt")
        _check(problems, changed.starts_at, changed.ends_at, changed.reason)
        problems.raise_any()
        await _keep(work, changed, "edit")
        work.answers(downtime=changed)
        await work.commit()
    return changed


async def cancel_downtime(backend: Backend, principal: Principal, downtime_id: uuid.UUID) -> PlannedDowntime:
    """Call a downtime off: one that has begun ends now, and what of it has passed still counts.

    Raises:
        ForbiddenError: the principal lacks `charge_points:write`.
        NotFoundError: there is no such downtime.
        ConflictError: it is over or cancelled already.
    """
    principal.require(Scope.CHARGE_POINTS_WRITE)
    async with backend.unit_of_work(principal, Scope.CHARGE_POINTS_WRITE) as work:
        downtime = await work.require(PlannedDowntimes, downtime_id, "planned downtime")
        _refuse_over(downtime, work.now)
        if downtime.starts_at < work.now:
            changed = replace(downtime, ends_at=work.now, updated_at=work.now)
        else:
            changed = replace(downtime, cancelled_at=work.now, updated_at=work.now)
        await _keep(work, changed, "cancel")
        work.answers(downtime=changed)
        await work.commit()
    return changed


async def _charge_points(work: UnitOfWork, problems: Problems, charge_point_ids: Sequence[uuid.UUID]) -> list[ChargePoint]:
    where = ("input", "chargePointIds")
    problems.check(
        0 < len(charge_point_ids) <= _MOST_AT_ONCE, f"{len(charge_point_ids)} charge points are named; name 1 to {_MOST_AT_ONCE}.", *where
    )
    problems.check(len(set(charge_point_ids)) == len(charge_point_ids), "A charge point is named twice; name each once.", *where)
    known = await ChargePoints(work.session).by_ids(charge_point_ids)
    found: list[ChargePoint] = []
    for n, charge_point_id in enumerate(charge_point_ids):
        charge_point = known.get(charge_point_id)
        if charge_point is None:
            raise NotFoundError("There is no such charge point.", (*where, str(n)))
        if charge_point.state is ChargePointState.RETIRED:
            problems.add(f"{charge_point.identity} is retired; it has no uptime any more.", *where, str(n))
        else:
            found.append(charge_point)
    return found


def _check(problems: Problems, starts_at: datetime, ends_at: datetime, reason: str) -> None:
    span = f"A downtime from {starts_at.isoformat()} until {ends_at.isoformat()} has no length; give an end after its start."
    problems.check(ends_at > starts_at, span, "input", "endsAt")
    length = len(reason.strip())
    problems.check(0 < length <= _REASON_LENGTH, f"The reason has {length} characters; give 1 to {_REASON_LENGTH}.", "input", "reason")


def _past(field: str, moment: datetime, now: datetime) -> str:
    return f"{field} {moment.isoformat()} is in the past; give {now.isoformat()} or later: what has passed was not planned."


def _refuse_over(downtime: PlannedDowntime, now: datetime) -> None:
    if downtime.cancelled_at is not None:
        raise ConflictError(f"It was cancelled at {downtime.cancelled_at.isoformat()}; plan a new one.")
    if downtime.ends_at <= now:
        raise ConflictError(f"It ended at {downtime.ends_at.isoformat()}; plan a new one.")


async def _keep(work: UnitOfWork, downtime: PlannedDowntime, deed: str) -> None:
    await work.change(
        PlannedDowntimes,
        downtime.id,
        starts_at=downtime.starts_at,
        ends_at=downtime.ends_at,
        reason=downtime.reason,
        cancelled_at=downtime.cancelled_at,
        updated_at=downtime.updated_at,
    )
    charge_point = await ChargePoints(work.session).by_id(downtime.charge_point_id)
    assert charge_point is not None
    await _told(work, charge_point, downtime, deed)


async def _told(work: UnitOfWork, charge_point: ChargePoint, downtime: PlannedDowntime, deed: str) -> None:
    await work.audit(
        f"planned_downtime.{deed}",
        "planned_downtime",
        downtime.id,
        identity=charge_point.identity,
        starts_at=downtime.starts_at.isoformat(),
        ends_at=downtime.ends_at.isoformat(),
    )
    publish_change(work, charge_point)
