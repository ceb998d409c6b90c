"""Tenants: made with their first owner, suspended so that nobody of them is let in; and acting as one of their users, for support."""

import uuid
from dataclasses import replace
from datetime import timedelta

import pytest

from ampyard.domain.access import ROLE_SCOPES, Principal, PrincipalKind, Role, Scope
from ampyard.domain.errors import ConflictError, DomainError, ForbiddenError, InvalidInputError, NotFoundError
from ampyard.domain.tenants import NO_TENANT
from ampyard.repositories.access import lasting_owners
from ampyard.repositories.tenants import TenantFilter, Tenants
from ampyard.services import access, charge_points, grants, impersonation, ocpi, tenants, users
from ampyard.services.access import ApiKeys, Impersonating, UserGrants
from ampyard.services.backend import Backend
from ampyard.services.grants import NewGrant
from ampyard.services.tenants import NewTenant
from tests.fleet import new_fleet
from tests.services.admin import NOW, Tenant, everything

ROOT = Principal(NO_TENANT, "root", PrincipalKind.ADMINISTRATOR, ROLE_SCOPES[Role.SYSTEM_ADMINISTRATOR])
WHY = "Ticket 4711: no vehicle is shown."


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "REMEMBERED_FOR_S", 0.0)


def new(slug: str) -> NewTenant:
    return NewTenant(slug, "Acme", "auth0|anna", "Anna", "anna@example.org")


async def test_a_tenant_is_made_with_its_first_owner(tenant: Tenant) -> None:
    slug = f"acme-{uuid.uuid4().hex[:8]}"
    made = await tenants.create_tenant(tenant.backend, ROOT, new(slug))

    inside = Tenant(tenant.backend, made.id)
    async with inside.snapshot() as snapshot:
        (owner,) = await lasting_owners(snapshot)
    told = [(record.author, record.action, record.target_id) for record in await inside.audited()]
    assert [(author, action) for author, action, _ in told] == [
        ("administrator:root", "tenant.create"),
        ("administrator:root", "user.invite"),
        ("administrator:root", "grant.add"),
    ]
    assert [target for _, _, target in told][:2] == [made.id, owner]
    token = Principal(made.id, "auth0|anna", PrincipalKind.USER, frozenset())
    assert (await UserGrants(tenant.backend).granted(token)).scopes == ROLE_SCOPES[Role.OWNER]
    with pytest.raises(ConflictError, match=f"There is a tenant '{slug}' already"):
        await tenants.create_tenant(tenant.backend, ROOT, new(slug))


@pytest.mark.parametrize(
    ("changed", "path"),
    [
        ({"slug": "Acme"}, "slug"),
        ({"slug": "-acme"}, "slug"),
        ({"name": " "}, "name"),
        ({"owner_subject": ""}, "ownerSubject"),
        ({"owner_email": "anna"}, "ownerEmail"),
    ],
)
async def test_a_malformed_tenant_is_refused(backend: Backend, changed: dict[str, str], path: str) -> None:
    with pytest.raises(InvalidInputError) as refusal:
        await tenants.create_tenant(backend, ROOT, replace(new(f"acme-{uuid.uuid4().hex[:8]}"), **changed))
    assert refusal.value.path == ("input", path)


async def test_an_administrator_of_the_installation_sees_all_tenants_and_nothing_in_them(tenant: Tenant) -> None:
    other = (await new_fleet(tenant.backend)).tenant_id
    async with tenant.backend.snapshot(ROOT) as snapshot:
        found = {one.id for one in await Tenants(snapshot).where(*TenantFilter(suspended=False).conditions())}
    assert {tenant.tenant_id, other} <= found
    async with tenant.backend.snapshot(tenant.owner) as snapshot:
        assert [one.id for one in await Tenants(snapshot).where()] == [tenant.tenant_id]


