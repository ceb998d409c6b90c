"""What is in resource groups."""

import uuid
from collections.abc import Sequence

from sqlalchemy import Column, ColumnElement, Table, Uuid, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from ampyard.domain.ids import new_id
from ampyard.domain.resource_groups import MemberKind, ResourceGroupMember
from ampyard.repositories import tables
from ampyard.repositories.database import Session, WriteSession
from ampyard.repositories.repository import Repository


async def containing(session: Session, kind: MemberKind, resource_id: uuid.UUID) -> set[uuid.UUID]:
    """Return the groups that something is a member of, itself or with its depot; not those above them."""
    column = tables.resource_group_member.c
    member = {
        MemberKind.DEPOT: column.depot_id == resource_id,
        MemberKind.CHARGE_POINT: or_(column.charge_point_id == resource_id, column.depot_id == _depot_of(tables.charge_point, resource_id)),
        MemberKind.VEHICLE: or_(column.vehicle_id == resource_id, column.depot_id == _depot_of(tables.vehicle, resource_id)),
    }
    return {row[0] for row in await session.fetch(select(column.resource_group_id).where(member[kind]))}


def _depot_of(table: Table, resource_id: uuid.UUID) -> ColumnElement[uuid.UUID]:
    return select(table.c.depot_id).where(table.c.id == resource_id).scalar_subquery()


class ResourceGroupMembers(Repository[ResourceGroupMember]):
    entity = ResourceGroupMember
    table = tables.resource_group_member


def group_column() -> Column[uuid.UUID]:
    """Return the column by which members name their group."""
    return tables.resource_group_member.c.resource_group_id


def is_member(kind: MemberKind, id_column: Column[uuid.UUID]) -> ColumnElement[bool]:
    """Return the SQL that joins something, by its id, with its memberships."""
    return tables.resource_group_member.c[_COLUMNS[kind]] == id_column


async def add_members(
    session: WriteSession, tenant_id: uuid.UUID, group_id: uuid.UUID, members: Sequence[tuple[MemberKind, uuid.UUID]]
) -> int:
    """Put depots, charge points and vehicles into a group; returns how many were not in it already."""
    rows = [
        {"id": new_id(), "tenant_id": tenant_id, "resource_group_id": group_id, **dict.fromkeys(_COLUMNS.values()), _COLUMNS[kind]: member}
        for kind, member in members
    ]
    statement = insert(tables.resource_group_member).values(rows).on_conflict_do_nothing().returning(tables.resource_group_member.c.id)
    return len(await session.fetch(statement))


async def remove_members(session: WriteSession, group_id: uuid.UUID, members: Sequence[tuple[MemberKind, uuid.UUID]]) -> int:
    """Take depots, charge points and vehicles out of a group; returns how many were in it."""
    column = tables.resource_group_member.c
    named = or_(*(column[_COLUMNS[kind]] == member for kind, member in members))
    return await session.execute(tables.resource_group_member.delete().where(column.resource_group_id == group_id, named))


async def is_empty(session: Session, group_id: uuid.UUID) -> bool:
    """Return whether a group has no group below it, no member, no grant that was not revoked, and no key that was not."""
    below, member, grant, key = tables.resource_group.c, tables.resource_group_member.c, tables.role_grant.c, tables.api_key.c
    found = await session.fetch(
        select(below.id)
        .where(below.parent_id == group_id)
        .union_all(
            select(member.id).where(member.resource_group_id == group_id),
            select(grant.id).where(grant.resource_group_id == group_id, grant.revoked_at.is_(None)),
            select(key.id).where(key.resource_group_id == group_id, key.revoked_at.is_(None)),
        )
        .limit(1)
    )
    return not found


async def move_content(session: WriteSession, group_id: uuid.UUID, to: uuid.UUID) -> None:
    """Move the groups below a group, and its members, to another; what is there already stays as it is."""
    below, member = tables.resource_group, tables.resource_group_member
    await session.execute(update(below).where(below.c.parent_id == group_id).values(parent_id=to))
    columns = [member.c[name] for name in _COLUMNS.values()]
    moved = member.delete().where(member.c.resource_group_id == group_id).returning(member.c.id, member.c.tenant_id, *columns).cte("moved")
    names = ["id", "tenant_id", *_COLUMNS.values(), "resource_group_id"]
    source = select(*(moved.c[name] for name in names[:-1]), literal(to, Uuid()))
    await session.execute(insert(member).from_select(names, source).on_conflict_do_nothing())


_COLUMNS = {MemberKind.DEPOT: "depot_id", MemberKind.CHARGE_POINT: "charge_point_id", MemberKind.VEHICLE: "vehicle_id"}
