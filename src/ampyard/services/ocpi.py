"""What roaming partners may do: say who they are, and read the tenant's Locations."""

import uuid

from ampyard.domain.access import Principal, PrincipalKind, Scope
from ampyard.domain.locations import Location
from ampyard.domain.paging import ChangedPage, ChangedRequest
from ampyard.domain.roaming.partners import OcpiPartner, PeerSwitches, RegistrationState, TokenKind
from ampyard.repositories.directory import Directory
from ampyard.repositories.locations import Locations
from ampyard.services.backend import Backend
from ampyard.services.secrets import hash_key

_REQUESTS_PER_MINUTE = 6000


async def authenticate(backend: Backend, token: str) -> tuple[OcpiPartner, TokenKind, Principal] | None:
    """Return the partner whose credentials token this is, bound to the tenant that issued it; `None` if nobody's or revoked."""
    async with backend.database.system_snapshot() as snapshot:
        login = await Directory(snapshot).ocpi_credential(hash_key(token))
    if login is None:
        return None
    now = backend.clock()
    partner = OcpiPartner(
        id=login.credential_id,
        tenant_id=login.tenant_id,
        name=login.partner_name,
        state=RegistrationState.REGISTERED,
        version=None,
        versions_url=None,
        parties=(),
        endpoints=(),
        requests_per_minute=_REQUESTS_PER_MINUTE,
        author=None,
        registered_at=None,
        created_at=now,
        updated_at=now,
        switches=PeerSwitches(accept_plain_tokens=True),
    )
    return partner, TokenKind.MANUAL, Principal(login.tenant_id, login.partner_name, PrincipalKind.PARTY, frozenset({Scope.FLEET_READ}))


async def locations(backend: Backend, partner: Principal, request: ChangedRequest) -> ChangedPage[Location]:
    """Return one slice of the Locations of the partner's tenant."""
    async with backend.database.snapshot(partner.tenant_id) as snapshot:
        return await Locations(snapshot).page(request)


async def location(backend: Backend, partner: Principal, location_id: uuid.UUID) -> Location | None:
    """Return one Location of the partner's tenant; `None` if it does not exist or is another tenant's."""
    async with backend.database.snapshot(partner.tenant_id) as snapshot:
        return await Locations(snapshot).by_id(location_id)
