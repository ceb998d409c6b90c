"""Many blocks at once: pushed by their external ids, or imported from a file; all or none of them."""

import base64
import uuid
from dataclasses import replace
from datetime import date, time

import pytest

from ampyard.domain.access import Scope
from ampyard.domain.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from ampyard.domain.imports import ImportReport
from ampyard.domain.local_time import Weekday
from ampyard.services.backend import Backend
from ampyard.services.block_lists import import_blocks, upsert_blocks
from ampyard.services.imports import ImportFile
from tests.fleet import user
from tests.services.dispatching import DAY, HOUR, NOW, TODAY, Yard, new_yard

HEADER = (
    "external id;name;departure depot;departure time;return depot;return time;return days later;"
    "weekdays;first day;last day;distance km;energy kWh;note"
)


@pytest.fixture
async def yard(backend: Backend) -> Yard:
    return await new_yard(backend)


def file(*lines: str, header: str = HEADER) -> ImportFile:
    return ImportFile("blocks.csv", base64.b64encode("\n".join([header, *lines]).encode()).decode())


async def imported(yard: Yard, *lines: str, header: str = HEADER, dry_run: bool = False) -> ImportReport:
    return await import_blocks(yard.backend, yard.principal, file(*lines, header=header), dry_run=dry_run)


async def test_blocks_are_made_and_then_changed_by_their_external_ids(yard: Yard) -> None:
    wanted = [yard.wanted(str(n), external_id=f"ext-{n}") for n in range(3)]

    made = await upsert_blocks(yard.backend, yard.principal, wanted)
    later = yard.at(NOW + HOUR)
    changed = await upsert_blocks(
        later.backend, yard.principal, [replace(wanted[2], energy_kwh=90.0), yard.wanted("new", external_id="ext-9")]
    )

    assert [block.external_id for block in made] == ["ext-0", "ext-1", "ext-2"]
    assert changed[0] == replace(made[2], energy_kwh=90.0, updated_at=NOW + HOUR)
    assert await yard.blocks() == [*made[:2], changed[0], changed[1]]
    assert [action for action, _, _ in await yard.audited()] == ["block.create"] * 3 + ["block.create", "block.edit"]


async def test_what_is_pushed_again_leaves_no_trace(yard: Yard) -> None:
    wanted = [yard.wanted(str(n), external_id=f"ext-{n}") for n in range(2)]
    await upsert_blocks(yard.backend, yard.principal, wanted)
    before = await yard.everything()
    await upsert_blocks(yard.backend, yard.principal, wanted)
    assert await yard.everything() == before


async def test_everything_wrong_is_said_with_its_place_and_nothing_is_kept(yard: Yard) -> None:
    good = yard.wanted("1", external_id="ext-1")
    wrong = [replace(good, external_id="ext-2", name=""), replace(good, external_id="ext-3", energy_kwh=-1.0)]
    with pytest.raises(InvalidInputError) as refused:
        await upsert_blocks(yard.backend, yard.principal, [good, *wrong])
    assert [error.path for error in (refused.value, *refused.value.others)] == [
        ("input", "blocks", "1", "name"),
        ("input", "blocks", "2", "energyKwh"),
    ]
    with pytest.raises(NotFoundError, match=r"There is no such depot\.") as unknown:
        await upsert_blocks(yard.backend, yard.principal, [good, replace(good, external_id="ext-3", return_depot_id=uuid.uuid4())])
    assert unknown.value.path == ("input", "blocks")

    with pytest.raises(InvalidInputError) as refused:
        await upsert_blocks(yard.backend, yard.principal, [good, good, replace(good, external_id=None)])
    assert [(str(error), error.path) for error in (refused.value, *refused.value.others)] == [
        ("It is that of number 0 in the list; give each block once.", ("input", "blocks", "1", "externalId")),
        ("There is none; it tells which block this is.", ("input", "blocks", "2", "externalId")),
    ]
    for count in (0, 501):
        with pytest.raises(InvalidInputError, match=f"There are {count} blocks; give 1 to 500"):
            await upsert_blocks(yard.backend, yard.principal, [replace(good, external_id=f"ext-{n}") for n in range(count)])
    assert await yard.everything() == ([], [], [], [])


async def test_assignments_stand_in_the_way_of_a_push_unless_it_may_remove_them(yard: Yard) -> None:
    wanted = yard.wanted(external_id="ext-1")
    (block,) = await upsert_blocks(yard.backend, yard.principal, [wanted])
    assignment = await yard.assign(block)
    before = await yard.everything()
    other = replace(wanted, first_day=TODAY + DAY)

    with pytest.raises(ConflictError, match="1 assignment of block 12 would not fit any more"):
        await upsert_blocks(yard.backend, yard.principal, [yard.wanted("13", external_id="ext-2"), other])
    assert await yard.everything() == before

    await upsert_blocks(yard.backend, yard.principal, [other], release=True)
    assert await yard.assignments() == [replace(assignment, removed_at=NOW)]


