"""What grants let a user do, and which of them says so."""

import uuid
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ampyard.domain.access import ROLE_SCOPES, TENANT_WIDE, Role, Scope
from ampyard.domain.permissions import effective_permissions
from ampyard.domain.users import RoleGrant

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
GROUP, OTHER = uuid.UUID(int=1), uuid.UUID(int=2)


def grant(role: Role, group: uuid.UUID | None = None, *, number: int = 0, expires: datetime | None = None) -> RoleGrant:
    return RoleGrant(uuid.UUID(int=100 + number), uuid.UUID(int=0), uuid.UUID(int=9), role, group, "user:x", NOW, expires, None)


def found(grants: list[RoleGrant], within: set[uuid.UUID] | None) -> dict[Scope, list[RoleGrant]]:
    return {one.scope: list(one.grants) for one in effective_permissions(grants, within, at=NOW)}


def test_a_grant_on_a_group_holds_for_what_is_in_it_and_not_for_the_tenant() -> None:
    of_group = grant(Role.DISPATCHER, GROUP)

    assert found([of_group], {GROUP}) == {scope: [of_group] for scope in ROLE_SCOPES[Role.DISPATCHER]}
    assert found([of_group], {OTHER}) == {}
    assert found([of_group], set()) == {}
    assert found([of_group], None) == {}


def test_a_grant_in_the_whole_tenant_holds_for_each_part_but_for_what_is_about_the_whole() -> None:
    of_all = grant(Role.OWNER)

    assert found([of_all], None).keys() == ROLE_SCOPES[Role.OWNER]
    assert found([of_all], {GROUP}).keys() == ROLE_SCOPES[Role.OWNER] - TENANT_WIDE


def test_each_grant_that_gives_a_scope_is_named() -> None:
    viewer, dispatcher = grant(Role.VIEWER, number=1), grant(Role.DISPATCHER, GROUP, number=2)

    assert found([dispatcher, viewer], {GROUP})[Scope.FLEET_READ] == [viewer, dispatcher]
    assert found([dispatcher, viewer], {GROUP})[Scope.DISPATCH_WRITE] == [dispatcher]


@given(st.sampled_from(Role), st.sampled_from([None, GROUP]), st.integers(-2, 2))
def test_an_ended_grant_gives_nothing(role: Role, group: uuid.UUID | None, hours: int) -> None:
    granted = found([grant(role, group, expires=NOW + timedelta(hours=hours))], {GROUP})

    assert bool(granted) == (hours > 0 and bool(ROLE_SCOPES[role] - TENANT_WIDE))
