"""Users, resource groups and grants."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, update

from ampyard.domain.access import Role
from ampyard.domain.resource_groups import ResourceGroup
from ampyard.domain.users import RoleGrant, User
from ampyard.repositories import tables
from ampyard.repositories.database import Session, WriteSession
from ampyard.repositories.repository import Repository


@dataclass(frozen=True, slots=True)
class UserFilter:
    """Which users to list; a field that is `None` does not narrow. `with_role`: those with a grant of it that has not been revoked."""

    contains: str | None = None
    disabled: bool | None = None
    with_role: Role | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filter as SQL conditions."""
        column, grant = tables.app_user.c, tables.role_grant.c
        texts = (column.name, column.email, column.subject)
        granted = exists().where(grant.user_id == column.id, grant.role == self.with_role, grant.revoked_at.is_(None))
        return [
            *([or_(*(text.icontains(self.contains, autoescape=True) for text in texts))] if self.contains is not None else []),
            *([column.disabled_at.is_not(None) if self.disabled else column.disabled_at.is_(None)] if self.disabled is not None else []),
            *([granted] if self.with_role is not None else []),
        ]


class Users(Repository[User]):
    entity = User
    table = tables.app_user
    orders = MappingProxyType({"NAME": table.c.name, "CREATED_AT": table.c.created_at})

    async def by_subject(self, subject: str) -> User | None:
        """Return the user whom the identity provider calls so."""
        found = await self.where(self.table.c.subject == subject)
        return found[0] if found else None


@dataclass(frozen=True, slots=True)
class ResourceGroupFilter:
    """Which groups to list; a field that is `None` does not narrow. `roots`: those without, or with, a parent."""

    name_contains: str | None = None
    roots: bool | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filter as SQL conditions."""
        column = tables.resource_group.c
        return [
            *([column.name.icontains(self.name_contains, autoescape=True)] if self.name_contains is not None else []),
            *([column.parent_id.is_(None) if self.roots else column.parent_id.is_not(None)] if self.roots is not None else []),
        ]


class ResourceGroups(Repository[ResourceGroup]):
    entity = ResourceGroup
    table = tables.resource_group
    orders = MappingProxyType({"NAME": table.c.name, "CREATED_AT": table.c.created_at})


@dataclass(frozen=True, slots=True)
class RoleGrantFilter:
    """Which grants to list; a field that is `None` does not narrow."""

    in_force_at: datetime | None = None
    role: Role | None = None
    user_id: uuid.UUID | None = None
    resource_group_id: uuid.UUID | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filter as SQL conditions."""
        column = tables.role_grant.c
        return [
            *([in_force(self.in_force_at)] if self.in_force_at is not None else []),
            *([column.role == self.role] if self.role is not None else []),
            *([column.user_id == self.user_id] if self.user_id is not None else []),
            *([column.resource_group_id == self.resource_group_id] if self.resource_group_id is not None else []),
        ]


def in_force(at: datetime) -> ColumnElement[bool]:
    """Return the SQL for whether a grant counts at a moment."""
    column = tables.role_grant.c
    return and_(column.revoked_at.is_(None), or_(column.expires_at.is_(None), column.expires_at > at))


class RoleGrants(Repository[RoleGrant]):
    entity = RoleGrant
    table = tables.role_grant
    orders = MappingProxyType({"CREATED_AT": table.c.created_at})

    async def of_user(self, user_id: uuid.UUID) -> list[RoleGrant]:
        """Return all that a user was ever granted, oldest first."""
        return await self.where(self.table.c.user_id == user_id, order_by=[self.table.c.created_at, self.table.c.id])

    async def in_force_of(self, user_ids: Sequence[uuid.UUID], *, at: datetime) -> list[RoleGrant]:
        """Return the grants of some users that count at a moment, oldest first."""
        column = self.table.c
        return await self.where(column.user_id.in_(user_ids), in_force(at), order_by=[column.created_at, column.id])


async def group_parents(session: Session) -> dict[uuid.UUID, uuid.UUID | None]:
    """Return the parent of each resource group of the tenant; None for those at the top."""
    column = tables.resource_group.c
    return {row[0]: row[1] for row in await session.fetch(select(column.id, column.parent_id))}


async def lasting_owners(session: Session) -> set[uuid.UUID]:
    """Return the users who own the tenant for good: enabled, with a grant that has no end."""
    grant, user = tables.role_grant.c, tables.app_user.c
    statement = (
        select(func.distinct(grant.user_id))
        .join_from(tables.role_grant, tables.app_user, user.id == grant.user_id)
        .where(
            grant.role == Role.OWNER,
            grant.resource_group_id.is_(None),
            grant.revoked_at.is_(None),
            grant.expires_at.is_(None),
            user.disabled_at.is_(None),
        )
    )
    return {row[0] for row in await session.fetch(statement)}


async def note_seen(session: WriteSession, user_id: uuid.UUID, *, at: datetime) -> None:
    """Note when a user was last seen."""
    await session.execute(update(tables.app_user).where(tables.app_user.c.id == user_id).values(last_seen_at=at))
