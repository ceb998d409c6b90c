"""Which lines of the supply an EVSE draws from."""

from collections.abc import Iterable

from ampyard.domain.charge_points import CurrentType, Evse
from ampyard.domain.equipment import ALL_LINES, PhaseRotation
from ampyard.domain.power import Lines, wiring_of

# A phase that carries less than this is not in use: chargers show some noise, and charging begins at 6 A (IEC 61851-1).
_IN_USE_A = 2.0


def phases_in_use(current_type: CurrentType, evse_phases: int, vehicle_phases: int | None, measured: frozenset[int]) -> int:
    """Return on how many of an EVSE's phases it draws: all of direct current, else what was measured, or what the vehicle has.

    `measured` are the phases of the EVSE (1 to 3) that were seen to carry current in the transaction.
    """
    if current_type is CurrentType.DC:
        return evse_phases
    if measured:
        return min(evse_phases, len(measured))
    return evse_phases if vehicle_phases is None else min(evse_phases, vehicle_phases)


def lines_of(
    rotation: PhaseRotation,
    current_type: CurrentType,
    evse_phases: int,
    vehicle_phases: int | None = None,
    measured: frozenset[int] = frozenset(),
    *,
    line_to_line: bool = False,
) -> frozenset[int]:
    """Return the lines (1 to 3) that an EVSE draws from: all where it is not known which, so that it counts on each.

    A vehicle with one phase uses the first of the EVSE (IEC 61851-1: L1 of the connector), one with two the first two, unless
    others were `measured`. From line to line, one phase loads two lines.
    """
    used = phases_in_use(current_type, evse_phases, vehicle_phases, measured)
    lines = rotation.lines
    if used == len(ALL_LINES) or len(lines) < used:
        return ALL_LINES
    phases = measured if measured and max(measured) <= len(lines) and current_type is CurrentType.AC else frozenset(range(1, used + 1))
    found = frozenset(lines[phase - 1] for phase in phases)
    if line_to_line and len(found) == 1:
        # The other line is the next of the EVSE's, where it has one.
        return frozenset(lines[:2]) if len(lines) > 1 and found <= frozenset(lines[:2]) else ALL_LINES
    return found


def wiring(evse: Evse, vehicle_phases: int | None = None, measured: frozenset[int] = frozenset(), *, in_amperes: bool = True) -> Lines:
    """Return how an EVSE, or what charges at it, is wired as seen from the supply: over all lines with three phases or direct current.

    A charge point that is told amperes (`in_amperes`) gives no more of them on one line than on three, whatever the vehicle. One
    that is told watts may give all of them on one, as long as nobody knows how many phases are in use; which line that is, neither.
    """
    if not in_amperes and evse.current_type is CurrentType.AC and evse.phases > 1 and vehicle_phases is None and not measured:
        return Lines.PAIR_UNKNOWN if evse.line_to_line else Lines.ONE_UNKNOWN
    used = phases_in_use(evse.current_type, evse.phases, vehicle_phases, measured)
    if used == len(ALL_LINES) or evse.current_type is CurrentType.DC:
        return Lines.L1_L2_L3
    lines = lines_of(evse.phase_rotation, evse.current_type, evse.phases, vehicle_phases, measured, line_to_line=evse.line_to_line)
    # From line to line, both conductors are lines of the supply, and one load is between them.
    return wiring_of(lines, 1 if evse.line_to_line else used, line_to_line=evse.line_to_line)


def phases_measured(currents_a: Iterable[tuple[str | None, float]]) -> frozenset[int]:
    """Return the phases (1 to 3) that carry current, of (phase, A) as meter values have them: L1, L1-N or L1-L2 count for L1."""
    numbers = {"L1": 1, "L2": 2, "L3": 3}
    return frozenset(numbers[phase[:2]] for phase, current_a in currents_a if phase and phase[:2] in numbers and current_a >= _IN_USE_A)
