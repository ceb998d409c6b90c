"""Where a node is short, a step looks ahead for those whose departures are known and whom no plan tells."""

import time
import uuid
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from ampyard.domain.allocation import BoundBy, EvseFacts, StepInput, decide
from ampyard.domain.allocation import ahead as looking
from ampyard.domain.planning import UnsolvedError
from ampyard.domain.power import Lines, Node, Reserved, Tree, room_for_loads
from tests.domain.test_allocation import GRID, NOW, evse, sent, shares, step

HOUR = timedelta(hours=1)


def guest(number: int, *, hours: float | None, needed_kwh: float = 0.0, wanted_kwh: float = 0.0, **facts: object) -> EvseFacts:
    """An EVSE of 50 kW, nothing of which is reserved, with a vehicle that leaves in so many hours and draws nothing yet."""
    given = {"held_kw": 0.0, "fallback_kw": 0.0, "limit_kw": 0.0, "in_force_kw": 0.0, "power_kw": 0.0} | facts
    of_charging = {name: given.pop(name) for name in ("planned_kw", "planned_priority", "weight") if name in given}
    one = evse(number, **given)
    assert one.charging is not None
    departs_at = None if hours is None else NOW + hours * HOUR
    charging = replace(one.charging, needed_kwh=needed_kwh, wanted_kwh=wanted_kwh, departs_at=departs_at, **of_charging)  # type: ignore[arg-type]  # the names are the fields'
    return replace(one, charging=charging)


def test_who_leaves_first_goes_first_and_whoever_waits_is_told_why() -> None:
    decision = decide(step(guest(1, hours=8, needed_kwh=40), guest(2, hours=2, needed_kwh=40), grid_kw=30))
    assert shares(decision) == {1: 0.0, 2: 30.0}
    waiting, _ = decision.outcomes
    assert (waiting.bound_by, waiting.planned_kw) == (BoundBy.PLAN, None)
    assert waiting.explanation == "Waits: those who get its power now need it sooner, and it has time to charge later."


@pytest.mark.parametrize(
    "second",
    [
        guest(2, hours=None, needed_kwh=40),
        guest(2, hours=2),
        guest(2, hours=2, needed_kwh=40, planned_kw=50.0),
    ],
    ids=["no departure", "no need", "a plan"],
)
def test_nobody_waits_for_somebody_of_whom_nothing_is_known_or_whom_a_plan_tells(second: EvseFacts) -> None:
    assert shares(decide(step(guest(1, hours=8, needed_kwh=40), second, grid_kw=30))) == {1: 15.0, 2: 15.0}


def test_those_looked_at_share_only_what_they_would_have_anyway() -> None:
    # given one more that nothing is known of: a third of the power is its own
    unknown = guest(3, hours=None)
    decision = decide(step(guest(1, hours=8, needed_kwh=40), guest(2, hours=2, needed_kwh=40), unknown, grid_kw=30))
    assert shares(decision) == {1: 0.0, 2: 20.0, 3: 10.0}


def test_who_lacks_its_minimum_goes_before_who_lacks_only_its_target() -> None:
    decision = decide(step(guest(1, hours=3, wanted_kwh=60), guest(2, hours=3, needed_kwh=60), grid_kw=20))
    assert shares(decision) == {1: 0.0, 2: 20.0}


def test_who_charges_keeps_the_least_and_a_higher_class_comes_first_whatever_lies_ahead() -> None:
    on = guest(1, hours=8, needed_kwh=40, limit_kw=15.0, in_force_kw=15.0, power_kw=15.0)
    assert shares(decide(step(on, guest(2, hours=2, needed_kwh=58), grid_kw=30))) == {1: 3.0, 2: 27.0}
    high = guest(1, hours=8, needed_kwh=40, priority=3)
    assert shares(decide(step(high, guest(2, hours=2, needed_kwh=40), grid_kw=30))) == {1: 30.0, 2: 0.0}


