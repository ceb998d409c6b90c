"""The tree of resource groups, and what is in them."""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ampyard.domain.access import Principal, Scope
from ampyard.domain.errors import ConflictError, NotFoundError, Problems
from ampyard.domain.events import Event, EventKind
from ampyard.domain.ids import new_id
from ampyard.domain.resource_groups import MemberKind, ResourceGroup, check_place
from ampyard.repositories.access import ResourceGroups, group_parents
from ampyard.repositories.charge_points import ChargePoints
from ampyard.repositories.depots import Depots
from ampyard.repositories.repository import Repository
from ampyard.repositories.resource_groups import add_members, is_empty, move_content, remove_members
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.repositories.vehicles import Vehicles
from ampyard.services.backend import Backend
from ampyard.services.grants import lock_access

_NAME_LENGTH = 100
_DESCRIPTION_LENGTH = 500
# A group is filled by people who choose; an import may send several requests.
_MOST_MEMBERS = 1_000

Member = tuple[MemberKind, uuid.UUID]

_KINDS: dict[MemberKind, tuple[type[Repository[Any]], str]] = {
    MemberKind.DEPOT: (Depots, "depot"),
    MemberKind.CHARGE_POINT: (ChargePoints, "charge point"),
    MemberKind.VEHICLE: (Vehicles, "vehicle"),
}


async def create_group(
    backend: Backend, principal: Principal, *, name: str, description: str | None = None, parent_id: uuid.UUID | None = None
) -> ResourceGroup:
    """Make a resource group, below another or (None) at the top.

    Raises:
        ForbiddenError: the principal lacks `access:write`.
        InvalidInputError: name or description are too long or empty, or the tree would be too deep.
        NotFoundError: there is no such parent.
        ConflictError: there is one of this name there.
    """
    principal.require(Scope.ACCESS_WRITE)
    _check({"name": name, "description": description})
    async with backend.unit_of_work(principal, Scope.ACCESS_WRITE) as work:
        await lock_access(work)
        parents = await group_parents(work.session)
        if parent_id is not None:
            await work.require(ResourceGroups, parent_id, "resource group")
        group = ResourceGroup(new_id(), work.tenant_id, parent_id, name.strip(), description, work.now, work.now)
        check_place(group.id, parent_id, parents)
        await _check_free(work, group)
        await work.add(ResourceGroups, group)
        await work.audit("resource_group.create", "resource_group", group.id, name=group.name, parent_id=_text(parent_id))
        _published(work, group)
        await work.commit()
    return group


async def edit_group(backend: Backend, principal: Principal, group_id: uuid.UUID, **changes: Any) -> ResourceGroup:
    """Change a group's name or description.

    Raises:
        ForbiddenError: the principal lacks `access:write`.
        NotFoundError: there is no such group.
        InvalidInputError: name or description are too long, or the name is empty.
        ConflictError: there is one of this name beside it.
    """
    principal.require(Scope.ACCESS_WRITE)
    _check(changes)
    if "name" in changes:
        changes["name"] = changes["name"].strip()
    async with backend.unit_of_work(principal, Scope.ACCESS_WRITE) as work:
        await lock_access(work)
        group = await work.require(ResourceGroups, group_id, "resource group")
        edited = replace(group, **changes, updated_at=work.now)
        await _check_free(work, edited)
        await work.change(ResourceGroups, group_id, **changes, updated_at=work.now)
        await work.audit("resource_group.edit", "resource_group", group_id, **changes)
        _published(work, edited)
        await work.commit()
    return edited


async def move_group(backend: Backend, principal: Principal, group_id: uuid.UUID, *, parent_id: uuid.UUID | None) -> ResourceGroup:
    """Move a group, with all below it, below another or (None) to the top. Whoever has a grant on what it comes below reaches it then.

    Raises:
        ForbiddenError: the principal lacks `access:write`.
        NotFoundError: there is no such group or parent.
        InvalidInputError: the parent is the group or below it, or the tree would be too deep.
        ConflictError: there is one of this name there.
    """
    principal.require(Scope.ACCESS_WRITE)
    async with backend.unit_of_work(principal, Scope.ACCESS_WRITE) as work:
        await lock_access(work)
        group = await work.require(ResourceGroups, group_id, "resource group")
        if parent_id is not None:
            await work.require(ResourceGroups, parent_id, "resource group")
        check_place(group_id, parent_id, await group_parents(work.session))
        moved = replace(group, parent_id=parent_id, updated_at=work.now)
        await _check_free(work, moved)
        await work.change(ResourceGroups, group_id, parent_id=parent_id, updated_at=work.now)
        await work.audit("resource_group.move", "resource_group", group_id, before=_text(group.parent_id), parent_id=_text(parent_id))
        _published(work, moved)
        await work.commit()
    return moved


