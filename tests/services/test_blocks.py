"""Blocks: checked and audited as they are made, edited and removed; what is assigned to them moves along or stands in the way."""

import uuid
from dataclasses import replace
from datetime import time
from typing import Any

import pytest

from ampyard.domain.access import Scope
from ampyard.domain.blocks import Block
from ampyard.domain.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from ampyard.domain.local_time import Weekday
from ampyard.repositories.depots import Depots
from ampyard.services.backend import Backend
from ampyard.services.blocks import create_block, edit_block, remove_block
from tests.fleet import user
from tests.services.dispatching import DAY, HOUR, NOW, TODAY, Yard, new_yard


@pytest.fixture
async def yard(backend: Backend) -> Yard:
    return await new_yard(backend)


async def test_a_block_is_kept_audited_and_told_to_both_its_depots(yard: Yard) -> None:
    central, north = yard.depots["Central"].id, yard.depots["North"].id

    block = await yard.block(external_id="ext-12", note="Line 7", return_depot_id=north, return_time=time(1), return_days_later=1)

    assert block == Block(
        id=block.id,
        tenant_id=yard.tenant_id,
        name="12",
        external_id="ext-12",
        note="Line 7",
        distance_km=None,
        energy_kwh=120.0,
        departure_depot_id=central,
        departure_time=time(10),
        departure_zone="Europe/Berlin",
        return_depot_id=north,
        return_time=time(1),
        return_zone="Europe/Berlin",
        return_days_later=1,
        weekdays=frozenset(Weekday),
        first_day=TODAY,
        last_day=None,
        enabled=True,
        removed_at=None,
        created_at=NOW,
        updated_at=NOW,
    )
    assert await yard.blocks() == [block]
    assert await yard.audited() == [("block.create", block.id, {"name": "12", "external_id": "ext-12"})]
    assert await yard.events() == [("block.changed", block.id, central), ("block.changed", block.id, north)]


async def test_all_that_is_wrong_is_said_with_its_path_and_nothing_is_kept(yard: Yard) -> None:
    wanted = yard.wanted(" ", energy_kwh=0.0, weekdays=frozenset())

    with pytest.raises(InvalidInputError) as refused:
        await create_block(yard.backend, yard.principal, wanted)

    assert [error.path for error in (refused.value, *refused.value.others)] == [
        ("input", "name"),
        ("input", "energyKwh"),
        ("input", "weekdays"),
    ]
    assert await yard.everything() == ([], [], [], [])


@pytest.mark.parametrize(("place", "path"), [("departure_depot_id", "departureDepotId"), ("return_depot_id", "returnDepotId")])
async def test_its_depots_must_exist(yard: Yard, place: str, path: str) -> None:
    with pytest.raises(NotFoundError, match=r"There is no such depot\.") as refused:
        await create_block(yard.backend, yard.principal, replace(yard.wanted(), **{place: uuid.uuid4()}))  # type: ignore[arg-type]  # a field of that name
    assert refused.value.path == ("input", path)
    assert await yard.everything() == ([], [], [], [])


async def test_nothing_is_planned_at_an_archived_depot(yard: Yard) -> None:
    async with yard.work() as work:
        await work.change(Depots, yard.depots["North"].id, archived_at=NOW)
        await work.commit()
    with pytest.raises(ConflictError, match="North is archived, and nothing is planned there; restore it first") as refused:
        await yard.block(return_depot_id=yard.depots["North"].id)
    assert refused.value.path == ("input", "returnDepotId")
    assert await yard.everything() == ([], [], [], [])


async def test_an_external_id_is_given_once_until_its_block_is_removed(yard: Yard) -> None:
    first, other = await yard.block("12", external_id="ext-1"), await yard.block("13")
    before = await yard.everything()

    with pytest.raises(ConflictError, match=r"Block 12 has the external id 'ext-1'; give another one\.") as refused:
        await yard.block("14", external_id="ext-1")
    assert refused.value.path == ("input", "externalId")
    with pytest.raises(ConflictError, match="Block 12 has the external id"):
        await edit_block(yard.backend, yard.principal, other.id, {"external_id": "ext-1"})
    assert await yard.everything() == before

    await remove_block(yard.backend, yard.principal, first.id)
    assert (await yard.block("14", external_id="ext-1")).external_id == "ext-1"


