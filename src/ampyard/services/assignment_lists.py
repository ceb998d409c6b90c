"""Assignments by the ids that others know blocks and vehicles by: one that an integrator pushes, or many read from a file."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date

from ampyard.domain.access import Principal, Scope
from ampyard.domain.assignments import Assignment
from ampyard.domain.errors import ConflictError, NotFoundError
from ampyard.domain.imports import Column, ImportReport, Line, LineError, day, text
from ampyard.repositories.blocks import BlockFilter, Blocks
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.repositories.vehicles import Vehicles
from ampyard.services.backend import Backend
from ampyard.services.imports import ImportFile, read_file, report
from ampyard.services.placing import Placement, place, write

_COLUMNS = (
    Column("block", text(100), required=True),
    Column("day", day, required=True),
    Column("vehicle", text(200), required=True),
)


async def schedule_vehicle(backend: Backend, principal: Principal, *, external_id: str, vin: str, on: date) -> Assignment:
    """Have a vehicle, by its VIN, go on a block's day, by its external id, whoever has been on it; again, it changes nothing.

    Raises:
        ForbiddenError: the principal lacks `dispatch:write`.
        NotFoundError: there is no such block or vehicle.
        ConflictError: the block does not run that day, the day is too far ahead or over, or the vehicle is on another block at that time.
    """
    principal.require(Scope.DISPATCH_WRITE)
    async with backend.unit_of_work(principal, Scope.DISPATCH_WRITE) as work:
        block = (await Blocks(work.session).by_external_ids([external_id])).get(external_id)
        if block is None:
            raise NotFoundError(f"There is no block with the external id {external_id!r}.", ("input", "blockExternalId"))
        block = await work.require(Blocks, block.id, "block")
        found = await Vehicles(work.session).where(Vehicles.table.c.vin == vin.strip().upper())
        if not found:
            raise NotFoundError(f"There is no vehicle with the VIN {vin!r}.", ("input", "vin"))
        vehicle = await work.require(Vehicles, found[0].id, "vehicle")
        placed = await place(work, [Placement(0, block, vehicle, on)])
        if placed.refused:
            raise ConflictError(placed.refused[0], ("input",))
        await write(work, placed)
        assignment = placed.assignments[0]
        work.answers(assignment=assignment)
        await work.commit()
    return assignment


async def import_assignments(backend: Backend, principal: Principal, file: ImportFile, *, dry_run: bool) -> ImportReport:
    """Put vehicles on blocks of days as a file's lines say, whoever has been on them.

    A block is named by its external id, or by its name where only one has it; a vehicle by its VIN, or by its name where only one has it.

    Raises:
        ForbiddenError: the principal lacks `dispatch:write`.
        InvalidInputError: the file cannot be read at all; what is wrong with its lines the report tells.
    """
    principal.require(Scope.DISPATCH_WRITE)
    found = await read_file(file, _COLUMNS)
    async with backend.unit_of_work(principal, Scope.DISPATCH_WRITE) as work:
        errors = [*found.errors]
        wanted = await _placements(work, found.good, errors)
        placed = await place(work, wanted)
        errors += [LineError(number, None, reason) for number, reason in placed.refused.items()]
        outcome = report(found, errors, dry_run=dry_run, created=len(placed.created), updated=len(placed.changed))
        if not errors and not dry_run:
            await write(work, placed)
            work.answers(report=outcome)
            await work.commit()
    return outcome


async def _placements(work: UnitOfWork, lines: Sequence[Line], errors: list[LineError]) -> list[Placement]:
    """Return what lines want, of blocks and vehicles that are then locked; what they name in vain is added to the errors."""
    session = work.session
    every_block = await Blocks(session).where(*BlockFilter().conditions(), reads=frozenset({"id", "external_id", "name"}))
    every_vehicle = await Vehicles(session).where(reads=frozenset({"id", "vin", "name"}))
    block_names = _Names("block", "external id", [(one.id, one.external_id, one.name) for one in every_block])
    vehicle_names = _Names("vehicle", "VIN", [(one.id, one.vin, one.name) for one in every_vehicle])
    named: list[tuple[Line, uuid.UUID, uuid.UUID]] = []
    for line in lines:
        block_id, vehicle_id = (names.look_up(line, errors) for names in (block_names, vehicle_names))
        if block_id is not None and vehicle_id is not None:
            named.append((line, block_id, vehicle_id))
    blocks = await work.lock_all(Blocks, {block_id for _, block_id, _ in named})
    vehicles = await work.lock_all(Vehicles, {vehicle_id for _, _, vehicle_id in named})
    return [Placement(line.number, blocks[block_id], vehicles[vehicle_id], line["day"]) for line, block_id, vehicle_id in named]


class _Names:
    """By what a file may name things of one kind: their id outside, in any case, else the name that only one of them has.

    Args:
        kind: what they are, which is also the column that names them.
        id_kind: what the id outside is called.
        known: of each our id, the id outside and the name.
    """

    def __init__(self, kind: str, id_kind: str, known: Iterable[tuple[uuid.UUID, str | None, str]]) -> None:
        self._kind = kind
        self._id_kind = id_kind
        self._by_id: dict[str, uuid.UUID] = {}
        self._by_name: dict[str, list[uuid.UUID]] = defaultdict(list)
        for our_id, id_outside, name in known:
            self._by_name[name.casefold()].append(our_id)
            if id_outside is not None:
                self._by_id[id_outside.casefold()] = our_id

    def look_up(self, line: Line, errors: list[LineError]) -> uuid.UUID | None:
        """Return our id of what a line names; None, and an error more, where that is nothing or more than one."""
        word = line[self._kind].casefold()
        named = [self._by_id[word]] if word in self._by_id else self._by_name.get(word, [])
        if len(named) == 1:
            return named[0]
        if named:
            message = f"{len(named)} have the name {line[self._kind]!r}; give the {self._id_kind} of the one that is meant."
        else:
            message = f"There is no {self._kind} with the {self._id_kind} or name {line[self._kind]!r}."
        errors.append(line.error(self._kind, message))
        return None
