"""Readiness as it was kept: what was foreseen in the day before a departure, and what was true when it came."""

import uuid
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ampyard.domain.assignments import Assignment
from ampyard.domain.ids import new_id
from ampyard.domain.readiness import Readiness, Risk

# How long before a departure its readiness begins to be kept.
KEPT_BEFORE = timedelta(hours=24)
# A departure that was missed, because nothing ran, is made up for so long: the charge of a vehicle tells what it left with.
MADE_UP_FOR = timedelta(minutes=15)
# What moves little by little is kept this often; a change of risk is kept at once.
_EVERY = timedelta(minutes=15)
_MOVED_PERCENT = 0.5
_MOVED_KWH = 0.5


@dataclass(frozen=True, slots=True)
class ReadinessRecord:
    """Readiness of an assignment, as seen at `recorded_at`.

    One record of an assignment is `at_departure`: it has the state of charge the vehicle left with in `actual_soc_percent` and whether
    that was enough in `ready`, which no other has, and what had been foreseen last in `expected_soc_percent`.
    """

    id: uuid.UUID
    tenant_id: uuid.UUID
    assignment_id: uuid.UUID
    vehicle_id: uuid.UUID
    depot_id: uuid.UUID
    departs_at: datetime
    recorded_at: datetime
    at_departure: bool
    risk: Risk
    reason: str
    needed_kwh: float | None
    reserve_kwh: float | None
    expected_soc_percent: float | None
    actual_soc_percent: float | None
    ready: bool | None
    ready_at: datetime | None
    shortfall_kwh: float | None


def is_worth_keeping(found: Readiness, last: ReadinessRecord | None) -> bool:
    """Tell whether readiness is kept after what was kept last: at once where the risk changed, every 15 minutes where it moved at all."""
    if last is None or found.risk is not last.risk:
        return True
    if found.at - last.recorded_at < _EVERY:
        return False
    return (
        _moved(found.expected_soc_percent, last.expected_soc_percent, _MOVED_PERCENT)
        or _moved(found.shortfall_kwh, last.shortfall_kwh, _MOVED_KWH)
        or _moved(found.needed_kwh, last.needed_kwh, _MOVED_KWH)
    )


def _moved(now: float | None, before: float | None, by: float) -> bool:
    if now is None or before is None:
        return now is not before
    return abs(now - before) >= by


def foreseen(assignment: Assignment, found: Readiness) -> ReadinessRecord:
    """Return the record of what is foreseen of an assignment."""
    return ReadinessRecord(
        id=new_id(),
        tenant_id=assignment.tenant_id,
        assignment_id=assignment.id,
        vehicle_id=assignment.vehicle_id,
        depot_id=assignment.depot_id,
        departs_at=assignment.departs_at,
        recorded_at=found.at,
        at_departure=False,
        risk=found.risk,
        reason=found.reason,
        needed_kwh=found.needed_kwh,
        reserve_kwh=found.reserve_kwh,
        expected_soc_percent=found.expected_soc_percent,
        actual_soc_percent=None,
        ready=None,
        ready_at=found.ready_at,
        shortfall_kwh=found.shortfall_kwh,
    )


def departed(assignment: Assignment, found: Readiness, last: ReadinessRecord | None) -> ReadinessRecord:
    """Return the record of a departure: how ready the vehicle was as it left, and what had been foreseen last."""
    return replace(
        foreseen(assignment, found),
        at_departure=True,
        expected_soc_percent=None if last is None else last.expected_soc_percent,
        actual_soc_percent=found.expected_soc_percent,
        ready=None if found.risk is Risk.UNKNOWN else found.risk is Risk.ON_TRACK,
    )
