"""Priorities: set for one target with a reason, cleared once, each audited, told to subscribers and to the planner."""

import asyncio
import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from ampyard.domain.access import Scope
from ampyard.domain.errors import ConflictError, DomainError, ForbiddenError, InvalidInputError, NotFoundError
from ampyard.domain.priorities import Priority, PriorityLevel
from ampyard.domain.transactions import Transaction
from ampyard.repositories import tables
from ampyard.repositories.priorities import Priorities
from ampyard.repositories.unit_of_work import PLANNER_CHANNEL
from ampyard.repositories.vehicles import Vehicles
from ampyard.services.backend import Backend
from ampyard.services.charge_points import Station
from ampyard.services.priorities import NewPriority, clear_priority, set_priority
from tests.charging import charge, station_of
from tests.fleet import new_fleet, user
from tests.published import waiting

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
HEARD_S = 5.0


@dataclass(frozen=True)
class Fleet:
    """A tenant at eight o'clock, with a transaction that runs on CP-1 and one that has ended on CP-2."""

    backend: Backend
    station: Station
    depot_id: uuid.UUID
    vehicle_id: uuid.UUID
    running: Transaction
    ended: Transaction

    @property
    def tenant_id(self) -> uuid.UUID:
        return self.station.tenant_id

    async def rules(self) -> list[Priority]:
        async with self.backend.database.snapshot(self.tenant_id) as snapshot:
            return await Priorities(snapshot).where(order_by=[Priorities.table.c.id])

    async def audited(self) -> list[dict[str, Any]]:
        """Return the audit records of priorities."""
        column = tables.audit_record.c
        async with self.backend.database.snapshot(self.tenant_id) as snapshot:
            rows = await snapshot.fetch(select(tables.audit_record).where(column.target_kind == "priority").order_by(column.id))
        return [{key: row._mapping[key] for key in ("at", "author", "action", "target_id", "detail")} for row in rows]

    async def events(self) -> list[tuple[str, uuid.UUID, uuid.UUID | None]]:
        """Return kind, aggregate and depot of what has been published about priorities and because of them."""
        about = {rule.id for rule in await self.rules()}
        published = [(e.kind, e.aggregate_id, e.depot_id, e.occurred_at) for e in await waiting(self.backend, self.tenant_id)]
        return [
            (kind, what, depot) for kind, what, depot, at in published if what in about or (kind == "transaction.updated" and at == NOW)
        ]


@pytest.fixture
async def fleet(backend: Backend) -> Fleet:
    seeded = await new_fleet(backend)
    at = replace(backend, clock=lambda: NOW)
    station = await station_of(backend, seeded.tenant_id)
    early = replace(backend, clock=lambda: NOW - HOUR)
    running = await charge(early, station, (NOW - HOUR, 0.0))
    ended = await charge(
        early, await station_of(backend, seeded.tenant_id, "CP-2"), (NOW - HOUR, 0.0), end=(NOW - HOUR / 2, 10.0), id_tag="TAG-2"
    )
    async with backend.database.snapshot(seeded.tenant_id) as snapshot:
        vehicle = (await Vehicles(snapshot).where(order_by=[Vehicles.table.c.id]))[0]
    return Fleet(at, station, vehicle.depot_id, vehicle.id, running, ended)


