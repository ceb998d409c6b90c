"""Assignments by outside ids: pushed one at a time, or imported from a file, where vehicles may swap their runs."""

import base64
from dataclasses import replace
from datetime import time

import pytest

from ampyard.domain.access import Scope
from ampyard.domain.errors import ConflictError, ForbiddenError, NotFoundError
from ampyard.domain.imports import ImportReport
from ampyard.services.assignment_lists import import_assignments, schedule_vehicle
from ampyard.services.backend import Backend
from ampyard.services.imports import ImportFile
from tests.fleet import user
from tests.services.dispatching import DAY, HOUR, NOW, TODAY, Yard, new_yard


@pytest.fixture
async def yard(backend: Backend) -> Yard:
    return await new_yard(backend)


async def imported(yard: Yard, *lines: str, dry_run: bool = False) -> ImportReport:
    content = base64.b64encode("\n".join(["block,day,vehicle", *lines]).encode()).decode()
    return await import_assignments(yard.backend, yard.principal, ImportFile("vehicles.csv", content), dry_run=dry_run)


async def test_a_vehicle_is_scheduled_whoever_was_on_the_block(yard: Yard) -> None:
    block = await yard.block(external_id="ext-1")
    bus_1, bus_2 = yard.vehicles["Bus 1"], yard.vehicles["Bus 2"]

    made = await schedule_vehicle(yard.backend, yard.principal, external_id="ext-1", vin=bus_1.vin.lower(), on=TODAY)
    again = await schedule_vehicle(yard.at(NOW + HOUR).backend, yard.principal, external_id="ext-1", vin=bus_1.vin, on=TODAY)
    assert again == made
    assert (made.block_id, made.vehicle_id, made.day) == (block.id, bus_1.id, TODAY)
    changed = await schedule_vehicle(yard.at(NOW + HOUR).backend, yard.principal, external_id="ext-1", vin=bus_2.vin, on=TODAY)

    assert changed == replace(made, vehicle_id=bus_2.id, updated_at=NOW + HOUR)
    assert await yard.assignments() == [changed]
    assert [action for action, _, _ in await yard.audited()] == ["block.create", "assignment.create", "assignment.change"]


async def test_what_cannot_be_scheduled_changes_nothing(yard: Yard) -> None:
    await yard.block(external_id="ext-1")
    await yard.assign(await yard.block("13"))
    before = await yard.everything()
    vin = yard.vehicles["Bus 1"].vin

    with pytest.raises(NotFoundError, match="There is no block with the external id 'ext-2'"):
        await schedule_vehicle(yard.backend, yard.principal, external_id="ext-2", vin=vin, on=TODAY)
    with pytest.raises(NotFoundError, match="There is no vehicle with the VIN 'X'"):
        await schedule_vehicle(yard.backend, yard.principal, external_id="ext-1", vin="X", on=TODAY)
    with pytest.raises(ConflictError, match="7 days ahead at most"):
        await schedule_vehicle(yard.backend, yard.principal, external_id="ext-1", vin=vin, on=TODAY + 8 * DAY)
    with pytest.raises(ConflictError, match=r"Vehicle Bus 1 is on block 13 \(2026-11-02 10:00 to 14:00 Europe/Berlin\) then"):
        await schedule_vehicle(yard.backend, yard.principal, external_id="ext-1", vin=vin, on=TODAY)
    assert await yard.everything() == before


async def test_a_file_puts_vehicles_on_blocks(yard: Yard) -> None:
    first, second = await yard.block("12", external_id="ext-12"), await yard.block("13")
    vin = yard.vehicles["Bus 2"].vin

    report = await imported(yard, "EXT-12,2026-11-02,bus 1", f"13,2026-11-02,{vin}", "13,3.11.2026,Bus 1")

    assert report == ImportReport(dry_run=False, lines=3, created=3, updated=0, errors=())
    bus_1, bus_2 = yard.vehicles["Bus 1"].id, yard.vehicles["Bus 2"].id
    assert [(one.block_id, one.vehicle_id, one.day) for one in await yard.assignments()] == [
        (first.id, bus_1, TODAY),
        (second.id, bus_2, TODAY),
        (second.id, bus_1, TODAY + DAY),
    ]
    assert [event[0] for event in await yard.events()].count("assignment.changed") == 3


