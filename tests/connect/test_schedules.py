"""Composite schedules, as they are told."""

import math

from ampyard.connect.schedules import composite_schedule
from ampyard.domain.charging_profiles import RateUnit
from ampyard.services.schedule_checks import CompositePeriod


def test_nothing_told_is_nothing() -> None:
    assert composite_schedule(None, None) is None


def test_a_period_without_a_limit_is_limited_by_the_hardware_alone() -> None:
    periods = [{"start_period": 0, "limit": 11_000.0, "number_phases": 3}, {"start_period": 60, "operation_mode": "ChargingOnly"}]
    told = composite_schedule(None, {"charging_rate_unit": "W", "charging_schedule_period": periods})
    assert told is not None
    assert (told.start, told.unit) == (None, RateUnit.W)
    assert list(told.periods) == [CompositePeriod(0, 11_000.0, 3), CompositePeriod(60, math.inf, None)]