async def test_an_edit_changes_what_is_given_and_leaves_the_rest(yard: Yard) -> None:
    block = await yard.block(note="Line 7")
    later = yard.at(NOW + HOUR)

    changed = await edit_block(later.backend, yard.principal, block.id, {"departure_time": time(9, 30), "note": None, "distance_km": 80.0})

    assert changed == replace(block, departure_time=time(9, 30), note=None, distance_km=80.0, energy_kwh=None, updated_at=NOW + HOUR)
    assert await yard.blocks() == [changed]
    detail = {"note": None, "distance_km": 80.0, "energy_kwh": None, "departure_time": "09:30:00"}
    assert (await yard.audited())[1:] == [("block.edit", block.id, {"changed": detail})]


async def test_an_edit_that_changes_nothing_leaves_no_trace(yard: Yard) -> None:
    block = await yard.block()
    before = await yard.everything()
    await edit_block(yard.at(NOW + HOUR).backend, yard.principal, block.id, {"name": "12", "enabled": True})
    assert await yard.everything() == before


async def test_an_edit_is_told_to_the_depots_it_leaves_behind_too(yard: Yard) -> None:
    central, north = yard.depots["Central"].id, yard.depots["North"].id
    block = await yard.block()

    await edit_block(yard.backend, yard.principal, block.id, {"departure_depot_id": north, "return_depot_id": north})

    assert (await yard.events())[1:] == [("block.changed", block.id, north), ("block.changed", block.id, central)]


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"name": None}, InvalidInputError, "It cannot be cleared; leave it out to keep it."),
        ({"weekdays": frozenset()}, InvalidInputError, "There are none; give at least one day of the week."),
        ({"energy_kwh": None}, InvalidInputError, "There is neither of distance and energy"),
        ({"return_time": time(9)}, InvalidInputError, "It would return at 09:00, before it has left"),
        ({"departure_depot_id": uuid.uuid4()}, NotFoundError, "There is no such depot."),
    ],
)
async def test_an_edit_that_makes_no_sense_changes_nothing(
    yard: Yard, changes: dict[str, Any], error: type[Exception], message: str
) -> None:
    block = await yard.block()
    before = await yard.everything()
    with pytest.raises(error, match=message):
        await edit_block(yard.backend, yard.principal, block.id, changes)
    assert await yard.everything() == before


async def test_assignments_that_have_not_left_move_with_the_block(yard: Yard) -> None:
    block = await yard.block()
    today, tomorrow = await yard.assign(block), await yard.assign(block, day=TODAY + DAY)
    left = yard.at(NOW + 2 * HOUR)  # 11:00: today's has left

    changed = await edit_block(left.backend, yard.principal, block.id, {"departure_time": time(11), "return_time": time(16)})

    moved = replace(tomorrow, departs_at=tomorrow.departs_at + HOUR, returns_at=tomorrow.returns_at + 2 * HOUR, updated_at=NOW + 2 * HOUR)
    assert await yard.assignments() == [today, moved]
    assert moved.departs_at == changed.run_on(TODAY + DAY).departs_at
    action, target, detail = (await yard.audited())[-2]
    assert (action, target) == ("assignment.move", tomorrow.id)
    assert detail == {"departs_at": moved.departs_at.isoformat(), "returns_at": moved.returns_at.isoformat()}
    assert ("assignment.changed", tomorrow.id, block.departure_depot_id) in await yard.events()


async def test_runs_of_one_vehicle_may_move_past_each_other(yard: Yard) -> None:
    """Each day's run moves to where the next day's was: on the way there they overlap."""
    block = await yard.block(return_time=time(8), return_days_later=1)
    made = [await yard.assign(block, day=TODAY + n * DAY) for n in range(3)]

    await edit_block(yard.backend, yard.principal, block.id, {"departure_time": time(20), "return_time": time(18)})

    found = await yard.assignments()
    assert [one.departs_at - before.departs_at for one, before in zip(found, made, strict=True)] == [10 * HOUR] * 3
    assert [one.returns_at - before.returns_at for one, before in zip(found, made, strict=True)] == [10 * HOUR] * 3


