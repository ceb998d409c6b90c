import pytest
from hypothesis import given
from hypothesis import strategies as st

from ampyard.domain.depot_links import PriorityBands
from ampyard.domain.errors import InvalidInputError
from ampyard.domain.priorities import PriorityLevel

RISING = PriorityBands(0, 50, 90)
FALLING = PriorityBands(5, 3, 1)


@pytest.mark.parametrize(
    ("bands", "priority", "level", "weight"),
    [
        (RISING, None, PriorityLevel.NORMAL, 1.0),
        (RISING, -1, PriorityLevel.LOW, 1.0),
        (RISING, -11, PriorityLevel.LOW, 0.5),
        (RISING, 0, PriorityLevel.NORMAL, 1.0),
        (RISING, 10, PriorityLevel.NORMAL, 1.5),
        (RISING, 49, PriorityLevel.NORMAL, 1 + 49 / 59),
        (RISING, 50, PriorityLevel.HIGH, 1.0),
        (RISING, 90, PriorityLevel.CRITICAL, 1.0),
        (FALLING, 6, PriorityLevel.LOW, 1.0),
        (FALLING, 5, PriorityLevel.NORMAL, 1.0),
        (FALLING, 4, PriorityLevel.NORMAL, 1 + 1 / 11),
        (FALLING, 3, PriorityLevel.HIGH, 1.0),
        (FALLING, 1, PriorityLevel.CRITICAL, 1.0),
        (FALLING, -9, PriorityLevel.CRITICAL, 1.5),
    ],
)
def test_a_number_stands_for_a_class_and_a_weight_in_it(bands: PriorityBands, priority: int, level: PriorityLevel, weight: float) -> None:
    assert bands.level(priority) is level
    assert bands.weight(priority) == pytest.approx(weight)


@given(st.integers(-1000, 1000), st.integers(-1000, 1000))
def test_what_is_more_urgent_is_in_a_higher_class_or_weighs_more(one: int, other: int) -> None:
    for bands, sign in ((RISING, 1), (FALLING, -1)):
        ranks = [(bands.level(number), bands.weight(number)) for number in (one, other)]
        assert (ranks[0] < ranks[1]) == (sign * one < sign * other)
        assert all(0 < weight < 2 for _, weight in ranks)


@pytest.mark.parametrize("numbers", [(0, 0, 1), (0, 5, 3), (5, 7, 1)])
def test_bands_that_neither_rise_nor_fall_are_refused(numbers: tuple[int, int, int]) -> None:
    with pytest.raises(InvalidInputError, match="neither rise nor fall"):
        PriorityBands(*numbers)
