"""Lines of nodes as linear bounds of a plan.

What flows on a line is a sum of phasors, whose magnitude is held by its parts in a few directions. Where all below a node are spread evenly
over its lines, a limit of lines is one of power, and needs no rows of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ampyard.domain.planning.model import PlanNode, Stay
from ampyard.domain.power import Lines, line_phasors

_Floats: TypeAlias = npt.NDArray[np.float64]
Phasors: TypeAlias = npt.NDArray[np.complex128]

# A magnitude is held by its parts in so many directions. What lies between the phasors' outermost angles is then at most a third of half
# their span from one of them: for loads between lines, which are 30 degrees off at most, 10 degrees, hence 1.5 % too strict.
_DIRECTIONS = 3
_UNKNOWN = frozenset({Lines.ONE_UNKNOWN, Lines.TWO_UNKNOWN, Lines.PAIR_UNKNOWN})
# What rounding leaves of nothing.
_NOTHING = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class LineBounds:
    """What flows on lines, a row for each line of a node and direction: `parts` times kW of the stays is at most `limits`, a kW a slot.

    `node` is the number of each row's node; `gains` says by how much a row's limits rise where that of its line rises by 1.
    """

    node: npt.NDArray[np.int64]
    parts: _Floats
    limits: _Floats
    gains: _Floats


def line_bounds(nodes: Sequence[PlanNode], stays: Sequence[Stay], below: npt.NDArray[np.bool_]) -> LineBounds:
    """Return the bounds of lines of nodes that not all below load evenly."""
    phasors = line_phasors([stay.lines for stay in stays]) if stays else np.zeros((0, 3), np.complex128)
    unknown = np.array([stay.lines in _UNKNOWN for stay in stays], dtype=bool)
    uneven = np.array([stay.lines is not Lines.L1_L2_L3 for stay in stays], dtype=bool)
    at, parts, limits, gains = [], [], [], []
    for number, node in enumerate(nodes):
        if not (below[number] & uneven).any():
            continue
        for line, limits_kw in enumerate(node.line_limits_kw):
            share = np.where(below[number], phasors[:, line], 0.0)
            middle, half = span(np.where(unknown, 0.0, share))
            gain = np.cos(half / _DIRECTIONS)
            inner = half * (1 - 1 / _DIRECTIONS)
            for angle in middle + np.linspace(-inner, inner, _DIRECTIONS if half else 1):
                at.append(number)
                # What is on a line that nobody knows has an angle that nobody knows: its magnitude counts in each direction.
                parts.append(np.where(unknown, np.abs(share), (share * np.exp(-1j * angle)).real))
                limits.append(_in_kw(limits_kw) * gain)
                gains.append(gain)
    if not at:
        return LineBounds(np.zeros(0, np.int64), np.zeros((0, len(stays))), np.zeros((0, len(nodes[0].limits_kw))), np.zeros(0))
    return LineBounds(np.array(at, np.int64), np.array(parts), np.array(limits), np.array(gains))


def limit_kw(node: PlanNode) -> _Floats:
    """Return what may flow past a node in each slot, in kW."""
    return _in_kw(node.limits_kw)


def even_limit_kw(node: PlanNode) -> _Floats:
    """Return what may flow past a node in each slot, in kW, if it is spread evenly over its lines: its limit, or three times a line's."""
    least = _in_kw(node.limits_kw)
    for limits_kw in node.line_limits_kw:
        least = np.minimum(least, 3 * _in_kw(limits_kw))
    return least


def span(parts: Phasors) -> tuple[float, float]:
    """Return the middle of the angles of some phasors that lie in a half-plane, and how far they reach on either side."""
    there = parts[np.abs(parts) > _NOTHING]
    if not len(there):
        return 0.0, 0.0
    lead = np.angle(there[0])
    angles = np.angle(there * np.exp(-1j * lead))
    low, high = angles.min(), angles.max()
    return float(lead + (low + high) / 2), float(high - low) / 2


def _in_kw(limits_kw: Sequence[float | None]) -> _Floats:
    return np.array([np.inf if kw is None else max(0.0, kw) for kw in limits_kw])
