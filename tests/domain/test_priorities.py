import itertools
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ampyard.domain.errors import InvalidInputError
from ampyard.domain.priorities import EffectivePriority, Priority, PriorityLevel, effective_priority

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
    )


def test_levels_rank_from_low_to_critical() -> None:
    assert sorted(PriorityLevel) == [PriorityLevel.LOW, PriorityLevel.NORMAL, PriorityLevel.HIGH, PriorityLevel.CRITICAL]


@pytest.mark.parametrize(("targets", "count"), [({}, 0), ({"vehicle_id": VEHICLE, "charge_point_id": CHARGE_POINT}, 2)])
def test_priority_has_exactly_one_target(targets: dict[str, uuid.UUID], count: int) -> None:
    with pytest.raises(
        InvalidInputError, match=f"A priority has {count} targets; give exactly one: a vehicle, a charge point or a transaction"
    ):
        priority(10, PriorityLevel.HIGH, **targets)  # type: ignore[arg-type]  # a mapping of keyword arguments


def test_priority_ends_after_it_starts() -> None:
    with pytest.raises(InvalidInputError, match="would never be in force; give an end after its start, or none"):
        priority(vehicle_id=VEHICLE, valid_from=NOON, valid_until=NOON)


def test_without_rules_all_is_normal() -> None:
    assert effective_priority([], at=NOON) == EffectivePriority(PriorityLevel.NORMAL, None)


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

    expected = EffectivePriority(PriorityLevel.HIGH, rule) if counts else EffectivePriority(PriorityLevel.NORMAL, None)
    assert effective_priority([rule], at=NOON) == expected


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
            assert effective_priority(ordered, at=NOON) == EffectivePriority(winner.level, winner)


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
    )
    return plain | plain.map(lambda rule: replace(rule, vehicle_id=None, transaction_id=TRANSACTION))


@given(st.lists(rules(), max_size=8, unique_by=lambda rule: rule.id).flatmap(lambda some: st.tuples(st.just(some), st.permutations(some))))
def test_order_of_rules_changes_nothing(orders: tuple[list[Priority], list[Priority]]) -> None:
    assert effective_priority(orders[0], at=NOON) == effective_priority(orders[1], at=NOON)