async def test_a_file_makes_and_changes_blocks(yard: Yard) -> None:
    kept = await yard.block("old", external_id="b-2", note="stays")

    report = await imported(
        yard,
        "b-1;Line 7/1;Central;05:30;North;1:15;1;Mon-Fri;2026-11-02;31.12.2026;180,5;;early",
        "b-2;Line 7/2;central;06:00;;14:00;;daily;2026-11-02;;;150;",
        header=HEADER,
    )

    assert report == ImportReport(dry_run=False, lines=2, created=1, updated=1, errors=())
    changed, made = await yard.blocks()
    assert changed == replace(kept, name="Line 7/2", departure_time=time(6), energy_kwh=150.0, note=None)
    assert (made.name, made.external_id, made.departure_depot_id, made.return_depot_id, made.note) == (
        "Line 7/1",
        "b-1",
        yard.depots["Central"].id,
        yard.depots["North"].id,
        "early",
    )
    assert (made.departure_time, made.return_time, made.return_days_later, made.distance_km) == (time(5, 30), time(1, 15), 1, 180.5)
    assert made.weekdays == frozenset(Weekday) - {Weekday.SATURDAY, Weekday.SUNDAY}
    assert (made.first_day, made.last_day, made.enabled) == (TODAY, date(2026, 12, 31), True)
    assert [action for action, _, _ in await yard.audited()] == ["block.create", "block.create", "block.edit"]


async def test_a_column_that_is_missing_leaves_what_is_there(yard: Yard) -> None:
    kept = await yard.block("old", external_id="b-1", note="stays", last_day=TODAY + 60 * DAY, return_depot_id=yard.depots["North"].id)
    report = await imported(
        yard,
        "b-1;new;Central;10:00;14:00;daily;2026-11-02;80",
        header="external id,name,departure depot,departure time,return time,weekdays,first day,distance km".replace(",", ";"),
    )
    assert (report.updated, report.errors) == (1, ())
    assert await yard.blocks() == [replace(kept, name="new", distance_km=80.0, energy_kwh=None)]


async def test_a_dry_run_tells_the_same_and_changes_nothing(yard: Yard) -> None:
    await yard.block("old", external_id="b-2")
    before = await yard.everything()
    lines = [
        "b-1;Line 7/1;Central;05:30;North;1:15;1;Mon-Fri;2026-11-02;;180;;",
        "b-2;Line 7/2;Central;06:00;;14:00;;daily;2026-11-02;;;150;",
    ]
    assert await imported(yard, *lines, dry_run=True) == ImportReport(dry_run=True, lines=2, created=1, updated=1, errors=())
    assert await yard.everything() == before


async def test_every_bad_line_is_told_and_nothing_is_kept(yard: Yard) -> None:
    block = await yard.block("12", external_id="b-7")
    await yard.assign(block)
    before = await yard.everything()

    report = await imported(
        yard,
        "b-1;good;Central;05:30;;14:00;;daily;2026-11-02;;;100;",
        "b-2;no depot;Berlin;05:30;Hamburg;14:00;;daily;2026-11-02;;;100;",
        "b-3;both;Central;05:30;;14:00;;daily;2026-11-02;;10;100;",
        "b-4;back too early;Central;05:30;;05:00;;daily;2026-11-02;;;100;",
        "b-5;no such day;Central;05:30;;14:00;;someday;2026-11-02;;;100;",
        "b-1;twice;Central;05:30;;14:00;;daily;2026-11-02;;;100;",
        "b-7;12;Central;10:00;;14:00;;daily;2026-11-09;;;120;",
    )

    assert (report.lines, report.created, report.updated) == (7, 0, 0)
    assert [(error.line, error.column, error.message.split(";")[0]) for error in report.errors] == [
        (3, "departure depot", "There is no depot 'Berlin'"),
        (3, "return depot", "There is no depot 'Hamburg'"),
        (4, "distance km", "There is both of distance and energy"),
        (5, "return time", "It would return at 05:00, before it has left"),
        (6, "weekdays", "'someday' is not a day of the week"),
        (7, "external id", "'b-1' is in line 2 already"),
        (8, None, "1 assignment of block 12 would not fit any more"),
    ]
    assert await yard.everything() == before


async def test_the_scope_is_needed_whoever_calls(yard: Yard) -> None:
    reader = user(yard.tenant_id, *(scope for scope in Scope if scope is not Scope.DISPATCH_WRITE))
    with pytest.raises(ForbiddenError, match="dispatch:write"):
        await upsert_blocks(yard.backend, reader, [yard.wanted(external_id="ext-1")])
    with pytest.raises(ForbiddenError, match="dispatch:write"):
        await import_blocks(yard.backend, reader, file(), dry_run=True)
    assert await yard.everything() == ([], [], [], [])
