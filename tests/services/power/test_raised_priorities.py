"""Whoever is raised to a higher class gets power in the very next step: no plan holds it back, and no count of writes."""

from datetime import timedelta

from ampyard.domain.priorities import PriorityLevel
from ampyard.repositories.charge_points import ChargePoints, Evses
from ampyard.repositories.plans import keep_plan
from ampyard.services import priorities
from ampyard.services.priorities import NewPriority
from tests.days.planning import plan_of, stay_of
from tests.fleet import user
from tests.services.power.yards import Yard

FAST = [("CP-2", 1), ("CP-4", 1), ("CP-4", 2)]


async def planned_for(yard: Yard) -> None:
    """Keep a plan of 20 kW for each of the three that charge with direct current, and have them obey it."""
    now = yard.backend.clock()
    yard.wait_until(now)
    running = [await yard.transaction(*key) for key in FAST]
    plan = plan_of(yard.tenant_id, yard.depot_id, now)
    async with yard.backend.unit_of_work(user(yard.tenant_id)) as work:
        points = {point.id: point for point in await ChargePoints(work.session).of_depot(yard.depot_id)}
        stays = [stay_of(plan, one, points[one.charge_point_id].power_node_id, None, short_at=None) for one in running]
        await keep_plan(work.session, plan, stays)
        await work.commit()
    limits = await yard.settle()
    assert [limits[key] for key in FAST] == [20.0, 20.0, 20.0]


async def spend_writes(yard: Yard) -> None:
    """Have the EVSEs written so often that no raise is due for an hour."""
    now = yard.backend.clock()
    async with yard.backend.unit_of_work(user(yard.tenant_id)) as work:
        for evse in (await yard.evses()).values():
            await work.change(Evses, evse.id, profile_written_at=now, profile_paid_at=now + timedelta(hours=1))
        await work.commit()


async def raised_by_next_step(yard: Yard) -> list[float]:
    boosted = await yard.transaction("CP-2")
    await priorities.set_priority(yard.backend, user(yard.tenant_id), NewPriority(PriorityLevel.CRITICAL, transaction_id=boosted.id))
    waiting = await yard.tick()
    return [command.payload["limit_kw"] for command in waiting if command.payload["evse_id"] == str(boosted.evse_id)]


async def test_it_is_not_held_to_the_plan_of_its_former_class_nor_by_what_writes_cost(yard: Yard) -> None:
    await planned_for(yard)
    await spend_writes(yard)
    assert await yard.tick() == []

    # 200 kW less twice 22 and twice 20; the schedule after it does not fall back to the plan.
    assert await raised_by_next_step(yard) == [116.0]

    (told,) = [command for command in await yard.tick() if command.payload["limit_kw"] == 116.0]
    assert [kw for _, kw in told.payload["schedule"]][:1] == [116.0]
    assert 10.0 not in [kw for _, kw in told.payload["schedule"]][:-1]


async def test_without_a_plan_a_raise_goes_by_the_count_of_writes_and_a_raised_class_does_not(yard: Yard) -> None:
    await planned_for(yard)
    later = yard.backend.clock() + timedelta(minutes=20)
    yard.wait_until(later)
    await spend_writes(yard)
    # The plan is stale; what others may have now waits for its write.
    assert await yard.tick() == []
    assert await raised_by_next_step(yard) == [116.0]


async def test_somebody_who_was_raised_long_ago_waits_as_everybody_does(yard: Yard) -> None:
    await planned_for(yard)
    boosted = await yard.transaction("CP-2")
    await priorities.set_priority(yard.backend, user(yard.tenant_id), NewPriority(PriorityLevel.CRITICAL, transaction_id=boosted.id))
    yard.wait_until(yard.backend.clock() + timedelta(minutes=20))
    await spend_writes(yard)
    assert str(boosted.evse_id) not in [command.payload["evse_id"] for command in await yard.tick()]
