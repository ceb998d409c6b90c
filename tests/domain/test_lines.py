"""Which lines an EVSE draws from, as far as it is known."""

import pytest

from ampyard.domain.charge_points import CurrentType
from ampyard.domain.equipment import ALL_LINES, PhaseRotation, kw_per_ampere
from ampyard.domain.lines import lines_of, phases_in_use, phases_measured

AC, DC = CurrentType.AC, CurrentType.DC


@pytest.mark.parametrize(
    ("rotation", "phases", "vehicle", "measured", "lines"),
    [
        ("STR", 3, None, set(), {1, 2, 3}),
        ("STR", 3, 3, set(), {1, 2, 3}),
        # a vehicle with one phase uses the first of the EVSE, with two the first two
        ("STR", 3, 1, set(), {2}),
        ("STR", 3, 2, set(), {2, 3}),
        # what is measured counts before what the vehicle is known for
        ("STR", 3, 3, {3}, {1}),
        ("S", 1, None, set(), {2}),
        ("TR", 2, None, set(), {1, 3}),
        # not known which: it counts on each
        ("UNKNOWN", 3, 1, set(), {1, 2, 3}),
        ("UNKNOWN", 1, None, set(), {1, 2, 3}),
        ("R", 3, None, set(), {1, 2, 3}),
    ],
)
def test_lines_are_those_that_are_connected_and_used(
    rotation: str, phases: int, vehicle: int | None, measured: set[int], lines: set[int]
) -> None:
    assert lines_of(PhaseRotation(rotation), AC, phases, vehicle, frozenset(measured)) == lines


def test_between_two_lines_one_phase_loads_both() -> None:
    assert lines_of(PhaseRotation.ST, AC, 1, line_to_line=True) == {2, 3}
    assert lines_of(PhaseRotation.S, AC, 1, line_to_line=True) == ALL_LINES


def test_direct_current_is_made_of_all_phases() -> None:
    assert lines_of(PhaseRotation.RST, DC, 3, 1, frozenset({1})) == ALL_LINES
    assert phases_in_use(DC, 3, 1, frozenset({1})) == 3


def test_an_ampere_makes_as_much_as_voltage_and_phases_say() -> None:
    assert kw_per_ampere(3, 230.0, line_to_line=False) == pytest.approx(0.69)
    assert kw_per_ampere(1, 208.0, line_to_line=True) == pytest.approx(0.208)
    assert kw_per_ampere(3, 208.0, line_to_line=True) == pytest.approx(0.36027, abs=1e-5)


def test_phases_are_in_use_that_carry_current() -> None:
    assert phases_measured([("L1", 16.0), ("L2", 0.4), ("L3-N", 15.9), (None, 32.0), ("N", 3.0)]) == {1, 3}
