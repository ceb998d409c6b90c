"""Principals whose grants reach a part of a tenant, for tests of what they see and change."""

import uuid

from sqlalchemy import insert

from ampyard.domain.access import ROLE_SCOPES, TENANT_WIDE, Grant, Principal, PrincipalKind, Role
from ampyard.domain.ids import new_id
from ampyard.domain.resource_groups import ResourceGroup
from ampyard.repositories import tables
from ampyard.repositories.access import ResourceGroups
from ampyard.services.backend import Backend
from tests.fleet import user


async def group_of(backend: Backend, tenant_id: uuid.UUID, *, name: str | None = None, **members: uuid.UUID) -> uuid.UUID:
    """Make a resource group with these members, each given by its column: `depot_id`, `charge_point_id`, `vehicle_id`."""
    group_id = new_id()
    async with backend.unit_of_work(user(tenant_id)) as work:
        await work.add(ResourceGroups, ResourceGroup(group_id, tenant_id, None, name or f"g-{group_id}", None, work.now, work.now))
        for column, member_id in members.items():
            row = {"id": new_id(), "tenant_id": tenant_id, "resource_group_id": group_id, column: member_id}
            await work.session.execute(insert(tables.resource_group_member), [row])
        await work.commit()
    return group_id


def confined(tenant_id: uuid.UUID, *groups: uuid.UUID, role: Role = Role.OPERATOR) -> Principal:
    """Return a user who has a role for these groups, and nothing in the rest of the tenant."""
    grant = Grant(ROLE_SCOPES[role] - TENANT_WIDE, frozenset(groups))
    return Principal(tenant_id=tenant_id, subject="confined", kind=PrincipalKind.USER, scopes=frozenset(), grants=(grant,))