@pytest.mark.parametrize("kind", ["vehicle_id", "charge_point_id", "transaction_id"])
async def test_a_priority_is_kept_audited_told_and_wakes_the_planner(fleet: Fleet, kind: str) -> None:
    target = {"vehicle_id": fleet.vehicle_id, "charge_point_id": fleet.station.charge_point_id, "transaction_id": fleet.running.id}[kind]
    wanted = replace(NewPriority(PriorityLevel.HIGH, reason="Line 7 leaves early", valid_until=NOW + HOUR), **{kind: target})  # type: ignore[arg-type]  # an id

    async with fleet.backend.database.listen(PLANNER_CHANNEL) as heard:
        rule = await set_priority(fleet.backend, user(fleet.tenant_id), wanted)
        assert await asyncio.wait_for(heard.get(), HEARD_S) == (PLANNER_CHANNEL, f"{fleet.tenant_id}:{fleet.depot_id}")

    assert rule == Priority(
        id=rule.id,
        tenant_id=fleet.tenant_id,
        level=PriorityLevel.HIGH,
        vehicle_id=target if kind == "vehicle_id" else None,
        charge_point_id=target if kind == "charge_point_id" else None,
        transaction_id=target if kind == "transaction_id" else None,
        reason="Line 7 leaves early",
        author="user:tester",
        valid_from=NOW,
        valid_until=NOW + HOUR,
        cleared_at=None,
        created_at=NOW,
    )
    assert await fleet.rules() == [rule]
    assert await fleet.audited() == [
        {
            "at": NOW,
            "author": "user:tester",
            "action": "priority.set",
            "target_id": rule.id,
            "detail": {"level": "HIGH", "reason": "Line 7 leaves early", kind: str(target)},
        }
    ]
    about_transaction = [("transaction.updated", target, fleet.depot_id)] if kind == "transaction_id" else []
    assert await fleet.events() == [("priority.changed", rule.id, fleet.depot_id), *about_transaction]


async def test_a_priority_may_begin_later_or_have_begun(fleet: Fleet) -> None:
    for begin in (NOW - HOUR, NOW + HOUR):
        wanted = NewPriority(PriorityLevel.LOW, vehicle_id=fleet.vehicle_id, valid_from=begin)
        assert (await set_priority(fleet.backend, user(fleet.tenant_id), wanted)).valid_from == begin


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        (
            {"vehicle_id": None},
            InvalidInputError,
            "A priority has 0 targets; give exactly one: a transaction, a vehicle, a charge point, ",
        ),
        ({"charge_point_id": "other"}, InvalidInputError, "A priority has 2 targets; give exactly one"),
        ({"vehicle_id": "none"}, NotFoundError, "There is no such vehicle."),
        ({"vehicle_id": None, "charge_point_id": "none"}, NotFoundError, "There is no such charge point."),
        ({"vehicle_id": None, "transaction_id": "none"}, NotFoundError, "There is no such transaction."),
        ({"vehicle_id": None, "transaction_id": "ended"}, ConflictError, "The transaction has ended; a priority would have no effect."),
        ({"valid_until": NOW}, InvalidInputError, "validUntil 2026-11-02T08:00:00+00:00 is in the past; now is 2026-11-02T08:00:00+00:00."),
        ({"valid_from": NOW + HOUR, "valid_until": NOW + HOUR}, InvalidInputError, "would never be in force"),
        ({"reason": "x" * 501}, InvalidInputError, "The reason has 501 characters; 500 at most."),
        ({"reason": "x\0"}, InvalidInputError, "U+0000"),
    ],
)
async def test_what_makes_no_sense_is_refused_and_leaves_nothing(
    fleet: Fleet, changed: dict[str, Any], error: type[DomainError], message: str
) -> None:
    named = {"none": uuid.uuid4(), "other": fleet.station.charge_point_id, "ended": fleet.ended.id}
    values: dict[str, Any] = {key: named.get(value, value) if isinstance(value, str) else value for key, value in changed.items()}
    wanted = replace(NewPriority(PriorityLevel.HIGH, vehicle_id=fleet.vehicle_id), **values)

    with pytest.raises(error) as refused:
        await set_priority(fleet.backend, user(fleet.tenant_id), wanted)

    assert message in str(refused.value)
    assert (await fleet.rules(), await fleet.audited(), await fleet.events()) == ([], [], [])


async def test_a_reason_of_500_characters_is_kept(fleet: Fleet) -> None:
    wanted = NewPriority(PriorityLevel.HIGH, vehicle_id=fleet.vehicle_id, reason="x" * 500)
    assert (await set_priority(fleet.backend, user(fleet.tenant_id), wanted)).reason == "x" * 500


