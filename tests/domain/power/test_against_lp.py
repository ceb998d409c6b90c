"""The same answer as linear programmes give for the weighted max-min, on depots where limits of lines are linear."""

import random
import uuid
from dataclasses import replace

import highspy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ampyard.domain.power import Demand, share_power
from tests.domain.power.cases import Case, on_random_trees
from tests.domain.power.wired import FULL_TURN, phasors_a, random_case

_EPSILON_KW = 1e-4


class Programme:
    """The limits of a depot as rows of a linear programme over the power of each EVSE, in kW."""

    def __init__(self, case: Case) -> None:
        self.ids = [d.evse_id for d in case.demands]
        self.rows: list[tuple[dict[int, float], float]] = []
        for node in case.nodes:
            below = {place: d for place, d in enumerate(case.demands) if node in case.path(d.node_id)}
            if node.limit_kw is not None:
                self.rows.append((dict.fromkeys(below, 1.0), node.limit_kw))
            if node.limit_a is not None:
                limits = node.limit_a if isinstance(node.limit_a, tuple) else (node.limit_a,) * 3
                self.rows += [({place: _amperes_per_kw(d, line) for place, d in below.items()}, limits[line]) for line in range(3)]
        self.floors = [0.0] * len(self.ids)
        self.ceilings = [d.wanted_kw for d in case.demands]
        self.weights = [d.weight for d in case.demands]

    def highest(self, rising: dict[int, float], least: list[float]) -> float:
        """Return the highest t for which the rising have their pace times t, and all others at least what they are to have."""
        solver = highspy.Highs()  # type: ignore[no-untyped-call]  # it has no annotations
        solver.setOptionValue("output_flag", False)  # as HiGHS takes it
        solver.setOptionValue("threads", 1)  # all programmes of a process have to agree on it
        for place in range(len(self.ids)):
            solver.addVar(least[place], self.ceilings[place])
        t = len(self.ids)
        solver.addVar(0.0, 1e6)
        solver.changeColCost(t, 1.0)
        solver.changeObjectiveSense(highspy.ObjSense.kMaximize)
        for row, limit in self.rows:
            solver.addRow(-highspy.kHighsInf, limit, len(row), list(row), list(row.values()))
        for place, pace in rising.items():
            solver.addRow(0.0, highspy.kHighsInf, 2, [place, t], [1.0, -pace])
        solver.run()
        assert solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
        return float(solver.getSolution().col_value[t])

    def max_min(self) -> list[float]:
        """Raise all together as far as it goes, settle who cannot have more, and go on with the others."""
        powers = [0.0] * len(self.ids)
        rising = dict(enumerate(self.weights))
        while rising:
            level = self.highest(rising, [0.0 if place in rising else powers[place] for place in range(len(powers))])
            for place, pace in rising.items():
                powers[place] = pace * level
            settled = [p for p in rising if self.highest({p: 1.0}, [max(0.0, kw - 1e-9) for kw in powers]) < powers[p] + _EPSILON_KW]
            assert settled
            for place in settled:
                del rising[place]
        return powers


def _amperes_per_kw(d: Demand, line: int) -> float:
    currents, unknown = phasors_a(d.lines, 1.0)
    return abs(currents[line]) + unknown


@settings(on_random_trees, max_examples=60)
@given(st.integers(0, 2**32), st.integers(1, 9), st.booleans())
def test_continuous_shares_are_those_of_linear_programmes(seed: int, count: int, has_lines: bool) -> None:  # noqa: FBT001  # drawn
    plain = {"priority": 1, "minimum_kw": 0.0, "online": True, "urgency": 0.0, "planned_kw": None, "steps": None, "ramp_kw": None}
    case = random_case(random.Random(seed), count, FULL_TURN)
    nodes = case.nodes if has_lines else [replace(node, limit_a=None) for node in case.nodes]
    case = Case(nodes, [replace(d, **plain) for d in case.demands], [])  # type: ignore[arg-type]  # as replace takes them

    shares = share_power(case.nodes, case.demands, step_kw=1e-6)

    by_id = {share.evse_id: share.target_kw for share in shares}
    expected = Programme(case).max_min()
    assert [by_id[evse_id] for evse_id in _ids(case)] == pytest.approx(expected, abs=10 * _EPSILON_KW)


def _ids(case: Case) -> list[uuid.UUID]:
    return [d.evse_id for d in case.demands]
