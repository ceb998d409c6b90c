"""OSCP 2.0 as flexibility provider: what the capacity provider tells us, and what we owe it.

The capacity provider (CP) registers with the token that was handed over; we register back with a token of our own making. It then says how
it wants to be treated (handshake), sends heartbeats and capacity forecasts; we answer with heartbeats, measurements, and with what we
cannot comply with.
"""

import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ampyard.domain.access import Principal, Scope, system_principal
from ampyard.domain.errors import ConflictError, InvalidInputError, NotFoundError
from ampyard.domain.grid_links import GridLink, LinkKind
from ampyard.domain.grid_messages import MessageDirection
from ampyard.domain.grid_signals import GridSignal, SignalKind, SignalOrigin
from ampyard.domain.ids import new_id
from ampyard.domain.supply import BUCKET, PowerNode, bucket_of
from ampyard.repositories.depots import PowerNodes
from ampyard.repositories.grid_links import GridLinks, promote_token
from ampyard.repositories.grid_signals import GridSignals, add_signals, mark_told
from ampyard.repositories.supply import loads_of
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.services.backend import Backend
from ampyard.services.grid_links import locked
from ampyard.services.grid_signals import Told, announce, make_signal, replace_forecast
from ampyard.services.grid_traffic import LinkCaller, Said, heard, keep, was_taken
from ampyard.services.secrets import hash_key, new_key

