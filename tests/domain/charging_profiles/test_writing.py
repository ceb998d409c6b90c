"""When a schedule is worth a write of the charger's flash; reductions always are."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ampyard.domain.charging_profiles import BURST, HORIZON, Verdict, Writes, judge, least_change_kw
from ampyard.domain.limit_schedules import Schedule, Step

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def plan(*kw: float, end: timedelta = HORIZON) -> Schedule:
    """A limit now, others an hour apart, and the fall-back at the end."""
    steps = [Step(NOW + n * timedelta(hours=1), value) for n, value in enumerate(kw)]
    return Schedule((*steps, Step(NOW + end, 4.0)))


NONE = Writes()


def verdict(
    new: Schedule, told: Schedule | None, writes: Writes = NONE, *, in_force: Schedule | None = None, needed: bool = False
) -> Verdict:
    return judge(
        new,
        told,
        in_force or told or Schedule.constant(4.0, NOW),
        writes,
        now=NOW,
        interval=MINUTE,
        least_change_kw=0.69,
        minimum_kw=4.14,
        needed=needed,
    )


SPENT = Writes(9, NOW, NOW + BURST * MINUTE)


@pytest.mark.parametrize(
    ("new", "told", "writes", "expected"),
    [
        (plan(11.0), plan(11.0), Writes(), Verdict.SAME),
        (plan(11.5), plan(11.0), Writes(), Verdict.TOO_SMALL),
        (plan(11.7), plan(11.0), Writes(), Verdict.SEND),
        # below the least power to at least that: a vehicle begins
        (plan(4.2), plan(4.0), Writes(), Verdict.SEND),
        (plan(22.0), plan(11.0), SPENT, Verdict.TOO_OFTEN),
        # a reduction, however small, and however many came before
        (plan(10.9), plan(11.0), SPENT, Verdict.SEND),
        # nothing is known of what it was told
        (plan(11.0), None, Writes(), Verdict.SEND),
        (plan(11.0), None, SPENT, Verdict.TOO_OFTEN),
        # the plan alone: not at once after the last write
        (plan(11.0, 22.0), plan(11.0, 11.0), Writes(1, NOW - 16 * MINUTE), Verdict.SEND),
        (plan(11.0, 22.0), plan(11.0, 11.0), Writes(1, NOW - 14 * MINUTE), Verdict.TOO_OFTEN),
        # it would soon run out
        (plan(11.0), plan(11.0, end=timedelta(minutes=59)), Writes(1, NOW), Verdict.SEND),
        (plan(11.0), plan(11.0, end=timedelta(minutes=61)), Writes(1, NOW), Verdict.SAME),
        # what never ends is replaced once there is something that does
        (plan(11.0), Schedule.constant(11.0, NOW), Writes(), Verdict.SEND),
        (Schedule.constant(11.0, NOW), Schedule.constant(11.0, NOW - HORIZON), Writes(), Verdict.SAME),
    ],
)
def test_a_schedule_is_worth_a_write(new: Schedule, told: Schedule | None, writes: Writes, expected: Verdict) -> None:
    assert verdict(new, told, writes) is expected


def test_what_is_needed_is_always_sent() -> None:
    assert verdict(plan(11.0), plan(11.0), SPENT, needed=True) is Verdict.SEND


def test_who_was_just_raised_to_a_higher_class_does_not_wait_for_more_power_but_for_a_change_of_plan() -> None:
    def raised(new: Schedule, told: Schedule | None) -> Verdict:
        in_force = told or Schedule.constant(4.0, NOW)
        return judge(new, told, in_force, SPENT, now=NOW, interval=MINUTE, least_change_kw=0.69, minimum_kw=4.14, raised=True)

    assert raised(plan(22.0), plan(11.0)) is Verdict.SEND
    assert raised(plan(4.2), plan(4.0)) is Verdict.SEND
    assert raised(plan(11.0), None) is Verdict.SEND
    assert raised(plan(11.5), plan(11.0)) is Verdict.TOO_SMALL
    assert raised(plan(11.0, 22.0), plan(11.0, 11.0)) is Verdict.TOO_OFTEN


def test_in_the_long_run_one_is_written_each_interval_and_some_at_once() -> None:
    writes, sent = Writes(), 0
    for second in range(0, 3600, 3):
        now = NOW + timedelta(seconds=second)
        if writes.allows(now, MINUTE):
            writes = writes.after(now, MINUTE)
            sent += 1
    assert (sent, writes.count) == (60 + BURST - 1, sent)


def test_the_least_change_is_an_ampere_or_a_part() -> None:
    assert (least_change_kw(11.0, 0.69), least_change_kw(100.0, None)) == (0.69, 5.0)


@given(new_kw=st.floats(0, 100), in_force_kw=st.floats(0, 100), told_kw=st.none() | st.floats(0, 100), spent=st.booleans())
def test_what_is_kept_back_never_leaves_more_in_force_than_was_wanted(
    *, new_kw: float, in_force_kw: float, told_kw: float | None, spent: bool
) -> None:
    told = None if told_kw is None else plan(told_kw)
    in_force = plan(max(in_force_kw, told_kw or 0.0))
    if verdict(plan(new_kw), told, SPENT if spent else Writes(), in_force=in_force) is not Verdict.SEND:
        assert in_force.at(NOW) <= new_kw + 1e-3
