"""A step of power sharing from facts alone: who cannot be relied on, what is sent, why; and the same again."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ampyard.domain.allocation import (
    SETTLE,
    Allocation,
    BoundBy,
    ChargingFacts,
    Decision,
    EvseFacts,
    NodeFacts,
    OrderFacts,
    StepInput,
    decide,
    is_news,
    overdraws,
    replay,
)
from ampyard.domain.power import Lines
from ampyard.domain.priorities import PriorityLevel
from ampyard.domain.transactions import ChargingState

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
GRID = uuid.UUID(int=1)
TENANT, DEPOT, POINT = uuid.UUID(int=2), uuid.UUID(int=3), uuid.UUID(int=4)
LONG_AGO = NOW - timedelta(minutes=10)


def evse(number: int, **facts: object) -> EvseFacts:
    """An EVSE of 50 kW with a fall-back of 5 kW that holds what it was told: 20 kW, and draws that."""
    of_transaction = {name: facts.pop(name) for name in ("power_kw", "priority", "heard_at", "cap_kw") if name in facts}
    charging = ChargingFacts(
        transaction_id=uuid.UUID(int=1000 + number),
        priority=1,
        since=LONG_AGO,
        charging_state=ChargingState.CHARGING,
        power_kw=20.0,
        measured_at=NOW - timedelta(seconds=1),
        heard_at=NOW - timedelta(seconds=1),
        vehicle_kw=None,
    )
    usual = EvseFacts(
        evse_id=uuid.UUID(int=100 + number),
        node_id=GRID,
        online=True,
        installed=True,
        max_kw=50.0,
        min_kw=3.0,
        fallback_kw=5.0,
        held_kw=5.0,
        limit_kw=20.0,
        limit_at=LONG_AGO,
        in_force_kw=20.0,
        overdrawn_since=None,
        order=None,
        charging=replace(charging, **of_transaction),  # type: ignore[arg-type]  # the names are the fields'
    )
    return replace(usual, **facts)  # type: ignore[arg-type]


def idle(number: int, **facts: object) -> EvseFacts:
    return evse(number, charging=None, limit_kw=None, limit_at=None, in_force_kw=None, **facts)


def step(*evses: EvseFacts, grid_kw: float = 60.0, unmanaged_kw: float = 0.0) -> StepInput:
    return StepInput(NOW, (NodeFacts(GRID, None, "Grid", grid_kw, unmanaged_kw),), evses)


def shares(decision: Decision) -> dict[int, float]:
    return {outcome.evse_id.int - 100: outcome.power_kw for outcome in decision.outcomes}


def sent(decision: Decision) -> dict[int, float]:
    return {it.evse_id.int - 100: it.limit_kw for it in decision.set_points}


# Who draws more than it may


@pytest.mark.parametrize(
    ("facts", "known"),
    [
        ({"power_kw": 20.0}, False),
        ({"power_kw": 21.0}, False),  # 5 % are a meter's error
        ({"power_kw": 21.1}, True),
        ({"power_kw": 30.0, "in_force_kw": 30.0}, False),  # a reduction that is not confirmed yet
        ({"power_kw": 30.0, "limit_at": NOW - SETTLE, "heard_at": NOW - timedelta(seconds=1)}, False),  # it has had no time to follow
        ({"power_kw": 30.0, "limit_at": NOW - SETTLE, "heard_at": NOW}, True),
        ({"power_kw": 30.0, "heard_at": None}, False),
        # Known for it, it stays so until something else was measured, even where it was just told anew.
        ({"power_kw": 30.0, "limit_at": NOW, "heard_at": NOW, "overdrawn_since": LONG_AGO}, True),
        ({"power_kw": 20.0, "overdrawn_since": LONG_AGO}, False),
        # No limit of ours: what it may draw is its fall-back, and its rating where it never confirmed that.
        ({"power_kw": 20.0, "in_force_kw": None, "limit_kw": None}, True),
        ({"power_kw": 20.0, "in_force_kw": None, "limit_kw": None, "held_kw": None}, False),
    ],
)
def test_who_is_known_to_draw_more_than_it_may(facts: dict[str, object], known: object) -> None:
    assert overdraws(evse(1, **facts)) is known


def test_an_idle_one_draws_nothing_that_is_known() -> None:
    assert not overdraws(idle(1))


def test_what_is_drawn_in_excess_is_taken_from_others_at_once() -> None:
    fair = decide(step(evse(1), evse(2), evse(3)))
    assert shares(fair) == {1: 20.0, 2: 20.0, 3: 20.0}

    decision = decide(step(evse(1, power_kw=44.0), evse(2), evse(3)))

    assert decision.overdrawn == {uuid.UUID(int=101)}
    assert shares(decision) == {1: 44.0, 2: 8.0, 3: 8.0}
    # It is told again what it may have, and the others what is left.
    assert sent(decision) == {1: 20.0, 2: 8.0, 3: 8.0}
    first, second, _ = decision.outcomes
    assert first.bound_by is BoundBy.OVERDRAW
    assert first.explanation == "Draws 44 kW, more than the 20 kW it may: what it draws is taken from others until it obeys."
    assert (second.bound_by, second.node_id) == (BoundBy.NODE, GRID)


def test_who_overdraws_is_told_no_more_than_before_and_not_at_every_step() -> None:
    alone = evse(1, power_kw=44.0)
    assert sent(decide(step(alone))) == {1: 20.0}
    told_just_now = replace(alone, limit_at=NOW - timedelta(seconds=9), overdrawn_since=LONG_AGO)
    assert sent(decide(step(told_just_now))) == {}
    # A lower limit does not wait.
    assert sent(decide(step(told_just_now, grid_kw=15.0))) == {1: 15.0}


# What nobody has said to it, or nobody knows that it has taken


def test_idle_ones_keep_what_they_may_draw_and_all_of_it_where_they_never_confirmed_a_default_profile() -> None:
    assert shares(decide(step(evse(1), idle(2)))) == {1: 50.0}
    assert shares(decide(step(evse(1), idle(2, held_kw=None)))) == {1: 10.0}
    assert shares(decide(step(evse(1), idle(2, held_kw=12.0)))) == {1: 48.0}
    # There is none yet; its place is kept free all the same.
    assert shares(decide(step(evse(1), idle(2, held_kw=None, installed=False)))) == {1: 50.0}


def test_one_that_is_offline_keeps_the_higher_of_limit_and_fallback_and_its_rating_without_one() -> None:
    assert shares(decide(step(evse(1), evse(2, online=False)))) == {1: 40.0, 2: 20.0}
    assert shares(decide(step(evse(1), evse(2, online=False, in_force_kw=2.0, power_kw=2.0)))) == {1: 50.0, 2: 5.0}
    assert shares(decide(step(evse(1), evse(2, online=False, held_kw=None)))) == {1: 10.0, 2: 50.0}
    assert 2 not in sent(decide(step(evse(1), evse(2, online=False, limit_kw=None))))


def test_a_lower_limit_overtakes_one_under_way_and_a_higher_one_waits() -> None:
    under_way = evse(1, order=OrderFacts(30.0, open=True), in_force_kw=30.0)
    assert sent(decide(step(under_way, grid_kw=25.0))) == {1: 25.0}
    assert sent(decide(step(under_way, grid_kw=50.0))) == {}
    refused = evse(1, order=OrderFacts(30.0, open=False), in_force_kw=30.0)
    assert sent(decide(step(refused, grid_kw=25.0))) == {}


def test_limits_that_may_have_been_forgotten_are_sent_again() -> None:
    assert sent(decide(step(evse(1, limit_kw=None), grid_kw=20.0))) == {1: 20.0}


def test_critical_ones_get_power_within_one_step_of_what_is_confirmed() -> None:
    # given one that waits, and two that share all there is
    none = {"fallback_kw": 0.0, "held_kw": 0.0}
    full = [evse(1, **none), evse(2, **none), evse(3, in_force_kw=0.0, limit_kw=0.0, power_kw=0.0, priority=3, **none)]
    first = decide(step(*full, grid_kw=40.0))
    assert sent(first) == {1: 0.0, 2: 0.0}
    # when one of the reductions is confirmed
    later = [evse(1, in_force_kw=0.0, limit_kw=0.0, power_kw=0.0, **none), replace(full[1], order=OrderFacts(0.0, open=True)), full[2]]
    # then what that has freed is sent, while the other still counts
    assert sent(decide(step(*later, grid_kw=40.0))) == {3: 20.0}


def test_one_below_its_fallback_keeps_that_reserved_as_it_may_rise_to_it_at_any_time() -> None:
    waits = evse(1, min_kw=10.0, in_force_kw=0.0, limit_kw=0.0, power_kw=0.0)
    first = evse(2, priority=3)
    # 5 of 14 kW are kept for the one that waits, though it gets nothing.
    assert shares(decide(step(waits, first, grid_kw=14.0))) == {1: 0.0, 2: 9.0}


def test_limits_go_before_reserves_where_a_node_could_not_supply_all_fallbacks() -> None:
    both = [evse(1), evse(2, priority=3)]
    assert shares(decide(step(*both, grid_kw=9.0))) == {1: 0.0, 2: 9.0}
    assert shares(decide(step(*both, grid_kw=40.0, unmanaged_kw=36.0))) == {1: 0.0, 2: 4.0}


@pytest.mark.parametrize(
    ("power_kw", "wanted_kw"),
    [
        (20.0, 26.0),  # 20 x 1.25 + 1: it takes less than 0.85 of the 50 kW that it may
        (43.0, 50.0),
        (0.0, 50.0),  # it may not have begun
    ],
)
def test_what_a_vehicle_leaves_of_its_limit_others_get(power_kw: float, wanted_kw: float) -> None:
    tapered = evse(1, power_kw=power_kw, limit_kw=50.0, in_force_kw=50.0)
    assert shares(decide(step(tapered, evse(2), grid_kw=200.0))) == {1: wanted_kw, 2: 50.0}
    # What was measured before it could follow tells nothing.
    just_told = replace(tapered, limit_at=NOW - timedelta(seconds=9))
    assert shares(decide(step(just_told, grid_kw=200.0))) == {1: 50.0}


def test_what_is_not_ours_counts_against_fall_backs_on_its_own_lines() -> None:
    # given 100 A on each line, of which 80 are gone on L1; a fall-back of 5 kW on L1 alone is 21.7 A, one on L2 finds room
    def on_line(line: Lines, unmanaged_a: tuple[float, float, float]) -> dict[int, float]:
        one = evse(1, lines=line, power_kw=3.0, limit_kw=3.0, in_force_kw=3.0, max_kw=7.0)
        charging = replace(one.charging, lines=line) if one.charging is not None else None
        node = NodeFacts(GRID, None, "Grid", 69.0, 18.4, limit_a=100.0, unmanaged_a=unmanaged_a)
        return shares(decide(StepInput(NOW, (node,), (replace(one, charging=charging),))))

    assert on_line(Lines.L1, (80.0, 0.0, 0.0)) == {1: 4.6}
    assert on_line(Lines.L2, (80.0, 0.0, 0.0)) == {1: 7.0}


def test_a_limit_of_its_own_is_said_where_it_binds() -> None:
    (outcome,) = decide(step(evse(1, cap_kw=12.0))).outcomes
    assert (outcome.power_kw, outcome.bound_by) == (12.0, BoundBy.EXTERNAL_LIMIT)
    assert outcome.explanation == "Gets 12 kW: a limit of its own allows it no more."
    (unbound,) = decide(step(evse(1, cap_kw=90.0))).outcomes
    assert unbound.bound_by is BoundBy.ABILITY


# Kept, and computed again


def kept(decision: Decision, evse_no: int) -> Allocation:
    (outcome,) = [it for it in decision.outcomes if it.evse_id.int == 100 + evse_no]
    return Allocation(
        id=uuid.UUID(int=5000 + evse_no),
        tenant_id=TENANT,
        depot_id=DEPOT,
        charge_point_id=POINT,
        evse_id=outcome.evse_id,
        transaction_id=outcome.transaction_id,
        decided_at=NOW,
        power_kw=outcome.power_kw,
        bound_by=outcome.bound_by,
        power_node_id=outcome.node_id,
        line=outcome.line,
        priority=PriorityLevel(outcome.priority),
        rank=outcome.rank,
        urgency=outcome.urgency,
        planned_kw=outcome.planned_kw,
        waiting_since=outcome.waiting_since,
        charging_since=outcome.charging_since,
        yielded_to=outcome.yielded_to,
        explanation=outcome.explanation,
        step_id=None,
    )


def test_what_is_kept_is_what_is_different() -> None:
    before = decide(step(evse(1), evse(2)))
    known, outcome = kept(before, 1), before.outcomes[0]
    assert known.power_kw == 30.0
    assert not is_news(outcome, known)
    assert is_news(outcome, None)
    assert not is_news(replace(outcome, power_kw=30.5), known)  # less than 2 %
    assert is_news(replace(outcome, power_kw=30.6), known)
    assert not is_news(replace(outcome, power_kw=10.4), replace(known, power_kw=10.0))  # less than 0.5 kW
    assert is_news(replace(outcome, power_kw=0.0), replace(known, power_kw=0.3))
    assert is_news(replace(outcome, bound_by=BoundBy.OFFLINE), known)
    assert is_news(replace(outcome, priority=3), known)
    assert is_news(replace(outcome, yielded_to=(POINT,)), known)
    assert is_news(replace(outcome, transaction_id=POINT), known)


def test_a_step_computed_again_comes_to_the_same_and_says_so_where_not() -> None:
    facts = step(evse(1), evse(2, priority=3), grid_kw=60.0)
    low, high = (kept(decide(facts), number) for number in (1, 2))
    again = replay({it.id: it for it in (low, high)}, facts)
    assert [it.same for it in again.values()] == [True, True]
    assert (again[low.id].power_kw, again[low.id].bound_by, again[low.id].explanation) == (low.power_kw, low.bound_by, low.explanation)

    other = replay({low.id: replace(low, power_kw=11.0)}, facts)[low.id]
    assert (other.same, other.power_kw) == (False, 10.0)
    gone = replay({low.id: low}, replace(facts, evses=facts.evses[1:]))[low.id]
    assert (gone.same, gone.power_kw, gone.bound_by, gone.explanation) == (False, None, None, None)


EVSES = st.lists(
    st.builds(
        lambda **facts: facts,
        online=st.booleans(),
        held_kw=st.sampled_from([None, 0.0, 5.0]),
        in_force_kw=st.sampled_from([None, 0.0, 10.0, 20.0, 50.0]),
        limit_kw=st.sampled_from([None, 0.0, 10.0, 20.0]),
        power_kw=st.sampled_from([0.0, 4.0, 20.0, 48.0]),
        priority=st.integers(0, 3),
        is_idle=st.booleans(),
        order=st.sampled_from([None, OrderFacts(20.0, open=True), OrderFacts(20.0, open=False)]),
    ),
    min_size=1,
    max_size=8,
)


def built(drawn: list[dict[str, object]]) -> list[EvseFacts]:
    return [
        idle(n, online=it["online"], held_kw=it["held_kw"]) if it.pop("is_idle") else evse(n, **it) for n, it in enumerate(drawn, start=1)
    ]


@given(EVSES, st.floats(0, 300), st.randoms(use_true_random=False))
def test_the_order_of_the_facts_changes_nothing(drawn: list[dict[str, object]], grid_kw: float, dice: object) -> None:
    evses = built(drawn)
    shuffled = list(evses)
    dice.shuffle(shuffled)  # type: ignore[attr-defined]
    assert decide(step(*evses, grid_kw=grid_kw)) == decide(step(*shuffled, grid_kw=grid_kw))


@given(EVSES, st.floats(0, 300))
def test_whatever_is_answered_or_lost_no_more_may_be_drawn_than_before_or_than_the_limit(
    drawn: list[dict[str, object]], grid_kw: float
) -> None:
    evses = built(drawn)
    decision = decide(step(*evses, grid_kw=grid_kw))
    sent_kw = {it.evse_id: it.limit_kw for it in decision.set_points}

    def most_kw(it: EvseFacts) -> float:
        """What it may draw now, at most."""
        if it.charging is None:
            return it.unsteered_kw
        drawn_kw = it.charging.power_kw if it.evse_id in decision.overdrawn else 0.0
        return max(it.permitted_kw, drawn_kw, it.unsteered_kw if not it.online else 0.0)

    before_kw = sum(most_kw(it) for it in evses)
    after_kw = sum(max(most_kw(it), sent_kw.get(it.evse_id, 0.0)) for it in evses)
    assert after_kw <= max(before_kw, grid_kw) + 0.1 * len(evses)

    # So, where all fall-backs fit, whichever of them lose their links then: each may rise to its fall-back.
    if sum(it.fallback_kw if it.charging is not None else it.unsteered_kw for it in evses) <= grid_kw:
        rises_to_kw = {it.evse_id: it.fallback_kw if it.online and it.charging is not None else 0.0 for it in evses}
        cut_off_kw = sum(max(most_kw(it), sent_kw.get(it.evse_id, 0.0), rises_to_kw[it.evse_id]) for it in evses)
        were_cut_off_kw = sum(max(most_kw(it), rises_to_kw[it.evse_id]) for it in evses)
        assert cut_off_kw <= max(were_cut_off_kw, grid_kw) + 0.1 * len(evses)