async def test_what_would_not_fit_any_more_refuses_the_edit_with_every_reason(yard: Yard) -> None:
    block, other = await yard.block("12"), await yard.block("13", departure_time=time(14), return_time=time(18))
    for day in (TODAY, TODAY + DAY):
        await yard.assign(block, day=day)
    await yard.assign(other)
    await yard.assign(other, "Bus 2", TODAY + DAY)
    before = await yard.everything()
    changes = {"return_time": time(15), "weekdays": frozenset({Weekday.MONDAY})}

    with pytest.raises(ConflictError) as refused:
        await edit_block(yard.backend, yard.principal, block.id, changes)

    assert str(refused.value) == (
        "2 assignments of block 12 would not fit any more; remove them first, or have them removed (releaseAssignments). "
        "2026-11-02, Vehicle Bus 1: Vehicle Bus 1 is on block 13 (2026-11-02 14:00 to 18:00 Europe/Berlin) then. "
        "2026-11-03, Vehicle Bus 1: Block 12 does not run on Tuesday 2026-11-03; it runs on Monday from 2026-11-02."
    )
    assert await yard.everything() == before


async def test_what_would_not_fit_is_removed_where_that_is_wanted(yard: Yard) -> None:
    block = await yard.block()
    monday, tuesday = await yard.assign(block), await yard.assign(block, day=TODAY + DAY)

    await edit_block(yard.backend, yard.principal, block.id, {"weekdays": frozenset({Weekday.MONDAY})}, release=True)

    assert await yard.assignments() == [monday, replace(tuesday, removed_at=NOW)]
    reason = "Block 12 does not run on Tuesday 2026-11-03; it runs on Monday from 2026-11-02."
    detail = {"day": "2026-11-03", "vehicle_id": str(tuesday.vehicle_id), "reason": reason}
    assert ("assignment.remove", tuesday.id, detail) in await yard.audited()
    assert ("assignment.changed", tuesday.id, block.departure_depot_id) in await yard.events()


async def test_a_block_is_removed_once_and_stays_in_history(yard: Yard) -> None:
    block = await yard.block()

    removed = await remove_block(yard.backend, yard.principal, block.id)
    after_once = await yard.everything()
    again = await remove_block(yard.at(NOW + HOUR).backend, yard.principal, block.id)

    assert removed == again == replace(block, removed_at=NOW)
    assert after_once == await yard.everything()
    assert await yard.blocks() == [removed]
    assert (await yard.audited())[1:] == [("block.remove", block.id, {"name": "12", "external_id": None})]
    with pytest.raises(ConflictError, match="Block 12 has been removed; make a new one"):
        await edit_block(yard.backend, yard.principal, block.id, {"name": "13"})


@pytest.mark.parametrize("how", ["disable", "remove"])
async def test_a_block_with_vehicles_on_it_is_taken_out_only_with_their_assignments(yard: Yard, how: str) -> None:
    block = await yard.block()
    assignment = await yard.assign(block)
    before = await yard.everything()

    async def take_out(*, release: bool) -> None:
        if how == "disable":
            await edit_block(yard.backend, yard.principal, block.id, {"enabled": False}, release=release)
        else:
            await remove_block(yard.backend, yard.principal, block.id, release=release)

    with pytest.raises(ConflictError, match="1 assignment of block 12 would not fit any more"):
        await take_out(release=False)
    assert await yard.everything() == before

    await take_out(release=True)
    assert await yard.assignments() == [replace(assignment, removed_at=NOW)]


async def test_the_zone_of_a_block_follows_its_depots(yard: Yard) -> None:
    block = await yard.block()
    async with yard.work() as work:
        await work.change(Depots, block.departure_depot_id, time_zone="Europe/London")
        await work.commit()
    assert await yard.blocks() == [replace(block, departure_zone="Europe/London", return_zone="Europe/London")]


async def test_the_scope_is_needed_whoever_calls(yard: Yard) -> None:
    block = await yard.block()
    before = await yard.everything()
    reader = user(yard.tenant_id, *(scope for scope in Scope if scope is not Scope.DISPATCH_WRITE))

    for change in (
        create_block(yard.backend, reader, yard.wanted()),
        edit_block(yard.backend, reader, block.id, {"name": "13"}),
        remove_block(yard.backend, reader, block.id),
    ):
        with pytest.raises(ForbiddenError, match="dispatch:write"):
            await change
    assert await yard.everything() == before


async def test_what_does_not_exist_cannot_be_changed(yard: Yard) -> None:
    with pytest.raises(NotFoundError, match=r"There is no such block\."):
        await edit_block(yard.backend, yard.principal, uuid.uuid4(), {"name": "13"})
    with pytest.raises(NotFoundError, match=r"There is no such block\."):
        await remove_block(yard.backend, yard.principal, uuid.uuid4())
