"""A model in HiGHS, passed in one go and then solved for one aim after the other.

Lexicographic without rounding and without weights: when an aim is reached, everything that would spoil it is fixed. By complementary
slackness a solution of a linear programme is among the best exactly if each column with a reduced cost, and each row with a dual value,
stays at its bound (Bertsimas and Tsitsiklis, Introduction to Linear Optimization, 4.3). What is left free is the face of all best
solutions, in which the next aim is looked for.
"""

import time
from dataclasses import dataclass

import highspy
import numpy as np
import numpy.typing as npt

from ampyard.domain.planning.layout import Floats
from ampyard.domain.planning.matrix import Model
from ampyard.domain.planning.solver import Solver

# Smaller duals are noise of a solver that works to 1e-7; the coefficients of each aim are scaled to 1 at most, so that this is a share.
_NOISE = 1e-6
# How much the aim that comes last counts while it only shows the way. It may be anything: what is found on the way decides nothing.
_ON_THE_WAY = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """A solution: the value of each column, of each row, and what a bit more room in each row would have done for the aim."""

    values: Floats
    row_values: Floats
    row_duals: Floats
    gap: float


class Program:
    """A model while it is solved, until `deadline` (on the monotonic clock). `found` is the last solution, None before there is one."""

    def __init__(self, model: Model, *, deadline: float) -> None:
        self.columns = model.columns
        self.found: Found | None = None
        self.lower, self.upper = model.lower.copy(), model.upper.copy()
        self.row_lower, self.row_upper = model.row_lower.copy(), model.row_upper.copy()
        self._integer = bool(model.integer.any())
        self._deadline = deadline
        self._highs = _solver(model)

    @property
    def seconds_left(self) -> float:
        """How long is left until the deadline."""
        return max(0.0, self._deadline - time.monotonic())

    @property
    def impossible(self) -> bool:
        """Whether it was proven that the last aim has no solution; otherwise time was over."""
        return self._highs.getModelStatus() in {highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kUnboundedOrInfeasible}

    def solve(self, aim: Floats, *, towards: Floats | None = None) -> bool:
        """Look for the least of an aim; return whether there is a solution, which is `found` then.

        An aim has a coefficient for each column, but for the last ones that are 0. Of an integer model a solution that is not the best
        counts when time is over; its `gap` says how far from the best it may be.

        `towards`: another aim, by which hardly any two solutions are alike. Where very many are equally good, as they are by cost alone,
        the simplex method spends nearly all of its steps on going from one to the next. So a little of the other aim is added at first,
        and what is found then is where the aim alone is looked for from, in a few steps or none.
        """
        if towards is not None and not self._run(self._scaled(aim) + _ON_THE_WAY * self._scaled(towards)):
            return False
        return self._run(self._scaled(aim))

    def keep(self) -> None:
        """Fix everything that would spoil the aim that was just reached."""
        solution = self._highs.getSolution()
        fixed = np.abs(np.array(solution.col_dual)) > _NOISE
        at = np.array(solution.col_value)[fixed]
        self.lower[fixed] = self.upper[fixed] = np.clip(at, self.lower[fixed], self.upper[fixed])
        binding = np.abs(np.array(solution.row_dual)) > _NOISE
        at = np.array(solution.row_value)[binding]
        self.row_lower[binding] = self.row_upper[binding] = np.clip(at, self.row_lower[binding], self.row_upper[binding])
        self.pass_bounds()

    def pass_bounds(self) -> None:
        """Tell the solver of bounds that were changed."""
        self._highs.changeColsBounds(len(self.lower), _numbers(len(self.lower)), self.lower, self.upper)
        rows = _numbers(len(self.row_lower))
        self._highs.changeRowsBounds(len(rows), rows, self.row_lower, self.row_upper)  # type: ignore[attr-defined]  # not in its stub

    def _scaled(self, aim: Floats) -> Floats:
        scaled: Floats = np.zeros(len(self.lower))
        scaled[: len(aim)] = aim / (np.abs(aim).max(initial=0.0) or 1.0)
        return scaled

    def _run(self, aim: Floats) -> bool:
        if not self.seconds_left:
            return False
        highs = self._highs
        highs.setOptionValue("time_limit", highs.getRunTime() + self.seconds_left)
        highs.changeColsCost(len(aim), _numbers(len(aim)), aim)
        highs.run()
        info, solution = highs.getInfo(), highs.getSolution()
        optimal = highs.getModelStatus() == highspy.HighsModelStatus.kOptimal
        if not optimal and not (self._integer and info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible):
            return False
        duals = np.zeros(0) if self._integer else np.array(solution.row_dual)
        gap = max(0.0, info.mip_gap) if self._integer else 0.0
        self.found = Found(np.array(solution.col_value), np.array(solution.row_value), duals, gap)
        return True


def _solver(model: Model) -> Solver:
    solver = Solver()
    # Aims of an integer model are counts, or sums that are looked for to a tenth of a per mille.
    solver.setOptionValue("mip_rel_gap", 1e-4)
    solver.load(
        np.zeros(len(model.lower)),
        (model.lower, model.upper),
        (model.row_lower, model.row_upper),
        (model.rows, model.places, model.coefficients),
        integer=model.integer,
    )
    return solver


def _numbers(count: int) -> npt.NDArray[np.int32]:
    return np.arange(count, dtype=np.int32)