async def test_nobody_of_a_tenant_acts_in_another(tenant: Tenant) -> None:
    other = (await new_fleet(tenant.backend)).tenant_id
    almighty = replace(tenant.owner, scopes=frozenset(Scope))
    attempts = [
        tenants.edit_tenant(tenant.backend, almighty, other, name="Mine"),
        tenants.suspend_tenant(tenant.backend, almighty, other, reason="Mine"),
        tenants.resume_tenant(tenant.backend, almighty, other),
        impersonation.start_impersonation(tenant.backend, almighty, tenant_id=other, user_id=other, reason=WHY, minutes=5),
    ]
    before = await everything(tenant.backend, other)
    for attempt in attempts:
        with pytest.raises(NotFoundError, match="There is no such tenant"):
            await attempt
    assert await everything(tenant.backend, other) == before


async def test_a_tenant_is_renamed(tenant: Tenant) -> None:
    edited = await tenants.edit_tenant(tenant.backend, ROOT, tenant.tenant_id, name="New")
    assert (edited.name, edited.updated_at) == ("New", NOW)
    for changes in ({"name": None}, {"name": ""}):
        async with tenant.refused(InvalidInputError, "name"):
            await tenants.edit_tenant(tenant.backend, ROOT, tenant.tenant_id, **changes)
    async with tenant.refused(ForbiddenError, "tenants:write"):
        await tenants.edit_tenant(tenant.backend, tenant.owner, tenant.tenant_id, name="Mine")


async def test_nobody_of_a_suspended_tenant_is_let_in(tenant: Tenant) -> None:
    backend = tenant.backend
    seeded = await new_fleet(backend)
    inside = Tenant(backend, seeded.tenant_id)
    await inside.grant(await inside.user(), Role.OPERATOR)

    async def let_in() -> list[bool]:
        try:
            await UserGrants(backend).granted(Principal(seeded.tenant_id, "anna", PrincipalKind.USER, frozenset()))
            user = True
        except ForbiddenError:
            user = False
        point = await charge_points.log_in(backend, "CP-1", "correct horse battery")
        return [
            user,
            await ApiKeys(backend).principal(seeded.api_key) is not None,
            await ocpi.authenticate(backend, seeded.ocpi_token) is not None,
            point is not None and point.tenant_id == seeded.tenant_id,
        ]

    # Many tenants have a CP-1 with this password here: only that none of this one is let in can be told.
    assert (await let_in())[:3] == [True, True, True]
    suspended = await tenants.suspend_tenant(backend, ROOT, seeded.tenant_id, reason="Does not pay.")
    assert await let_in() == [False, False, False, False]
    assert (suspended.suspended_at, suspended.suspended_reason) == (NOW, "Does not pay.")
    assert await tenants.suspended_among(backend, {seeded.tenant_id, tenant.tenant_id}) == {seeded.tenant_id}
    async with inside.refused(ConflictError, "The tenant is suspended since"):
        await tenants.suspend_tenant(backend, ROOT, seeded.tenant_id, reason="Again.")

    resumed = await tenants.resume_tenant(backend, ROOT, seeded.tenant_id)

    assert (resumed.suspended_at, resumed.suspended_reason) == (None, None)
    assert (await let_in())[:3] == [True, True, True]
    async with inside.refused(ConflictError, "The tenant is not suspended"):
        await tenants.resume_tenant(backend, ROOT, seeded.tenant_id)


# Acting as a user


async def test_who_acts_as_a_user_may_do_what_the_user_may_but_for_giving_access(tenant: Tenant) -> None:
    anna = await tenant.user()
    await tenant.grant(anna, Role.OWNER)

    begun, token = await impersonation.start_impersonation(
        tenant.backend, ROOT, tenant_id=tenant.tenant_id, user_id=anna.id, reason=WHY, minutes=30
    )
    acting = await Impersonating(tenant.backend).principal(token)

    assert (begun.impersonator, begun.expires_at) == ("administrator:root", NOW + timedelta(minutes=30))
    assert acting == Principal(
        tenant.tenant_id,
        "anna",
        PrincipalKind.USER,
        ROLE_SCOPES[Role.OWNER] - {Scope.ACCESS_WRITE, Scope.OWNERS_WRITE, Scope.KEYS_WRITE},
        expires_at=begun.expires_at,
        impersonator="administrator:root",
    )
    assert token not in repr(await everything(tenant.backend, tenant.tenant_id))