MAX_BLOCKS = 1000
_TAKEN = 204  # what OSCP answers everything with that it has taken in
# So long a first measurement goes back; and no further after a long silence.
_LONGEST_MEASURED = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Ids:
    """What a message is known by: `X-Request-ID`, `X-Correlation-ID`."""

    request_id: str | None = None
    correlation_id: str | None = None


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How the other side wants to be treated (RequiredBehaviour): how often it wants heartbeats, in s, and how it wants measurements."""

    heartbeat_interval_s: float | None
    measurements: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Measured:
    """Energy that flowed through a node from `begin` to `end`, in kWh: of charge points (flexible), and of all else (not)."""

    begin: datetime
    end: datetime
    flexible_kwh: float
    nonflexible_kwh: float


async def registered(backend: Backend, caller: LinkCaller, url: str, token: str, ids: Ids) -> None:
    """Note where the other side is and what we come with there; we register back as soon as the worker gets to it."""
    async with _told(backend, caller) as (work, link):
        changes = {"url": url, "registered_at": None, "due_at": work.now, "failures": 0, "error": None}
        await work.change(GridLinks, link.id, **changes, locked_secret=locked(backend, link.id, token))
        await _heard(work, link, "register", ids, {"base_url": url})
        await work.commit()


async def handshaken(backend: Backend, caller: LinkCaller, behaviour: Behaviour, ids: Ids, *, acknowledges: bool) -> None:
    """Note how the other side wants to be treated. Unless it acknowledges a handshake of ours, it is acknowledged soon.

    Raises:
        ConflictError: it has not registered.
    """
    async with _told(backend, caller) as (work, link):
        _require_registered(link)
        more: dict[str, Any] = {"peer_interval_s": behaviour.heartbeat_interval_s, "peer_measurements": sorted(set(behaviour.measurements))}
        if not acknowledges:
            more |= {"handshake_id": ids.request_id or str(new_id())}
        await work.change(GridLinks, link.id, due_at=work.now, **more)
        body = {"heartbeat_interval": behaviour.heartbeat_interval_s, "measurement_configuration": list(behaviour.measurements)}
        await _heard(work, link, "handshake_acknowledge" if acknowledges else "handshake", ids, body)
        await work.commit()


async def beaten(backend: Backend, caller: LinkCaller, offline_at: datetime, ids: Ids) -> None:
    """Note a heartbeat: the other side is there until then at most, unless it is heard again.

    Raises:
        InvalidInputError: that is over already.
        ConflictError: it has not registered.
    """
    async with _told(backend, caller) as (work, link):
        _require_registered(link)
        if offline_at <= work.now:
            raise InvalidInputError(f"offline_mode_at {offline_at.isoformat()} is in the past; now is {work.now.isoformat()}.")
        await _heard(work, link, "heartbeat", ids, {"offline_mode_at": offline_at.isoformat()}, until=offline_at)
        await work.commit()


async def forecast(
    backend: Backend, caller: LinkCaller, group_id: str, kind: SignalKind, limits: Callable[[PowerNode], Sequence[Told]], ids: Ids
) -> None:
    """Take in a capacity forecast of a group; `limits` makes limits of it for the group's node.

    Parts of one message (the same `X-Correlation-ID`) do not supersede each other. The same request again is answered, and done once.

    Raises:
        NotFoundError: the link has no such group.
        InvalidInputError: a block is never in force, or there are too many.
        ConflictError: it has not registered.
    """
    async with _told(backend, caller) as (work, link):
        _require_registered(link)
        if group_id != link.group_id:
            raise NotFoundError(f"There is no group {group_id[:100]!r} here; this link's is {link.group_id!r}.")
        if await was_taken(work, link, ids.request_id):
            return
        node = (await PowerNodes(work.session).by_ids([link.power_node_id]))[link.power_node_id]
        told = limits(node)
        if not 1 <= len(told) <= MAX_BLOCKS:
            raise InvalidInputError(f"There are {len(told)} forecasted blocks; give 1 to {MAX_BLOCKS}, or send them in segments.")
        new = await replace_forecast(work, link, node, kind, told, message_id=ids.correlation_id or ids.request_id)
        if any(signal.excess_kw is not None for signal in new):
            await work.change(GridLinks, link.id, due_at=work.now)
        body = {"group_id": group_id, "type": kind.value, "blocks": [_shown(signal) for signal in new]}
        await _heard(work, link, "update_group_capacity_forecast", ids, body)
        announce(work, link.depot_id)
        await work.commit()


async def request_capacity(backend: Backend, principal: Principal, link_id: uuid.UUID, told: Told) -> GridSignal:
    """Ask the grid operator for another capacity (AdjustGroupCapacityForecast); what counts is what it then forecasts.

    Raises:
        ForbiddenError: the principal lacks `depots:write`, or has it elsewhere.
        NotFoundError: there is no such link.
        ConflictError: it is of another kind, or nobody has registered on it.
        InvalidInputError: it is over already, never in force, or asks for nothing.
    """
    principal.require(Scope.DEPOTS_WRITE)
    async with backend.unit_of_work(principal, Scope.DEPOTS_WRITE) as work:
        link = await work.require(GridLinks, link_id, "grid link")
        if link.kind is not LinkKind.OSCP:
            raise ConflictError(
                f"{link.name} is a link of kind {link.kind}; only by OSCP can capacity be asked for.", ("input", "gridLinkId")
            )
        _require_registered(link)
        if told.ends_at <= work.now:
            raise InvalidInputError(f"{told.ends_at.isoformat()} is in the past; now is {work.now.isoformat()}.", ("input", "endsAt"))
        node = (await PowerNodes(work.session).by_ids([link.power_node_id]))[link.power_node_id]
        signal = make_signal(work, node, told, origin=SignalOrigin.MANUAL, kind=SignalKind.REQUESTED, link=link)
        await add_signals(work.session, [signal])
        await work.change(GridLinks, link.id, due_at=work.now)
        await work.audit("grid_link.request", "grid_link", link.id, asked=_shown(signal), reason=signal.reason)
        work.answers(grid_signal=signal)
        await work.commit()
    return signal


async def next_token(backend: Backend, link: GridLink) -> str:
    """Return a new token that the other side is about to be told; both it and the one before are good until it comes with the new one."""
    token = new_key("grid")
    async with backend.unit_of_work(system_principal(link.tenant_id, "grid")) as work:
        await work.change(GridLinks, link.id, next_token_hash=hash_key(token))
        await work.commit()
    return token


async def untold(backend: Backend, link: GridLink) -> list[GridSignal]:
    """Return what the other side has to be told of: forecasts that we cannot comply with, and requests of ours."""
    async with backend.database.snapshot(link.tenant_id) as snapshot:
        return await GridSignals(snapshot).untold_of_link(link.id, at=backend.clock())


async def told(backend: Backend, link: GridLink, signals: Sequence[GridSignal]) -> None:
    """Note that it has been told."""
    async with backend.unit_of_work(system_principal(link.tenant_id, "grid")) as work:
        await mark_told(work.session, [signal.id for signal in signals], at=work.now)
        await work.commit()


async def measured(backend: Backend, link: GridLink) -> Measured | None:
    """Return the energy since the last measurement that was told, by whole buckets of five minutes; None: there is none yet."""
    end = bucket_of(backend.clock())
    begin = max(link.measured_until or end - BUCKET, end - _LONGEST_MEASURED)
    if begin >= end:
        return None
    async with backend.database.snapshot(link.tenant_id) as snapshot:
        loads = (await loads_of(snapshot, [link.power_node_id], begin, end)).get(link.power_node_id, [])
    if not loads:
        return None
    hours = BUCKET / timedelta(hours=1)
    flexible_kwh, nonflexible_kwh = (sum(getattr(it, name) for it in loads) * hours for name in ("measured_avg_kw", "unmanaged_avg_kw"))
    return Measured(loads[0].bucket_at, loads[-1].bucket_at + BUCKET, flexible_kwh, nonflexible_kwh)


@asynccontextmanager
async def _told(backend: Backend, caller: LinkCaller) -> AsyncIterator[tuple[UnitOfWork, GridLink]]:
    """Yield a unit of work of what the other side of a link tells, with the link, locked."""
    async with backend.unit_of_work(caller.principal, Scope.TELEMETRY_WRITE) as work:
        link = await work.require(GridLinks, caller.link_id, "grid link")
        await promote_token(work.session, link.id, caller.token_hash)
        yield work, link


async def _heard(work: UnitOfWork, link: GridLink, name: str, ids: Ids, body: Mapping[str, Any], *, until: datetime | None = None) -> None:
    await heard(work, link, until=until)
    await keep(work, link, Said(MessageDirection.IN, name, _TAKEN, None, body, ids.request_id, ids.correlation_id))


def _require_registered(link: GridLink) -> None:
    if link.url is None:
        raise ConflictError(f"Nobody has registered on {link.name} yet; the capacity provider does that first.")


def _shown(signal: GridSignal) -> dict[str, object]:
    return {
        "begins_at": signal.begins_at.isoformat(),
        "ends_at": signal.ends_at.isoformat(),
        "limit_kw": signal.limit_kw,
        "limit_a": signal.limit_a,
    }
