"""Limits of a transaction from outside: the strictest counts, the next step obeys, and what is refused changes nothing."""

import uuid
from datetime import timedelta

import pytest

from ampyard.domain.access import Scope
from ampyard.domain.charging_limits import ChargingLimit, LimitOrigin, cap_kw, capped
from ampyard.domain.errors import ConflictError, ForbiddenError, InvalidInputError
from ampyard.domain.limit_schedules import Schedule, Step
from ampyard.domain.transactions import StopReason
from ampyard.repositories.charging_limits import ChargingLimits
from ampyard.services import transactions
from ampyard.services.charging_limits import clear_charging_limit, limit_transaction, set_limit
from ampyard.services.transactions import Report
from tests.fleet import user
from tests.services.power.conftest import yard
from tests.services.power.yards import T0, Yard

__all__ = ["yard"]


async def limits(yard: Yard) -> list[ChargingLimit]:
    async with yard.backend.database.snapshot(yard.tenant_id) as snapshot:
        return await ChargingLimits(snapshot).where(order_by=[ChargingLimits.table.c.created_at, ChargingLimits.table.c.id])


async def test_a_cap_by_hand_is_obeyed_by_the_next_step_until_it_is_cleared(yard: Yard) -> None:
    free = await yard.settle()
    capped_one = await yard.transaction("CP-2")
    limit = await limit_transaction(yard.backend, user(yard.tenant_id), capped_one.id, 20.0, valid_until=None, reason="A warm cable.")
    lowered = await yard.settle()
    assert (free["CP-2", 1], lowered["CP-2", 1]) == (52.0, 20.0)

    await clear_charging_limit(yard.backend, user(yard.tenant_id), limit.id)
    assert (await yard.settle())["CP-2", 1] == 52.0


async def test_a_limit_takes_the_place_of_the_same_origin_alone(yard: Yard) -> None:
    running = await yard.transaction("CP-2")
    who = user(yard.tenant_id)
    await limit_transaction(yard.backend, who, running.id, 20.0, valid_until=None, reason="First.")
    await limit_transaction(yard.backend, who, running.id, 30.0, valid_until=None, reason="Second.")
    async with yard.backend.unit_of_work(who) as work:
        await set_limit(work, running, Schedule.constant(25.0, work.now), LimitOrigin.OCPI, valid_until=None, reason="By contract.")
        await work.commit()

    first, second, third = await limits(yard)
    assert first.cleared_at is not None
    assert (second.cleared_at, third.cleared_at) == (None, None)
    assert cap_kw([first, second, third], yard.backend.clock()) == 25.0


async def test_what_cannot_be_limited_is_refused_and_leaves_nothing(yard: Yard) -> None:
    running, who = await yard.transaction("CP-2"), user(yard.tenant_id)
    with pytest.raises(InvalidInputError, match="limitKw is -1; give 0 to 10000"):
        await limit_transaction(yard.backend, who, running.id, -1.0, valid_until=None, reason="Why.")
    with pytest.raises(InvalidInputError, match="validUntil is over already"):
        await limit_transaction(yard.backend, who, running.id, 1.0, valid_until=T0 - timedelta(days=900), reason="Why.")
    with pytest.raises(ForbiddenError):
        await limit_transaction(yard.backend, user(yard.tenant_id, Scope.FLEET_READ), running.id, 1.0, valid_until=None, reason="Why.")
    report = Report(at=T0 + timedelta(hours=1), ocpp_transaction_id=running.ocpp_transaction_id, begins=False, stop_reason=StopReason.LOCAL)
    await transactions.end(yard.backend, yard.stations["CP-2"], report)
    with pytest.raises(ConflictError, match="The transaction has ended"):
        await limit_transaction(yard.backend, who, running.id, 1.0, valid_until=None, reason="Why.")
    assert await limits(yard) == []


def test_limits_lower_a_schedule_while_they_count() -> None:
    now = T0
    hour = timedelta(hours=1)

    def limit(*kw: float, until: timedelta | None) -> ChargingLimit:
        steps = tuple(Step(now + n * hour, value) for n, value in enumerate(kw))
        ends = None if until is None else now + until
        some = uuid.uuid4()
        return ChargingLimit(some, some, some, LimitOrigin.OCPI, Schedule(steps), ends, "Why.", "who", now)

    wanted = Schedule((Step(now, 22.0), Step(now + 3 * hour, 4.0)))
    found = capped(wanted, [limit(11.0, 8.0, until=2 * hour), limit(15.0, until=None)])
    assert found.steps == (Step(now, 11.0), Step(now + hour, 8.0), Step(now + 2 * hour, 15.0), Step(now + 3 * hour, 4.0))
