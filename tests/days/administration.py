"""How the tenant is run: who may do what, keys and partners, settings, jobs that went well and badly, support that looked in."""

import itertools
import uuid
from collections.abc import Mapping
from contextlib import suppress
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from ampyard.domain.access import ROLE_SCOPES, Principal, PrincipalKind, Role
from ampyard.domain.errors import NotFoundError
from ampyard.domain.ids import new_id
from ampyard.domain.job_runs import JobRunState
from ampyard.domain.resource_groups import MemberKind
from ampyard.domain.tenants import NO_TENANT, Tenant
from ampyard.repositories.access import ResourceGroups, RoleGrants, Users
from ampyard.repositories.api_keys import ApiKeyRecords
from ampyard.repositories.depots import Depots
from ampyard.repositories.impersonations import Impersonations
from ampyard.repositories.job_runs import JobRuns
from ampyard.repositories.parties import OcpiCredentials, OcpiParties
from ampyard.repositories.vehicles import Vehicles
from ampyard.resolvers.ids import encode_id
from ampyard.services import api_keys, grants, impersonation, job_runs, parties, reports, resource_groups, settings, users
from ampyard.services.access import ApiKeys, Impersonating, UserGrants
from ampyard.services.api_keys import NewApiKey
from ampyard.services.grants import NewGrant
from ampyard.services.users import NewUser
from tests.fleet import user

if TYPE_CHECKING:
    from tests.busy import Busy

SUPPORT = Principal(NO_TENANT, "support", PrincipalKind.ADMINISTRATOR, ROLE_SCOPES[Role.SYSTEM_ADMINISTRATOR])
# The tenant is not suspended.
CONTRADICTED = {"resumeTenant"}
UNSET = {"Tenant.suspendedAt", "Tenant.suspendedReason"}
EMPTY = "Empty group"
_CHANGES = {"command_days_kept": 8, "alert_sender": "alerts@example.org"}
_WHY = "Ticket 4711: sees no vehicle."
# Party ids and the queue's numbers are unique over all tenants.
_numbers = itertools.count(1)


async def happen(busy: "Busy") -> None:
    number = next(_numbers)
    await _access(busy)
    await _keys(busy, number)
    await settings.update_settings(busy.backend, user(busy.tenant_id), version=0, changes=_CHANGES)
    await settings.set_feature_flag(busy.backend, user(busy.tenant_id), "roaming", enabled=True)
    await _jobs(busy, number)
    await _support(busy)


async def _access(busy: "Busy") -> None:
    backend, somebody, now = busy.backend, user(busy.tenant_id), busy.backend.clock()
    group = await resource_groups.create_group(backend, somebody, name="Night shift", description="Who drives at night.")
    vehicle = (await busy.all(Vehicles))[0].id
    point = busy.stations["CP-1"].charge_point_id
    members = [(MemberKind.VEHICLE, vehicle), (MemberKind.CHARGE_POINT, point)]
    await resource_groups.add_to_group(backend, somebody, group.id, members)
    await resource_groups.create_group(backend, somebody, name=EMPTY, parent_id=group.id)
    anna = await users.invite_user(backend, somebody, NewUser("anna", "Anna", "anna@example.org"))
    await grants.grant_role(backend, somebody, NewGrant(anna.id, Role.OWNER))
    viewer = await grants.grant_role(backend, somebody, NewGrant(anna.id, Role.VIEWER, group.id, now + timedelta(days=1)))
    await grants.revoke_grant(backend, somebody, viewer.id)
    gone = await users.invite_user(backend, somebody, NewUser("gone", "Gone"))
    await users.disable_user(backend, somebody, gone.id)
    await UserGrants(backend).granted(Principal(busy.tenant_id, "anna", PrincipalKind.USER, frozenset()))


async def _keys(busy: "Busy", number: int) -> None:
    backend, somebody, now = busy.backend, user(busy.tenant_id), busy.backend.clock()
    wanted = NewApiKey("dashboard", ("fleet:read",), expires_at=now + timedelta(days=365))
    _, secret = await api_keys.create_api_key(backend, somebody, wanted)
    await ApiKeys(backend).principal(secret)
    revoked, _ = await api_keys.create_api_key(backend, somebody, NewApiKey("old dashboard", ("fleet:read",)))
    await api_keys.revoke_api_key(backend, somebody, revoked.id)
    group = (await busy.all(ResourceGroups))[0].id
    await api_keys.create_api_key(backend, somebody, NewApiKey("North's dashboard", ("fleet:read",), group))
    await parties.create_party(backend, somebody, country_code="SE", party_id=f"{number:03}", name="Busy in Sweden")
    credential, _ = await parties.create_credential(backend, somebody, partner_name="Old partner")
    await parties.revoke_credential(backend, somebody, credential.id)


async def _jobs(busy: "Busy", number: int) -> None:
    async with job_runs.noted(busy.backend, busy.tenant_id, "retention"):
        pass
    given = {"tenant_id": str(busy.tenant_id), "depot_id": "gone", "day": "2026-11-01"}
    with suppress(NotFoundError):
        async with job_runs.noted(busy.backend, busy.tenant_id, "daily_energy", payload=given, queue_id=-number):
            await reports.write_daily_energy(busy.backend, busy.tenant_id, new_id(), date(2026, 11, 1))


