"""Granting roles: nobody gives more than they hold, owners alone make and unmake owners, and one of them remains."""

import asyncio
import uuid
from dataclasses import replace
from datetime import timedelta

import pytest

from ampyard.domain.access import ROLE_SCOPES, TENANT_WIDE, Grant, Role, Scope
from ampyard.domain.errors import ConflictError, DomainError, ForbiddenError, InvalidInputError, NotFoundError
from ampyard.repositories.access import RoleGrants, lasting_owners
from ampyard.services import grants, resource_groups, users
from ampyard.services.grants import NewGrant
from ampyard.services.users import NewUser
from tests.services.admin import NOW, Tenant

LATER = NOW + timedelta(days=1)


async def test_a_role_is_granted_and_revoked_and_both_are_told_of(tenant: Tenant) -> None:
    anna = await tenant.user()
    group = await resource_groups.create_group(tenant.backend, tenant.owner, name="North")

    granted = await grants.grant_role(tenant.backend, tenant.owner, NewGrant(anna.id, Role.DISPATCHER, group.id, LATER))
    revoked = await grants.revoke_grant(tenant.backend, tenant.owner, granted.id)

    assert (granted.role, granted.resource_group_id, granted.expires_at, granted.author) == (Role.DISPATCHER, group.id, LATER, "user:boss")
    assert revoked == replace(granted, revoked_at=NOW)
    async with tenant.snapshot() as snapshot:
        assert await RoleGrants(snapshot).where() == [revoked]
    told = [(record.action, record.target_id, record.detail) for record in await tenant.audited()][-2:]
    detail = {"user_id": str(anna.id), "role": "dispatcher", "resource_group_id": str(group.id), "expires_at": LATER.isoformat()}
    assert told == [("grant.add", granted.id, detail), ("grant.revoke", granted.id, detail)]


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.SYSTEM_ADMINISTRATOR])
async def test_an_administrator_grants_all_but_owners(tenant: Tenant, role: Role) -> None:
    anna = await tenant.user()
    administrator = tenant.having(Role.ADMINISTRATOR)
    wanted = NewGrant(anna.id, role)
    if role is Role.OWNER:
        async with tenant.refused(ForbiddenError, "Nobody grants more than they hold: user:boss does not have owners:write in the whole"):
            await grants.grant_role(tenant.backend, administrator, wanted)
    else:
        assert (await grants.grant_role(tenant.backend, administrator, wanted)).role is role


async def test_nobody_grants_on_a_group_what_they_do_not_hold_there(tenant: Tenant) -> None:
    anna = await tenant.user()
    mine, other = [await resource_groups.create_group(tenant.backend, tenant.owner, name=name) for name in ("Mine", "Other")]
    grant = Grant(ROLE_SCOPES[Role.OPERATOR] - TENANT_WIDE, frozenset({mine.id}))
    somebody = replace(tenant.owner, scopes=frozenset({Scope.ACCESS_WRITE}), grants=(grant,))

    assert (await grants.grant_role(tenant.backend, somebody, NewGrant(anna.id, Role.DISPATCHER, mine.id))).resource_group_id == mine.id
    for wanted in (
        NewGrant(anna.id, Role.DISPATCHER, other.id),
        NewGrant(anna.id, Role.DISPATCHER),
        NewGrant(anna.id, Role.INSTALLER, mine.id),
    ):
        async with tenant.refused(ForbiddenError, "Nobody grants more than they hold"):
            await grants.grant_role(tenant.backend, somebody, wanted)


async def test_what_makes_no_sense_is_refused(tenant: Tenant) -> None:
    anna = await tenant.user()
    group = await resource_groups.create_group(tenant.backend, tenant.owner, name="North")
    await tenant.grant(anna, Role.VIEWER)
    nobody = uuid.UUID(int=5)
    refusals: list[tuple[NewGrant, type[DomainError], str]] = [
        (NewGrant(anna.id, Role.SYSTEM_ADMINISTRATOR), InvalidInputError, "of the whole installation"),
        (NewGrant(anna.id, Role.OWNER, group.id), InvalidInputError, "An owner owns the whole tenant"),
        (NewGrant(anna.id, Role.ANALYST, expires_at=NOW), InvalidInputError, "is in the past"),
        (NewGrant(nobody, Role.ANALYST), NotFoundError, "There is no such user"),
        (NewGrant(anna.id, Role.ANALYST, nobody), NotFoundError, "There is no such resource group"),
        (NewGrant(anna.id, Role.VIEWER), ConflictError, "Anna is viewer there already"),
        (NewGrant(anna.id, Role.VIEWER, expires_at=LATER), ConflictError, "Anna is viewer there already"),
    ]
    for wanted, error, match in refusals:
        async with tenant.refused(error, match):
            await grants.grant_role(tenant.backend, tenant.owner, wanted)
    async with tenant.refused(ForbiddenError, "access:write"):
        await grants.grant_role(tenant.backend, tenant.having(Role.OPERATOR), NewGrant(anna.id, Role.VIEWER))


async def test_a_role_that_ends_can_be_granted_for_longer(tenant: Tenant) -> None:
    anna = await tenant.user()
    for until in (LATER, LATER + timedelta(days=1), None):
        await grants.grant_role(tenant.backend, tenant.owner, NewGrant(anna.id, Role.VIEWER, expires_at=until))