async def test_vehicles_swap_their_runs(yard: Yard) -> None:
    await yard.assign(await yard.block("12"), "Bus 1")
    await yard.assign(await yard.block("13"), "Bus 2")

    report = await imported(yard, "12,2026-11-02,Bus 2", "13,2026-11-02,Bus 1")

    assert (report.created, report.updated, report.errors) == (0, 2, ())
    assert [one.vehicle_id for one in await yard.assignments()] == [yard.vehicles["Bus 2"].id, yard.vehicles["Bus 1"].id]


async def test_a_dry_run_tells_the_same_and_changes_nothing(yard: Yard) -> None:
    await yard.assign(await yard.block("12"), "Bus 1")
    before = await yard.everything()
    lines = ["12,2026-11-02,Bus 2", "12,2026-11-03,Bus 2", "12,2026-11-04,Bus 1"]
    assert await imported(yard, *lines, dry_run=True) == ImportReport(dry_run=True, lines=3, created=2, updated=1, errors=())
    assert await yard.everything() == before


async def test_every_bad_line_is_told_and_nothing_is_kept(yard: Yard) -> None:
    await yard.block("12")
    await yard.block("13", departure_time=time(13), return_time=time(16))
    await yard.block("twin", departure_time=time(20), return_time=time(21))
    await yard.block("twin", departure_time=time(21), return_time=time(22))
    await yard.assign(await yard.block("14", departure_time=time(15), return_time=time(19)), "Bus 3")
    before = await yard.everything()

    report = await imported(
        yard,
        "12,2026-11-02,Bus 1",
        "99,2026-11-02,Bus 99",
        "twin,2026-11-02,Bus 2",
        "12,2026-11-20,Bus 2",
        "13,2026-11-02,Bus 1",
        "12,2026-11-02,Bus 2",
        "13,2026-11-03,Bus 3",
        "13,2026-11-02,Bus 3",
        "13,tomorrow,Bus 3",
    )

    assert [(error.line, error.column, error.message) for error in report.errors] == [
        (3, "block", "There is no block with the external id or name '99'."),
        (3, "vehicle", "There is no vehicle with the VIN or name 'Bus 99'."),
        (4, "block", "2 have the name 'twin'; give the external id of the one that is meant."),
        (5, None, "2026-11-20 is 18 days ahead; vehicles are assigned 7 days ahead at most, now up to 2026-11-09."),
        (6, None, "Vehicle Bus 1 is on block 12 (2026-11-02 10:00 to 14:00 Europe/Berlin) then; give it another one."),
        (7, None, "Block 12 on 2026-11-02 is in line 2 already; name each day once."),
        (9, None, "Block 13 on 2026-11-02 is in line 6 already; name each day once."),
        (10, "day", "'tomorrow' is not a date; write it as 2026-11-30 or 30.11.2026."),
    ]
    assert (report.lines, report.created, report.updated) == (9, 0, 0)
    assert await yard.everything() == before


async def test_the_scope_is_needed_whoever_calls(yard: Yard) -> None:
    reader = user(yard.tenant_id, *(scope for scope in Scope if scope is not Scope.DISPATCH_WRITE))
    with pytest.raises(ForbiddenError, match="dispatch:write"):
        await schedule_vehicle(yard.backend, reader, external_id="ext-1", vin="X", on=TODAY)
    with pytest.raises(ForbiddenError, match="dispatch:write"):
        await import_assignments(yard.backend, reader, ImportFile("vehicles.csv", ""), dry_run=True)
