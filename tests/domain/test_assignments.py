import uuid
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ampyard.domain.assignments import Assignment, Roster, overlap, why_not_assignable, why_not_now
from ampyard.domain.blocks import Run
from ampyard.domain.local_time import Weekday
from tests.domain.test_blocks import BLOCK, CENTRAL, MADE, TENANT, ZONES, block

VEHICLE = uuid.UUID(int=9)
# Thursday, two in the afternoon in Berlin.
NOW = datetime(2026, 10, 8, 12, 0, tzinfo=UTC)
DAILY = block(weekdays=frozenset(Weekday), last_day=None)
HOUR = timedelta(hours=1)


def assignment(number: int, departs_at: datetime, returns_at: datetime, *, removed_at: datetime | None = None) -> Assignment:
    return Assignment(
        id=uuid.UUID(int=number),
        tenant_id=TENANT,
        block_id=BLOCK,
        vehicle_id=VEHICLE,
        depot_id=CENTRAL,
        day=departs_at.date(),
        departs_at=departs_at,
        returns_at=returns_at,
        author="user:dispatcher@demo",
        removed_at=removed_at,
        created_at=MADE,
        updated_at=MADE,
    )


@pytest.mark.parametrize(
    ("day", "reason"),
    [
        (date(2026, 10, 7), "2026-10-07 is over, and block 12/3 of that day has returned; give 2026-10-08 or a later day."),
        # It has left, and returned: the day is not over.
        (date(2026, 10, 8), None),
        (date(2026, 10, 15), None),
        (
            date(2026, 10, 16),
            "2026-10-16 is 8 days ahead; vehicles are assigned 7 days ahead at most, now up to 2026-10-15.",
        ),
    ],
)
def test_vehicles_are_assigned_from_a_week_ahead_until_the_day_is_over(day: date, reason: str | None) -> None:
    assert why_not_assignable(DAILY, day, now=NOW) == reason


def test_the_days_are_those_of_the_depot_it_leaves_from() -> None:
    late = datetime(2026, 10, 8, 22, 30, tzinfo=UTC)  # in Berlin the next day has begun
    assert why_not_now(DAILY, date(2026, 10, 16), now=late) is None
    assert why_not_now(block(departure_zone="UTC"), date(2026, 10, 16), now=late) is not None


def test_what_left_yesterday_and_is_still_away_can_still_be_assigned() -> None:
    over_night = block(weekdays=frozenset(Weekday), departure_time=time(22), return_days_later=1, return_time=time(6))
    early = datetime(2026, 10, 8, 3, 59, tzinfo=UTC)
    assert why_not_assignable(over_night, date(2026, 10, 7), now=early) is None
    assert why_not_assignable(over_night, date(2026, 10, 7), now=early + timedelta(minutes=1)) is not None


def test_only_days_on_which_the_block_runs_can_be_assigned() -> None:
    assert why_not_assignable(block(), date(2026, 10, 10), now=NOW) == block().why_not_on(date(2026, 10, 10))
    assert why_not_assignable(block(enabled=False), date(2026, 10, 9), now=NOW) == "Block 12/3 is disabled."


@given(
    hours=st.integers(0, 3 * 365 * 24),
    day=st.dates(date(2024, 12, 1), date(2028, 1, 31)),
    zone=st.sampled_from(ZONES),
    days_later=st.integers(1, 7),
)
def test_at_most_a_week_ahead_and_never_what_is_over(hours: int, day: date, zone: str, days_later: int) -> None:
    made = block(
        departure_zone=zone,
        return_zone=zone,
        return_days_later=days_later,
        weekdays=frozenset(Weekday),
        first_day=date(2024, 1, 1),
        last_day=None,
    )
    now = datetime(2025, 1, 1, tzinfo=UTC) + hours * HOUR
    today = now.astimezone(ZoneInfo(zone)).date()

    allowed = why_not_assignable(made, day, now=now) is None

    assert allowed == (day - today <= timedelta(days=7) and (day >= today or made.run_on(day).returns_at > now))


moments = st.integers(0, 60).map(lambda minutes: NOW + timedelta(minutes=minutes))
spans = st.tuples(moments, moments).filter(lambda span: span[0] != span[1]).map(sorted)


def minutes_of(span: list[datetime]) -> set[datetime]:
    """Return each minute that a run takes: what overlap is, in the plainest way to say it."""
    return {span[0] + timedelta(minutes=n) for n in range(int((span[1] - span[0]) / timedelta(minutes=1)))}


@given(one=spans, other=spans)
def test_two_runs_overlap_where_they_share_a_minute(one: list[datetime], other: list[datetime]) -> None:
    first, second = Run(BLOCK, NOW.date(), *one), Run(BLOCK, NOW.date(), *other)
    assert overlap(first, second) == overlap(second, first) == bool(minutes_of(one) & minutes_of(other))


def test_a_vehicle_may_leave_at_the_very_moment_it_returns() -> None:
    assert not overlap(assignment(1, NOW, NOW + HOUR), assignment(2, NOW + HOUR, NOW + 2 * HOUR))


VEHICLES = [uuid.UUID(int=number) for number in (90, 91)]
BLOCKS = [uuid.UUID(int=number) for number in (70, 71, 72)]
# What is tried, one after another: which vehicle on which block of which day, from when until when; or an earlier assignment is removed.
tries = st.tuples(st.sampled_from(VEHICLES), st.sampled_from(BLOCKS), st.integers(1, 3).map(lambda day: date(2026, 10, day)), spans)


@given(steps=st.lists(tries | st.integers(0, 9), max_size=15))
def test_a_roster_refuses_exactly_what_a_minute_by_minute_look_finds_taken(steps: list[Any]) -> None:
    """Given a model that marks each minute of each vehicle, the roster and it agree on every step."""
    roster, kept = Roster([]), dict[int, Assignment]()
    taken: dict[tuple[uuid.UUID, datetime], int] = {}
    for number, step in enumerate(steps):
        if isinstance(step, int):
            if (gone := kept.pop(step, None)) is not None:
                roster.discard([gone])
                taken = {minute: by for minute, by in taken.items() if by != step}
            continue
        vehicle_id, block_id, day, span = step
        run = Run(block_id, day, *span)
        free = not any((vehicle_id, minute) in taken for minute in minutes_of(span))
        unassigned = all((one.block_id, one.day) != (block_id, day) for one in kept.values())

        blocking = roster.in_the_way(vehicle_id, run)

        assert {one.id.int for one in blocking} == {
            taken[vehicle_id, minute] for minute in minutes_of(span) if (vehicle_id, minute) in taken
        }
        assert (not blocking, roster.on(block_id, day) is None) == (free, unassigned)
        if free and unassigned:
            made = replace(assignment(number, *span), vehicle_id=vehicle_id, block_id=block_id, day=day)
            roster.add(made)
            kept[number] = made
            taken |= {(vehicle_id, minute): number for minute in minutes_of(span)}
    assert all(roster.on(one.block_id, one.day) == one for one in kept.values())


def test_what_was_removed_stands_in_nobodys_way() -> None:
    roster = Roster([assignment(1, NOW, NOW + HOUR, removed_at=MADE)])
    assert roster.in_the_way(VEHICLE, Run(BLOCK, NOW.date(), NOW, NOW + HOUR)) == []
    assert roster.on(BLOCK, NOW.date()) is None
