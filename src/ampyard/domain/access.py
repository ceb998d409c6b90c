"""Who may do what: principals, roles and the scopes that roles stand for."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ampyard.domain.errors import ForbiddenError


class Scope(StrEnum):
    """One permission. Its value is what `@requiresScopes` prints and what an API key carries."""

    FLEET_READ = "fleet:read"
    PRIORITIES_WRITE = "priorities:write"
    TRANSACTIONS_CONTROL = "transactions:control"
    REPORTS_READ = "reports:read"
    SCHEMA_READ = "schema:read"


class Role(StrEnum):
    """A named set of scopes, as carried by a token's `roles` claim."""

    VIEWER = "viewer"
    ANALYST = "analyst"
    DISPATCHER = "dispatcher"
    OPERATOR = "operator"
    ADMINISTRATOR = "administrator"


ROLE_SCOPES: dict[Role, frozenset[Scope]] = {
    Role.VIEWER: frozenset({Scope.FLEET_READ}),
    Role.ANALYST: frozenset({Scope.FLEET_READ, Scope.REPORTS_READ}),
    Role.DISPATCHER: frozenset({Scope.FLEET_READ, Scope.PRIORITIES_WRITE}),
    Role.OPERATOR: frozenset({Scope.FLEET_READ, Scope.PRIORITIES_WRITE, Scope.TRANSACTIONS_CONTROL}),
    Role.ADMINISTRATOR: frozenset(Scope),
}


class PrincipalKind(StrEnum):
    USER = "user"
    KEY = "key"
    PARTY = "party"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking, resolved once at the start of a request."""

    tenant_id: uuid.UUID
    subject: str
    kind: PrincipalKind
    scopes: frozenset[Scope]
    expires_at: datetime | None = None

    @property
    def author(self) -> str:
        """How audit records and priorities name this principal, for example `user:dispatcher@demo`."""
        return f"{self.kind}:{self.subject}"

    def require(self, scope: Scope) -> None:
        """Raise `ForbiddenError` unless the principal has `scope`."""
        if scope not in self.scopes:
            raise ForbiddenError(f"This needs the scope {scope.value}, which {self.author} does not have.")


def system_principal(tenant_id: uuid.UUID, subject: str) -> Principal:
    """Return the principal that a job or a protocol endpoint acts as inside one tenant."""
    return Principal(tenant_id=tenant_id, subject=subject, kind=PrincipalKind.SYSTEM, scopes=frozenset(Scope))
