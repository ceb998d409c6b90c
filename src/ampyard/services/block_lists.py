"""Many blocks at once, by the ids that others know them by: pushed by integrators, or read from a file."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ampyard.domain.access import Principal, Scope
from ampyard.domain.blocks import Block
from ampyard.domain.depots import Depot
from ampyard.domain.errors import ConflictError, Problems
from ampyard.domain.imports import Column, ImportReport, Line, LineError, boolean, day, local_time, number, text, weekdays, whole
from ampyard.repositories.blocks import Blocks
from ampyard.repositories.depots import DepotFilter, Depots
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.services.backend import Backend
from ampyard.services.blocks import NewBlock, add, depot_of, input_name, made, store_change
from ampyard.services.imports import ImportFile, read_file, report

MAX_BLOCKS = 500

# By the field that a column is about; what a cell must hold beyond that, the block itself says.
_COLUMNS = {
    "external_id": Column("external id", text(100), required=True, unique=True),
    "name": Column("name", text(100), required=True),
    "departure_depot_id": Column("departure depot", text(200), required=True),
    "departure_time": Column("departure time", local_time, required=True),
    "return_depot_id": Column("return depot", text(200)),
    "return_time": Column("return time", local_time, required=True),
    "return_days_later": Column("return days later", whole(at_least=0, at_most=7)),
    "weekdays": Column("weekdays", weekdays, required=True),
    "first_day": Column("first day", day, required=True),
    "last_day": Column("last day", day),
    "distance_km": Column("distance km", number(above=0, unit="km")),
    "energy_kwh": Column("energy kWh", number(above=0, unit="kWh")),
    "enabled": Column("enabled", boolean),
    "note": Column("note", text(500)),
}
_EMPTY_MEANS: Mapping[str, Any] = {"return_days_later": 0, "enabled": True}
_NAMED = 10


@dataclass(frozen=True, slots=True)
class _Draft:
    """A block as it is wanted and, where there is one with its external id, as it is, locked."""

    number: int
    before: Block | None
    wanted: Block


async def upsert_blocks(backend: Backend, principal: Principal, wanted: Sequence[NewBlock], *, release: bool = False) -> list[Block]:
    """Make blocks, or give those that have their external ids all that is wanted of them; returns them in the same order.

    All or none of them. Assignments are treated as `edit_block` does.

    Raises:
        ForbiddenError: the principal lacks `dispatch:write`, for one of the depots or at all.
        InvalidInputError: there are none or too many, or one has no external id or that of another, or contradicts itself.
        NotFoundError: there is no such depot.
        ConflictError: assignments would not fit any more.
    """
    principal.require(Scope.DISPATCH_WRITE)
    _check_ids(wanted)
    async with backend.unit_of_work(principal, Scope.DISPATCH_WRITE) as work:
        known = await _known(work, [one.external_id for one in wanted if one.external_id is not None])
        depot_ids = {one.departure_depot_id for one in wanted} | {one.return_depot_id for one in wanted if one.return_depot_id is not None}
        depots = {depot_id: await depot_of(work, depot_id, "blocks") for depot_id in sorted(depot_ids)}
        problems, drafts = Problems(), []
        for n, one in enumerate(wanted):
            block = made(work, one, depots[one.departure_depot_id], depots[one.return_depot_id or one.departure_depot_id])
            before = known.get(one.external_id or "")
            if before is not None:
                block = replace(block, id=before.id, created_at=before.created_at)
            for field, message in block.faults():
                problems.add(message, "input", "blocks", str(n), input_name(field))
            drafts.append(_Draft(n, before, block))
        problems.raise_any()
        await add(work, [draft.wanted for draft in drafts if draft.before is None])
        for draft in drafts:
            if draft.before is not None:
                await store_change(work, draft.before, draft.wanted, release=release)
        stored = [draft.wanted for draft in drafts]
        work.answers(blocks=stored)
        await work.commit()
    return stored


async def import_blocks(backend: Backend, principal: Principal, file: ImportFile, *, dry_run: bool) -> ImportReport:
    """Make blocks of a file's lines, or change those that have their external ids; a column that the file lacks leaves what is there.

    Raises:
        ForbiddenError: the principal lacks `dispatch:write`.
        InvalidInputError: the file cannot be read at all; what is wrong with its lines the report tells.
    """
    principal.require(Scope.DISPATCH_WRITE)
    found = await read_file(file, list(_COLUMNS.values()))
    async with backend.unit_of_work(principal, Scope.DISPATCH_WRITE) as work:
        known = await _known(work, [line["external id"] for line in found.good])
        depots = {depot.name.casefold(): depot for depot in await Depots(work.session).where(*DepotFilter().conditions())}
        errors, drafts = [*found.errors], []
        for line in found.good:
            draft, faults = _drafted(work, line, known.get(line["external id"]), depots)
            errors += faults
            if draft is not None and not faults:
                drafts.append(draft)
        created = [draft.wanted for draft in drafts if draft.before is None]
        await add(work, created)
        updated = 0
        for draft in drafts:
            if draft.before is not None:
                try:
                    updated += await store_change(work, draft.before, draft.wanted, release=False)
                except ConflictError as error:
                    errors.append(LineError(draft.number, None, str(error)))
        outcome = report(found, errors, dry_run=dry_run, created=len(created), updated=updated)
        # Otherwise all of it is taken back.
        if not errors and not dry_run:
            work.answers(report=outcome)
            await work.commit()
    return outcome


def _check_ids(wanted: Sequence[NewBlock]) -> None:
    problems = Problems()
    problems.check(0 < len(wanted) <= MAX_BLOCKS, f"There are {len(wanted)} blocks; give 1 to {MAX_BLOCKS}.", "input", "blocks")
    first: dict[str, int] = {}
    for n, one in enumerate(wanted):
        path = ("input", "blocks", str(n), "externalId")
        if one.external_id is None:
            problems.add("There is none; it tells which block this is.", *path)
        elif first.setdefault(one.external_id, n) != n:
            problems.add(f"It is that of number {first[one.external_id]} in the list; give each block once.", *path)
    problems.raise_any()


async def _known(work: UnitOfWork, external_ids: Iterable[str]) -> dict[str, Block]:
    """Return the blocks with these external ids, locked."""
    known = await Blocks(work.session).by_external_ids(external_ids)
    locked = await work.lock_all(Blocks, [block.id for block in known.values()])
    return {block.external_id: block for block in locked.values() if block.external_id is not None and block.removed_at is None}


def _drafted(work: UnitOfWork, line: Line, before: Block | None, depots: Mapping[str, Depot]) -> tuple[_Draft | None, list[LineError]]:
    """Return what a line wants, and everything wrong with it."""
    departure = depots.get(line["departure depot"].casefold())
    back = departure if line["return depot"] is None else depots.get(line["return depot"].casefold())
    errors = [
        line.error(column, f"There is no depot {line[column]!r}; {_some_of(depots)}.")
        for column, depot in (("departure depot", departure), ("return depot", back))
        if depot is None and line[column] is not None
    ]
    if departure is None or back is None:
        return None, errors
    values: dict[str, Any] = {
        field: _EMPTY_MEANS.get(field) if line[column.name] is None else line[column.name]
        for field, column in _COLUMNS.items()
        if column.name in line and not field.endswith("depot_id")
    }
    if before is None:
        wanted = made(work, NewBlock(**values, departure_depot_id=departure.id, return_depot_id=back.id), departure, back)
    else:
        for need, other in (("distance_km", "energy_kwh"), ("energy_kwh", "distance_km")):
            if values.get(need) is not None:
                values.setdefault(other, None)
        values |= {"departure_depot_id": departure.id, "departure_zone": departure.time_zone}
        if "return depot" in line:
            values |= {"return_depot_id": back.id, "return_zone": back.time_zone}
        wanted = replace(before, **values, updated_at=work.now)
    errors = [line.error(_COLUMNS[field].name, message) for field, message in wanted.faults()]
    return _Draft(line.number, before, wanted), errors


def _some_of(depots: Mapping[str, Depot]) -> str:
    names = sorted(depot.name for depot in depots.values())
    return f"the depots are {', '.join(names[:_NAMED])}{', …' if len(names) > _NAMED else ''}"
