"""Limits from outside: which count, what supersedes what, and that a lost link never widens anything."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ampyard.domain.errors import InvalidInputError
from ampyard.domain.grid_signals import (
    GridLimits,
    GridSignal,
    LostLink,
    SignalEnd,
    SignalKind,
    SignalOrigin,
    SignalState,
    hull,
    supersede,
)
from ampyard.domain.ids import new_id
from ampyard.domain.supply import LimitSource, effective_limit, lowest_limit_kw
from tests.domain.supply.nodes import exception, node

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
LINK = new_id()
NODE = node()


def signal(begin: float = 0.0, end: float = 1.0, limit_kw: float | None = 50.0, **more: object) -> GridSignal:
    """Return a signal from `begin` to `end`, in hours from now."""
    begins_at, ends_at = NOW + begin * HOUR, NOW + end * HOUR
    made = GridSignal(
        id=new_id(),
        tenant_id=NODE.tenant_id,
        depot_id=NODE.depot_id,
        power_node_id=NODE.id,
        link_id=LINK,
        origin=SignalOrigin.OSCP,
        kind=SignalKind.CONSUMPTION,
        external_id=None,
        begins_at=begins_at,
        ends_at=ends_at,
        limit_kw=limit_kw,
        limit_a=None,
        reason="Congestion",
        author="party:dso",
        received_at=NOW,
        counts_until=ends_at,
    )
    return replace(made, **more)  # type: ignore[arg-type]  # by name


def lost(fallback_kw: float | None = 30.0) -> LostLink:
    return LostLink(LINK, SignalOrigin.OSCP, "DSO", NOW - HOUR, fallback_kw, None)


def limit_kw(grid: GridLimits, at: datetime = NOW) -> float:
    return effective_limit(NODE, [], at, "Europe/Berlin", grid).limit_kw


def test_a_signal_lowers_the_limit_for_its_time_alone() -> None:
    grid = GridLimits((signal(1, 2),))
    own = limit_kw(GridLimits())
    assert own > 50.0
    assert [limit_kw(grid, NOW + hours * HOUR) for hours in (0.99, 1, 1.99, 2)] == [own, 50.0, 50.0, own]


def test_what_counts_says_where_it_comes_from() -> None:
    one = signal()
    counts = effective_limit(NODE, [], NOW, "Europe/Berlin", GridLimits((one,)))
    assert (counts.source, counts.signal_id, counts.link_id) == (LimitSource.GRID_SIGNAL, one.id, LINK)
    assert counts.explanation == "The grid operator, by OSCP: 50 kW until 2026-11-02T09:00:00+00:00 (Congestion)."


def test_of_each_phase_the_strictest_current_counts_whatever_counts_of_the_whole() -> None:
    panel = node(limit_a=100.0)
    in_a = [signal(0, 1, limit_a=63.0, limit_kw=500.0), signal(1, 2, limit_a=10.0, limit_kw=500.0)]
    signals = (signal(limit_kw=20.0), *in_a)
    counts = effective_limit(panel, [exception(1, None, 80.0)], NOW, "Europe/Berlin", GridLimits(signals))
    assert (counts.limit_kw, counts.limit_a) == (20.0, 63.0)
    assert effective_limit(panel, [exception(1, None, 80.0)], NOW, "Europe/Berlin").limit_a == 80.0
    assert effective_limit(NODE, [], NOW, "Europe/Berlin", GridLimits((signal(),))).limit_a is None


def test_a_signal_above_the_own_limit_lifts_nothing() -> None:
    assert effective_limit(NODE, [], NOW, "Europe/Berlin", GridLimits((signal(limit_kw=1e6),))).source is LimitSource.CONSTANT


@given(st.lists(st.floats(0, 1e4), min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_the_strictest_of_several_counts_whatever_their_order(limits_kw: list[float], random: st.DataObject) -> None:
    signals = [signal(limit_kw=limit) for limit in limits_kw]
    before = limit_kw(GridLimits(tuple(signals)))
    random.shuffle(signals)  # type: ignore[attr-defined]  # a random.Random
    assert limit_kw(GridLimits(tuple(signals))) == before == min(*limits_kw, limit_kw(GridLimits()))


@pytest.mark.parametrize("kind", [SignalKind.GENERATION, SignalKind.FALLBACK_GENERATION, SignalKind.OPTIMUM, SignalKind.REQUESTED])
def test_what_is_not_about_consumption_limits_nothing(kind: SignalKind) -> None:
    assert GridLimits((signal(limit_kw=1.0, kind=kind),), (lost(None),)).at(NOW) == []


def test_a_fall_back_forecast_counts_while_its_link_is_lost_alone() -> None:
    foreseen = signal(limit_kw=40.0, kind=SignalKind.FALLBACK_CONSUMPTION)
    assert GridLimits((foreseen,)).at(NOW) == []
    counts = effective_limit(NODE, [], NOW, "Europe/Berlin", GridLimits((foreseen,), (lost(),)))
    assert (counts.limit_kw, counts.source, counts.signal_id, counts.link_id) == (40.0, LimitSource.GRID_FALLBACK, None, LINK)
    assert "is lost since 2026-11-02T07:00:00+00:00 and the fall-back that it foresaw counts: 40 kW" in counts.explanation


def test_the_configured_fall_back_counts_where_nothing_was_foreseen() -> None:
    foreseen = signal(0, 1, limit_kw=40.0, kind=SignalKind.FALLBACK_CONSUMPTION)
    of_another = replace(foreseen, id=new_id(), link_id=new_id(), limit_kw=1.0)
    assert limit_kw(GridLimits((foreseen, of_another), (lost(30.0),)), NOW + HOUR) == 30.0
    assert limit_kw(GridLimits((of_another,), (lost(30.0),))) == 30.0


@given(st.floats(0, 500), st.floats(0, 500))
def test_losing_a_link_never_widens_a_limit(told_kw: float, fallback_kw: float) -> None:
    told = (signal(limit_kw=told_kw),)
    assert limit_kw(GridLimits(told, (lost(fallback_kw),))) <= limit_kw(GridLimits(told))


def test_the_fall_back_of_a_link_is_among_the_lowest_limits() -> None:
    assert lowest_limit_kw(NODE, [], NOW, [(12.0, None)]) == 12.0
    assert lowest_limit_kw(NODE, [], NOW) > 12.0


def test_a_signal_goes_through_its_states_by_time_alone() -> None:
    one = signal(1, 2)
    assert [one.state(NOW + hours * HOUR) for hours in (0, 1, 2)] == [SignalState.UPCOMING, SignalState.IN_FORCE, SignalState.EXPIRED]
    cut = replace(one, counts_until=NOW + 1.5 * HOUR, ended_as=SignalEnd.WITHDRAWN)
    assert [cut.state(NOW + hours * HOUR) for hours in (1, 1.5, 3)] == [SignalState.IN_FORCE, SignalState.WITHDRAWN, SignalState.WITHDRAWN]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"end": 0.0}, "would never be in force; give an end after its begin"),
        ({"limit_kw": None}, "limits nothing; give a limit in kW, in A, or both"),
        ({"limit_kw": -1.0}, "is of -1; give a number from 0 up"),
        ({"limit_kw": float("nan")}, "is of nan; give a number from 0 up"),
    ],
)
def test_a_signal_that_says_nothing_is_refused(wrong: dict[str, float], said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        signal(**wrong)


def test_a_newer_forecast_cuts_what_was_said_of_its_time_and_nothing_else() -> None:
    old = signal(0, 4)
    cut, goes_on = supersede(old, NOW + HOUR, NOW + 2 * HOUR, NOW)
    assert (cut.counts_until, cut.ended_as, goes_on) == (NOW + HOUR, SignalEnd.SUPERSEDED, NOW + 2 * HOUR)
    untouched = signal(2, 3)
    assert supersede(untouched, NOW, NOW + 2 * HOUR, NOW) == (untouched, None)
    whole, nothing = supersede(signal(1, 2), NOW, NOW + 3 * HOUR, NOW)
    assert (whole.counts_until, nothing) == (NOW, None)
    assert whole.state(NOW) is SignalState.SUPERSEDED


@given(st.integers(0, 8), st.integers(1, 8), st.integers(0, 8), st.integers(1, 8))
def test_outside_of_a_newer_forecast_the_older_one_still_counts(begin: int, length: int, new_begin: int, new_length: int) -> None:
    old, start, end = signal(begin, begin + length), NOW + new_begin * HOUR, NOW + (new_begin + new_length) * HOUR
    cut, goes_on = supersede(old, start, end, NOW)
    for hours in range(20):
        at = NOW + (hours + 0.5) * HOUR
        counts = cut.is_in_force(at) or (goes_on is not None and goes_on <= at < old.ends_at)
        assert counts == (old.is_in_force(at) and not start <= at < end)


def test_the_hull_of_spans_is_from_the_first_begin_to_the_last_end() -> None:
    assert hull([(NOW + HOUR, NOW + 2 * HOUR), (NOW, NOW + HOUR)]) == (NOW, NOW + 2 * HOUR)
    with pytest.raises(ValueError, match="not enough values"):
        hull([])
