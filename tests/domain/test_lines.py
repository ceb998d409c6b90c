"""Which lines an EVSE draws from, as far as it is known."""

import uuid
from datetime import UTC, datetime

import pytest

from ampyard.domain.charge_points import ConnectorStatus, CurrentType, Evse
from ampyard.domain.equipment import ALL_LINES, PhaseRotation, kw_per_ampere
from ampyard.domain.lines import lines_of, phases_in_use, phases_measured, wiring
from ampyard.domain.power import Lines

AC, DC = CurrentType.AC, CurrentType.DC
T0 = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)


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


@pytest.mark.parametrize(
    ("current_type", "phases", "rotation", "line_to_line", "vehicle", "wired"),
    [
        (AC, 3, "STR", False, None, Lines.L1_L2_L3),
        (AC, 3, "STR", False, 1, Lines.L2),
        (AC, 2, "TR", False, None, Lines.L3_L1),
        (AC, 1, "S", False, None, Lines.L2),
        (AC, 1, "UNKNOWN", False, None, Lines.ONE_UNKNOWN),
        (AC, 2, "UNKNOWN", False, None, Lines.TWO_UNKNOWN),
        # Two conductors between two lines are one load, whatever the EVSE calls them.
        (AC, 2, "ST", True, None, Lines.L2_TO_L3),
        (AC, 3, "RST", True, 1, Lines.L1_TO_L2),
        (AC, 1, "R", True, None, Lines.PAIR_UNKNOWN),
        # A charger of direct current is connected to all three, whatever its vehicle has.
        (DC, 1, "R", False, 1, Lines.L1_L2_L3),
    ],
)
def test_an_evse_is_wired_as_it_is_connected_and_used(
    current_type: CurrentType,
    phases: int,
    rotation: str,
    line_to_line: bool,  # noqa: FBT001 - a parameter of the test
    vehicle: int | None,
    wired: Lines,
) -> None:
    evse = evse_of(current_type, phases, PhaseRotation(rotation), line_to_line=line_to_line)
    assert wiring(evse, vehicle) is wired


def evse_of(current_type: CurrentType, phases: int, rotation: PhaseRotation, *, line_to_line: bool) -> Evse:
    return Evse(
        id=uuid.UUID(int=1),
        tenant_id=uuid.UUID(int=2),
        charge_point_id=uuid.UUID(int=3),
        evse_no=1,
        current_type=current_type,
        max_power_kw=7.0,
        min_power_kw=1.0,
        phases=phases,
        fallback_kw=1.0,
        status=ConnectorStatus.UNKNOWN,
        limit_kw=None,
        limit_at=None,
        limit_reason=None,
        created_at=T0,
        updated_at=T0,
        phase_rotation=rotation,
        line_to_line=line_to_line,
    )
