import itertools
import uuid
from dataclasses import fields, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ampyard.domain.errors import InvalidInputError
from ampyard.domain.local_time import Weekday
from ampyard.domain.priorities import EffectivePriority, Priority, PriorityLevel, PriorityOutcome, PriorityTarget, effective_priority
from ampyard.domain.recurrence import Recurrence

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
VEHICLE, CHARGE_POINT, TRANSACTION, TENANT = (uuid.UUID(int=number) for number in (1, 2, 3, 4))


def priority(
    number: int = 10,
    level: PriorityLevel = PriorityLevel.HIGH,
    *,
    vehicle_id: uuid.UUID | None = None,
    charge_point_id: uuid.UUID | None = None,
    transaction_id: uuid.UUID | None = None,
    vehicle_group_id: uuid.UUID | None = None,
    resource_group_id: uuid.UUID | None = None,
    recurrence: Recurrence | None = None,
    valid_from: datetime = NOON - HOUR,
    valid_until: datetime | None = None,
    cleared_at: datetime | None = None,
    created_at: datetime = NOON - HOUR,
) -> Priority:
    return Priority(
        id=uuid.UUID(int=number),
        tenant_id=TENANT,
        level=level,
        vehicle_id=vehicle_id,
        charge_point_id=charge_point_id,
        transaction_id=transaction_id,
        reason="early departure",
        author="user:dispatcher@demo",
        valid_from=valid_from,
        valid_until=valid_until,
        cleared_at=cleared_at,
        created_at=created_at,
        vehicle_group_id=vehicle_group_id,
        resource_group_id=resource_group_id,
        **({} if recurrence is None else {field.name: getattr(recurrence, field.name) for field in fields(recurrence)}),
    )


def test_levels_rank_from_low_to_critical() -> None:
    assert sorted(PriorityLevel) == [PriorityLevel.LOW, PriorityLevel.NORMAL, PriorityLevel.HIGH, PriorityLevel.CRITICAL]


@pytest.mark.parametrize(("targets", "count"), [({}, 0), ({"vehicle_id": VEHICLE, "charge_point_id": CHARGE_POINT}, 2)])
def test_priority_has_exactly_one_target(targets: dict[str, uuid.UUID], count: int) -> None:
    with pytest.raises(
        InvalidInputError,
        match=f"A priority has {count} targets; give exactly one: a transaction, a vehicle, a charge point, a ",
    ):
        priority(10, PriorityLevel.HIGH, **targets)  # type: ignore[arg-type]  # a mapping of keyword arguments


def test_priority_ends_after_it_starts() -> None:
    with pytest.raises(InvalidInputError, match="would never be in force; give an end after its start, or none"):
        priority(vehicle_id=VEHICLE, valid_from=NOON, valid_until=NOON)


def test_without_rules_all_is_normal() -> None:
    assert effective_priority([], at=NOON) == EffectivePriority(PriorityLevel.NORMAL, None, NOON, ())


@pytest.mark.parametrize(
    ("valid_from", "valid_until", "cleared_at", "counts"),
    [
        (NOON, None, None, True),
        (NOON + HOUR, None, None, False),
        (NOON - HOUR, NOON + HOUR, None, True),
        (NOON - HOUR, NOON, None, False),
        (NOON - HOUR, None, NOON, False),
        (NOON - HOUR, None, NOON + HOUR, True),
        (NOON - 2 * HOUR, NOON - HOUR, NOON + HOUR, False),
    ],
)
def test_only_rules_in_force_count(valid_from: datetime, valid_until: datetime | None, cleared_at: datetime | None, counts: bool) -> None:  # noqa: FBT001 — a parametrised expectation
    rule = priority(vehicle_id=VEHICLE, valid_from=valid_from, valid_until=valid_until, cleared_at=cleared_at)

    found = effective_priority([rule], at=NOON)
    assert (found.level, found.rule) == ((PriorityLevel.HIGH, rule) if counts else (PriorityLevel.NORMAL, None))
    assert found.considered == (rule,)


def test_most_specific_target_wins_over_a_higher_level() -> None:
    of_charge_point = priority(1, PriorityLevel.CRITICAL, charge_point_id=CHARGE_POINT)
    of_vehicle = priority(2, PriorityLevel.HIGH, vehicle_id=VEHICLE)
    of_transaction = priority(3, PriorityLevel.LOW, transaction_id=TRANSACTION)

    assert effective_priority([of_charge_point], at=NOON).rule is of_charge_point
    assert effective_priority([of_charge_point, of_vehicle], at=NOON).rule is of_vehicle
    assert effective_priority([of_charge_point, of_vehicle, of_transaction], at=NOON).rule is of_transaction


def test_then_the_highest_level_then_the_newest_then_the_greater_id() -> None:
    low = priority(9, PriorityLevel.LOW, vehicle_id=VEHICLE, created_at=NOON)
    older = priority(8, vehicle_id=VEHICLE, created_at=NOON - 3 * HOUR)
    newer = priority(6, vehicle_id=VEHICLE)
    twin = priority(7, vehicle_id=VEHICLE)

    for rules, winner in (([low, older], older), ([older, newer], newer), ([newer, twin], twin)):
        for ordered in itertools.permutations(rules):
            found = effective_priority(ordered, at=NOON)
            assert (found.level, found.rule) == (winner.level, winner)


# The second of March 2026 is a Monday; noon in UTC is 13:00 in Berlin.
WEEKDAYS = frozenset(Weekday) - {Weekday.SATURDAY, Weekday.SUNDAY}
AT_NOON = Recurrence(WEEKDAYS, time(12), time(14), "Europe/Berlin")
AT_NIGHT = Recurrence(WEEKDAYS, time(22), time(5), "Europe/Berlin")


