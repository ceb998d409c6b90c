"""What must be known across tenants: whose credential this is, and which tenants and depots there are.

Everything here runs as the system role, which may read these few columns and nothing else.
"""

import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, exists, literal, or_, select

from ampyard.domain.grid_links import LinkKind
from ampyard.domain.life_cycle import ChargePointState
from ampyard.repositories import tables
from ampyard.repositories.database import Session


@dataclass(frozen=True, slots=True)
class ChargePointLogin:
    """What a charge point's login is checked against."""

    tenant_id: uuid.UUID
    charge_point_id: uuid.UUID
    password_hash: str | None


@dataclass(frozen=True, slots=True)
class DepotLinkLogin:
    """What a depot management system's login is checked against."""

    tenant_id: uuid.UUID
    link_id: uuid.UUID
    password_hash: str


@dataclass(frozen=True, slots=True)
class ApiKeyLogin:
    """An API key that has not been revoked."""

    tenant_id: uuid.UUID
    name: str
    scopes: tuple[str, ...]
    expires_at: datetime | None
    resource_group_id: uuid.UUID | None
    key_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class ImpersonationLogin:
    """An impersonation that has not been ended."""

    tenant_id: uuid.UUID
    impersonation_id: uuid.UUID
    user_id: uuid.UUID
    impersonator: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class OcpiLogin:
    """An OCPI partner's credential that has not been revoked."""

    tenant_id: uuid.UUID
    partner_name: str
    credential_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class LinkLogin:
    """The other side of a grid link that is switched on."""

    tenant_id: uuid.UUID
    link_id: uuid.UUID
    kind: LinkKind
    name: str


@dataclass(frozen=True, slots=True)
class DepotEntry:
    """A depot as jobs need it to find their work."""

    tenant_id: uuid.UUID
    depot_id: uuid.UUID
    name: str


