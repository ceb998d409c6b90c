"""Which lines a load draws from, and what it takes of them: worked by hand."""

import uuid

import pytest

from ampyard.domain.power import (
    Demand,
    FallbackExcess,
    Line,
    Lines,
    Node,
    Reason,
    Reserved,
    SetPoint,
    Share,
    explain,
    fallback_excess,
    kw_of_ampere,
    lines_of,
    share_power,
    stage,
)
from tests.domain.power.cases import FEEDER_A, GRID, MORNING, evse


def wired(number: int, lines: Lines, **fields: object) -> Demand:
    """EVSE `number`, which wants 22 kW at the grid connection."""
    given = {"priority": 1, "wanted_kw": 22.0, "minimum_kw": 0.0, "current_kw": 0.0, "fallback_kw": 0.0, "online": True} | fields
    return Demand(evse_id=evse(number), node_id=GRID, since=MORNING, lines=lines, **given)  # type: ignore[arg-type]  # as a demand takes them


def shared(limit_a: float | tuple[float, float, float], *demands: Demand, reserved: tuple[Reserved, ...] = ()) -> list[float]:
    """Return the powers of EVSEs below lines of so many amperes, in kW, in order."""
    return [share.target_kw for share in share_power([Node(GRID, None, None, limit_a)], demands, reserved, step_kw=0.001)]


@pytest.mark.parametrize(
    ("phases", "rotation", "line_to_line", "lines"),
    [
        (1, "RST", False, Lines.L1),
        (1, "STR", False, Lines.L2),
        (1, "TSR", False, Lines.L3),
        (2, "RST", False, Lines.L1_L2),
        (2, "TRS", False, Lines.L3_L1),
        (3, "STR", False, Lines.L1_L2_L3),
        (3, None, False, Lines.L1_L2_L3),
        (1, None, False, Lines.ONE_UNKNOWN),
        (1, "NotApplicable", False, Lines.ONE_UNKNOWN),
        (2, "Unknown", False, Lines.TWO_UNKNOWN),
        (1, "RST", True, Lines.L1_TO_L2),
        (1, "TRS", True, Lines.L3_TO_L1),
        (1, None, True, Lines.PAIR_UNKNOWN),
    ],
)
def test_lines_of_a_vehicle(phases: int, rotation: str | None, line_to_line: bool, lines: Lines) -> None:  # noqa: FBT001  # a parameter
    assert lines_of(phases, rotation, line_to_line=line_to_line) is lines


def test_no_vehicle_has_four_phases() -> None:
    with pytest.raises(ValueError, match="A vehicle charges with 1, 2 or 3 phases, not 4"):
        lines_of(4, "RST")


@pytest.mark.parametrize(
    ("lines", "voltage_v", "kw"),
    [
        (Lines.L2, 230.0, 0.23),
        (Lines.TWO_UNKNOWN, 230.0, 0.46),
        (Lines.L1_L2_L3, 230.0, 0.69),
        (Lines.L1_TO_L2, 120.0, 0.207847),  # 120 x √3 = 207.8461 V, rounded up to a milliwatt
    ],
)
def test_what_an_ampere_makes(lines: Lines, voltage_v: float, kw: float) -> None:
    assert kw_of_ampere(lines, voltage_v) == kw


@pytest.mark.parametrize(
    ("lines", "kw"),
    [
        (Lines.L1, 2.3),  # 10 A x 230 V
        (Lines.L1_L2, 4.6),
        (Lines.L1_L2_L3, 6.9),
        (Lines.L3_TO_L1, 3.983),  # 10 A x 398.37 V
        (Lines.ONE_UNKNOWN, 2.3),
        (Lines.TWO_UNKNOWN, 4.6),
        (Lines.PAIR_UNKNOWN, 3.983),
    ],
)
def test_one_load_fills_its_lines(lines: Lines, kw: float) -> None:
    assert shared(10.0, wired(1, lines)) == [kw]


def test_loads_on_different_lines_do_not_meet() -> None:
    assert shared((10.0, 20.0, 30.0), wired(1, Lines.L1), wired(2, Lines.L2), wired(3, Lines.L3)) == [2.3, 4.6, 6.9]


def test_two_loads_between_lines_meet_in_one_as_phasors() -> None:
    # a² + a² + a·a = 3a² = 10², so each has 5.7735 A of 398.37 V.
    assert shared(10.0, wired(1, Lines.L1_TO_L2), wired(2, Lines.L3_TO_L1)) == [2.3, 2.3]


def test_a_load_to_neutral_and_one_between_lines_meet_as_phasors() -> None:
    # As in docs/engine.md.
    assert shared(32.0, wired(1, Lines.L1), wired(2, Lines.L1_TO_L2)) == [4.818, 4.818]