async def test_its_use_and_all_that_is_done_in_it_has_both_names(tenant: Tenant) -> None:
    anna = await tenant.user()
    await tenant.grant(anna, Role.OWNER)
    begun, token = await impersonation.start_impersonation(
        tenant.backend, ROOT, tenant_id=tenant.tenant_id, user_id=anna.id, reason=WHY, minutes=30
    )
    acting, again = [await Impersonating(tenant.backend).principal(token) for _ in range(2)]
    assert acting is not None
    assert acting == again
    with pytest.raises(ForbiddenError, match=r"access:write, which user:anna \(by administrator:root\) does not have"):
        await users.disable_user(tenant.backend, acting, anna.id)
    await impersonation.end_impersonation(tenant.backend, ROOT, begun.id)

    told = sorted((record.action, record.author) for record in await tenant.audited() if record.action.startswith("impersonation."))
    # Used twice within a minute, it is told once.
    assert told == [
        ("impersonation.end", "administrator:root"),
        ("impersonation.start", "administrator:root"),
        ("impersonation.use", "user:anna (by administrator:root)"),
    ]
    assert await Impersonating(tenant.backend).principal(token) is None
    async with tenant.refused(ConflictError, "The impersonation is over"):
        await impersonation.end_impersonation(tenant.backend, ROOT, begun.id)


async def test_it_ends_with_its_time_with_the_user_and_with_the_tenant(tenant: Tenant) -> None:
    anna, boss = await tenant.user(), await tenant.user("bert")
    await tenant.grant(boss, Role.OWNER)
    await tenant.grant(anna, Role.VIEWER)
    _, token = await impersonation.start_impersonation(
        tenant.backend, ROOT, tenant_id=tenant.tenant_id, user_id=anna.id, reason=WHY, minutes=1
    )

    async def lets_in(after: timedelta = timedelta()) -> bool:
        later = replace(tenant.backend, clock=lambda: NOW + after)
        return await Impersonating(later).principal(token) is not None

    assert await lets_in(timedelta(seconds=59))
    assert not await lets_in(timedelta(seconds=60))
    await users.disable_user(tenant.backend, tenant.owner, anna.id)
    assert not await lets_in()
    await users.enable_user(tenant.backend, tenant.owner, anna.id)
    assert await lets_in()
    await tenants.suspend_tenant(tenant.backend, ROOT, tenant.tenant_id, reason="Does not pay.")
    assert not await lets_in()


async def test_an_impersonation_without_cause_is_refused(tenant: Tenant) -> None:
    anna, bert = await tenant.user(), await tenant.user("bert")
    await users.disable_user(tenant.backend, tenant.owner, bert.id)
    await grants.grant_role(tenant.backend, tenant.owner, NewGrant(anna.id, Role.VIEWER))
    given = {"tenant_id": tenant.tenant_id, "user_id": anna.id, "reason": WHY, "minutes": 30}
    refusals: list[tuple[Principal, dict[str, object], type[DomainError], str]] = [
        (ROOT, {"reason": "because"}, InvalidInputError, "The reason has 7 characters; give 10 to 500"),
        (ROOT, {"minutes": 61}, InvalidInputError, "It may last 1 to 60 minutes"),
        (ROOT, {"minutes": 0}, InvalidInputError, "It may last 1 to 60 minutes"),
        (ROOT, {"user_id": uuid.UUID(int=4)}, NotFoundError, "There is no such user"),
        (ROOT, {"user_id": bert.id}, ConflictError, "The user is disabled; nobody can act there"),
        (tenant.owner, {}, ForbiddenError, "users:impersonate"),
        (replace(ROOT, impersonator="administrator:x"), {}, ForbiddenError, "acts as somebody else already"),
    ]
    for principal, changed, error, match in refusals:
        async with tenant.refused(error, match):
            await impersonation.start_impersonation(tenant.backend, principal, **(given | changed))  # type: ignore[arg-type]  # mixed
