"""A tenant whose administration is tested: users with roles, groups, and what its audit log says."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest

from ampyard.domain.access import ROLE_SCOPES, Principal, PrincipalKind, Role
from ampyard.domain.audit import AuditRecord
from ampyard.domain.errors import DomainError
from ampyard.domain.users import RoleGrant, User
from ampyard.repositories.audit import AuditRecords
from ampyard.repositories.database import Snapshot
from ampyard.services import grants, users
from ampyard.services.backend import Backend
from ampyard.services.grants import NewGrant
from ampyard.services.seeding import Seeded
from ampyard.services.users import NewUser
from tests.busy import Busy
from tests.fleet import new_fleet

_NOBODY = Seeded(uuid.UUID(int=0), "", "")
NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Tenant:
    """A tenant, with the clock stopped at `NOW`."""

    backend: Backend
    tenant_id: uuid.UUID

    def having(self, role: Role, subject: str = "boss") -> Principal:
        """Return somebody whose token says so."""
        return Principal(self.tenant_id, subject, PrincipalKind.USER, ROLE_SCOPES[role])

    @property
    def owner(self) -> Principal:
        return self.having(Role.OWNER)

    async def user(self, subject: str = "anna") -> User:
        return await users.invite_user(self.backend, self.owner, NewUser(subject, subject.title()))

    async def grant(self, user: User, role: Role, group: uuid.UUID | None = None) -> RoleGrant:
        return await grants.grant_role(self.backend, self.owner, NewGrant(user.id, role, group))

    async def audited(self) -> list[AuditRecord]:
        """Return the tenant's audit records but for that of its making, oldest first."""
        async with self.snapshot() as snapshot:
            records = await AuditRecords(snapshot).where(order_by=[AuditRecords.table.c.id])
        return [record for record in records if record.action != "tenant.seed"]

    def snapshot(self) -> Snapshot:
        return self.backend.database.snapshot(self.tenant_id)

    @asynccontextmanager
    async def refused(self, error: type[DomainError], match: str) -> AsyncIterator[None]:
        """Expect a refusal that leaves everything as it was."""
        before = await everything(self.backend, self.tenant_id)
        with pytest.raises(error, match=match):
            yield
        assert await everything(self.backend, self.tenant_id) == before


async def everything(backend: Backend, tenant_id: uuid.UUID) -> dict[str, list[tuple[object, ...]]]:
    """Return every row of a tenant by table."""
    return await Busy(backend, replace(_NOBODY, tenant_id=tenant_id), {}).everything()


async def new_tenant(backend: Backend) -> Tenant:
    """Make one."""
    stopped = replace(backend, clock=lambda: NOW)
    return Tenant(stopped, (await new_fleet(stopped)).tenant_id)
