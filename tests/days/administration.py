"""How the tenant is run: settings and flags that differ, keys and partners, jobs that went well and badly, support that looked in."""

import itertools
from contextlib import suppress
from datetime import date
from typing import TYPE_CHECKING

from ampyard.domain.access import ROLE_SCOPES, Principal, PrincipalKind, Role
from ampyard.domain.errors import NotFoundError
from ampyard.domain.ids import new_id
from ampyard.domain.tenants import NO_TENANT
from ampyard.repositories.access import Users
from ampyard.services import api_keys, impersonation, job_runs, parties, reports, settings
from ampyard.services.access import Impersonating
from ampyard.services.api_keys import NewApiKey
from tests.fleet import user

if TYPE_CHECKING:
    from tests.busy import Busy

SUPPORT = Principal(NO_TENANT, "support", PrincipalKind.ADMINISTRATOR, ROLE_SCOPES[Role.SYSTEM_ADMINISTRATOR])
_CHANGES = {"reserve_soc_percent": 25.0, "alert_sender": "alerts@example.org"}
# Party ids and the queue's numbers are unique over all tenants.
_numbers = itertools.count(1)


async def happen(busy: "Busy") -> None:
    backend, somebody = busy.backend, user(busy.tenant_id)
    await settings.update_settings(
        backend, somebody, version=0, changes={"reserve_soc_percent": 25.0, "alert_sender": "alerts@example.org"}
    )
    await settings.set_feature_flag(backend, somebody, "alert_webhooks", enabled=False)
    await api_keys.create_api_key(backend, somebody, NewApiKey("dashboard", ("fleet:read",)))
    revoked, _ = await api_keys.create_api_key(backend, somebody, NewApiKey("old dashboard", ("fleet:read",)))
    await api_keys.revoke_api_key(backend, somebody, revoked.id)
    number = next(_numbers)
    await parties.create_party(backend, somebody, country_code="SE", party_id=f"{number:03}", name="Busy in Sweden")
    credential, _ = await parties.create_credential(backend, somebody, partner_name="Old partner")
    await parties.revoke_credential(backend, somebody, credential.id)
    await _jobs(busy, number)
    await _support(busy)


async def _jobs(busy: "Busy", number: int) -> None:
    async with job_runs.noted(busy.backend, busy.tenant_id, "retention"):
        pass
    given = {"tenant_id": str(busy.tenant_id), "depot_id": "gone", "day": "2026-11-01"}
    with suppress(NotFoundError):
        async with job_runs.noted(busy.backend, busy.tenant_id, "daily_energy", payload=given, queue_id=-number):
            await reports.write_daily_energy(busy.backend, busy.tenant_id, new_id(), date(2026, 11, 1))


async def _support(busy: "Busy") -> None:
    for somebody in await busy.all(Users):
        begun, token = await impersonation.start_impersonation(
            busy.backend, SUPPORT, tenant_id=busy.tenant_id, user_id=somebody.id, reason="Ticket 4711: sees no vehicle.", minutes=30
        )
        await Impersonating(busy.backend).principal(token)
        await impersonation.end_impersonation(busy.backend, SUPPORT, begun.id)
