"""What is said on grid links: whose token it is, when somebody was heard, what is kept of it, and which links are due to be called."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from ampyard.domain.access import Principal, PrincipalKind, Scope, system_principal
from ampyard.domain.grid_links import GridLink, LinkKind, retry_after
from ampyard.domain.grid_messages import GridMessage, MessageDirection
from ampyard.domain.ids import new_id
from ampyard.repositories.directory import Directory
from ampyard.repositories.egress import Egress
from ampyard.repositories.grid_links import GridLinks, GridMessages, claim, locked_secret
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.services.backend import Backend
from ampyard.services.grid_signals import announce
from ampyard.services.secrets import hash_key

# Longer than any round of calls takes; should the process end meanwhile, another takes the link after that.
LEASE = timedelta(minutes=2)
_ERROR_LENGTH = 500


@dataclass(frozen=True, slots=True)
class LinkCaller:
    """Who comes with a link's token: the other side, who may tell of this one link."""

    link_id: uuid.UUID
    kind: LinkKind
    principal: Principal
    token_hash: str


@dataclass(frozen=True, slots=True)
class Said:
    """A message as it is to be kept; `body` must have no token in it."""

    direction: MessageDirection
    name: str
    status: int | None = None
    error: str | None = None
    body: Mapping[str, Any] | None = None
    request_id: str | None = None
    correlation_id: str | None = None


async def caller_of_token(backend: Backend, token: str) -> LinkCaller | None:
    """Return whose token this is; `None` if nobody's, or of a link that is switched off."""
    async with backend.database.system_snapshot() as snapshot:
        login = await Directory(snapshot).grid_link(hash_key(token))
    if login is None:
        return None
    principal = Principal(login.tenant_id, login.name, PrincipalKind.PARTY, frozenset({Scope.FLEET_READ, Scope.TELEMETRY_WRITE}))
    return LinkCaller(login.link_id, login.kind, principal, hash_key(token))


async def heard(work: UnitOfWork, link: GridLink, *, until: datetime | None = None, **more: Any) -> GridLink:
    """Note that the other side of a link was heard, and until when that holds at most; one that was lost is not any more.

    `more` are further columns that change with it.
    """
    silent_from = link.silent_from(work.now)
    changes = {"heard_at": work.now, "lost_at": silent_from if until is None else min(until, silent_from), **more}
    await work.change(GridLinks, link.id, **changes)
    if link.lost_at <= work.now:
        # Its fall-back counts no longer.
        announce(work, link.depot_id)
    return replace(link, **{name: value for name, value in changes.items() if hasattr(link, name)})


async def keep(work: UnitOfWork, link: GridLink, *said: Said) -> None:
    """Keep messages of a link, in their order."""
    messages = [
        GridMessage(
            id=new_id(),
            tenant_id=link.tenant_id,
            depot_id=link.depot_id,
            link_id=link.id,
            at=work.now,
            direction=it.direction,
            name=it.name,
            request_id=it.request_id,
            correlation_id=it.correlation_id,
            status=it.status,
            error=None if it.error is None else it.error[:_ERROR_LENGTH],
            body=None if it.body is None else dict(it.body),
        )
        for it in said
    ]
    if messages:
        await work.add(GridMessages, *messages)


async def was_taken(work: UnitOfWork, link: GridLink, request_id: str | None) -> bool:
    """Tell whether a request has been taken in before: sent again, it is answered again and done once."""
    if request_id is None:
        return False
    column = GridMessages.table.c
    conditions = (column.link_id == link.id, column.request_id == request_id, column.direction == MessageDirection.IN)
    return bool(await GridMessages(work.session).count(*conditions))


async def due_links(backend: Backend, kinds: frozenset[LinkKind]) -> list[tuple[uuid.UUID, uuid.UUID]]:
    """Return (tenant, link) ids of the links of some kinds that are due to be called, of all tenants that are not suspended."""
    async with backend.database.system_snapshot() as snapshot:
        return await Directory(snapshot).due_grid_links(kinds, backend.clock())


async def take(backend: Backend, tenant_id: uuid.UUID, link_id: uuid.UUID) -> tuple[GridLink, str | None] | None:
    """Take a link that is due, so that no other process calls there meanwhile; returns it with what we come with there, unlocked.

    None: another has it, or it is not due any more.
    """
    async with backend.unit_of_work(system_principal(tenant_id, "grid")) as work:
        link = await claim(work.session, link_id, at=work.now, until=work.now + LEASE)
        if link is None:
            return None
        secret = unlocked(backend, link.id, await locked_secret(work.session, link.id))
        await work.commit()
    return link, secret


async def called(backend: Backend, link: GridLink, *said: Said, due_at: datetime, **changes: Any) -> None:
    """Note a round of calls that went well, and when the next is due; `changes` are columns that change with it."""
    async with backend.unit_of_work(system_principal(link.tenant_id, "grid")) as work:
        await keep(work, link, *said)
        await work.change(GridLinks, link.id, due_at=due_at, called_at=work.now, failures=0, error=None, **changes)
        await work.commit()


async def failed(backend: Backend, link: GridLink, error: str, *said: Said, **changes: Any) -> datetime:
    """Note a round of calls that failed, and leave the other side alone for a while; returns until when.

    `changes` are columns that changed before it failed.
    """
    async with backend.unit_of_work(system_principal(link.tenant_id, "grid")) as work:
        failures = link.failures + 1
        due_at = work.now + retry_after(failures)
        await keep(work, link, *said)
        await work.change(GridLinks, link.id, due_at=due_at, failures=failures, error=error[:_ERROR_LENGTH], **changes)
        await work.commit()
    return due_at


def unlocked(backend: Backend, link_id: uuid.UUID, locked: str | None) -> str | None:
    """Return what we come with on a link; None where there is nothing, or where it cannot be read any more."""
    if locked is None or backend.notifier is None:
        return None
    try:
        return backend.notifier.vault.unlock(locked, str(link_id))
    except ValueError:
        return None


def egress(backend: Backend) -> Egress:
    """Return what calls other sides: whom webhooks may reach, and nobody else."""
    return Egress(private_allowed=backend.notifier is not None and backend.notifier.webhooks.private_allowed)
