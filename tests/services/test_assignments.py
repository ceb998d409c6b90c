"""Assignments: on days the block runs, never two of a vehicle at once; whatever comes at the same time, and whoever may see what."""

import asyncio
import uuid
from dataclasses import replace
from datetime import time

import asyncpg
import pytest

from ampyard.domain.access import Grant, Principal, Scope
from ampyard.domain.assignments import Assignment
from ampyard.domain.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from ampyard.domain.ids import new_id
from ampyard.domain.resource_groups import ResourceGroup
from ampyard.repositories.access import ResourceGroups
from ampyard.repositories.assignments import Assignments
from ampyard.repositories.tables import resource_group_member
from ampyard.repositories.tables.dispatch import NO_OVERLAP, ONE_VEHICLE
from ampyard.repositories.vehicles import Vehicles
from ampyard.services.assignment_lists import schedule_vehicle
from ampyard.services.assignments import NewAssignment, assign_vehicle, change_assignment, remove_assignment
from ampyard.services.backend import Backend
from ampyard.services.blocks import edit_block
from tests.fleet import user
from tests.services.dispatching import DAY, HOUR, NOW, TODAY, Yard, new_yard


@pytest.fixture
async def yard(backend: Backend) -> Yard:
    return await new_yard(backend)


async def confined(yard: Yard, *depots: str) -> Principal:
    """Return a dispatcher of these depots alone."""
    async with yard.work() as work:
        group = ResourceGroup(new_id(), yard.tenant_id, None, " and ".join(depots), None, NOW, NOW)
        await work.add(ResourceGroups, group)
        rows = [
            {"id": new_id(), "tenant_id": yard.tenant_id, "resource_group_id": group.id, "depot_id": yard.depots[name].id}
            for name in depots
        ]
        await work.session.execute(resource_group_member.insert(), rows)
        await work.commit()
    scopes = frozenset({Scope.FLEET_READ, Scope.DISPATCH_WRITE})
    return replace(user(yard.tenant_id), scopes=frozenset(), grants=(Grant(scopes, frozenset({group.id})),))


async def test_an_assignment_is_kept_audited_and_told_to_the_depot(yard: Yard) -> None:
    block = await yard.block()
    vehicle = yard.vehicles["Bus 1"]

    assignment = await yard.assign(block, day=TODAY + DAY)

    run = block.run_on(TODAY + DAY)
    assert assignment == Assignment(
        id=assignment.id,
        tenant_id=yard.tenant_id,
        block_id=block.id,
        vehicle_id=vehicle.id,
        depot_id=block.departure_depot_id,
        day=TODAY + DAY,
        departs_at=run.departs_at,
        returns_at=run.returns_at,
        author="user:tester",
        removed_at=None,
        created_at=NOW,
        updated_at=NOW,
    )
    assert await yard.assignments() == [assignment]
    detail = {"day": "2026-11-03", "block_id": str(block.id), "vehicle_id": str(vehicle.id)}
    assert (await yard.audited())[1:] == [("assignment.create", assignment.id, detail)]
    assert (await yard.events())[1:] == [("assignment.changed", assignment.id, block.departure_depot_id)]


async def test_what_has_left_can_still_be_assigned_that_day(yard: Yard) -> None:
    block = await yard.block()
    assignment = await yard.at(NOW + 12 * HOUR).assign(block)
    assert assignment.returns_at < NOW + 12 * HOUR


async def test_a_vehicle_goes_on_one_block_after_another(yard: Yard) -> None:
    first = await yard.assign(await yard.block())
    second = await yard.assign(await yard.block("13", departure_time=time(14), return_time=time(18)))
    assert first.vehicle_id == second.vehicle_id
    assert first.returns_at == second.departs_at


async def test_a_vehicle_is_never_on_two_blocks_at_once(yard: Yard) -> None:
    await yard.assign(await yard.block())
    other = await yard.block("13", departure_time=time(13), return_time=time(15))
    before = await yard.everything()

    with pytest.raises(ConflictError) as refused:
        await yard.assign(other)

    assert str(refused.value) == (
        "Vehicle Bus 1 is on block 12 (2026-11-02 10:00 to 14:00 Europe/Berlin) then; take it off there first, or choose another vehicle."
    )
    assert refused.value.path == ("input", "vehicleId")
    assert await yard.everything() == before
    assert (await yard.assign(other, "Bus 2")).vehicle_id == yard.vehicles["Bus 2"].id


async def test_a_block_has_one_vehicle_a_day(yard: Yard) -> None:
    block = await yard.block()
    await yard.assign(block)
    before = await yard.everything()

    for vehicle in ("Bus 1", "Bus 2"):
        with pytest.raises(ConflictError) as refused:
            await yard.assign(block, vehicle)
        assert str(refused.value) == (
            "Vehicle Bus 1 is on block 12 (2026-11-02 10:00 to 14:00 Europe/Berlin) already; change that assignment, or remove it first."
        )
        assert refused.value.path == ("input", "blockId")
    assert await yard.everything() == before


