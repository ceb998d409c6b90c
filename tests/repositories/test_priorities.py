"""Priorities in SQL: recurrence as the domain has it, groups of both kinds, one statement for all."""

import uuid
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import cast, func, select
from sqlalchemy.dialects.postgresql import DATE, SMALLINT, TEXT, TIME, TIMESTAMP

from ampyard.domain.access import WHOLE_TENANT
from ampyard.domain.local_time import Weekday
from ampyard.domain.priorities import PriorityLevel
from ampyard.domain.recurrence import Recurrence, mask_of
from ampyard.repositories.access import ResourceGroups
from ampyard.repositories.priorities import Priorities
from ampyard.repositories.vehicles import Vehicles
from ampyard.services import priorities, vehicle_groups
from ampyard.services.backend import Backend
from ampyard.services.priorities import NewPriority, boost_transaction, edit_priority
from tests.busy import NOW, Busy, busy_tenant
from tests.fleet import user

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC")
CHANGES = [datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC), datetime(2026, 4, 4, 15, tzinfo=UTC)]


@settings(max_examples=150)
@given(
    st.sets(st.sampled_from(Weekday), min_size=1),
    st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    st.sampled_from(ZONES),
    st.sampled_from([None, date(2026, 3, 29), date(2026, 10, 25)]),
    st.sampled_from(CHANGES),
    st.integers(-50 * 60, 50 * 60),
)
async def test_the_database_agrees_with_the_domain_on_recurrences(
    backend: Backend, weekdays: set[Weekday], start: time, end: time, zone: str, first: date | None, near: datetime, minutes: int
) -> None:
    at = near + timedelta(minutes=minutes)
    asked = func.ampyard_recurs(
        cast(mask_of(weekdays), SMALLINT),
        cast(start, TIME),
        cast(end, TIME),
        cast(zone, TEXT),
        cast(first, DATE),
        cast(None, DATE),
        cast(at, TIMESTAMP(timezone=True)),
    )
    async with backend.database.snapshot(uuid.uuid4(), WHOLE_TENANT) as snapshot:
        ((found,),) = await snapshot.fetch(select(asked))
    assert found is Recurrence(frozenset(weekdays), start, end, zone, first).covers(at)


@dataclass(frozen=True)
class Subject:
    id: uuid.UUID
    vehicle_id: uuid.UUID | None
    charge_point_id: uuid.UUID
    depot_id: uuid.UUID


@pytest.fixture(scope="module")
async def day(backend: Backend) -> Busy:
    return await busy_tenant(backend)


async def test_groups_of_both_kinds_count_for_what_is_in_them(day: Busy) -> None:
    principal = user(day.tenant_id)
    running = await day.transaction("tx-4")  # nobody knows its vehicle; it is in Central
    vehicle = next(one for one in await day.all(Vehicles) if one.name == "Bus 3")
    above = next(group for group in await day.all(ResourceGroups) if group.name == "Group Central")
    group = await vehicle_groups.create_vehicle_group(day.backend, principal, name="Late", vehicle_ids=[vehicle.id])
    of_resources = await priorities.set_priority(day.backend, principal, NewPriority(PriorityLevel.CRITICAL, resource_group_id=above.id))
    of_vehicles = await priorities.set_priority(day.backend, principal, NewPriority(PriorityLevel.LOW, vehicle_group_id=group.id))
    unknown = Subject(running.id, None, running.charge_point_id, running.depot_id)
    known = replace(unknown, id=uuid.uuid4(), vehicle_id=vehicle.id)
    elsewhere = Subject(uuid.uuid4(), None, uuid.uuid4(), uuid.uuid4())

    async with day.backend.database.snapshot(day.tenant_id) as snapshot:
        found = await Priorities(snapshot).effective([unknown, known, elsewhere], at=NOW)

    assert found[unknown.id].rule == of_resources
    assert found[known.id].rule == of_vehicles
    assert of_resources in found[known.id].considered
    assert found[elsewhere.id].considered == ()


async def test_a_boost_is_a_critical_rule_of_the_session_and_can_be_edited(day: Busy) -> None:
    principal, running = user(day.tenant_id), await day.transaction("tx-2")
    boost = await boost_transaction(day.backend, principal, running.id, 15)
    assert (boost.level, boost.transaction_id, boost.valid_until) == (PriorityLevel.CRITICAL, running.id, NOW + timedelta(minutes=15))

    nights = Recurrence(frozenset({Weekday.MONDAY}), time(22), time(5), "Europe/Berlin")
    edited = await edit_priority(day.backend, principal, boost.id, {"valid_until": None, "recurrence": nights})
    assert (edited.recurrence, edited.valid_until, edited.created_at) == (nights, None, boost.created_at)
    async with day.backend.database.snapshot(day.tenant_id) as snapshot:
        assert await Priorities(snapshot).by_id(boost.id) == edited
