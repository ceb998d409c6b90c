"""What a vehicle can take, learnt from what it took."""

from datetime import timedelta

import pytest

from ampyard.domain.power import Taken, learnt_ceiling_kw
from tests.domain.power.cases import MORNING


def learnt(*taken_of_offered: tuple[float, float], ability_kw: float = 100.0) -> float:
    """Learn from one measurement a minute, each of a new offer."""
    measurements = [
        Taken(MORNING + timedelta(minutes=minute, seconds=30), taken_kw, offered_kw, MORNING + timedelta(minutes=minute))
        for minute, (taken_kw, offered_kw) in enumerate(taken_of_offered)
    ]
    return learnt_ceiling_kw(measurements[::-1], ability_kw, 6.0)


@pytest.mark.parametrize(
    ("taken_of_offered", "ceiling_kw"),
    [
        ([], 100.0),
        ([(97.0, 100.0)], 100.0),  # losses
        ([(40.0, 100.0)], 51.0),  # 40 x 1.25 + 1
        ([(40.0, 100.0), (40.0, 51.0)], 51.0),  # 40 is less than 0.85 x 51 = 43.35: it stays
        ([(40.0, 100.0), (20.0, 51.0)], 26.0),  # it tapers further
        ([(40.0, 100.0), (50.0, 51.0)], 63.5),  # it takes more again: 50 x 1.25 + 1
        ([(40.0, 100.0), (11.0, 11.0)], 51.0),  # offered less by others' priority: nothing is learnt
        ([(11.0, 11.0)], 100.0),  # nor that it could not take more
        ([(2.0, 100.0)], 6.0),  # 3.5 is below its minimum
        ([(0.0, 100.0)], 100.0),  # it may not have begun
        ([(40.0, 100.0), (90.0, 51.0)], 100.0),  # never above the ability
    ],
)
def test_ceiling(taken_of_offered: list[tuple[float, float]], ceiling_kw: float) -> None:
    assert learnt(*taken_of_offered) == ceiling_kw


def test_what_is_measured_before_a_limit_is_followed_tells_nothing() -> None:
    at = MORNING + timedelta(seconds=9)

    assert learnt_ceiling_kw([Taken(at, 10.0, 100.0, MORNING)], 100.0, 6.0) == 100.0
