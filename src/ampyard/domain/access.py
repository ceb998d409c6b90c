"""Who may do what: principals, roles and the scopes that roles stand for."""

import uuid
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ampyard.domain.errors import ForbiddenError


class Scope(StrEnum):
    """One permission. Its value is what `@requiresScopes` prints and what an API key carries."""

    FLEET_READ = "fleet:read"
    DEPOTS_WRITE = "depots:write"
    CHARGE_POINTS_WRITE = "charge_points:write"
    CHARGE_POINTS_CONTROL = "charge_points:control"
    VEHICLES_WRITE = "vehicles:write"
    TELEMETRY_WRITE = "telemetry:write"
    TRANSACTIONS_CONTROL = "transactions:control"
    TRANSACTIONS_CORRECT = "transactions:correct"
    PRIORITIES_WRITE = "priorities:write"
    DISPATCH_WRITE = "dispatch:write"
    ALERTS_HANDLE = "alerts:handle"
    ALERTS_CONFIGURE = "alerts:configure"
    REPORTS_READ = "reports:read"
    SCHEMA_READ = "schema:read"
    ACCESS_READ = "access:read"
    ACCESS_WRITE = "access:write"
    OWNERS_WRITE = "owners:write"
    KEYS_WRITE = "keys:write"
    SETTINGS_READ = "settings:read"
    SETTINGS_WRITE = "settings:write"
    AUDIT_READ = "audit:read"
    JOBS_READ = "jobs:read"
    JOBS_WRITE = "jobs:write"
    TENANTS_READ = "tenants:read"
    TENANTS_WRITE = "tenants:write"
    USERS_IMPERSONATE = "users:impersonate"


# They are about the tenant as a whole: a grant on a resource group never carries them.
TENANT_WIDE: frozenset[Scope] = frozenset(
    {
        Scope.ACCESS_READ,
        Scope.ACCESS_WRITE,
        Scope.OWNERS_WRITE,
        Scope.KEYS_WRITE,
        Scope.SETTINGS_READ,
        Scope.SETTINGS_WRITE,
        Scope.AUDIT_READ,
        Scope.JOBS_READ,
        Scope.JOBS_WRITE,
        Scope.SCHEMA_READ,
    }
)
# They reach across tenants: no role that a tenant can grant has them.
SYSTEM_WIDE: frozenset[Scope] = frozenset({Scope.TENANTS_READ, Scope.TENANTS_WRITE, Scope.USERS_IMPERSONATE})


class Role(StrEnum):
    """A named set of scopes: granted to a user on a resource group or the whole tenant, or carried by a token's `roles` claim."""

    VIEWER = "viewer"
    ANALYST = "analyst"
    INSTALLER = "installer"
    DISPATCHER = "dispatcher"
    OPERATOR = "operator"
    ADMINISTRATOR = "administrator"
    OWNER = "owner"
    SYSTEM_ADMINISTRATOR = "system_administrator"


_VIEWER = frozenset({Scope.FLEET_READ})
_DISPATCHER = _VIEWER | {Scope.PRIORITIES_WRITE, Scope.DISPATCH_WRITE, Scope.ALERTS_HANDLE}

ROLE_SCOPES: dict[Role, frozenset[Scope]] = {
    Role.VIEWER: _VIEWER,
    Role.ANALYST: _VIEWER | {Scope.REPORTS_READ},
    Role.INSTALLER: _VIEWER | {Scope.CHARGE_POINTS_WRITE, Scope.CHARGE_POINTS_CONTROL},
    Role.DISPATCHER: _DISPATCHER,
    Role.OPERATOR: _DISPATCHER
    | {
        Scope.CHARGE_POINTS_CONTROL,
        Scope.TELEMETRY_WRITE,
        Scope.TRANSACTIONS_CONTROL,
        Scope.TRANSACTIONS_CORRECT,
    },
    # The two differ in one thing: only an owner can make or unmake owners.
    Role.ADMINISTRATOR: frozenset(Scope) - SYSTEM_WIDE - {Scope.OWNERS_WRITE},
    Role.OWNER: frozenset(Scope) - SYSTEM_WIDE,
    # Of the whole installation; carried by tokens alone.
    Role.SYSTEM_ADMINISTRATOR: SYSTEM_WIDE | {Scope.SCHEMA_READ},
}