async def test_a_grant_that_is_over_cannot_be_revoked(tenant: Tenant) -> None:
    granted = await tenant.grant(await tenant.user(), Role.VIEWER)
    await grants.revoke_grant(tenant.backend, tenant.owner, granted.id)

    async with tenant.refused(ConflictError, "The grant is over since 2026-11-02T08:00:00"):
        await grants.revoke_grant(tenant.backend, tenant.owner, granted.id)


# Owners


async def test_the_last_owner_can_be_neither_revoked_nor_disabled(tenant: Tenant) -> None:
    anna, bert = await tenant.user("anna"), await tenant.user("bert")
    first = await tenant.grant(anna, Role.OWNER)
    # One who owns it for a day is no owner to leave it to.
    await grants.grant_role(tenant.backend, tenant.owner, NewGrant(bert.id, Role.OWNER, expires_at=LATER))

    for attempt in (grants.revoke_grant(tenant.backend, tenant.owner, first.id), users.disable_user(tenant.backend, tenant.owner, anna.id)):
        async with tenant.refused(ConflictError, "This is the last owner of the tenant; make another one first"):
            await attempt

    await tenant.grant(bert, Role.OWNER)
    await grants.revoke_grant(tenant.backend, tenant.owner, first.id)
    async with tenant.snapshot() as snapshot:
        assert await lasting_owners(snapshot) == {bert.id}


async def test_two_owners_cannot_remove_each_other_at_the_same_time(tenant: Tenant) -> None:
    both = [await tenant.grant(await tenant.user(name), Role.OWNER) for name in ("anna", "bert")]

    ended = await asyncio.gather(*(grants.revoke_grant(tenant.backend, tenant.owner, grant.id) for grant in both), return_exceptions=True)

    assert sorted(type(one).__name__ for one in ended) == ["ConflictError", "RoleGrant"]
    async with tenant.snapshot() as snapshot:
        assert len(await lasting_owners(snapshot)) == 1


async def test_an_administrator_cannot_touch_an_owner(tenant: Tenant) -> None:
    administrator = tenant.having(Role.ADMINISTRATOR)
    owners = [(user, await tenant.grant(user, Role.OWNER)) for user in (await tenant.user("anna"), await tenant.user("bert"))]
    anna, grant = owners[0]
    for attempt in (
        grants.revoke_grant(tenant.backend, administrator, grant.id),
        users.disable_user(tenant.backend, administrator, anna.id),
        # By this they would become the owner themselves.
        users.edit_user(tenant.backend, administrator, anna.id, subject="boss"),
    ):
        async with tenant.refused(ForbiddenError, "owners:write"):
            await attempt

    assert (await users.edit_user(tenant.backend, administrator, anna.id, name="Anna B.")).name == "Anna B."


# Users


async def test_a_user_is_invited_edited_disabled_and_enabled(tenant: Tenant) -> None:
    invited = await users.invite_user(tenant.backend, tenant.owner, NewUser("auth0|7", "Anna", "anna@example.org"))
    edited = await users.edit_user(tenant.backend, tenant.owner, invited.id, email=None, subject="auth0|8")
    disabled = await users.disable_user(tenant.backend, tenant.owner, invited.id)
    enabled = await users.enable_user(tenant.backend, tenant.owner, invited.id)

    assert edited == replace(invited, email=None, subject="auth0|8")
    assert (disabled.disabled_at, enabled) == (NOW, edited)
    assert [record.action for record in await tenant.audited()] == ["user.invite", "user.edit", "user.disable", "user.enable"]


@pytest.mark.parametrize(
    ("wanted", "paths"),
    [
        (NewUser("", ""), [("input", "subject"), ("input", "name")]),
        (NewUser("s" * 201, "A"), [("input", "subject")]),
        (NewUser("s", "A", "nobody"), [("input", "email")]),
    ],
)
async def test_a_malformed_user_is_refused_with_all_that_is_wrong(tenant: Tenant, wanted: NewUser, paths: list[tuple[str, str]]) -> None:
    with pytest.raises(InvalidInputError) as refusal:
        await users.invite_user(tenant.backend, tenant.owner, wanted)
    assert [one.path for one in (refusal.value, *refusal.value.others)] == paths
    assert await tenant.audited() == []


async def test_a_subject_is_one_users_alone(tenant: Tenant) -> None:
    anna, bert = await tenant.user("anna"), await tenant.user("bert")
    async with tenant.refused(ConflictError, "There is a user of the subject 'anna' already"):
        await tenant.user("anna")
    async with tenant.refused(ConflictError, "There is a user of the subject 'bert' already"):
        await users.edit_user(tenant.backend, tenant.owner, anna.id, subject="bert")
    await users.disable_user(tenant.backend, tenant.owner, bert.id)
    async with tenant.refused(ConflictError, "The user is disabled since"):
        await users.disable_user(tenant.backend, tenant.owner, bert.id)
    async with tenant.refused(ConflictError, "The user is not disabled"):
        await users.enable_user(tenant.backend, tenant.owner, anna.id)
