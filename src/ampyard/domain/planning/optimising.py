"""From a layout to its best solution, one aim after the other."""

from dataclasses import dataclass

import numpy as np

from ampyard.domain.planning import aims
from ampyard.domain.planning.counting import choose
from ampyard.domain.planning.layout import Floats, Layout
from ampyard.domain.planning.matrix import Columns, Model, model_of
from ampyard.domain.planning.program import Found, Program

# How much of the time that is left may go into who reaches the minimum; the rest is for what all others depend on.
_SHARE_OF_COUNTING = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Best:
    """The best solution that was found, and how far off the best of all it may be; 1 where that is not known."""

    columns: Columns
    found: Found
    gap: float


def optimise(layout: Layout, *, deadline: float) -> Best | None:
    """Return the best solution by the order of aims, or the best that was found in time; None: there was no time for any.

    First it is tried to give everyone all that could be had if each were alone, at the least cost. Where that is possible, it is the
    best of all at once, and the only model that has to be solved. Only where it is not the aims are gone through one by one.
    """
    model = model_of(layout)
    program, gap = Program(model, deadline=deadline), 0.0
    _demand_all(program, layout)
    rest = aims.unrest(layout, program.columns)
    if not program.solve(aims.cost(layout, program.columns), towards=rest):
        if not program.impossible:
            return None
        program = Program(aims.with_fairness(layout, model), deadline=deadline)
        gap = _fall_short(program, layout, model, rest, deadline=deadline)
    if program.found is None:
        return None
    if gap < 1:
        program.keep()
        # Left as it is when time is over: then it is as good by all aims above, only less smooth.
        program.solve(rest)
    return Best(program.columns, program.found, gap)


def _demand_all(program: Program, layout: Layout) -> None:
    """Bound what lacks by what lacks even to each that is alone, and what is preconditioned by all that is wanted."""
    columns, least = program.columns, layout.lacks_minimum_least
    program.upper[columns.lacks_minimum : columns.lacks_target] = np.minimum(least, layout.lacks_minimum_most)
    wanted = np.maximum(layout.needs_target - layout.lacks_minimum_most, 0.0)
    alone = np.maximum(layout.needs_target - layout.reachable, 0.0) - least
    program.upper[columns.lacks_target : columns.beyond] = np.minimum(wanted, np.maximum(alone, 0.0))
    program.lower[columns.heat : columns.lacks_minimum] = layout.preconditioning.most
    program.pass_bounds()


def _fall_short(program: Program, layout: Layout, model: Model, rest: Floats, *, deadline: float) -> float:
    """Solve for how many reach the minimum, what lacks to it, what lacks to the target, what that costs, and that it is shared fairly.

    Returns:
        How far off the best it may be: 0, the gap of the count, or 1 where time was over before the cost was the least.
    """
    columns, gap = program.columns, 0.0
    minimum = slice(columns.lacks_minimum, columns.lacks_target)
    program.upper[minimum] = np.minimum(layout.lacks_minimum_least, layout.lacks_minimum_most)
    program.pass_bounds()
    targets = list(aims.lacking_target(layout, columns))
    if program.solve(targets[0], towards=rest):
        program.keep()
        sequence = targets[1:]
    elif program.impossible:
        chosen = choose(layout, model, deadline=deadline - program.seconds_left * (1 - _SHARE_OF_COUNTING))
        program.upper[minimum] = model.upper[minimum]
        if chosen is not None:
            program.upper[columns.minimum(chosen.stays)] = 0.0
            gap = chosen.gap
        else:
            gap = _UNKNOWN
        program.pass_bounds()
        sequence = [*aims.lacking_minimum(layout, columns), *targets]
    else:
        return 1.0
    for aim in (*sequence, aims.cost(layout, columns)):
        if not program.solve(aim, towards=rest):
            return 1.0
        program.keep()
    for aim in aims.unfairness(layout, columns):
        if not program.solve(aim, towards=rest):
            break
        program.keep()
    return gap


# Of the count nothing is known, but all aims below it are reached: not as bad as 1, where the plan is not to be smoothed.
_UNKNOWN = 0.999999