async def remove_group(backend: Backend, principal: Principal, group_id: uuid.UUID, *, move_content_up: bool = False) -> None:
    """Remove a group: an empty one, or one whose members and groups are to move to the group above it. Its grants must be revoked first.

    Raises:
        ForbiddenError: the principal lacks `access:write`.
        NotFoundError: there is no such group.
        ConflictError: it is not empty; or has nothing above it to move to; or has grants or keys.
    """
    principal.require(Scope.ACCESS_WRITE)
    async with backend.unit_of_work(principal, Scope.ACCESS_WRITE) as work:
        await lock_access(work)
        group = await work.require(ResourceGroups, group_id, "resource group")
        if move_content_up:
            if group.parent_id is None:
                raise ConflictError("There is no group above this one for its content to move to.", ("input", "moveContentUp"))
            await _check_names_above(work, group)
            await move_content(work.session, group_id, group.parent_id)
        if not await is_empty(work.session, group_id):
            message = "The group has groups, members, grants or keys; have its content moved up, and revoke grants and keys first."
            raise ConflictError(message, ("input", "resourceGroupId"))
        await work.remove(ResourceGroups, group_id)
        await work.audit("resource_group.remove", "resource_group", group_id, name=group.name, move_content_up=move_content_up)
        work.publish(Event(EventKind.ACCESS_CHANGED, group_id))
        work.answers(removed_id=str(group_id))
        await work.commit()


async def add_to_group(backend: Backend, principal: Principal, group_id: uuid.UUID, members: Sequence[Member]) -> ResourceGroup:
    """Put depots, charge points and vehicles into a group; what is in it already stays. A depot brings its charge points and vehicles.

    Raises:
        ForbiddenError: the principal lacks `access:write`.
        NotFoundError: there is no such group, or no such member.
        InvalidInputError: no members, or too many at once.
    """
    return await _change_members(backend, principal, group_id, members, add=True)


async def remove_from_group(backend: Backend, principal: Principal, group_id: uuid.UUID, members: Sequence[Member]) -> ResourceGroup:
    """Take depots, charge points and vehicles out of a group; what is not in it stays so.

    Raises:
        ForbiddenError: the principal lacks `access:write`.
        NotFoundError: there is no such group, or no such member.
        InvalidInputError: no members, or too many at once.
    """
    return await _change_members(backend, principal, group_id, members, add=False)


async def _change_members(
    backend: Backend, principal: Principal, group_id: uuid.UUID, members: Sequence[Member], *, add: bool
) -> ResourceGroup:
    principal.require(Scope.ACCESS_WRITE)
    problems = Problems()
    problems.check(1 <= len(members) <= _MOST_MEMBERS, f"{len(members)} members; give 1 to {_MOST_MEMBERS}.", "input", "memberIds")
    problems.raise_any()
    async with backend.unit_of_work(principal, Scope.ACCESS_WRITE) as work:
        await lock_access(work)
        group = await work.require(ResourceGroups, group_id, "resource group")
        await _check_there(work, members)
        change = add_members(work.session, work.tenant_id, group_id, members) if add else remove_members(work.session, group_id, members)
        changed = await change
        named = [f"{kind.value}:{member}" for kind, member in members]
        await work.audit(
            "resource_group.add" if add else "resource_group.take_out", "resource_group", group_id, members=named, changed=changed
        )
        _published(work, group)
        await work.commit()
    return group


async def _check_there(work: UnitOfWork, members: Sequence[Member]) -> None:
    for kind, (repository, name) in _KINDS.items():
        ids = {member for of_kind, member in members if of_kind is kind}
        if ids and ids - (await repository(work.session).by_ids(ids, reads=frozenset({"id"}))).keys():
            raise NotFoundError(f"There is no such {name}.", ("input", "memberIds"))


async def _check_free(work: UnitOfWork, group: ResourceGroup) -> None:
    column = ResourceGroups.table.c
    beside = column.parent_id == group.parent_id if group.parent_id is not None else column.parent_id.is_(None)
    if await ResourceGroups(work.session).count(beside, column.name == group.name, column.id != group.id):
        raise ConflictError(f"There is a resource group {group.name!r} there already.", ("input", "name"))


async def _check_names_above(work: UnitOfWork, group: ResourceGroup) -> None:
    column = ResourceGroups.table.c
    names = {
        parent: {one.name for one in await ResourceGroups(work.session).where(column.parent_id == parent, column.id != group.id)}
        for parent in (group.id, group.parent_id)
    }
    if both := sorted(names[group.id] & names[group.parent_id]):
        raise ConflictError(
            f"There would be two groups {', '.join(both)} there; give one of each another name.", ("input", "moveContentUp")
        )


def _check(values: dict[str, Any]) -> None:
    problems = Problems()
    if "name" in values:
        length = len((values["name"] or "").strip())
        problems.check(1 <= length <= _NAME_LENGTH, f"The name has {length} characters; give 1 to {_NAME_LENGTH}.", "input", "name")
    length = len(values.get("description") or "")
    message = f"The description has {length} characters; {_DESCRIPTION_LENGTH} at most."
    problems.check(length <= _DESCRIPTION_LENGTH, message, "input", "description")
    problems.raise_any()


def _published(work: UnitOfWork, group: ResourceGroup) -> None:
    work.publish(Event(EventKind.ACCESS_CHANGED, group.id))
    work.answers(resource_group=group)


def _text(group_id: uuid.UUID | None) -> str | None:
    return None if group_id is None else str(group_id)
