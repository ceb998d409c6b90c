from dataclasses import replace

import pytest

from ampyard.domain.planning import compare, solve
from tests.domain.planning.cases import HOUR, NOW, problem, stay

BEFORE = problem([stay(1, minimum=20.0), stay(2, minimum=20.0)], prices=[0.1, 0.2, 0.3, 0.4], demand_charge_per_kw=1.0)


def test_the_same_plan_changes_nothing() -> None:
    plan = solve(BEFORE, time_limit_s=20.0)
    same = compare(plan, plan)
    assert (same.changes, same.becomes_ready, same.becomes_short) == ((), (), ())
    assert (same.cost, same.peak_kw) == (0, 0)


def test_a_run_that_leaves_earlier_makes_another_short_and_back_again_ready() -> None:
    before = solve(BEFORE, time_limit_s=20.0)
    stays = (replace(one, departs_at=NOW + 3 * HOUR, weight=weight) for one, weight in zip(BEFORE.stays, (2.0, 1.0), strict=True))
    earlier = replace(BEFORE, stays=tuple(stays))
    after = solve(earlier, time_limit_s=20.0)
    there = compare(before, after)
    assert there.becomes_short == (BEFORE.stays[1].id,)
    lacks = next(change for change in there.changes if change.stay_id == BEFORE.stays[1].id)
    assert (lacks.lacks_before_kwh, round(lacks.lacks_after_kwh, 3)) == (0, 10)
    assert there.energy_cost == pytest.approx(-4.0)
    assert (round(there.peak_kw, 3), round(there.demand_cost, 3)) == (0, 0)
    back = compare(after, before)
    assert (back.becomes_ready, back.becomes_short) == (there.becomes_short, ())
    assert back.energy_cost == pytest.approx(4.0)


def test_a_stay_that_is_new_or_gone_is_a_change() -> None:
    before = solve(BEFORE, time_limit_s=20.0)
    after = solve(replace(BEFORE, stays=BEFORE.stays[:1]), time_limit_s=20.0)
    gone = next(change for change in compare(before, after).changes if change.stay_id == BEFORE.stays[1].id)
    assert gone.final_before_kwh == pytest.approx(20)
    assert gone.final_after_kwh is None
    assert gone.minimum_at_after is None
