"""Where not all of a class can be on, they take turns, step after step, and are seldom switched."""

import uuid
from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ampyard.domain.allocation import EvseFacts, StepInput, decide
from tests.domain.test_allocation import NOW, evse, step

_TURN = timedelta(minutes=15)
_STEP = timedelta(minutes=1)


def followed(facts: StepInput, at: datetime) -> StepInput:
    """Return the facts of a step after a decision that everybody obeyed."""
    outcomes = {outcome.evse_id: outcome for outcome in decide(facts).outcomes}

    def after(one: EvseFacts) -> EvseFacts:
        outcome = outcomes[one.evse_id]
        assert one.charging is not None
        charging = replace(
            one.charging,
            power_kw=outcome.power_kw,
            measured_at=at,
            heard_at=at,
            waiting_since=outcome.waiting_since,
            charging_since=outcome.charging_since,
        )
        return replace(one, charging=charging, limit_kw=outcome.power_kw, in_force_kw=outcome.power_kw, limit_at=facts.at)

    return replace(facts, at=at, evses=tuple(map(after, facts.evses)))


@given(st.integers(2, 6), st.data())
def test_of_n_everybody_is_on_within_n_turns_and_each_for_a_turn_at_least(count: int, data: st.DataObject) -> None:
    places = data.draw(st.integers(1, count - 1))
    none = {"fallback_kw": 0.0, "held_kw": 0.0, "limit_kw": 0.0, "in_force_kw": 0.0, "power_kw": 0.0, "min_kw": 10.0}
    facts = step(*(evse(n, **none) for n in range(count)), grid_kw=10.0 * places)
    ever, starts, on = set[uuid.UUID](), 0, set[uuid.UUID]()
    turns = count * 2
    for minute in range(turns * 15):
        facts = followed(facts, NOW + minute * _STEP)
        now_on = {one.evse_id for one in facts.evses if one.limit_kw}
        assert len(now_on) == places
        starts += len(now_on - on)
        on = now_on
        if minute <= count * 15:
            ever |= on
    assert len(ever) == count
    assert starts <= places * (turns + 1)


def test_one_that_comes_late_gets_its_turn_and_who_is_alone_goes_on() -> None:
    none = {"fallback_kw": 0.0, "held_kw": 0.0, "limit_kw": 0.0, "in_force_kw": 0.0, "power_kw": 0.0, "min_kw": 10.0}
    alone = step(evse(1, **none), grid_kw=12.0)
    for minute in range(120):
        alone = followed(alone, NOW + minute * _STEP)
        assert alone.evses[0].limit_kw == 12.0
    late = evse(2, **none)
    assert late.charging is not None
    both = replace(alone, evses=(*alone.evses, replace(late, charging=replace(late.charging, since=alone.at))))
    began, on = alone.at, [False]
    while not on[-1]:
        both = followed(both, both.at + _STEP)
        on.append(both.evses[1].limit_kw == 12.0)
        assert both.at - began <= 2 * _TURN
    # when its own turn is over, the first one is on again
    for _ in range(17):
        both = followed(both, both.at + _STEP)
    assert both.evses[0].limit_kw == 12.0


def test_what_was_kept_before_turns_were_comes_out_as_it_did() -> None:
    on = evse(1, min_kw=15.0, fallback_kw=0.0, held_kw=0.0)
    assert on.charging is not None
    assert on.charging.charging_since is None
    waits = evse(2, min_kw=15.0, power_kw=0.0, limit_kw=0.0, in_force_kw=0.0, fallback_kw=0.0, held_kw=0.0)
    assert waits.charging is not None
    longer = replace(waits, charging=replace(waits.charging, waiting_since=NOW - 9 * _TURN))
    assert {it.evse_id.int: it.power_kw for it in decide(step(on, longer, grid_kw=20.0)).outcomes} == {101: 20.0, 102: 0.0}
