"""What if: both plans side by side, nothing changed; and what makes no sense is refused with a reason."""

from collections.abc import Callable
from datetime import time, timedelta

import pytest

from ampyard.domain.access import Role
from ampyard.domain.assignments import Assignment
from ampyard.domain.errors import ConflictError, DomainError, InvalidInputError, NotFoundError
from ampyard.domain.ids import new_id
from ampyard.domain.planning import PlanStatus
from ampyard.domain.priorities import PriorityLevel
from ampyard.services.planning.outlook import SupposedLimit
from ampyard.services.planning.proposals import Assign, Leave, Move, Proposal, Rank
from ampyard.services.planning.solving import NoPlanError
from ampyard.services.planning.whatif import WhatIf, what_if
from tests.grants import confined, group_of
from tests.services.dispatching import HOUR, NOW, TODAY
from tests.services.planning.yards import PlannedYard
from tests.services.supplied import Site


async def asked(yard: PlannedYard, proposal: Proposal, *, solver: bool = True) -> WhatIf:
    """Ask, and see that nothing was changed."""
    everything = Site(yard.backend, yard.yard.tenant_id, yard.depot_id).everything
    before = await everything()
    try:
        async with yard.backend.snapshot(yard.yard.principal) as snapshot:
            return await what_if(snapshot, yard.solver if solver else None, yard.depot_id, proposal, at=NOW)
    finally:
        assert await everything() == before


async def test_taking_a_vehicle_off_its_run_leaves_nothing_to_be_short_of(yard: PlannedYard) -> None:
    run = await yard.run(departure_time=time(11), return_time=time(22), energy_kwh=250.0)
    await yard.plugged(soc=10.0)

    found = await asked(yard, Proposal(unassign=run.id))

    assert [stay.vehicle_id for stay in found.before.shortfalls] == [run.vehicle_id]
    assert found.after.shortfalls == []
    # And it will not come back at night.
    change, missing = sorted(found.changes, key=lambda change: not change.becomes_ready)
    assert (missing.vehicle_id, missing.final_after_kwh) == (run.vehicle_id, None)
    assert (change.vehicle_id, change.becomes_ready, change.becomes_short) == (run.vehicle_id, True, False)
    assert change.lacks_before_kwh == pytest.approx(29.2)
    assert change.lacks_after_kwh == 0.0


async def test_another_vehicle_on_the_run(yard: PlannedYard) -> None:
    run = await yard.run(departure_time=time(11), return_time=time(22), energy_kwh=250.0)
    await yard.plugged("Bus 1", "CP-2", soc=10.0)
    await yard.plugged("Bus 2", "CP-4", soc=90.0)

    found = await asked(yard, Proposal(move=Move(run.id, yard.yard.vehicles["Bus 2"].id)))

    assert len(found.before.shortfalls) == 1
    assert found.after.shortfalls == []
    assert found.energy_cost is None  # there is no price


async def test_a_vehicle_on_a_block_that_nobody_is_on(yard: PlannedYard) -> None:
    block = await yard.yard.block(departure_time=time(11), return_time=time(22), energy_kwh=250.0)
    await yard.plugged(soc=10.0)

    found = await asked(yard, Proposal(assign=Assign(block.id, yard.yard.vehicles["Bus 1"].id, TODAY)))

    assert found.before.shortfalls == []
    (short,) = found.after.shortfalls
    assert short.departs_at == NOW + 2 * HOUR
    assert sorted(change.becomes_short for change in found.changes) == [False, True]


async def test_leaving_later_another_class_and_a_higher_limit(yard: PlannedYard) -> None:
    run = await yard.run(departure_time=time(11), return_time=time(22), energy_kwh=250.0)
    transaction = await yard.plugged(soc=10.0)
    feeder = await yard.named_node("Feeder 1")

    later = await asked(yard, Proposal(leave=Leave(run.vehicle_id, NOW + 3 * HOUR)))
    ranked = await asked(yard, Proposal(rank=Rank(run.vehicle_id, PriorityLevel.CRITICAL)))
    lower = await asked(yard, Proposal(limit=SupposedLimit(feeder.id, 64.14, None, NOW + HOUR)))

    assert later.after.shortfalls == []
    assert [stay.priority for stay in ranked.after.stays if stay.transaction_id == transaction.id] == [PriorityLevel.CRITICAL]
    # 60 kW instead of 120 for an hour: 55.2 kWh less.
    (change,) = lower.changes
    assert change.lacks_after_kwh - change.lacks_before_kwh == pytest.approx(55.2)


WRONG: list[tuple[Callable[[Assignment], Proposal], type[DomainError], str]] = [
    (lambda _: Proposal(unassign=new_id()), NotFoundError, "There is no such assignment"),
    (lambda _: Proposal(rank=Rank(new_id(), PriorityLevel.LOW)), NotFoundError, "There is no such vehicle"),
    (lambda run: Proposal(leave=Leave(run.vehicle_id, NOW)), InvalidInputError, "is over; give a later time"),
    (lambda _: Proposal(limit=SupposedLimit(new_id(), 5.0, None, None)), NotFoundError, "no such power node"),
    (lambda run: Proposal(assign=Assign(new_id(), run.vehicle_id, TODAY)), NotFoundError, "There is no such block"),
    (lambda run: Proposal(assign=Assign(run.block_id, run.vehicle_id, TODAY)), ConflictError, "Another vehicle is on that block"),
    (
        lambda run: Proposal(assign=Assign(run.block_id, run.vehicle_id, TODAY + timedelta(days=30))),
        InvalidInputError,
        "days ahead",
    ),
]


@pytest.mark.parametrize(("proposal", "error", "message"), WRONG)
async def test_what_makes_no_sense_is_refused(
    yard: PlannedYard, proposal: Callable[[Assignment], Proposal], error: type[DomainError], message: str
) -> None:
    run = await yard.run(departure_time=time(11), return_time=time(22))
    await yard.plugged()
    with pytest.raises(error, match=message):
        await asked(yard, proposal(run))
    assert yard.solver.asked == []


async def test_a_vehicle_is_not_moved_onto_a_run_while_it_is_on_another(yard: PlannedYard) -> None:
    run = await yard.run("Bus 1", name="12", departure_time=time(11), return_time=time(22))
    other = await yard.run("Bus 2", name="13", departure_time=time(12), return_time=time(14))
    await yard.plugged()
    await yard.plugged("Bus 2", "CP-4")
    with pytest.raises(ConflictError, match="The vehicle is on another run from"):
        await asked(yard, Proposal(move=Move(run.id, other.vehicle_id)))


async def test_without_a_planner_or_a_plan_that_is_said(yard: PlannedYard) -> None:
    await yard.plugged()
    with pytest.raises(NoPlanError, match="No planner runs here"):
        await asked(yard, Proposal(), solver=False)
    yard.solver.finds = PlanStatus.NONE
    with pytest.raises(NoPlanError, match="No plan was found within 4 s"):
        await asked(yard, Proposal())


async def test_of_a_depot_out_of_reach_nothing_is_told(yard: PlannedYard) -> None:
    await yard.plugged()
    group = await group_of(yard.backend, yard.yard.tenant_id, depot_id=yard.yard.depots["North"].id)
    stranger = confined(yard.yard.tenant_id, group, role=Role.DISPATCHER)
    async with yard.backend.snapshot(stranger) as snapshot:
        with pytest.raises(NotFoundError, match="There is no such depot"):
            await what_if(snapshot, yard.solver, yard.depot_id, Proposal(), at=NOW)
