"""Users, resource groups and grants."""

import uuid
from types import MappingProxyType

from sqlalchemy import select

from ampyard.domain.resource_groups import ResourceGroup
from ampyard.domain.users import RoleGrant, User
from ampyard.repositories import tables
from ampyard.repositories.database import Session
from ampyard.repositories.repository import Repository


class Users(Repository[User]):
    entity = User
    table = tables.app_user
    orders = MappingProxyType({"NAME": table.c.name, "CREATED_AT": table.c.created_at})

    async def by_subject(self, subject: str) -> User | None:
        """Return the user whom the identity provider calls so."""
        found = await self.where(self.table.c.subject == subject)
        return found[0] if found else None


class ResourceGroups(Repository[ResourceGroup]):
    entity = ResourceGroup
    table = tables.resource_group
    orders = MappingProxyType({"NAME": table.c.name, "CREATED_AT": table.c.created_at})


class RoleGrants(Repository[RoleGrant]):
    entity = RoleGrant
    table = tables.role_grant
    orders = MappingProxyType({"CREATED_AT": table.c.created_at})

    async def of_user(self, user_id: uuid.UUID) -> list[RoleGrant]:
        """Return all that a user was ever granted, oldest first."""
        return await self.where(self.table.c.user_id == user_id, order_by=[self.table.c.created_at, self.table.c.id])


async def group_parents(session: Session) -> dict[uuid.UUID, uuid.UUID | None]:
    """Return the parent of each resource group of the tenant; None for those at the top."""
    column = tables.resource_group.c
    return {row[0]: row[1] for row in await session.fetch(select(column.id, column.parent_id))}
