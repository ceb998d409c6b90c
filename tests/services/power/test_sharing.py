"""The now step: limits go out as commands, within every node's limit at every moment, and priorities tell."""

from ampyard.domain.commands import CommandKind, CommandState
from ampyard.domain.priorities import PriorityLevel
from ampyard.services import charge_points, priorities, transactions
from ampyard.services.priorities import NewPriority
from ampyard.services.transactions import Report
from tests.fleet import user
from tests.services.power.yards import T0, Yard
from tests.services.stations import online


async def test_the_grid_limit_is_shared_fairly_and_used_up(yard: Yard) -> None:
    # given 22 + 120 + 22 + 120 + 120 kW wanted (the vehicles take 120 kW DC, 22 kW AC) on a 200 kW grid
    limits = await yard.settle()

    # then both AC get all they want, and the three DC share the remaining 156 kW
    assert limits == {("CP-1", 1): 22.0, ("CP-2", 1): 52.0, ("CP-3", 1): 22.0, ("CP-4", 1): 52.0, ("CP-4", 2): 52.0}


async def test_a_higher_priority_gets_more_and_reductions_come_first(yard: Yard) -> None:
    await yard.settle()
    boosted = await yard.transaction("CP-2")
    wanted = NewPriority(PriorityLevel.CRITICAL, transaction_id=boosted.id)
    await priorities.set_priority(yard.backend, user(yard.tenant_id), wanted)

    first = await yard.tick()
    assert {c.payload["evse_id"] for c in first} == {str(e.id) for key, e in (await yard.evses()).items() if key[0] != "CP-2"}
    await yard.answer(first)
    limits = await yard.settle()

    # 120 kW first; the others share 80 kW
    assert limits == {("CP-1", 1): 20.0, ("CP-2", 1): 120.0, ("CP-3", 1): 20.0, ("CP-4", 1): 20.0, ("CP-4", 2): 20.0}


async def test_nothing_is_raised_before_what_pays_for_it_is_confirmed(yard: Yard) -> None:
    await yard.settle()
    boosted = await yard.transaction("CP-2")
    await priorities.set_priority(yard.backend, user(yard.tenant_id), NewPriority(PriorityLevel.HIGH, transaction_id=boosted.id))

    waiting = await yard.tick()
    one = str((await yard.evses())["CP-4", 1].id)
    await yard.answer([c for c in waiting if c.payload["evse_id"] == one])
    await yard.answer([c for c in waiting if c.payload["evse_id"] != one], CommandState.EXPIRED)
    raised = await yard.tick()

    # only what the one confirmed reduction (52 to 20 kW) has freed
    assert [c.payload["limit_kw"] for c in raised if c.payload["evse_id"] == str(boosted.evse_id)] == [52.0 + 32.0]


async def test_a_refused_raise_leaves_what_was_in_force(yard: Yard) -> None:
    waiting = await yard.tick()
    await yard.answer(waiting, CommandState.REJECTED)

    assert [evse.limit_kw for evse in (await yard.evses()).values()] == [None] * 5
    assert await yard.tick() == []  # it is asked again, but not at once


async def test_an_offline_charge_point_keeps_its_power_reserved(yard: Yard) -> None:
    await yard.settle()
    await charge_points.disconnected(yard.backend, yard.stations["CP-2"])

    limits = await yard.settle()

    assert limits["CP-2", 1] == 52.0
    assert sum(limit or 0 for limit in limits.values()) == 200.0


async def test_a_charge_point_that_comes_back_is_told_its_limit_again(yard: Yard) -> None:
    await yard.settle()
    await charge_points.disconnected(yard.backend, yard.stations["CP-2"])
    yard.stations = await online(yard.backend, yard.tenant_id)

    waiting = await yard.tick()

    assert sorted(c.payload["limit_kw"] for c in waiting) == [22.0, 22.0, 52.0, 52.0, 52.0]


async def test_a_limit_of_another_transaction_does_not_count(yard: Yard) -> None:
    waiting = await yard.tick()
    old = await yard.transaction("CP-1")
    await transactions.end(yard.backend, yard.stations["CP-1"], Report(at=T0, ocpp_transaction_id=old.ocpp_transaction_id, register_wh=1.0))
    await yard.answer(waiting)

    assert (await yard.evses())["CP-1", 1].limit_kw is None


async def test_it_is_sent_once(yard: Yard) -> None:
    first = await yard.tick()
    second = await yard.tick()
    assert len(first) == 5
    assert first == second
    assert {c.kind for c in first} == {CommandKind.SET_LIMIT}