async def test_a_cleared_priority_ends_now_and_is_cleared_once(fleet: Fleet) -> None:
    rule = await set_priority(fleet.backend, user(fleet.tenant_id), NewPriority(PriorityLevel.HIGH, transaction_id=fleet.running.id))
    later = replace(fleet.backend, clock=lambda: NOW + HOUR)

    async with fleet.backend.database.listen(PLANNER_CHANNEL) as heard:
        cleared = await clear_priority(later, user(fleet.tenant_id), rule.id)
        assert await asyncio.wait_for(heard.get(), HEARD_S) == (PLANNER_CHANNEL, f"{fleet.tenant_id}:{fleet.depot_id}")
        after_once = (await fleet.rules(), await fleet.audited(), await waiting(fleet.backend, fleet.tenant_id))
        again = await clear_priority(replace(fleet.backend, clock=lambda: NOW + 2 * HOUR), user(fleet.tenant_id), rule.id)

    assert cleared == again == replace(rule, cleared_at=NOW + HOUR)
    assert not cleared.is_in_force(NOW + HOUR)
    assert after_once == (await fleet.rules(), await fleet.audited(), await waiting(fleet.backend, fleet.tenant_id))
    assert await fleet.rules() == [cleared]
    assert [(record["action"], record["detail"]) for record in await fleet.audited()] == [
        ("priority.set", {"level": "HIGH", "reason": None, "transaction_id": str(fleet.running.id)}),
        ("priority.clear", {"transaction_id": str(fleet.running.id)}),
    ]
    events = [(e.kind, e.aggregate_id) for e in await waiting(fleet.backend, fleet.tenant_id) if e.occurred_at == NOW + HOUR]
    assert events == [("priority.changed", rule.id), ("transaction.updated", fleet.running.id)]


async def test_a_priority_of_an_ended_transaction_can_still_be_cleared(fleet: Fleet) -> None:
    rule = await set_priority(fleet.backend, user(fleet.tenant_id), NewPriority(PriorityLevel.HIGH, transaction_id=fleet.running.id))
    await charge(fleet.backend, fleet.station, (NOW, 0.0))  # the next one on the EVSE ends it

    assert (await clear_priority(fleet.backend, user(fleet.tenant_id), rule.id)).cleared_at == NOW


async def test_what_does_not_exist_cannot_be_cleared(fleet: Fleet) -> None:
    with pytest.raises(NotFoundError, match="There is no such priority"):
        await clear_priority(fleet.backend, user(fleet.tenant_id), uuid.uuid4())


async def test_the_scope_is_needed_whoever_calls(fleet: Fleet) -> None:
    reader = user(fleet.tenant_id, *(scope for scope in Scope if scope is not Scope.PRIORITIES_WRITE))
    rule = await set_priority(fleet.backend, user(fleet.tenant_id), NewPriority(PriorityLevel.HIGH, vehicle_id=fleet.vehicle_id))

    with pytest.raises(ForbiddenError, match="priorities:write"):
        await set_priority(fleet.backend, reader, NewPriority(PriorityLevel.HIGH, vehicle_id=fleet.vehicle_id))
    with pytest.raises(ForbiddenError, match="priorities:write"):
        await clear_priority(fleet.backend, reader, rule.id)

    assert await fleet.rules() == [rule]
    assert len(await fleet.audited()) == 1


async def test_two_who_clear_at_once_clear_it_once(fleet: Fleet) -> None:
    rule = await set_priority(fleet.backend, user(fleet.tenant_id), NewPriority(PriorityLevel.HIGH, vehicle_id=fleet.vehicle_id))

    results = await asyncio.gather(*(clear_priority(fleet.backend, user(fleet.tenant_id), rule.id) for _ in range(4)))

    assert {result.cleared_at for result in results} == {NOW}
    assert [record["action"] for record in await fleet.audited()] == ["priority.set", "priority.clear"]
