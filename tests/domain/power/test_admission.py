"""Who of a class is on when not all minima fit."""

from datetime import datetime, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ampyard.domain.power.admission import admission_order, turn
from ampyard.domain.power.contenders import Contenders
from tests.domain.power.cases import MORNING

_TURN = timedelta(minutes=15)

members = st.lists(st.tuples(st.floats(0, 2), st.booleans(), st.integers(0, 10**6)), min_size=1, max_size=20)


def contenders(*given: tuple[float, bool, float]) -> Contenders:
    """Return contenders of an urgency, of whom some are charging, waiting since a second."""
    urgency, charging, waiting_s = (np.array(column) for column in zip(*given, strict=True))
    ones = np.ones(len(given))
    return Contenders(
        urgency=urgency.astype(np.float64),
        weight=ones,
        minimum_kw=ones,
        ceiling_kw=ones,
        charging=charging.astype(np.bool_),
        since_s=waiting_s.astype(np.float64),
        waiting_s=waiting_s.astype(np.float64),
    )


def test_the_more_urgent_come_first_then_who_waits_longest() -> None:
    assert admission_order(contenders((0.2, False, 5), (0.7, False, 9), (0.2, False, 3))).tolist() == [1, 2, 0]


def test_who_charges_stays_on_until_another_is_clearly_more_urgent() -> None:
    assert admission_order(contenders((0.5, True, 9), (0.59, False, 1))).tolist() == [0, 1]
    assert admission_order(contenders((0.5, True, 9), (0.61, False, 1))).tolist() == [1, 0]


@given(members, st.floats(0, 1), st.data())
def test_being_more_urgent_or_on_never_means_a_later_place(given_: list[tuple[float, bool, int]], more: float, data: st.DataObject) -> None:
    who = data.draw(st.integers(0, len(given_) - 1))
    urgency, charging, waiting = given_[who]
    before = admission_order(contenders(*given_)).tolist().index(who)
    for raised in ((urgency + more, charging, waiting), (urgency, True, waiting)):
        after = admission_order(contenders(*given_[:who], raised, *given_[who + 1 :])).tolist().index(who)
        assert after <= before


@given(st.lists(st.floats(-0.05, 0.05), min_size=2, max_size=40))
def test_an_urgency_that_wavers_by_less_than_the_bonus_switches_nobody(wavers: list[float]) -> None:
    on = {0}
    for waver in wavers:
        order = admission_order(contenders((0.5 - waver, 0 in on, 1), (0.5 + waver * 0.9, 1 in on, 2)))
        on = {int(order[0])}
    assert on == {0}


def test_a_turn_lasts_a_quarter_hour_and_then_counts_as_waiting() -> None:
    began = MORNING
    assert turn(None, MORNING, MORNING + _TURN) == (False, MORNING)
    assert turn(began, MORNING, began + _TURN / 2) == (True, began)
    assert turn(began, MORNING, began + _TURN) == (False, began + _TURN)
    # Whoever came meanwhile does not wait behind it for ever.
    assert turn(began, MORNING, began + 5.5 * _TURN) == (False, began + 5 * _TURN)


@given(st.integers(2, 9), st.data())
def test_of_n_as_urgent_everybody_is_on_within_n_turns(count: int, data: st.DataObject) -> None:
    places = data.draw(st.integers(1, count - 1))
    on_since: dict[int, datetime] = {}
    waiting_since = {number: MORNING + timedelta(seconds=data.draw(st.integers(0, 600))) for number in range(count)}
    ever: set[int] = set()
    now = MORNING + timedelta(minutes=10)
    for _ in range(count * 15 + 1):
        states = [turn(on_since.get(number), waiting_since[number], now) for number in range(count)]
        order = admission_order(contenders(*((0.3, charging, since.timestamp()) for charging, since in states)))
        on = set(order[:places].tolist())
        ever |= on
        for number in range(count):
            if number in on:
                on_since.setdefault(number, now)
            elif on_since.pop(number, None) is not None:
                waiting_since[number] = now
        now += timedelta(minutes=1)
    assert ever == set(range(count))


def test_with_room_for_all_no_turn_ends_anything() -> None:
    now = MORNING + 3 * _TURN
    states = [turn(MORNING, MORNING, now), turn(MORNING + _TURN, MORNING, now)]
    order = admission_order(contenders(*((0.3, charging, since.timestamp()) for charging, since in states)))
    assert sorted(order.tolist()) == [0, 1]
