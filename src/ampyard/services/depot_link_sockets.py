"""What the other ends of depot links tell by being there: who logs in, whose socket is open, what was said."""

import logging
import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from ampyard.domain.access import system_principal
from ampyard.domain.depot_links import DepotLink, LinkMessage, PresystemKind
from ampyard.domain.errors import NotFoundError
from ampyard.domain.events import Event, EventKind
from ampyard.repositories.depot_links import DepotLinks, LinkMessages, mark_gone, note_presence
from ampyard.repositories.directory import Directory
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.services.backend import Backend
from ampyard.services.secrets import NO_PASSWORD, verify_password

_log = logging.getLogger(__name__)

# Whoever's process has not been heard of for so long has no socket any more.
SILENCE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class LinkedSystem:
    """A depot management system on the line: over which link, and over which socket."""

    tenant_id: uuid.UUID
    link_id: uuid.UUID
    identity: str
    socket_id: uuid.UUID


def system_work(backend: Backend, system: LinkedSystem) -> UnitOfWork:
    """Return a unit of work for what a depot management system says."""
    return backend.unit_of_work(system_principal(system.tenant_id, "vdv463"))


async def log_in(backend: Backend, identity: str, password: str) -> tuple[uuid.UUID, uuid.UUID] | None:
    """Return (tenant, link) whose credentials these are, or `None`; several tenants may use the same identity, the password decides.

    An identity that nobody has takes as long to refuse as a wrong password.
    """
    async with backend.database.system_snapshot() as snapshot:
        logins = await Directory(snapshot).depot_link_logins(identity)
    if not logins:
        await verify_password(password, NO_PASSWORD)
    fitting = [login for login in logins if await verify_password(password, login.password_hash)]
    if len(fitting) > 1:
        _log.error("Depot link %s: identity and password fit %d tenants; refused. Rotate one of the passwords.", identity, len(fitting))
    return (fitting[0].tenant_id, fitting[0].link_id) if len(fitting) == 1 else None


async def connected(backend: Backend, system: LinkedSystem, subprotocol: str) -> None:
    """Record that the other end is on the line; an older socket of the same link is told to close.

    Raises:
        NotFoundError: the link has been removed or disabled meanwhile.
    """
    async with system_work(backend, system) as work:
        link = await _live(work, system)
        await work.change(
            DepotLinks,
            link.id,
            connected=True,
            connected_at=work.now,
            socket_id=system.socket_id,
            subprotocol=subprotocol,
            booted_at=None,
            seen_at=work.now,
            updated_at=work.now,
        )
        work.publish(Event(EventKind.DEPOT_LINK_UPDATED, link.id, link.depot_id))
        await work.commit()


async def disconnected(backend: Backend, system: LinkedSystem) -> None:
    """Record that a socket has closed, unless a newer one has taken its place."""
    async with system_work(backend, system) as work:
        depot_id = await mark_gone(work.session, system.link_id, at=work.now, socket_id=system.socket_id)
        if depot_id is not None:
            work.publish(Event(EventKind.DEPOT_LINK_UPDATED, system.link_id, depot_id))
        await work.commit()


async def booted(backend: Backend, system: LinkedSystem, presystem: PresystemKind, presystem_id: str) -> DepotLink:
    """Record what has booted at the other end, and what it calls itself. Raises `NotFoundError` where the link is no more."""
    async with system_work(backend, system) as work:
        link = await _live(work, system)
        values: dict[str, Any] = {"presystem": presystem, "presystem_id": presystem_id, "booted_at": work.now, "message_at": work.now}
        await work.change(DepotLinks, link.id, **values, updated_at=work.now)
        work.publish(Event(EventKind.DEPOT_LINK_UPDATED, link.id, link.depot_id))
        await work.commit()
    return link


async def seen(backend: Backend, systems: Iterable[LinkedSystem]) -> set[LinkedSystem]:
    """Record that these are still on the line; returns those that are to be let go: replaced by a newer socket, disabled or removed."""
    by_tenant: dict[uuid.UUID, list[LinkedSystem]] = defaultdict(list)
    for system in systems:
        by_tenant[system.tenant_id].append(system)
    gone: set[LinkedSystem] = set()
    for tenant_id, here in by_tenant.items():
        async with backend.unit_of_work(system_principal(tenant_id, "vdv463")) as work:
            holders = await note_presence(work.session, [system.link_id for system in here], at=work.now)
            await work.commit()
        gone |= {system for system in here if holders.get(system.link_id) != system.socket_id}
    return gone


async def sweep_silent(backend: Backend) -> int:
    """Mark links as not connected whose process died without a goodbye; returns how many."""
    async with backend.database.system_snapshot() as snapshot:
        silent = await Directory(snapshot).depot_links_silent_since(backend.clock() - SILENCE)
    for tenant_id, link_id in silent:
        async with backend.unit_of_work(system_principal(tenant_id, "sweeper")) as work:
            depot_id = await mark_gone(work.session, link_id, at=work.now, silent_since=work.now - SILENCE)
            if depot_id is not None:
                work.publish(Event(EventKind.DEPOT_LINK_UPDATED, link_id, depot_id))
            await work.commit()
    return len(silent)


async def keep_messages(backend: Backend, tenant_id: uuid.UUID, messages: Iterable[LinkMessage]) -> None:
    """Keep messages of links of one tenant, as they were on the wire."""
    async with backend.unit_of_work(system_principal(tenant_id, "vdv463")) as work:
        await work.add(LinkMessages, *messages)
        await work.commit()


async def _live(work: UnitOfWork, system: LinkedSystem) -> DepotLink:
    link = await work.lock(DepotLinks, system.link_id)
    if link is None or link.removed_at is not None or not link.enabled:
        raise NotFoundError(f"The link {system.identity} has been removed or disabled.")
    return link