def test_who_is_stopped_by_a_line_leaves_the_others_to_the_rest() -> None:
    # L1 carries two and a third of the three-phase one: x + x + x/3 = 2.3, so 0.985 each; what that leaves is a step for the first, and two
    # for the third, which takes a third of them: 0.986 + 0.985 + 0.987/3 = 2.3. L2 has the rest for its own: 2.3 - 0.987/3 = 1.971.
    loads = [wired(1, Lines.L1), wired(2, Lines.L1), wired(3, Lines.L1_L2_L3), wired(4, Lines.L2)]
    assert shared(10.0, *loads) == [0.986, 0.985, 0.987, 1.971]


def test_an_unknown_rotation_counts_on_every_line() -> None:
    assert shared(10.0, wired(1, Lines.ONE_UNKNOWN, priority=2), wired(2, Lines.L3)) == [2.3, 0.0]


def test_a_measured_current_is_taken_off_its_line() -> None:
    building = Reserved(GRID, 5.0, line_a=(4.0, 10.0, 0.0))
    assert shared(10.0, wired(1, Lines.L1), wired(2, Lines.L2), wired(3, Lines.L3), reserved=(building,)) == [1.38, 0.0, 2.3]


def test_a_share_tells_the_line_and_who_came_first() -> None:
    nodes = [Node(GRID, None, None, 10.0)]
    first, other, waits = wired(1, Lines.L1, priority=3), wired(2, Lines.L2, priority=2), wired(3, Lines.L1, minimum_kw=1.38)

    shares = share_power(nodes, [waits, other, first])

    assert shares[2] == Share(evse(3), 0.0, Reason.BELOW_MINIMUM, GRID, Line.L1, priority=1, rank=1, yielded_to=(evse(1),))
    names = {GRID: "Grid", evse(1): "CP-1"}
    assert explain(shares[2], names) == (
        "Waits: line L1 of Grid has less left than the least power this vehicle can charge with. First came CP-1."
    )


def test_a_raise_waits_for_a_reduction_on_its_own_line_alone() -> None:
    nodes = [Node(GRID, None, None, 10.0)]
    demands = [wired(1, Lines.L1, current_kw=2.3), wired(2, Lines.L1_TO_L2), wired(3, Lines.L3)]
    shares = [Share(evse(1), 1.0, Reason.WANTED), Share(evse(2), 1.5, Reason.WANTED), Share(evse(3), 2.0, Reason.WANTED)]

    assert stage(nodes, demands, shares) == [SetPoint(evse(1), 1.0), SetPoint(evse(3), 2.0)]
    demands[0] = wired(1, Lines.L1, current_kw=1.0)
    assert stage(nodes, demands, shares) == [SetPoint(evse(2), 1.5), SetPoint(evse(3), 2.0)]


def test_fallbacks_beyond_the_limit_of_a_line_are_told() -> None:
    nodes = [Node(GRID, None, 50.0, 10.0), Node(FEEDER_A, GRID, None)]
    fallbacks = [Reserved(FEEDER_A, 1.38, Lines.L2), Reserved(GRID, 1.38, Lines.L2), Reserved(GRID, 1.38, Lines.L3)]

    # 2 x 1.38 = 2.76 on L2, which bears 10 A x 230 V.
    assert fallback_excess(nodes, fallbacks) == [FallbackExcess(GRID, 2.3, 2.76, Line.L2)]


def test_measured_currents_count_on_their_own_lines_beside_fallbacks() -> None:
    nodes = [Node(GRID, None, None, limit_a=20.0)]
    fallbacks = [Reserved(GRID, 2.3, Lines.L2)]
    assert fallback_excess(nodes, [*fallbacks, Reserved(GRID, 9.2, line_a=(20.0, 10.0, 10.0))]) == []
    measured = Reserved(GRID, 9.2, line_a=(10.0, 20.0, 10.0))
    assert fallback_excess(nodes, [*fallbacks, measured]) == [FallbackExcess(GRID, 4.6, 6.9, Line.L2)]


@pytest.mark.parametrize("limit_a", [-1.0, (10.0, float("inf"), 10.0), float("nan")])
def test_limits_of_lines_are_finite_numbers_from_zero_up(limit_a: float | tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="give finite numbers from 0 up, or None for no limit"):
        share_power([Node(GRID, None, None, limit_a)], [])


def test_voltage_is_above_zero() -> None:
    with pytest.raises(ValueError, match=f"{uuid.UUID(int=1)} has the voltage 0 V; give that between phase and neutral"):
        share_power([Node(GRID, None, None, 10.0, voltage_v=0)], [])
