"""Each aim comes to what it comes to where it is looked for on its own, among the solutions that are as good by all aims above it."""

import time
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ampyard.domain.planning import PlanProblem
from ampyard.domain.planning import aims as aims_of
from ampyard.domain.planning.counting import choose
from ampyard.domain.planning.layout import Floats, Layout, lay_out
from ampyard.domain.planning.matrix import Columns, Model, model_of
from ampyard.domain.planning.optimising import optimise
from ampyard.domain.planning.program import Program
from tests.domain.planning.cases import GRID, depots, node, on_random_depots, problem, stay

PATIENCE_S = 60.0


@st.composite
def crowds(draw: st.DrawFn) -> PlanProblem:
    """A depot of many at one connection, whose batteries taper, where prices and powers are often the same."""
    slots = draw(st.integers(4, 16))
    guests = []
    for number in range(draw(st.integers(2, 24))):
        arrives = draw(st.integers(0, slots - 2))
        target = draw(st.integers(10, 60))
        guests.append(
            stay(
                number,
                arrives=arrives,
                departs=draw(st.integers(arrives + 1, slots)),
                minimum=target * draw(st.sampled_from([0.0, 0.5, 0.8, 1.0])),
                target=target,
                max_kw=draw(st.sampled_from([10.0, 20.0])),
                priority=draw(st.integers(1, 2)),
                capacity_kwh=target * draw(st.sampled_from([1.0, 1.1, 1.5])),
            )
        )
    return problem(
        guests,
        slots=slots,
        nodes=[node(GRID, draw(st.integers(20, 200)), slots)],
        prices=draw(st.lists(st.sampled_from([0.1, 0.2, 0.3]), min_size=slots, max_size=slots)),
        demand_charge_per_kw=draw(st.sampled_from([0.0, 0.5, 5.0])),
    )


def _aims(layout: Layout, columns: Columns, *, short: bool) -> list[Floats]:
    return [
        *aims_of.lacking_minimum(layout, columns),
        *aims_of.lacking_target(layout, columns),
        aims_of.cost(layout, columns),
        *(aims_of.unfairness(layout, columns) if short else ()),
        aims_of.unrest(layout, columns),
    ]


def _one_by_one(model: Model, aims: Sequence[Floats]) -> list[float]:
    """Return the least of each aim; those above are kept by a row each, and every model is solved from scratch."""
    found = []
    for aim in aims:
        program = Program(model, deadline=time.monotonic() + PATIENCE_S)
        assert program.solve(aim)
        assert program.found is not None
        whole = np.append(aim, np.zeros(len(model.lower) - len(aim)))
        found.append(float(whole @ program.found.values))
        places = np.flatnonzero(whole)
        slack = 1e-7 * max(1.0, abs(found[-1]))
        model = model.with_rows(np.full(1, -np.inf), np.array([found[-1] + slack]), np.zeros(len(places), np.int64), places, whole[places])
    return found


@on_random_depots
@given(depots(chained=True) | crowds())
def test_every_aim_is_as_good_as_if_it_were_looked_for_on_its_own(depot: PlanProblem) -> None:
    if not depot.stays:
        return
    layout = lay_out(depot)
    best = optimise(layout, deadline=time.monotonic() + PATIENCE_S)
    assert best is not None
    model = aims_of.with_fairness(layout, model_of(layout))
    chosen = choose(layout, model_of(layout), deadline=time.monotonic() + PATIENCE_S)
    assert chosen is not None
    model.upper[model.columns.minimum(chosen.stays)] = 0.0
    values = best.found.values
    # Where everyone gets what could be had alone, nothing is left to be shared fairly.
    aims = _aims(layout, model.columns, short=len(values) > model.columns.end)
    assert [float(aim[: len(values)] @ values[: len(aim)]) for aim in aims] == pytest.approx(_one_by_one(model, aims), abs=1e-3, rel=1e-5)