async def test_days_without_a_run_too_far_ahead_or_over_are_refused(yard: Yard) -> None:
    block = await yard.block(first_day=TODAY - 7 * DAY, last_day=TODAY + 9 * DAY)
    before = await yard.everything()
    for days, message in ((8, "7 days ahead at most, now up to 2026-11-09"), (10, "does not run on"), (-1, "2026-11-01 is over")):
        with pytest.raises(InvalidInputError, match=message) as refused:
            await yard.assign(block, day=TODAY + days * DAY)
        assert refused.value.path == ("input", "day")
    assert await yard.everything() == before


async def test_an_archived_vehicle_goes_nowhere(yard: Yard) -> None:
    block = await yard.block(external_id="ext-1")
    assignment = await yard.assign(await yard.block("13", departure_time=time(20), return_time=time(22)), "Bus 2")
    vehicle = yard.vehicles["Bus 1"]
    async with yard.work() as work:
        await work.change(Vehicles, vehicle.id, archived_at=NOW)
        await work.commit()
    before = await yard.everything()
    for change in (
        yard.assign(block),
        change_assignment(yard.backend, yard.principal, assignment.id, vehicle.id),
        schedule_vehicle(yard.backend, yard.principal, external_id="ext-1", vin=vehicle.vin, on=TODAY),
    ):
        with pytest.raises(ConflictError, match="Vehicle Bus 1 is archived; choose another one, or restore it first"):
            await change
    assert await yard.everything() == before


async def test_block_and_vehicle_must_exist(yard: Yard) -> None:
    block = await yard.block()
    with pytest.raises(NotFoundError, match=r"There is no such block\."):
        await assign_vehicle(yard.backend, yard.principal, NewAssignment(uuid.uuid4(), yard.vehicles["Bus 1"].id, TODAY))
    with pytest.raises(NotFoundError, match=r"There is no such vehicle\."):
        await assign_vehicle(yard.backend, yard.principal, NewAssignment(block.id, uuid.uuid4(), TODAY))
    with pytest.raises(NotFoundError, match=r"There is no such assignment\."):
        await change_assignment(yard.backend, yard.principal, uuid.uuid4(), yard.vehicles["Bus 1"].id)
    with pytest.raises(NotFoundError, match=r"There is no such assignment\."):
        await remove_assignment(yard.backend, yard.principal, uuid.uuid4())


async def test_another_vehicle_takes_over(yard: Yard) -> None:
    assignment = await yard.assign(await yard.block())
    bus_1, bus_2 = yard.vehicles["Bus 1"].id, yard.vehicles["Bus 2"].id
    later = yard.at(NOW + 3 * HOUR)  # it has left

    changed = await change_assignment(later.backend, yard.principal, assignment.id, bus_2)

    assert changed == replace(assignment, vehicle_id=bus_2, updated_at=NOW + 3 * HOUR)
    assert await yard.assignments() == [changed]
    detail = {"day": "2026-11-02", "vehicle_id": str(bus_2), "before": str(bus_1)}
    assert (await yard.audited())[-1] == ("assignment.change", assignment.id, detail)
    assert [event[:2] for event in await yard.events()].count(("assignment.changed", assignment.id)) == 2


async def test_a_vehicle_that_is_away_cannot_take_over(yard: Yard) -> None:
    assignment = await yard.assign(await yard.block())
    await yard.assign(await yard.block("13", departure_time=time(9, 30), return_time=time(11)), "Bus 2")
    before = await yard.everything()

    with pytest.raises(ConflictError, match=r"Vehicle Bus 2 is on block 13 \(2026-11-02 09:30 to 11:00 Europe/Berlin\) then"):
        await change_assignment(yard.backend, yard.principal, assignment.id, yard.vehicles["Bus 2"].id)
    assert await yard.everything() == before


async def test_a_removed_assignment_frees_its_vehicle_and_stays_in_history(yard: Yard) -> None:
    block = await yard.block()
    assignment = await yard.assign(block)

    removed = await remove_assignment(yard.backend, yard.principal, assignment.id)
    after_once = await yard.everything()
    again = await remove_assignment(yard.at(NOW + HOUR).backend, yard.principal, assignment.id)

    assert removed == again == replace(assignment, removed_at=NOW)
    assert await yard.everything() == after_once
    assert (await yard.audited())[-1][:2] == ("assignment.remove", assignment.id)
    with pytest.raises(ConflictError, match="The assignment has been removed; make a new one"):
        await change_assignment(yard.backend, yard.principal, assignment.id, yard.vehicles["Bus 2"].id)
    anew = await yard.assign(block)
    assert await yard.assignments() == [removed, anew]


async def test_what_is_over_stays_as_it_was(yard: Yard) -> None:
    assignment = await yard.assign(await yard.block())
    tomorrow = yard.at(NOW + 24 * HOUR)
    before = await yard.everything()
    for change in (
        change_assignment(tomorrow.backend, yard.principal, assignment.id, yard.vehicles["Bus 2"].id),
        remove_assignment(tomorrow.backend, yard.principal, assignment.id),
    ):
        with pytest.raises(ConflictError, match="2026-11-02 is over"):
            await change
    assert await yard.everything() == before


