"""API keys of the public graph: made and shown once, renamed, revoked."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from ampyard.domain.access import SYSTEM_WIDE, TENANT_WIDE, Principal, Scope
from ampyard.domain.api_keys import ApiKey
from ampyard.domain.errors import ConflictError, ForbiddenError, Problems
from ampyard.domain.events import Event, EventKind
from ampyard.domain.ids import new_id
from ampyard.repositories.access import ResourceGroups
from ampyard.repositories.api_keys import ApiKeyRecords
from ampyard.services.backend import Backend
from ampyard.services.secrets import hash_key, new_key

_NAME_LENGTH = 100
_SHOWN = 9  # `ampk_` and four characters: enough to tell keys apart, far too few to guess the rest


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """What is asked for: a key with these scopes, as `Scope` prints them, maybe for a resource group alone, maybe until a moment."""

    name: str
    scopes: tuple[str, ...]
    resource_group_id: uuid.UUID | None = None
    expires_at: datetime | None = None


async def create_api_key(backend: Backend, principal: Principal, wanted: NewApiKey) -> tuple[ApiKey, str]:
    """Make a key; returns it with its secret, which is not kept and cannot be shown again.

    Raises:
        ForbiddenError: the principal lacks `keys:write`, or one of the scopes that the key is to have.
        InvalidInputError: the name, a scope or the end is wrong.
        NotFoundError: there is no such resource group.
    """
    principal.require(Scope.KEYS_WRITE)
    async with backend.unit_of_work(principal, Scope.KEYS_WRITE) as work:
        scopes = _checked(wanted, work.now)
        _check_held(principal, scopes, wanted.resource_group_id)
        if wanted.resource_group_id is not None:
            await work.require(ResourceGroups, wanted.resource_group_id, "resource group")
        secret = new_key("ampk")
        key = ApiKey(
            id=new_id(),
            tenant_id=work.tenant_id,
            name=wanted.name.strip(),
            prefix=secret[:_SHOWN],
            scopes=sorted(scope.value for scope in scopes),
            resource_group_id=wanted.resource_group_id,
            author=principal.author,
            created_at=work.now,
            expires_at=wanted.expires_at,
            revoked_at=None,
            last_used_at=None,
        )
        await work.add(ApiKeyRecords, key, key_hash=hash_key(secret))
        await work.audit("api_key.create", "api_key", key.id, name=key.name, prefix=key.prefix, scopes=key.scopes, **_limits(key))
        # Not the secret: whoever repeats the request gets the key without it, for it is kept nowhere.
        work.answers(api_key=key)
        await work.commit()
    return key, secret


async def rename_api_key(backend: Backend, principal: Principal, key_id: uuid.UUID, *, name: str) -> ApiKey:
    """Give a key another name.

    Raises:
        ForbiddenError: the principal lacks `keys:write`.
        NotFoundError: there is no such key.
        InvalidInputError: the name is empty or too long.
    """
    principal.require(Scope.KEYS_WRITE)
    problems = Problems()
    _check_name(problems, name)
    problems.raise_any()
    async with backend.unit_of_work(principal, Scope.KEYS_WRITE) as work:
        key = await work.require(ApiKeyRecords, key_id, "API key")
        renamed = replace(key, name=name.strip())
        await work.change(ApiKeyRecords, key_id, name=renamed.name)
        await work.audit("api_key.rename", "api_key", key_id, name=renamed.name, before=key.name)
        work.answers(api_key=renamed)
        await work.commit()
    return renamed


async def revoke_api_key(backend: Backend, principal: Principal, key_id: uuid.UUID) -> ApiKey:
    """Have a key refused from now on, everywhere within seconds; its open subscriptions end.

    Raises:
        ForbiddenError: the principal lacks `keys:write`.
        NotFoundError: there is no such key.
        ConflictError: it is revoked already.
    """
    principal.require(Scope.KEYS_WRITE)
    async with backend.unit_of_work(principal, Scope.KEYS_WRITE) as work:
        key = await work.require(ApiKeyRecords, key_id, "API key")
        if key.revoked_at is not None:
            raise ConflictError(f"The key is revoked since {key.revoked_at.isoformat()}.", ("input", "apiKeyId"))
        revoked = replace(key, revoked_at=work.now)
        await work.change(ApiKeyRecords, key_id, revoked_at=work.now)
        await work.audit("api_key.revoke", "api_key", key_id, name=key.name, prefix=key.prefix)
        work.publish(Event(EventKind.ACCESS_CHANGED, key_id))
        work.answers(api_key=revoked)
        await work.commit()
    return revoked


def _checked(wanted: NewApiKey, now: datetime) -> frozenset[Scope]:
    problems = Problems()
    _check_name(problems, wanted.name)
    known = {scope.value: scope for scope in Scope if scope not in SYSTEM_WIDE}
    unknown = [scope for scope in wanted.scopes if scope not in known]
    problems.check(not unknown, f"There is no scope {', '.join(unknown)[:200]}; known: {', '.join(known)}.", "input", "scopes")
    problems.check(bool(wanted.scopes), "A key without a scope opens nothing; give at least one, such as fleet:read.", "input", "scopes")
    if wanted.expires_at is not None:
        message = f"expiresAt {wanted.expires_at.isoformat()} is in the past; now is {now.isoformat()}."
        problems.check(wanted.expires_at > now, message, "input", "expiresAt")
    scopes = frozenset(known[scope] for scope in wanted.scopes if scope in known)
    if wanted.resource_group_id is not None and (whole := scopes & TENANT_WIDE):
        names = ", ".join(sorted(scope.value for scope in whole))
        problems.add(f"{names}: these are about the tenant as a whole; a key of a resource group cannot have them.", "input", "scopes")
    problems.raise_any()
    return scopes


def _check_name(problems: Problems, name: str) -> None:
    length = len(name.strip())
    problems.check(1 <= length <= _NAME_LENGTH, f"The name has {length} characters; give 1 to {_NAME_LENGTH}.", "input", "name")


def _check_held(principal: Principal, scopes: Iterable[Scope], group: uuid.UUID | None) -> None:
    lacking = sorted(scope.value for scope in scopes if not principal.holds(scope, group))
    if lacking:
        raise ForbiddenError(f"A key can do no more than who makes it: {principal.author} does not have {', '.join(lacking)} there.")


def _limits(key: ApiKey) -> dict[str, Any]:
    group: dict[str, Any] = {} if key.resource_group_id is None else {"resource_group_id": str(key.resource_group_id)}
    return group | ({} if key.expires_at is None else {"expires_at": key.expires_at.isoformat()})
