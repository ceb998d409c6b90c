"""What a plan that is kept says: forecasts, and shortfalls in words."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ampyard.domain.charging_forecast import Step, steady
from ampyard.domain.planning import Remedy, RemedyKind, ShortfallCause
from ampyard.domain.plans import DepartureSource, PlannedStay
from ampyard.domain.priorities import PriorityLevel

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
ID = uuid.UUID(int=1)
STAY = PlannedStay(
    id=ID,
    tenant_id=ID,
    plan_id=ID,
    depot_id=ID,
    made_at=NOW,
    fresh_until=NOW + HOUR / 4,
    transaction_id=ID,
    assignment_id=None,
    vehicle_id=ID,
    charge_point_id=ID,
    power_node_id=ID,
    priority=PriorityLevel.NORMAL,
    arrives_at=NOW,
    departs_at=NOW + 3 * HOUR,
    departure_source=DepartureSource.LEARNT,
    departure_confidence=0.5,
    capacity_kwh=200.0,
    energy_kwh=50.0,
    minimum_kwh=100.0,
    target_kwh=200.0,
    max_kw=50.0,
    step_begins_at=[NOW, NOW + HOUR, NOW + 4 * HOUR],
    step_kw=[20.0, 10.0, 0.0],
    minimum_at=None,
    target_at=None,
    final_kwh=90.0,
    final_at=NOW + 3 * HOUR,
    expected_kwh=40.0,
    lacks_minimum_kwh=10.0,
    lacks_target_kwh=110.0,
    cause=ShortfallCause.POWER,
    binding_node_id=None,
    ready_at=None,
    remedies=(),
)


def test_who_leaves_within_the_plan_gets_what_is_planned_and_nothing_after_it() -> None:
    assert STAY.forecast(steady(22.0)) == STAY.steps


@pytest.mark.parametrize("departs_at", [None, NOW + 9 * HOUR])
def test_who_stays_beyond_the_plan_gets_then_what_it_would_without_one(departs_at: datetime | None) -> None:
    stay = replace(STAY, departs_at=departs_at)
    planned = STAY.steps[:2]
    assert stay.forecast(steady(22.0)) == (*planned, Step(NOW + 4 * HOUR, 22.0))
    later = (*steady(22.0), Step(NOW + 6 * HOUR, 5.0))
    assert stay.forecast(later) == (*planned, Step(NOW + 4 * HOUR, 22.0), Step(NOW + 6 * HOUR, 5.0))
    assert stay.forecast(()) == STAY.steps


def test_whoever_is_ready_has_no_shortfall() -> None:
    assert replace(STAY, cause=None).shortfall is None
    assert STAY.final_soc_percent == 45.0


@pytest.mark.parametrize(
    ("cause", "remedy", "sentence"),
    [
        (ShortfallCause.POWER, None, "the plug and the vehicle cannot do more in that time."),
        (ShortfallCause.CAPACITY, None, "its battery is too small for that."),
        (
            ShortfallCause.POWER,
            Remedy(RemedyKind.STRONGER_PLUG, kw=60.0),
            "the plug and the vehicle cannot do more in that time; it would help to use a plug of 60.0 kW.",
        ),
        (
            ShortfallCause.NODE,
            Remedy(RemedyKind.RAISE_LIMIT, kw=4.0),
            "the limit of its supply leaves too little for all; it would help to raise a limit by 4.0 kW.",
        ),
    ],
)
def test_a_shortfall_is_told_in_one_sentence(cause: ShortfallCause, remedy: Remedy | None, sentence: str) -> None:
    shortfall = replace(STAY, cause=cause, remedies=() if remedy is None else (remedy,)).shortfall
    assert shortfall is not None
    assert shortfall.sentence == f"It will lack 10.0 of 100.0 kWh as it leaves at 2026-11-02 11:00 UTC: {sentence}"