def test_a_vehicle_comes_before_a_charge_point_before_a_vehicle_group_before_a_resource_group() -> None:
    targets = [{target.column: uuid.UUID(int=number)} for number, target in enumerate(PriorityTarget)]
    ranked = [priority(number, PriorityLevel.LOW, **target) for number, target in enumerate(targets)]  # type: ignore[arg-type]  # keyword arguments
    assert [rule.target.name for rule in ranked] == ["TRANSACTION", "VEHICLE", "CHARGE_POINT", "VEHICLE_GROUP", "RESOURCE_GROUP"]
    for first in range(len(ranked)):
        higher_but_less_specific = [replace(rule, level=PriorityLevel.CRITICAL) for rule in ranked[first + 1 :]]
        assert effective_priority([*higher_but_less_specific, ranked[first]], at=NOON).rule == ranked[first]


def test_a_recurring_rule_counts_in_its_windows() -> None:
    noon, night = priority(1, vehicle_id=VEHICLE, recurrence=AT_NOON), priority(2, vehicle_id=VEHICLE, recurrence=AT_NIGHT)
    assert effective_priority([noon, night], at=NOON).rule is noon
    assert effective_priority([noon, night], at=NOON + 10 * HOUR).rule is night
    assert effective_priority([noon, night], at=NOON + 5 * HOUR).rule is None


def test_a_priority_has_an_end_or_a_recurrence_that_can_come() -> None:
    with pytest.raises(InvalidInputError, match="either an end or a recurrence"):
        priority(vehicle_id=VEHICLE, recurrence=AT_NOON, valid_until=NOON)
    with pytest.raises(InvalidInputError, match="needs a day of the week"):
        replace(priority(vehicle_id=VEHICLE, recurrence=AT_NOON), weekdays=frozenset())


def test_every_rule_that_was_looked_at_is_told_with_why_it_won_or_lost() -> None:
    of_group = priority(1, PriorityLevel.CRITICAL, resource_group_id=uuid.UUID(int=9))
    lower = priority(2, PriorityLevel.LOW, vehicle_id=VEHICLE)
    older = priority(3, vehicle_id=VEHICLE, created_at=NOON - 2 * HOUR)
    winner = priority(4, vehicle_id=VEHICLE)
    later = priority(5, transaction_id=TRANSACTION, valid_from=NOON + HOUR)
    at_night = priority(6, vehicle_id=VEHICLE, recurrence=AT_NIGHT)
    over = priority(7, charge_point_id=CHARGE_POINT, valid_until=NOON)
    cleared = priority(8, charge_point_id=CHARGE_POINT, cleared_at=NOON)

    found = effective_priority([over, cleared, at_night, later, of_group, lower, older, winner], at=NOON)

    assert found.rule is winner
    assert [(verdict.rule, verdict.outcome.name, verdict.why) for verdict in found.explanation] == [
        (winner, "WON", "It is about the vehicle, and no rule in force comes before it."),
        (older, "OLDER", "It says HIGH as the winner does, which is newer."),
        (lower, "LOWER_LEVEL", "It says LOW; the winner, as specific, says HIGH, which is higher."),
        (of_group, "LESS_SPECIFIC", "It is about the resource group; the winner is about the vehicle, which is more specific."),
        (later, "NOT_YET", "It begins at 2026-03-02T13:00:00+00:00."),
        (
            at_night,
            "OUTSIDE_WINDOW",
            "It counts MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY from 22:00 to 05:00, Europe/Berlin; that is not now.",
        ),
        (cleared, "CLEARED", "It was cleared at 2026-03-02T12:00:00+00:00."),
        (over, "OVER", "It ended at 2026-03-02T12:00:00+00:00."),
    ]


def about(rule: Priority, target: PriorityTarget) -> Priority:
    changes: dict[str, Any] = {"vehicle_id": None, target.column: TRANSACTION}
    return replace(rule, **changes)


def rules() -> st.SearchStrategy[Priority]:
    hours = st.integers(-2, 2).map(lambda hour: NOON + hour * HOUR)
    plain = st.builds(
        priority,
        st.integers(0, 99),
        st.sampled_from(PriorityLevel),
        vehicle_id=st.just(VEHICLE),
        valid_from=hours,
        cleared_at=st.none() | hours,
        created_at=hours,
        recurrence=st.none() | st.sampled_from([AT_NOON, AT_NIGHT]),
    )
    return plain | st.tuples(plain, st.sampled_from(PriorityTarget)).map(lambda both: about(both[0], both[1]))


@given(st.lists(rules(), max_size=8, unique_by=lambda rule: rule.id).flatmap(lambda some: st.tuples(st.just(some), st.permutations(some))))
def test_order_of_rules_changes_nothing(orders: tuple[list[Priority], list[Priority]]) -> None:
    one, other = (effective_priority(rules, at=NOON) for rules in orders)
    assert one == other
    assert one.explanation == other.explanation


@given(st.lists(rules(), max_size=8, unique_by=lambda rule: rule.id))
def test_one_rule_wins_just_where_one_is_in_force(some: list[Priority]) -> None:
    found = effective_priority(some, at=NOON)
    winners = [verdict.rule for verdict in found.explanation if verdict.outcome is PriorityOutcome.WON]
    assert winners == ([] if found.rule is None else [found.rule])
    assert (found.rule is not None) is any(rule.is_in_force(NOON) for rule in some)
    assert {verdict.rule.id for verdict in found.explanation} == {rule.id for rule in some}
