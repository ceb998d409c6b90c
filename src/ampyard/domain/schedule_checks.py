"""What a charge point says that it obeys, held against what it was told."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from ampyard.domain.limit_schedules import Schedule, Step

# A charge point may round to its own steps: a tenth of an ampere on three phases, and a percent.
_TOLERANCE_KW = 0.07
_TOLERANCE_PART = 0.01
# Periods may begin a little off: schedules have whole seconds, and clocks differ.
_SLACK = timedelta(seconds=6)


class ScheduleVerdict(StrEnum):
    """SAME: as it was told. LOWER: something else limits it, too. HIGHER: it may draw more than was decided. UNKNOWN: it says nothing."""

    SAME = "SAME"
    LOWER = "LOWER"
    HIGHER = "HIGHER"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class ComparedPeriod:
    """From a moment on, the limit that was expected and the one that the charge point says, in kW."""

    begins_at: datetime
    expected_kw: float
    told_kw: float
    verdict: ScheduleVerdict


@dataclass(frozen=True, slots=True)
class ScheduleCheck:
    """What came of asking an EVSE for its composite schedule (OCPP 1.6, 5.7; 2.0.1 part 2, K08)."""

    id: uuid.UUID
    tenant_id: uuid.UUID
    charge_point_id: uuid.UUID
    evse_id: uuid.UUID
    command_id: uuid.UUID
    verdict: ScheduleVerdict
    periods: tuple[ComparedPeriod, ...]
    checked_at: datetime


def compare(expected: Schedule, told: Schedule, *, since: datetime, until: datetime) -> tuple[ScheduleVerdict, tuple[ComparedPeriod, ...]]:
    """Return what a charge point says beside what it was told, from each moment on at which either changes, and the verdict on all.

    One period in which it may draw more outweighs those in which it may draw less.
    """
    moments = sorted({since, *(step.begins_at for step in (*expected.steps, *told.steps) if since < step.begins_at < until)})
    periods = tuple(
        ComparedPeriod(moment, expected.at(moment), told.at(moment), _verdict(expected, told, moment))
        for n, moment in enumerate(moments)
        # A boundary that both have, a few seconds apart, is one.
        if n + 1 == len(moments) or moments[n + 1] - moment > _SLACK
    )
    verdicts = {period.verdict for period in periods}
    worst = next(verdict for verdict in (ScheduleVerdict.HIGHER, ScheduleVerdict.LOWER, ScheduleVerdict.SAME) if verdict in verdicts)
    return worst, periods


def _verdict(expected: Schedule, told: Schedule, moment: datetime) -> ScheduleVerdict:
    difference_kw = told.at(moment) - expected.at(moment)
    if abs(difference_kw) <= max(_TOLERANCE_KW, _TOLERANCE_PART * expected.at(moment)):
        return ScheduleVerdict.SAME
    return ScheduleVerdict.HIGHER if difference_kw > 0 else ScheduleVerdict.LOWER


def schedule_told(start: datetime, periods_kw: Sequence[tuple[int, float]]) -> Schedule:
    """Return a composite schedule (start of each period in s, kW) as a schedule."""
    return Schedule(tuple(Step(start + timedelta(seconds=start_s), max(0.0, kw)) for start_s, kw in periods_kw))
