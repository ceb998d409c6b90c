"""Blocks: planned runs, made, edited and removed one by one; `services/block_lists.py` stores many at once."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, time
from typing import Any

from ampyard.domain.access import Principal, Scope
from ampyard.domain.blocks import Block
from ampyard.domain.depots import Depot
from ampyard.domain.errors import ConflictError, NotFoundError, Problems
from ampyard.domain.events import Event, EventKind
from ampyard.domain.ids import new_id
from ampyard.domain.local_time import Weekday
from ampyard.repositories.blocks import Blocks
from ampyard.repositories.depots import Depots
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.services.backend import Backend
from ampyard.services.refitting import refit

# What of a block cannot be without a value: an edit that clears it is refused.
_NEEDED = frozenset(
    {
        "name",
        "departure_depot_id",
        "departure_time",
        "return_depot_id",
        "return_time",
        "return_days_later",
        "weekdays",
        "first_day",
        "enabled",
    }
)


@dataclass(frozen=True, slots=True)
class NewBlock:
    """What is asked for; see `domain.blocks.Block`. Without a `return_depot_id` it returns to where it leaves."""

    name: str
    departure_depot_id: uuid.UUID
    departure_time: time
    return_time: time
    weekdays: frozenset[Weekday]
    first_day: date
    last_day: date | None = None
    return_depot_id: uuid.UUID | None = None
    return_days_later: int = 0
    distance_km: float | None = None
    energy_kwh: float | None = None
    external_id: str | None = None
    note: str | None = None
    enabled: bool = True


async def create_block(backend: Backend, principal: Principal, wanted: NewBlock) -> Block:
    """Plan a block.

    Raises:
        ForbiddenError: the principal lacks `dispatch:write`, for one of the depots or at all.
        InvalidInputError: it contradicts itself, or would never run.
        NotFoundError: there is no such depot.
        ConflictError: another block has this external id.
    """
    principal.require(Scope.DISPATCH_WRITE)
    async with backend.unit_of_work(principal, Scope.DISPATCH_WRITE) as work:
        departure = await depot_of(work, wanted.departure_depot_id, "departureDepotId")
        back = departure
        if wanted.return_depot_id is not None and wanted.return_depot_id != departure.id:
            back = await depot_of(work, wanted.return_depot_id, "returnDepotId")
        block = made(work, wanted, departure, back)
        _check(block)
        await _check_external_id(work, block)
        await add(work, [block])
        work.answers(block=block)
        await work.commit()
    return block


async def edit_block(
    backend: Backend, principal: Principal, block_id: uuid.UUID, changes: Mapping[str, Any], *, release: bool = False
) -> Block:
    """Change what is given of a block, by field; of distance and energy the one that is given replaces the other.

    Assignments that have not left yet move with it. One that would not fit any more (the block does not run that day, or its vehicle is
    on another one then) refuses the edit, unless it may be removed for it (`release`).

    Raises:
        ForbiddenError: the principal lacks `dispatch:write`, for one of the depots or at all.
        InvalidInputError: it contradicts itself, or would never run.
        NotFoundError: there is no such block, or no such depot.
        ConflictError: it was removed, another block has its external id, or assignments would not fit any more.
    """
    principal.require(Scope.DISPATCH_WRITE)
    async with backend.unit_of_work(principal, Scope.DISPATCH_WRITE) as work:
        block = await work.require(Blocks, block_id, "block")
        if block.removed_at is not None:
            raise ConflictError(f"Block {block.name} has been removed; make a new one.", ("input", "blockId"))
        changed = await _edited(work, block, changes)
        _check(changed)
        if changed.external_id != block.external_id:
            await _check_external_id(work, changed)
        await store_change(work, block, changed, release=release)
        work.answers(block=changed)
        await work.commit()
    return changed


async def remove_block(backend: Backend, principal: Principal, block_id: uuid.UUID, *, release: bool = False) -> Block:
    """Take a block out of the plan; it is kept with what was assigned to it. Removing it again changes nothing.

    Raises:
        ForbiddenError: the principal lacks `dispatch:write`, for this block or at all.
        NotFoundError: there is no such block.
        ConflictError: vehicles are assigned to it that have not left, and `release` does not say to remove these assignments.
    """
    principal.require(Scope.DISPATCH_WRITE)
    async with backend.unit_of_work(principal, Scope.DISPATCH_WRITE) as work:
        block = await work.require(Blocks, block_id, "block")
        removed = block
        if block.removed_at is None:
            removed = replace(block, removed_at=work.now, updated_at=work.now)
            await refit(work, block, removed, release=release)
            await work.change(Blocks, block.id, removed_at=work.now, updated_at=work.now)
            await work.audit("block.remove", "block", block.id, name=block.name, external_id=block.external_id)
            publish_change(work, removed)
        work.answers(block=removed)
        await work.commit()
    return removed


def made(work: UnitOfWork, wanted: NewBlock, departure: Depot, back: Depot) -> Block:
    """Return the block that is asked for, from one depot to another, unchecked."""
    given = {field.name: getattr(wanted, field.name) for field in fields(NewBlock)}
    return Block(
        **given | {"return_depot_id": back.id},
        id=new_id(),
        tenant_id=work.tenant_id,
        departure_zone=departure.time_zone,
        return_zone=back.time_zone,
        removed_at=None,
        created_at=work.now,
        updated_at=work.now,
    )


async def add(work: UnitOfWork, blocks: Sequence[Block]) -> None:
    """Write new blocks that have been checked."""
    if blocks:
        await work.add(Blocks, *blocks)
    for block in blocks:
        await work.audit("block.create", "block", block.id, name=block.name, external_id=block.external_id)
        publish_change(work, block)


async def store_change(work: UnitOfWork, block: Block, changed: Block, *, release: bool) -> bool:
    """Write a checked change of a block, and move what is assigned to it; see `edit_block` for what refuses it.

    Returns whether there was anything to change.
    """
    values = {
        field.name: getattr(changed, field.name) for field in fields(Block) if getattr(changed, field.name) != getattr(block, field.name)
    }
    if values.keys() <= {"updated_at"}:
        return False
    await refit(work, block, changed, release=release)
    await work.change(Blocks, block.id, **values)
    detail = {name: _shown(value) for name, value in values.items() if name != "updated_at"}
    await work.audit("block.edit", "block", block.id, changed=detail)
    publish_change(work, changed, block)
    return True


def publish_change(work: UnitOfWork, *versions: Block) -> None:
    """Tell those who watch the depots of a block, as it is and as it was, that it has changed."""
    first = versions[0]
    for depot_id in dict.fromkeys(depot for block in versions for depot in (block.departure_depot_id, block.return_depot_id)):
        work.publish(Event(EventKind.BLOCK_CHANGED, first.id, depot_id))


def input_name(field: str) -> str:
    """Return the name by which an input has a field."""
    first, *rest = field.split("_")
    return first + "".join(map(str.capitalize, rest))


async def _edited(work: UnitOfWork, block: Block, changes: Mapping[str, Any]) -> Block:
    problems = Problems()
    for name, value in changes.items():
        problems.check(
            value is not None or name not in _NEEDED, "It cannot be cleared; leave it out to keep it.", "input", input_name(name)
        )
    problems.raise_any()
    wanted = dict(changes)
    for need, other in (("distance_km", "energy_kwh"), ("energy_kwh", "distance_km")):
        if wanted.get(need) is not None:
            wanted.setdefault(other, None)
    for place in ("departure", "return"):
        depot_id = wanted.get(f"{place}_depot_id")
        if depot_id is not None and depot_id != getattr(block, f"{place}_depot_id"):
            wanted[f"{place}_zone"] = (await depot_of(work, depot_id, f"{place}DepotId")).time_zone
    return replace(block, **wanted, updated_at=work.now)


def _check(block: Block) -> None:
    problems = Problems()
    for field, message in block.faults():
        problems.add(message, "input", input_name(field))
    problems.raise_any()


async def depot_of(work: UnitOfWork, depot_id: uuid.UUID, field: str) -> Depot:
    """Return a depot that blocks may be planned for; `field` is the input's that names it.

    Raises:
        NotFoundError: there is none.
        ForbiddenError: it may be seen, but not planned for.
        ConflictError: it is archived.
    """
    try:
        depot = await work.require(Depots, depot_id, "depot")
    except NotFoundError as error:
        raise NotFoundError(str(error), ("input", field)) from None
    if depot.archived_at is not None:
        raise ConflictError(f"{depot.name} is archived, and nothing is planned there; restore it first.", ("input", field))
    return depot


async def _check_external_id(work: UnitOfWork, block: Block) -> None:
    if block.external_id is None:
        return
    other = (await Blocks(work.session).by_external_ids([block.external_id])).get(block.external_id)
    if other is not None and other.id != block.id:
        raise ConflictError(f"Block {other.name} has the external id {block.external_id!r}; give another one.", ("input", "externalId"))


def _shown(value: Any) -> Any:
    """Return a field's value as an audit record keeps it."""
    if isinstance(value, frozenset):
        return [weekday.name for weekday in sorted(value)]
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)
