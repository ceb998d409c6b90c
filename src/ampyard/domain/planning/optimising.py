"""From a layout to its best solution, one aim after the other."""

from dataclasses import dataclass

import numpy as np

from ampyard.domain.planning import aims
from ampyard.domain.planning.counting import choose
from ampyard.domain.planning.layout import Layout
from ampyard.domain.planning.matrix import Model, model_of
from ampyard.domain.planning.program import Found, Program

# How much of the time that is left may go into who reaches the minimum; the rest is for what all others depend on.
_SHARE_OF_COUNTING = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Best:
    """What was found: the last solution, the one that made what lacks least (for its duals), and how far off the best it may be.

    `short` is None where nobody lacks what could be had.
    """

    model: Model
    found: Found
    short: Found | None
    gap: float


def optimise(layout: Layout, *, deadline: float) -> Best | None:
    """Return the best solution by the order of aims, or the best that was found in time; None: there was no time for any.

    First it is tried to give everyone all that could be had if each were alone, at the least cost. Where that is possible, it is the
    best of all at once, and the only model that has to be solved. Only where it is not the aims are gone through one by one.
    """
    model = model_of(layout)
    program = Program(model, deadline=deadline)
    _demand_all(program, layout)
    gap, short = 0.0, None
    if not program.solve(aims.cost(layout, program.columns)):
        if not program.impossible:
            return None
        short, gap = _fall_short(program, layout, model, deadline=deadline)
        if program.found is None:
            return None
        done = gap < 1 and program.solve(aims.cost(layout, program.columns))
        gap = gap if done else 1.0
    if gap < 1:
        program.keep()
        # Left as it is when time is over: then it is as good by all aims that count, only less smooth.
        program.solve(aims.unrest(layout, program.columns), nearby=True)
    assert program.found is not None
    return Best(model, program.found, short, gap)


def _demand_all(program: Program, layout: Layout) -> None:
    """Bound what lacks by what lacks even to each that is alone, and what is preconditioned by all that is wanted."""
    columns, least = program.columns, layout.lacks_minimum_least
    program.upper[columns.lacks_minimum : columns.lacks_target] = np.minimum(least, layout.lacks_minimum_most)
    wanted = np.maximum(layout.needs_target - layout.lacks_minimum_most, 0.0)
    alone = np.maximum(layout.needs_target - layout.reachable, 0.0) - least
    program.upper[columns.lacks_target : columns.beyond] = np.minimum(wanted, np.maximum(alone, 0.0))
    program.lower[columns.heat : columns.lacks_minimum] = layout.preconditioning.most
    program.pass_bounds()


def _fall_short(program: Program, layout: Layout, model: Model, *, deadline: float) -> tuple[Found | None, float]:
    """Solve for what lacks: how many reach the minimum, what lacks to it, what lacks to the target.

    Returns:
        The solution that decided who lacks what, None if there was no time, and how far off the best it may be.
    """
    columns, gap, short = program.columns, 0.0, None
    program.lower[:], program.upper[:] = model.lower, model.upper
    minimum = slice(columns.lacks_minimum, columns.lacks_target)
    program.upper[minimum] = np.minimum(layout.lacks_minimum_least, layout.lacks_minimum_most)
    program.pass_bounds()
    targets = list(aims.lacking_target(layout, columns))
    if not program.solve(targets[0]):
        if not program.impossible:
            return None, 1.0
        chosen = choose(layout, model, deadline=deadline - program.seconds_left * (1 - _SHARE_OF_COUNTING))
        gap = 1.0 if chosen is None else chosen.gap
        program.upper[minimum] = model.upper[minimum]
        if chosen is not None:
            program.upper[columns.minimum(chosen.stays)] = 0.0
        program.pass_bounds()
        for aim in aims.lacking_minimum(layout, columns):
            if not program.solve(aim):
                return short, 1.0
            short = program.found if short is None else short
            program.keep()
        if not program.solve(targets[0]):
            return short, 1.0
    short = program.found if short is None else short
    program.keep()
    for aim in targets[1:]:
        if not program.solve(aim):
            return short, 1.0
        program.keep()
    return short, min(gap, 0.999999) if gap < 1 else 1.0
