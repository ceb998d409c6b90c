"""Composite schedules, in the payloads' snake case; all versions have the same fields."""

import math
from collections.abc import Mapping
from typing import Any

from ampyard.connect.values import parse_timestamp
from ampyard.domain.charging_profiles import RateUnit
from ampyard.services.schedule_checks import CompositePeriod, CompositeSchedule


def composite_schedule(start: str | None, schedule: Mapping[str, Any] | None) -> CompositeSchedule | None:
    """Return what a charge point says that it will obey; `None` where it says nothing.

    OCPP 1.6, 6.19 GetCompositeSchedule.conf; 2.0.1 part 2, CompositeScheduleType. Without a start it begins now. A period of 2.1 may
    have no limit: then it is the hardware's.
    """
    if schedule is None:
        return None
    periods = [
        CompositePeriod(int(period["start_period"]), float(period.get("limit", math.inf)), period.get("number_phases"))
        for period in schedule["charging_schedule_period"]
    ]
    return CompositeSchedule(None if start is None else parse_timestamp(start), RateUnit(schedule["charging_rate_unit"]), periods)
