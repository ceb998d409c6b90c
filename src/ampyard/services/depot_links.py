"""Links to depot management systems, as administrators make, change and remove them. A password is told once, and kept as a hash alone."""

import asyncio
import re
import uuid
from dataclasses import replace
from typing import Any

from ampyard.domain.access import Principal, Scope
from ampyard.domain.depot_links import DepotLink, PriorityBands
from ampyard.domain.errors import ConflictError, InvalidInputError
from ampyard.domain.events import Event, EventKind
from ampyard.domain.ids import new_id
from ampyard.domain.texts import checked_text
from ampyard.repositories.charging_requests import ChargingRequests
from ampyard.repositories.depot_links import DepotLinks
from ampyard.repositories.depots import Depots
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.services.backend import Backend
from ampyard.services.charging_requests import withdraw_all
from ampyard.services.secrets import hash_password, new_key

# Part of an address, and user name of HTTP basic authentication, which a colon would end (RFC 7617, 2).
_IDENTITY = re.compile(r"[A-Za-z0-9._-]{1,64}")
_NAME_LENGTH = 100


async def create_link(
    backend: Backend, principal: Principal, depot_id: uuid.UUID, *, name: str, identity: str, bands: PriorityBands
) -> tuple[DepotLink, str]:
    """Let a depot management system speak for a depot; returns the link, and the password that it logs in with.

    Raises:
        ForbiddenError: the principal lacks `depots:write`, or has it not for the depot.
        NotFoundError: there is no such depot.
        InvalidInputError: name or identity are not what they can be.
        ConflictError: the depot is archived, or another link has this identity.
    """
    principal.require(Scope.DEPOTS_WRITE)
    if not _IDENTITY.fullmatch(identity):
        message = f"{identity[:80]!r} is no identity; give 1 to 64 letters, digits and any of - _ and the full stop."
        raise InvalidInputError(message, ("input", "identity"))
    name = checked_text(name, "name", at_most=_NAME_LENGTH)
    password, password_hash = await _new_password()
    async with backend.unit_of_work(principal, Scope.DEPOTS_WRITE) as work:
        depot = await work.require(Depots, depot_id, "depot")
        if depot.archived_at is not None:
            raise ConflictError(f"{depot.name} is archived; nothing new is taken in there.", ("input", "depotId"))
        async with work.whole_tenant():
            if await DepotLinks(work.session).with_identity(identity) is not None:
                raise ConflictError(f"Another link has the identity {identity!r}; give another one.", ("input", "identity"))
        link = DepotLink(
            id=new_id(),
            tenant_id=work.tenant_id,
            depot_id=depot.id,
            name=name,
            identity=identity,
            enabled=True,
            normal_from=bands.normal_from,
            high_from=bands.high_from,
            critical_from=bands.critical_from,
            presystem=None,
            presystem_id=None,
            subprotocol=None,
            connected=False,
            connected_at=None,
            socket_id=None,
            booted_at=None,
            message_at=None,
            listed_at=None,
            removed_at=None,
            author=principal.author,
            created_at=work.now,
            updated_at=work.now,
        )
        await work.add(DepotLinks, link, password_hash=password_hash)
        await _told(work, link, "create", identity=identity, depot_id=str(depot.id))
        work.answers(depot_link=link)
        await work.commit()
    return link, password


async def edit_link(
    backend: Backend,
    principal: Principal,
    link_id: uuid.UUID,
    *,
    name: str | None = None,
    enabled: bool | None = None,
    bands: PriorityBands | None = None,
) -> DepotLink:
    """Change a link; `None` leaves as it is. A disabled one loses its socket, and what it asked for stays in force.

    New bands count for requests from the next list on.

    Raises:
        ForbiddenError: the principal lacks `depots:write`, or may only see it.
        NotFoundError: there is no such link.
        InvalidInputError: the name is not what it can be.
        ConflictError: it has been removed.
    """
    principal.require(Scope.DEPOTS_WRITE)
    async with backend.unit_of_work(principal, Scope.DEPOTS_WRITE) as work:
        link = await _known(work, link_id)
        values: dict[str, Any] = {}
        if name is not None:
            values["name"] = checked_text(name, "name", at_most=_NAME_LENGTH)
        if enabled is not None:
            values["enabled"] = enabled
        if bands is not None:
            values |= {field: getattr(bands, field) for field in ("normal_from", "high_from", "critical_from")}
        changed = replace(link, **values, updated_at=work.now)
        await work.change(DepotLinks, link.id, **values, updated_at=work.now)
        await _told(work, changed, "edit", **values)
        work.answers(depot_link=changed)
        await work.commit()
    return changed


async def rotate_password(backend: Backend, principal: Principal, link_id: uuid.UUID) -> tuple[DepotLink, str]:
    """Give a link a new password for its next login; returns it. An open socket stays open.

    Raises:
        ForbiddenError: the principal lacks `depots:write`, or may only see it.
        NotFoundError: there is no such link.
        ConflictError: it has been removed.
    """
    principal.require(Scope.DEPOTS_WRITE)
    password, password_hash = await _new_password()
    async with backend.unit_of_work(principal, Scope.DEPOTS_WRITE) as work:
        link = replace(await _known(work, link_id), updated_at=work.now)
        await work.change(DepotLinks, link.id, password_hash=password_hash, updated_at=work.now)
        await _told(work, link, "rotate_password")
        # Not the password: whoever repeats the request is not told it again.
        work.answers(depot_link=link)
        await work.commit()
    return link, password


async def remove_link(backend: Backend, principal: Principal, link_id: uuid.UUID) -> DepotLink:
    """Remove a link for good: its socket is closed, and all that it asked for is withdrawn.

    Raises:
        ForbiddenError: the principal lacks `depots:write`, or may only see it.
        NotFoundError: there is no such link.
        ConflictError: it has been removed already.
    """
    principal.require(Scope.DEPOTS_WRITE)
    async with backend.unit_of_work(principal, Scope.DEPOTS_WRITE) as work:
        link = replace(await _known(work, link_id), removed_at=work.now, enabled=False, updated_at=work.now)
        await work.change(DepotLinks, link.id, removed_at=work.now, enabled=False, updated_at=work.now)
        async with work.whole_tenant():
            asked = await ChargingRequests(work.session).of_link(link.id)
        await withdraw_all(work, asked, by=principal.author)
        await _told(work, link, "remove", withdrawn=len(asked))
        work.wake_planner(link.depot_id)
        work.answers(depot_link=link)
        await work.commit()
    return link


async def _new_password() -> tuple[str, str]:
    password = new_key("dml")
    return password, await asyncio.to_thread(hash_password, password)


async def _known(work: UnitOfWork, link_id: uuid.UUID) -> DepotLink:
    link = await work.require(DepotLinks, link_id, "depot link")
    if link.removed_at is not None:
        raise ConflictError(f"It was removed at {link.removed_at.isoformat()}; make a new one.", ("input", "depotLinkId"))
    return link


async def _told(work: UnitOfWork, link: DepotLink, deed: str, **detail: Any) -> None:
    await work.audit(f"depot_link.{deed}", "depot_link", link.id, **detail)
    work.publish(Event(EventKind.DEPOT_LINK_UPDATED, link.id, link.depot_id))
