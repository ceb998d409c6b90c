"""What the nodes may supply at the moment is what is shared."""

from datetime import UTC, datetime, timedelta

from ampyard.domain.local_time import Weekday
from ampyard.domain.supply import MeterReading, WeeklyLimit
from ampyard.services import power_nodes, site_meters
from ampyard.services.power_nodes import NewLimitException
from tests.fleet import user
from tests.services.power.yards import Yard, allowed, root_of


async def test_an_exception_lowers_what_is_shared_from_its_begin_to_its_end_and_says_so(yard: Yard) -> None:
    await yard.settle()
    root, now = await root_of(yard), yard.backend.clock()
    lowered = NewLimitException(root.id, now, now + timedelta(hours=1), 100.0, None, "The grid operator asks for it")
    await power_nodes.add_limit_exception(yard.backend, user(yard.tenant_id), lowered)

    limits = await yard.settle()

    assert allowed(limits) == 100.0
    reasons = {evse.limit_reason for evse in (await yard.evses()).values()}
    assert "Gets 20 kW, its share of what Grid (100 kW by an exception) can supply." in reasons
    yard.wait_until(now + timedelta(hours=1))
    assert allowed(await yard.settle()) == 200.0


async def test_weekly_limits_are_obeyed_by_the_clock_of_the_depot(yard: Yard) -> None:
    root = await root_of(yard)
    night = WeeklyLimit(Weekday.SATURDAY, 23 * 60, 24 * 60, 80.0, None)
    await power_nodes.set_weekly_limits(yard.backend, user(yard.tenant_id), root.id, [night])
    # A Saturday in Berlin, where the depot is: an hour later in UTC's day it is Sunday there.
    evening = datetime(2027, 1, 9, 22, 30, tzinfo=UTC)
    counted = {}
    for moment in (evening - timedelta(hours=1), evening, evening + timedelta(hours=1)):
        yard.wait_until(moment)
        counted[moment - evening] = allowed(await yard.settle())
    assert list(counted.values()) == [200.0, 80.0, 200.0]


async def test_a_limit_in_amperes_and_what_is_not_ours_are_left_out_of_what_is_shared(yard: Yard) -> None:
    root, who = await root_of(yard), user(yard.tenant_id)
    # 200 A x 230 V x 3 = 138 kW, of which the building takes 38.
    await power_nodes.edit_power_node(yard.backend, who, root.id, limit_a=200.0, unmanaged_fallback_kw=60.0)
    await site_meters.report_site_meter(yard.backend, who, [(root.id, MeterReading(yard.backend.clock(), 38.0))])
    assert allowed(await yard.settle()) == 100.0

    # Once the meter is silent, the fall-back counts.
    yard.wait_until(yard.backend.clock() + timedelta(minutes=6))
    assert allowed(await yard.settle()) == 78.0


async def test_a_reduction_for_what_is_not_ours_comes_before_any_raise(yard: Yard) -> None:
    await yard.settle()
    root, now = await root_of(yard), yard.backend.clock()
    await site_meters.report_site_meter(yard.backend, user(yard.tenant_id), [(root.id, MeterReading(now, 150.0))])
    waiting = await yard.tick()
    confirmed = {str(evse.id): evse.limit_kw or 0.0 for evse in (await yard.evses()).values()}
    assert all(command.payload["limit_kw"] < confirmed[command.payload["evse_id"]] for command in waiting)
    await yard.answer(waiting)
    assert allowed(await yard.settle()) == 50.0
