"""Who reaches the minimum where not all can: as many as possible of the highest class, then of the next, then those who lack least."""

from dataclasses import dataclass

import numpy as np

from ampyard.domain.planning.layout import TOLERANCE, Floats, Ints, Layout
from ampyard.domain.planning.matrix import Model
from ampyard.domain.planning.program import Program


@dataclass(frozen=True, slots=True, eq=False)
class Chosen:
    """The stays that reach their minimum, and how far their number may be from the best, as a share of it."""

    stays: Ints
    gap: float


def choose(layout: Layout, model: Model, *, deadline: float) -> Chosen | None:
    """Return who shall reach the minimum, by a mixed-integer programme; None when there was no time to find anyone.

    Each stay that could reach it alone has a column that is 1 if nothing lacks: lacks + most x met <= most. The number of each class is
    raised as far as possible and then kept; last, among all choices with these numbers, what is lacking is made least, class by class.
    """
    able = np.flatnonzero((layout.lacks_minimum_most > TOLERANCE) & (layout.lacks_minimum_least <= TOLERANCE))
    if not len(able):
        return Chosen(able, 0.0)
    most, lacks = layout.lacks_minimum_most[able], model.columns.minimum(able)
    met = len(model.lower) + np.arange(len(able))
    each = np.arange(len(able))
    larger = model.with_columns(np.ones(len(able)), integer=True)
    larger = larger.with_rows(
        np.full(len(able), -np.inf),
        most,
        np.concatenate([each, each]),
        np.concatenate([lacks, met]),
        np.concatenate([np.ones(len(able)), most]),
    )
    # A row for each thing to be kept: first how many of a class are met, then what its members lack.
    classes = [members for priority in layout.priorities if len(members := np.flatnonzero(layout.class_of[able] == priority))]
    aims: list[tuple[Ints, Floats]] = [(met[members], -np.ones(len(members))) for members in classes]
    aims += [(lacks[members], layout.weights[able[members]]) for members in classes]
    kept = len(larger.row_lower)
    for places, coefficients in aims:
        larger = larger.with_rows(np.full(1, -np.inf), np.full(1, np.inf), np.zeros(len(places), np.int64), places, coefficients)
    program = Program(larger, deadline=deadline)
    gap = 0.0
    for number, (places, coefficients) in enumerate(aims):
        aim = np.zeros(len(larger.lower))
        aim[places] = coefficients
        if not program.solve(aim):
            gap = 1.0
            break
        assert program.found is not None
        gap = max(gap, program.found.gap if program.found.gap > _EXACT else 0.0)
        reached = float(aim @ program.found.values)
        program.row_upper[kept + number] = round(reached) if number < len(classes) else reached + TOLERANCE
        program.pass_bounds()
    if program.found is None:
        return None
    return Chosen(able[program.found.values[met] > 1 / 2], gap)


# A gap that is smaller than what the solver was told to look for.
_EXACT = 2e-4