async def test_of_many_who_want_a_vehicle_at_once_one_gets_it(yard: Yard) -> None:
    blocks = [await yard.block(str(n)) for n in range(4)]

    results = await asyncio.gather(*(yard.assign(block) for block in blocks), return_exceptions=True)

    assert [type(result).__name__ for result in results].count("ConflictError") == 3
    assert len(await yard.assignments()) == 1


async def test_a_block_that_changes_while_it_is_assigned_ends_with_the_right_times(yard: Yard) -> None:
    block = await yard.block()

    await asyncio.gather(
        yard.assign(block), edit_block(yard.backend, yard.principal, block.id, {"departure_time": time(11)}), return_exceptions=True
    )

    (changed,), (assignment,) = await yard.blocks(), await yard.assignments()
    assert assignment.departs_at == changed.run_on(TODAY).departs_at == block.run_on(TODAY).departs_at + HOUR


async def test_the_database_itself_refuses_what_overlaps_and_a_second_vehicle(yard: Yard) -> None:
    block, other = await yard.block(), await yard.block("13")
    known = await yard.assign(block)
    before = await yard.everything()

    twice = replace(known, id=new_id(), block_id=other.id, departs_at=known.departs_at + HOUR, returns_at=known.returns_at + HOUR)
    second = replace(known, id=new_id(), vehicle_id=yard.vehicles["Bus 2"].id)
    for wrong, kind, constraint in (
        (twice, asyncpg.ExclusionViolationError, NO_OVERLAP),
        (second, asyncpg.UniqueViolationError, ONE_VEHICLE),
    ):
        async with yard.work() as work:
            with pytest.raises(kind) as refused:
                await work.add(Assignments, wrong)
            assert refused.value.constraint_name == constraint
    assert await yard.everything() == before

    after = replace(twice, departs_at=known.returns_at, returns_at=known.returns_at + HOUR)
    gone = replace(second, removed_at=NOW)
    async with yard.work() as work:
        await work.add(Assignments, after, gone)
        await work.commit()
    assert len(await yard.assignments()) == 3


async def test_a_dispatcher_of_one_depot_sees_and_moves_only_what_is_there(yard: Yard) -> None:
    central = await confined(yard, "Central")
    north_id = yard.depots["North"].id
    here, there = await yard.block(), await yard.block("13", departure_depot_id=north_id)
    elsewhere = await yard.assign(there, "North Bus 1")

    kept = await assign_vehicle(yard.backend, central, NewAssignment(here.id, yard.vehicles["Bus 1"].id, TODAY))
    before = await yard.everything()
    with pytest.raises(NotFoundError, match=r"There is no such vehicle\."):
        await change_assignment(yard.backend, central, kept.id, yard.vehicles["North Bus 2"].id)
    with pytest.raises(NotFoundError, match=r"There is no such assignment\."):
        await remove_assignment(yard.backend, central, elsewhere.id)
    with pytest.raises(NotFoundError, match=r"There is no such depot\."):
        await edit_block(yard.backend, central, here.id, {"departure_depot_id": north_id})
    assert await yard.everything() == before

    async with yard.backend.snapshot(central) as snapshot:
        assert {one.id for one in await Assignments(snapshot).where()} == {kept.id}


async def test_what_stands_in_the_way_beyond_ones_reach_is_not_named(yard: Yard) -> None:
    central, north_id = await confined(yard, "Central"), yard.depots["North"].id
    there = await yard.block("secret", departure_depot_id=north_id, return_depot_id=north_id)
    await yard.assign(there)  # with a vehicle of Central
    here = await yard.block()
    before = await yard.everything()

    with pytest.raises(ConflictError) as refused:
        await assign_vehicle(yard.backend, central, NewAssignment(here.id, yard.vehicles["Bus 1"].id, TODAY))

    assert str(refused.value).startswith("Vehicle Bus 1 is on a block of another group (2026-11-02 09:00 to 2026-11-02 13:00 UTC) then")
    assert await yard.everything() == before


async def test_the_scope_is_needed_whoever_calls(yard: Yard) -> None:
    block = await yard.block()
    assignment = await yard.assign(block)
    reader = user(yard.tenant_id, *(scope for scope in Scope if scope is not Scope.DISPATCH_WRITE))
    before = await yard.everything()
    for change in (
        assign_vehicle(yard.backend, reader, NewAssignment(block.id, assignment.vehicle_id, TODAY + DAY)),
        change_assignment(yard.backend, reader, assignment.id, yard.vehicles["Bus 2"].id),
        remove_assignment(yard.backend, reader, assignment.id),
    ):
        with pytest.raises(ForbiddenError, match="dispatch:write"):
            await change
    assert await yard.everything() == before
