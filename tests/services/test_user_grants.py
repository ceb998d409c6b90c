"""What users are granted, besides what their tokens say: by group, by role, until when; and what a disabled user may do."""

import time
import uuid
from dataclasses import replace
from datetime import timedelta

import pytest

from ampyard.domain.access import ROLE_SCOPES, TENANT_WIDE, Grant, Principal, PrincipalKind, Role, Scope
from ampyard.domain.errors import ForbiddenError
from ampyard.domain.ids import new_id
from ampyard.domain.resource_groups import ResourceGroup
from ampyard.domain.users import RoleGrant, User
from ampyard.repositories.access import ResourceGroups, RoleGrants, Users
from ampyard.services import access
from ampyard.services.access import UserGrants
from ampyard.services.backend import Backend
from tests.busy import NOW
from tests.fleet import new_fleet, user


class Granting:
    """A tenant with one user, to whom roles are granted."""

    def __init__(self, backend: Backend, tenant_id: uuid.UUID) -> None:
        self.backend = backend
        self.user = User(new_id(), tenant_id, "somebody", None, "Somebody", None, NOW, NOW)
        self.token = Principal(tenant_id, "somebody", PrincipalKind.USER, frozenset())

    async def group(self, parent: uuid.UUID | None = None) -> uuid.UUID:
        group = ResourceGroup(new_id(), self.user.tenant_id, parent, f"g-{new_id()}", None, NOW, NOW)
        async with self.backend.unit_of_work(user(self.user.tenant_id)) as work:
            await work.add(ResourceGroups, group)
            await work.commit()
        return group.id

    async def grant(self, role: Role, group: uuid.UUID | None = None, *, for_hours: float | None = None) -> RoleGrant:
        until = None if for_hours is None else NOW + timedelta(hours=for_hours)
        grant = RoleGrant(new_id(), self.user.tenant_id, self.user.id, role, group, "user:tester", NOW, until, None)
        async with self.backend.unit_of_work(user(self.user.tenant_id)) as work:
            await work.add(RoleGrants, grant)
            await work.commit()
        return grant

    async def granted(self) -> Principal:
        """Return what is granted, as one sees it who has not asked before."""
        return await UserGrants(self.backend).granted(self.token)


@pytest.fixture
async def granting(backend: Backend) -> Granting:
    backend = replace(backend, clock=lambda: NOW)
    granting = Granting(backend, (await new_fleet(backend)).tenant_id)
    async with backend.unit_of_work(user(granting.user.tenant_id)) as work:
        await work.add(Users, granting.user)
        await work.commit()
    return granting


async def test_who_is_granted_nothing_has_what_the_token_says(granting: Granting) -> None:
    assert await granting.granted() == granting.token
    stranger = replace(granting.token, subject="a stranger", scopes=frozenset({Scope.FLEET_READ}))
    assert await UserGrants(granting.backend).granted(stranger) == stranger


async def test_a_role_on_a_group_reaches_the_groups_below_and_nothing_of_the_whole_tenant(granting: Granting) -> None:
    top = await granting.group()
    below = await granting.group(await granting.group(top))
    beside = await granting.group()
    await granting.grant(Role.ADMINISTRATOR, top)

    found = await granting.granted()

    (grant,) = found.grants
    assert {top, below} <= grant.groups
    assert beside not in grant.groups
    assert grant.scopes == ROLE_SCOPES[Role.ADMINISTRATOR] - TENANT_WIDE
    assert found.scopes == frozenset()
    assert found.groups(Scope.FLEET_READ) == grant.groups
    with pytest.raises(ForbiddenError, match="access:write"):
        found.require(Scope.ACCESS_WRITE)


async def test_a_role_on_the_whole_tenant_and_one_on_a_group_add_up(granting: Granting) -> None:
    group = await granting.group()
    await granting.grant(Role.VIEWER)
    await granting.grant(Role.DISPATCHER, group)

    found = await granting.granted()

    assert found.scopes == ROLE_SCOPES[Role.VIEWER]
    assert found.grants == (Grant(ROLE_SCOPES[Role.DISPATCHER], frozenset({group})),)
    assert found.groups(Scope.FLEET_READ) is None
    assert found.groups(Scope.DISPATCH_WRITE) == frozenset({group})
    assert found.groups(Scope.DEPOTS_WRITE) == frozenset()


async def test_a_grant_ends(granting: Granting) -> None:
    await granting.grant(Role.OPERATOR, for_hours=1)
    over = await granting.grant(Role.ANALYST)
    async with granting.backend.unit_of_work(user(granting.user.tenant_id)) as work:
        await work.change(RoleGrants, over.id, revoked_at=NOW)
        await work.commit()

    assert (await granting.granted()).scopes == ROLE_SCOPES[Role.OPERATOR]
    later = replace(granting.backend, clock=lambda: NOW + timedelta(hours=1))
    assert (await UserGrants(later).granted(granting.token)).scopes == frozenset()


async def test_a_disabled_user_is_refused_whatever_the_token_says(granting: Granting) -> None:
    async with granting.backend.unit_of_work(user(granting.user.tenant_id)) as work:
        await work.change(Users, granting.user.id, disabled_at=NOW)
        await work.commit()
    with pytest.raises(ForbiddenError, match="The user somebody is disabled here"):
        await UserGrants(granting.backend).granted(replace(granting.token, scopes=frozenset(Scope)))


async def test_what_is_granted_is_looked_up_every_few_seconds(granting: Granting, monkeypatch: pytest.MonkeyPatch) -> None:
    grants = UserGrants(granting.backend)
    assert (await grants.granted(granting.token)).scopes == frozenset()
    await granting.grant(Role.VIEWER)
    assert (await grants.granted(granting.token)).scopes == frozenset()

    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + access.REMEMBERED_FOR_S + 0.1)

    assert (await grants.granted(granting.token)).scopes == ROLE_SCOPES[Role.VIEWER]