def test_what_is_reserved_for_a_vehicle_is_its_own() -> None:
    reserved = {"fallback_kw": 5.0, "held_kw": 5.0}
    decision = decide(step(guest(1, hours=8, needed_kwh=40, **reserved), guest(2, hours=2, needed_kwh=40, **reserved), grid_kw=30))
    assert shares(decision) == {1: 5.0, 2: 25.0}


def test_where_all_get_what_they_want_nothing_is_solved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "look_ahead", None)
    assert shares(decide(step(guest(1, hours=8, needed_kwh=40), guest(2, hours=2, needed_kwh=40), grid_kw=100))) == {1: 50.0, 2: 50.0}


def test_without_an_answer_the_step_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise UnsolvedError

    monkeypatch.setattr(looking, "look_ahead", fail)
    facts = step(guest(1, hours=8, needed_kwh=40), guest(2, hours=2, needed_kwh=40), grid_kw=30)
    assert shares(decide(facts)) == {1: 15.0, 2: 15.0}


def test_the_order_of_the_facts_changes_nothing() -> None:
    many = crowd()
    assert decide(many) == decide(replace(many, evses=many.evses[::-1]))


def crowd() -> StepInput:
    """Fifty vehicles below a node that can give them a fifth of what they could take."""
    dice = np.random.default_rng(1)
    evses = [guest(n, hours=float(dice.uniform(0.5, 12)), needed_kwh=float(dice.uniform(5, 200))) for n in range(50)]
    return step(*evses, grid_kw=500.0)


def test_fifty_vehicles_at_a_short_node_take_little_time_and_all_it_has() -> None:
    facts = crowd()
    taken = []
    for _ in range(5):
        began = time.process_time()
        decision = decide(facts)
        taken.append(time.process_time() - began)
    assert sum(shares(decision).values()) == pytest.approx(500.0, abs=1.0)
    assert sum(sent(decision).values()) <= 500.0
    # Measured: some 20 ms.
    assert min(taken) < 0.25


# A plan is a ceiling only for the class it was made with


def test_whoever_was_raised_since_its_plan_is_not_held_to_it() -> None:
    as_planned = guest(1, hours=4, planned_kw=0.0, planned_priority=1)
    assert shares(decide(step(as_planned))) == {1: 0.0}
    raised = guest(1, hours=4, planned_kw=0.0, planned_priority=1, priority=3)
    assert (shares(decide(step(raised))), sent(decide(step(raised)))) == ({1: 50.0}, {1: 50.0})
    lowered = guest(1, hours=4, planned_kw=0.0, planned_priority=3)
    assert shares(decide(step(lowered))) == {1: 0.0}


# What nodes have left


def test_what_is_left_at_each_node_and_line_is_told_of_the_loads_below_it() -> None:
    feeder = uuid.UUID(int=9)
    tree = Tree([Node(GRID, None, 100.0), Node(feeder, GRID, None, 100.0, 230.0)])
    parts, most = room_for_loads(tree, [Reserved(feeder, 30.0)], [(feeder, Lines.L1_L2_L3), (feeder, Lines.L2), (GRID, Lines.L1)])
    # 100 A of 230 V are 23 kW on each line, of which 10 kW are taken; a load on all lines is a third on each.
    assert most == pytest.approx([70.0, 13.0, 13.0, 13.0])
    third = 1 / 3
    assert parts == pytest.approx(np.array([[1, 1, 1], [third, 0, 0], [third, 1, 0], [third, 0, 0]]))


def test_loads_between_two_lines_are_phasors() -> None:
    tree = Tree([Node(GRID, None, None, 100.0, 120.0)])
    parts, most = room_for_loads(tree, [], [(GRID, Lines.L1_TO_L2), (GRID, Lines.L3_TO_L1)])
    assert most == pytest.approx([12.0] * 3)
    power_kw = np.array([2.08, 2.08])
    # 10 A each of 208 V: in the line they share, 10 √3 A.
    assert np.abs(parts @ power_kw) == pytest.approx(np.array([10 * 3**0.5, 10, 10]) * 0.12, rel=2e-3)