class PrincipalKind(StrEnum):
    """What speaks. An administrator is one of the whole installation; the system is a part of ourselves."""

    USER = "user"
    KEY = "key"
    PARTY = "party"
    SYSTEM = "system"
    ADMINISTRATOR = "administrator"


@dataclass(frozen=True, slots=True)
class Reach:
    """What of a tenant may be seen or changed: the whole (`groups` None), or what is in resource groups; `reports` likewise, of reports."""

    groups: frozenset[uuid.UUID] | None = None
    reports: frozenset[uuid.UUID] | None = None


WHOLE_TENANT = Reach()


@dataclass(frozen=True, slots=True)
class Grant:
    """Scopes that hold for resource groups: those named by the grant, and all below them."""

    scopes: frozenset[Scope]
    groups: frozenset[uuid.UUID]


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking, resolved once at the start of a request.

    `scopes` hold for the whole tenant, those of `grants` for what is in their groups. `impersonator` is who acts as this
    principal, for support.
    """

    tenant_id: uuid.UUID
    subject: str
    kind: PrincipalKind
    scopes: frozenset[Scope]
    expires_at: datetime | None = None
    grants: tuple[Grant, ...] = ()
    impersonator: str | None = None

    @property
    def author(self) -> str:
        """How audit records and priorities name this principal, for example `user:dispatcher@demo`."""
        return f"{self.kind}:{self.subject}" + (f" (by {self.impersonator})" if self.impersonator else "")

    def has(self, scope: Scope) -> bool:
        """Tell whether the principal has `scope`, for the whole tenant or for some group."""
        return scope in self.scopes or any(scope in grant.scopes for grant in self.grants)

    def holds(self, scope: Scope, group: uuid.UUID | None) -> bool:
        """Tell whether the principal has `scope` on a resource group, or (None) in the whole tenant."""
        return scope in self.scopes or any(scope in grant.scopes and group in grant.groups for grant in self.grants)

    @property
    def rights(self) -> Hashable:
        """What the principal may do and where; another value, once that has changed."""
        return self.tenant_id, self.kind, self.scopes, self.grants, self.impersonator

    def require(self, scope: Scope) -> None:
        """Raise `ForbiddenError` unless the principal has `scope`, for the whole tenant or for some group."""
        if not self.has(scope):
            raise ForbiddenError(f"This needs the scope {scope.value}, which {self.author} does not have.")

    def require_everywhere(self, scope: Scope) -> None:
        """Raise `ForbiddenError` unless the principal has `scope` for the whole tenant: for what all of it shares."""
        if scope not in self.scopes:
            raise ForbiddenError(f"This needs the scope {scope.value} for the whole tenant, which {self.author} does not have.")

    def groups(self, scope: Scope) -> frozenset[uuid.UUID] | None:
        """Return the resource groups within which the principal has `scope`; None: it is not confined to any."""
        if scope in self.scopes or not self.grants:
            return None
        return frozenset(group for grant in self.grants if scope in grant.scopes for group in grant.groups)

    def reach(self, scope: Scope = Scope.FLEET_READ) -> Reach:
        """Return what the principal may touch by `scope`; what it may read, unless told."""
        return Reach(self.groups(scope), self.groups(Scope.REPORTS_READ))


def system_principal(tenant_id: uuid.UUID, subject: str) -> Principal:
    """Return the principal that a job or a protocol endpoint acts as inside one tenant."""
    return Principal(tenant_id=tenant_id, subject=subject, kind=PrincipalKind.SYSTEM, scopes=frozenset(Scope))
