"""How much loads of each wiring take of a node's power and of each of its lines.

A load between a line and neutral flows in phase with that line's voltage; one between two lines is 30 degrees ahead of it in
one of them and 30 degrees behind in the other. So the current of a line is a sum of phasors. With the power factor at 1, N the sum of
what is in phase and of cos 30 of the others, and D half the difference of those ahead and those behind, it is the root of
N² + D². Two loads `ab` and `ca` alone, in amperes, make |I_A|² = ab² + ca² + ab·ca. It grows with each load, which is
all that filling needs to know. Where nobody knows the lines, and for what is only measured, the magnitude is added: no angle makes it more.

Lines are counted in sixths of a milliwatt (current x voltage to neutral), so that the parts of every wiring are whole numbers.
"""

import math

import numpy as np

from ampyard.domain.power.contenders import Bools, Floats, Ints
from ampyard.domain.power.lines import Line, Lines

SIXTHS = 6.0
LINES = (Line.L1, Line.L2, Line.L3)

# A load P between two lines flows in each as P / √3, in sixths 2 √3 P. Rounded up to a binary fraction, so that sums stay exact.
_PAIR_SIXTHS = math.ceil(12**0.5 * 2**16) / 2**16

_IN_PHASE = np.zeros((len(Lines), 3))
_IN_PHASE[Lines.L1_L2_L3] = 2
for _wiring, _line in ((Lines.L1, 0), (Lines.L2, 1), (Lines.L3, 2)):
    _IN_PHASE[_wiring, _line] = 6
for _wiring, _on in ((Lines.L1_L2, (0, 1)), (Lines.L2_L3, (1, 2)), (Lines.L3_L1, (2, 0))):
    _IN_PHASE[_wiring, _on] = 3
# Between two lines: ahead in the first, behind in the second. P / √3 at 30 degrees is P / 2 in phase and P / (2 √3) across.
_ACROSS = np.zeros((len(Lines), 3))
for _wiring, _first, _second in ((Lines.L1_TO_L2, 0, 1), (Lines.L2_TO_L3, 1, 2), (Lines.L3_TO_L1, 2, 0)):
    _IN_PHASE[_wiring, (_first, _second)] = 3
    _ACROSS[_wiring, (_first, _second)] = (1, -1)
_UNKNOWN = np.zeros(len(Lines))
_UNKNOWN[[Lines.ONE_UNKNOWN, Lines.TWO_UNKNOWN, Lines.PAIR_UNKNOWN]] = (6, 3, _PAIR_SIXTHS)
_SHARES: tuple[tuple[float, float, float], ...] = tuple(
    map(tuple, ((np.where(_ACROSS != 0, _PAIR_SIXTHS, _IN_PHASE) + _UNKNOWN[:, None]) / SIXTHS).tolist())
)
_PAIRS = (Lines.L1_TO_L2, Lines.L2_TO_L3, Lines.L3_TO_L1)


def line_shares(lines: Lines) -> tuple[float, float, float]:
    """Return what a load of 1 kW is on L1, L2 and L3 at most, in kW between the line and neutral."""
    return _SHARES[lines]


class Loading:
    """The columns in which loads are summed up, and what the sums come to.

    `dims` is 1, for power alone, or 4, with the three lines. Columns are power, then what is in phase on each line and, only where there
    are loads between lines, what is across on each line and what is unknown; without these what is unknown is as if in phase.
    `of` has, by wiring, the columns of a milliwatt; `reach` by how much a milliwatt raises each dimension at most.
    """

    def __init__(self, *, lines: bool, pairs: bool) -> None:
        self.dims = 4 if lines else 1
        self.pairs = lines and pairs
        power = np.ones((len(Lines), 1))
        unknown = np.repeat(_UNKNOWN[:, None], 3, axis=1)
        across = np.abs(_ACROSS) * _PAIR_SIXTHS
        self.reach = np.hstack([power, np.where(across > 0, across, _IN_PHASE) + unknown])[:, : self.dims]
        if self.pairs:
            self.of = np.hstack([power, _IN_PHASE, _ACROSS, _UNKNOWN[:, None]])
        else:
            self.of = np.hstack([power, _IN_PHASE + unknown])[:, : self.dims]

    @classmethod
    def for_wirings(cls, wirings: Ints, *, lines: bool) -> "Loading":
        """Return what is needed for loads of these wirings."""
        return cls(lines=lines, pairs=bool(np.isin(wirings, _PAIRS).any()))

    def columns_of(self, dim: int) -> list[int]:
        """Return the columns that a dimension is measured from."""
        return [dim, dim + 3, 7] if self.pairs and dim > 0 else [dim]

    def measure(self, sums: Floats) -> Floats:
        """Return what sums (along the last axis) come to in each dimension: milliwatts, then sixths of a milliwatt on each line."""
        if not self.pairs:
            return sums
        return np.concatenate([sums[..., :1], phasors(sums[..., 1:4], sums[..., 4:7]) + sums[..., 7:]], axis=-1)

    @staticmethod
    def measure_dim(sums: list[Floats]) -> Floats:
        """Return what the sums of `columns_of` one dimension come to."""
        return sums[0] if len(sums) == 1 else phasors(sums[0], sums[1]) + sums[2]


def phasors(in_phase: Floats, across: Floats) -> Floats:
    """Return the magnitudes, in sixths: `across` is in units of which √3 are one sixth; rounded up, so that no limit is passed."""
    return np.where(across == 0, in_phase, np.ceil(np.hypot(in_phase, 3**0.5 * across)))


def exceeds(measured: Floats, limits: Floats) -> Bools:
    """Tell of each row whether it passes its limits in any dimension."""
    over = measured > limits
    return np.asarray(over[..., 0] if over.shape[-1] == 1 else over.any(axis=-1))
