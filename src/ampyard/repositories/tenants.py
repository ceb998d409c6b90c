"""Tenants; and what a new one is given: its party in the roaming network, and the credentials of its partners."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from sqlalchemy import ColumnElement, insert

from ampyard.domain.access import Scope
from ampyard.domain.ids import new_id
from ampyard.domain.locations import Party
from ampyard.domain.tenants import Tenant, TenantUser
from ampyard.repositories import tables
from ampyard.repositories.database import WriteSession
from ampyard.repositories.repository import Repository


@dataclass(frozen=True, slots=True)
class TenantFilter:
    """Which tenants to list; a field that is `None` does not narrow."""

    name_contains: str | None = None
    suspended: bool | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filter as SQL conditions."""
        column = tables.tenant.c
        return [
            *([column.name.icontains(self.name_contains, autoescape=True)] if self.name_contains is not None else []),
            *([column.suspended_at.is_not(None) == self.suspended] if self.suspended is not None else []),
        ]


class Tenants(Repository[Tenant]):
    """Under the system role all of them; else the session's own alone."""

    entity = Tenant
    table = tables.tenant
    orders = MappingProxyType({"CREATED_AT": table.c.created_at, "NAME": table.c.name})


class TenantUsers(Repository[TenantUser]):
    """The users of all tenants under the system role, by name alone."""

    entity = TenantUser
    table = tables.app_user
    orders = MappingProxyType({"NAME": table.c.name})


async def add(session: WriteSession, tenant_id: uuid.UUID, *, slug: str, name: str, at: datetime) -> None:
    """Insert the tenant that the session is of."""
    await session.execute(insert(tables.tenant).values(id=tenant_id, slug=slug, name=name, created_at=at))


async def add_party(session: WriteSession, tenant_id: uuid.UUID, party: Party) -> None:
    """Insert a tenant's party."""
    await session.execute(
        insert(tables.ocpi_party).values(
            id=new_id(), tenant_id=tenant_id, country_code=party.country_code, party_id=party.party_id, name=party.name
        )
    )


async def add_ocpi_credential(session: WriteSession, tenant_id: uuid.UUID, *, partner_name: str, token_hash: str) -> None:
    """Insert the credential of a roaming partner."""
    await session.execute(
        insert(tables.ocpi_credential).values(id=new_id(), tenant_id=tenant_id, partner_name=partner_name, token_hash=token_hash)
    )


async def add_api_key(
    session: WriteSession, tenant_id: uuid.UUID, *, name: str, prefix: str, key_hash: str, scopes: Iterable[Scope]
) -> None:
    """Insert an API key that does not expire; `prefix` is what may be shown of it."""
    await session.execute(
        insert(tables.api_key).values(
            id=new_id(), tenant_id=tenant_id, name=name, prefix=prefix, key_hash=key_hash, scopes=sorted(scope.value for scope in scopes)
        )
    )