class Directory:
    """Look-ups across tenants over a system session."""

    def __init__(self, session: Session) -> None:
        self.session = session

    async def charge_point_logins(self, identity: str) -> list[ChargePointLogin]:
        """Return the charge points of all tenants with this identity that may log in; the password tells which one speaks.

        A retired one may not.
        """
        column = tables.charge_point.c
        rows = await self.session.fetch(
            select(column.tenant_id, column.id, column.password_hash).where(
                column.identity == identity, column.state != ChargePointState.RETIRED, _active(column.tenant_id)
            )
        )
        return [ChargePointLogin(*row) for row in rows]

    async def depot_link_logins(self, identity: str) -> list[DepotLinkLogin]:
        """Return the links of all tenants with this identity that are enabled; the password tells which one speaks."""
        column = tables.depot_link.c
        rows = await self.session.fetch(
            select(column.tenant_id, column.id, column.password_hash).where(
                column.identity == identity, column.enabled.is_(True), column.removed_at.is_(None), _active(column.tenant_id)
            )
        )
        return [DepotLinkLogin(*row) for row in rows]

    async def depot_links_silent_since(self, moment: datetime) -> list[tuple[uuid.UUID, uuid.UUID]]:
        """Return (tenant, depot link) ids marked as connected whose process nobody has heard of since `moment`."""
        column = tables.depot_link.c
        rows = await self.session.fetch(select(column.tenant_id, column.id).where(column.connected.is_(True), column.seen_at < moment))
        return [(row[0], row[1]) for row in rows]

    async def api_key(self, key_hash: str) -> ApiKeyLogin | None:
        """Return the key with this hash unless it has been revoked; expiry is the caller's to check."""
        column = tables.api_key.c
        row = await self.session.fetch_one(
            select(column.tenant_id, column.name, column.scopes, column.expires_at, column.resource_group_id, column.id).where(
                column.key_hash == key_hash,
                column.revoked_at.is_(None),
                _active(column.tenant_id),
                ~_switched_off("public_api", column.tenant_id),
            )
        )
        return None if row is None else ApiKeyLogin(row[0], row[1], tuple(row[2]), row[3], row[4], row[5])

    async def ocpi_credential(self, token_hash: str) -> OcpiLogin | None:
        """Return the partner whose token has this hash unless it has been revoked."""
        column = tables.ocpi_credential.c
        row = await self.session.fetch_one(
            select(column.tenant_id, column.partner_name, column.id).where(
                column.token_hash == token_hash,
                column.revoked_at.is_(None),
                _active(column.tenant_id),
                ~_switched_off("roaming", column.tenant_id),
            )
        )
        return None if row is None else OcpiLogin(*row)

    async def grid_link(self, token_hash: str) -> LinkLogin | None:
        """Return the grid link whose token has this hash unless it is switched off."""
        column = tables.grid_link.c
        row = await self.session.fetch_one(
            select(column.tenant_id, column.id, column.kind, column.name).where(
                or_(column.token_hash == token_hash, column.next_token_hash == token_hash), column.enabled, _active(column.tenant_id)
            )
        )
        return None if row is None else LinkLogin(*row)

    async def due_grid_links(self, kinds: Collection[LinkKind], at: datetime) -> list[tuple[uuid.UUID, uuid.UUID]]:
        """Return (tenant, link) ids of the grid links of some kinds that are due to be called, the one due longest first."""
        column = tables.grid_link.c
        rows = await self.session.fetch(
            select(column.tenant_id, column.id)
            .where(column.enabled, column.due_at <= at, column.kind.in_(kinds), _active(column.tenant_id))
            .order_by(column.due_at, column.id)
        )
        return [(row[0], row[1]) for row in rows]

    async def impersonation(self, token_hash: str) -> ImpersonationLogin | None:
        """Return what a token of an impersonation stands for, unless that was ended; expiry is the caller's to check."""
        column = tables.impersonation.c
        row = await self.session.fetch_one(
            select(column.tenant_id, column.id, column.user_id, column.impersonator, column.expires_at).where(
                column.token_hash == token_hash, column.ended_at.is_(None), _active(column.tenant_id)
            )
        )
        return None if row is None else ImpersonationLogin(*row)

    async def tenant_of_impersonation(self, impersonation_id: uuid.UUID) -> uuid.UUID | None:
        """Return in which tenant an impersonation takes place."""
        column = tables.impersonation.c
        row = await self.session.fetch_one(select(column.tenant_id).where(column.id == impersonation_id))
        return None if row is None else row[0]

    async def tenant_id(self, slug: str) -> uuid.UUID | None:
        """Return the id of the tenant with this slug."""
        row = await self.session.fetch_one(select(tables.tenant.c.id).where(tables.tenant.c.slug == slug))
        return None if row is None else row[0]

    async def tenant_slugs(self) -> list[str]:
        """Return the slugs of all tenants."""
        return [row[0] for row in await self.session.fetch(select(tables.tenant.c.slug).order_by(tables.tenant.c.slug))]

    async def active_tenants(self) -> list[uuid.UUID]:
        """Return the ids of all tenants that are not suspended, oldest first."""
        column = tables.tenant.c
        return [row[0] for row in await self.session.fetch(select(column.id).where(column.suspended_at.is_(None)).order_by(column.id))]

    async def suspended_among(self, tenant_ids: Iterable[uuid.UUID]) -> set[uuid.UUID]:
        """Return those of some tenants that are suspended."""
        column = tables.tenant.c
        statement = select(column.id).where(column.id.in_(list(tenant_ids)), column.suspended_at.is_not(None))
        return {row[0] for row in await self.session.fetch(statement)}

    async def depots(self) -> list[DepotEntry]:
        """Return all depots that are not archived, of all tenants that are not suspended."""
        column = tables.depot.c
        in_service = column.archived_at.is_(None) & _active(column.tenant_id)
        rows = await self.session.fetch(select(column.tenant_id, column.id, column.name).where(in_service).order_by(column.id))
        return [DepotEntry(*row) for row in rows]

    async def silent_since(self, moment: datetime) -> list[tuple[uuid.UUID, uuid.UUID]]:
        """Return (tenant, charge point) ids marked as connected that nobody has heard of since `moment`."""
        column = tables.charge_point.c
        rows = await self.session.fetch(select(column.tenant_id, column.id).where(column.connected.is_(True), column.last_seen_at < moment))
        return [(row[0], row[1]) for row in rows]


def _active(tenant_id: ColumnElement[uuid.UUID]) -> ColumnElement[bool]:
    return exists(literal(1)).where(tables.tenant.c.id == tenant_id, tables.tenant.c.suspended_at.is_(None))


def _switched_off(flag: str, tenant_id: ColumnElement[uuid.UUID]) -> ColumnElement[bool]:
    column = tables.feature_flag.c
    return exists(literal(1)).where(column.tenant_id == tenant_id, column.name == flag, column.enabled.is_(False))
