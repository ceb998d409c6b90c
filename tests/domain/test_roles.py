"""What roles stand for is written down, and what is written down is so.

`pytest tests/domain/test_roles.py --snapshot-update` writes docs/roles.md anew; look at what it changes.
"""

from pathlib import Path

import pytest

from ampyard.domain.access import ROLE_SCOPES, SYSTEM_WIDE, TENANT_WIDE, Role, Scope
from ampyard.domain.roles import describe_scope, described_roles, roles_page

PAGE = Path(__file__).parents[2] / "docs" / "roles.md"


def test_the_page_is_what_the_code_says(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--snapshot-update"):
        PAGE.write_text(roles_page())
    assert PAGE.read_text() == roles_page()


def test_every_role_and_every_scope_is_described() -> None:
    assert [(one.role, frozenset(one.scopes)) for one in described_roles()] == [(role, ROLE_SCOPES[role]) for role in Role]
    assert all(describe_scope(scope).endswith(".") for scope in Scope)


def test_an_owner_has_all_that_is_of_a_tenant_and_an_administrator_all_but_owners() -> None:
    assert ROLE_SCOPES[Role.OWNER] == frozenset(Scope) - SYSTEM_WIDE
    assert ROLE_SCOPES[Role.OWNER] - ROLE_SCOPES[Role.ADMINISTRATOR] == {Scope.OWNERS_WRITE}
    assert Scope.OWNERS_WRITE in TENANT_WIDE


def test_only_system_administrators_reach_across_tenants() -> None:
    assert [role for role in Role if ROLE_SCOPES[role] & SYSTEM_WIDE] == [Role.SYSTEM_ADMINISTRATOR]
    assert ROLE_SCOPES[Role.SYSTEM_ADMINISTRATOR] == SYSTEM_WIDE | {Scope.SCHEMA_READ}