async def _support(busy: "Busy") -> None:
    anna = next(one for one in await busy.all(Users) if one.subject == "anna")
    for _ in range(2):
        begun, token = await impersonation.start_impersonation(
            busy.backend, SUPPORT, tenant_id=busy.tenant_id, user_id=anna.id, reason=_WHY, minutes=30
        )
        await Impersonating(busy.backend).principal(token)
        if not await _ended(busy):
            await impersonation.end_impersonation(busy.backend, SUPPORT, begun.id)


async def _ended(busy: "Busy") -> bool:
    return any(one.ended_at is not None for one in await busy.all(Impersonations))


async def valid_inputs(busy: "Busy") -> Mapping[str, dict[str, Any]]:
    """Return arguments with which each root field of administration would do something."""
    known = await _known(busy)
    return {name: {"input": given} for name, given in _inputs(known).items()} | {
        "effectivePermissions": {"userId": known["user"], "resourceId": known["depot"]},
    }


async def foreign_inputs(busy: "Busy", twin: "Busy") -> Mapping[tuple[str, str], dict[str, Any]]:
    """Return, for each id that a mutation takes, an input that would do something if only that id were not the other's."""
    own, other = await _known(busy), await _known(twin)
    theirs = {own[what]: other[what] for what in own}
    found = {}
    for name, given in _inputs(own).items():
        for key, value in given.items():
            if key == "memberIds":
                found[name, key] = given | {key: [*value[:-1], other["vehicle"]]}
            elif isinstance(value, str) and value in theirs:
                found[name, key] = given | {key: theirs[value]}
    return found


async def _known(busy: "Busy") -> dict[str, str]:
    """Return ids by what mutations want of what they name."""
    of_users = {one.subject: one for one in await busy.all(Users)}
    groups = {one.name: one for one in await busy.all(ResourceGroups)}
    in_force = next(one for one in await busy.all(RoleGrants) if one.revoked_at is None and one.role is not Role.OWNER)
    failed = next(one for one in await busy.all(JobRuns) if one.state is JobRunState.FAILED)
    found: dict[str, Any] = {
        "user": next(one for one in of_users.values() if one.subject not in {"anna", "gone"}),
        "disabled": of_users["gone"],
        "group": groups["Night shift"],
        "empty": groups[EMPTY],
        "top": next(one for one in groups.values() if one.parent_id is None and one.name != "Night shift"),
        "grant": in_force,
        "depot": (await busy.all(Depots))[0],
        "vehicle": (await busy.all(Vehicles))[-1],
        "key": next(one for one in await busy.all(ApiKeyRecords) if one.revoked_at is None),
        "party": (await busy.all(OcpiParties))[-1],
        "credential": next(one for one in await busy.all(OcpiCredentials) if one.revoked_at is None),
        "run": failed,
        "impersonation": next(one for one in await busy.all(Impersonations) if one.ended_at is None),
    }
    return {name: str(encode_id(type(one), one.id)) for name, one in found.items()} | {"tenant": encode_id(Tenant, busy.tenant_id)}


def _inputs(known: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    name = f"new-{uuid.uuid4().hex[:8]}"
    members = {"resourceGroupId": known["empty"], "memberIds": [known["depot"], known["vehicle"]]}
    return {
        "inviteUser": {"subject": name, "name": "New"},
        "editUser": {"userId": known["user"], "name": "Renamed"},
        "disableUser": {"userId": known["user"]},
        "enableUser": {"userId": known["disabled"]},
        "grantRole": {"userId": known["user"], "role": "VIEWER", "resourceGroupId": known["empty"]},
        "revokeGrant": {"roleGrantId": known["grant"]},
        "createResourceGroup": {"name": name, "parentId": known["group"]},
        "editResourceGroup": {"resourceGroupId": known["group"], "name": name},
        "moveResourceGroup": {"resourceGroupId": known["empty"], "parentId": known["top"]},
        "removeResourceGroup": {"resourceGroupId": known["empty"]},
        "addToResourceGroup": members,
        "removeFromResourceGroup": members | {"resourceGroupId": known["group"]},
        "createApiKey": {"name": name, "scopes": ["fleet:read"], "resourceGroupId": known["group"]},
        "renameApiKey": {"apiKeyId": known["key"], "name": name},
        "revokeApiKey": {"apiKeyId": known["key"]},
        "createOcpiParty": {"countryCode": "FI", "partyId": name[-3:].upper(), "name": "New"},
        "editOcpiParty": {"ocpiPartyId": known["party"], "name": name},
        "removeOcpiParty": {"ocpiPartyId": known["party"]},
        "createOcpiCredential": {"partnerName": name},
        "renameOcpiCredential": {"ocpiCredentialId": known["credential"], "partnerName": name},
        "revokeOcpiCredential": {"ocpiCredentialId": known["credential"]},
        "updateSettings": {"currency": "SEK"},
        "setFeatureFlag": {"name": "roaming", "enabled": False},
        "retryJob": {"jobRunId": known["run"]},
        "createTenant": {"slug": name, "name": "New", "ownerSubject": "anna", "ownerName": "Anna"},
        "editTenant": {"tenantId": known["tenant"], "name": name},
        "suspendTenant": {"tenantId": known["tenant"], "reason": "Does not pay."},
        "resumeTenant": {"tenantId": known["tenant"]},
        "startImpersonation": {"tenantId": known["tenant"], "userId": known["user"], "reason": _WHY, "minutes": 5},
        "endImpersonation": {"impersonationId": known["impersonation"]},
    }
