"""Limits from outside: entered by hand, pushed by a site controller, or sent by a grid operator; all are kept in one way."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from ampyard.domain.access import Principal, Scope
from ampyard.domain.errors import ConflictError, InvalidInputError
from ampyard.domain.grid_links import GridLink
from ampyard.domain.grid_signals import LIMITING, GridSignal, SignalEnd, SignalKind, SignalOrigin, SignalState, hull, supersede
from ampyard.domain.ids import new_id
from ampyard.domain.supply import PowerNode, strictest_kw
from ampyard.repositories.depots import PowerNodes
from ampyard.repositories.grid_fallbacks import fallbacks_below
from ampyard.repositories.grid_signals import GridSignals, add_signals, end_signals
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.services.backend import Backend
from ampyard.services.depots import publish_change
from ampyard.services.edits import at_path

_REASON_LENGTH = 500


@dataclass(frozen=True, slots=True)
class NewGridSignal:
    """A limit that was told from outside and is entered by hand; without `begins_at` it counts from now on."""

    power_node_id: uuid.UUID
    begins_at: datetime | None
    ends_at: datetime
    limit_kw: float | None
    limit_a: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class Told:
    """One limit as the other side of a link tells it; see `GridSignal`."""

    begins_at: datetime
    ends_at: datetime
    limit_kw: float | None
    limit_a: float | None
    external_id: str | None = None
    reason: str = ""


async def set_grid_signal(backend: Backend, principal: Principal, wanted: NewGridSignal) -> GridSignal:
    """Enter a limit from outside by hand. It cannot be refused for being below the fall-backs: an alert tells of that.

    Raises:
        ForbiddenError: the principal lacks `depots:write`, or has it elsewhere.
        NotFoundError: there is no such node.
        InvalidInputError: it is over already or never in force, limits nothing, or has no reason.
    """
    principal.require(Scope.DEPOTS_WRITE)
    async with backend.unit_of_work(principal, Scope.DEPOTS_WRITE) as work:
        node = await work.require(PowerNodes, wanted.power_node_id, "power node")
        if wanted.ends_at <= work.now:
            raise InvalidInputError(f"{wanted.ends_at.isoformat()} is in the past; now is {work.now.isoformat()}.", ("input", "endsAt"))
        if not 1 <= len(wanted.reason.strip()) <= _REASON_LENGTH:
            raise InvalidInputError(f"Give a reason of 1 to {_REASON_LENGTH} characters.", ("input", "reason"))
        told = Told(wanted.begins_at or work.now, wanted.ends_at, wanted.limit_kw, wanted.limit_a, reason=wanted.reason.strip())
        with at_path("input"):
            signal = make_signal(work, node, told, origin=SignalOrigin.MANUAL)
        signal = (await with_excess(work, node, [signal]))[0]
        await work.add(GridSignals, signal)
        await work.audit("grid_signal.set", "grid_signal", signal.id, **_told(signal))
        announce(work, node.depot_id)
        work.answers(grid_signal=signal)
        await work.commit()
    return signal


async def withdraw_grid_signal(backend: Backend, principal: Principal, signal_id: uuid.UUID) -> GridSignal:
    """Take back a limit that was entered by hand.

    Raises:
        ForbiddenError: the principal lacks `depots:write`, or has it elsewhere.
        NotFoundError: there is no such signal.
        ConflictError: it came by a link, whose other side alone can withdraw it; or it is over already.
    """
    principal.require(Scope.DEPOTS_WRITE)
    async with backend.unit_of_work(principal, Scope.DEPOTS_WRITE) as work:
        signal = await work.require(GridSignals, signal_id, "grid signal")
        if signal.origin is not SignalOrigin.MANUAL:
            message = f"It came from outside ({signal.origin}); its sender withdraws it, or switch its link off."
            raise ConflictError(message, ("input", "gridSignalId"))
        state = signal.state(work.now)
        if state not in {SignalState.UPCOMING, SignalState.IN_FORCE}:
            raise ConflictError(f"It is {state} since {signal.counts_until.isoformat()}.", ("input", "gridSignalId"))
        withdrawn = ended(signal, SignalEnd.WITHDRAWN, work.now)
        await end_signals(work.session, [withdrawn])
        await work.audit("grid_signal.withdraw", "grid_signal", signal.id, **_told(signal))
        announce(work, signal.depot_id)
        work.answers(grid_signal=withdrawn)
        await work.commit()
    return withdrawn


def make_signal(
    work: UnitOfWork,
    node: PowerNode,
    told: Told,
    *,
    origin: SignalOrigin,
    kind: SignalKind = SignalKind.CONSUMPTION,
    link: GridLink | None = None,
) -> GridSignal:
    """Return a signal of a node, as it is to be kept.

    Raises:
        InvalidInputError: it is never in force, or limits nothing.
    """
    return GridSignal(
        id=new_id(),
        tenant_id=work.tenant_id,
        depot_id=node.depot_id,
        power_node_id=node.id,
        link_id=None if link is None else link.id,
        origin=origin,
        kind=kind,
        external_id=told.external_id,
        begins_at=told.begins_at,
        ends_at=told.ends_at,
        limit_kw=told.limit_kw,
        limit_a=told.limit_a,
        reason=told.reason,
        author=work.principal.author,
        received_at=work.now,
        counts_until=told.ends_at,
    )


async def with_excess(work: UnitOfWork, node: PowerNode, signals: Sequence[GridSignal]) -> list[GridSignal]:
    """Return signals with by how much the fall-backs below their node exceed each: such a limit is kept as far as it can be."""
    async with work.whole_tenant():
        needed_kw = (await fallbacks_below(work.session, [node.id])).get(node.id, 0.0)
    found = []
    for signal in signals:
        excess_kw = needed_kw - strictest_kw(node, signal.limit_kw, signal.limit_a) if signal.kind in LIMITING else 0.0
        found.append(replace(signal, excess_kw=excess_kw) if excess_kw > 0 else signal)
    return found


async def replace_forecast(
    work: UnitOfWork, link: GridLink, node: PowerNode, kind: SignalKind, told: Sequence[Told], *, message_id: str | None
) -> list[GridSignal]:
    """Keep a forecast of a link: what it says holds from its first begin to its last end, in place of what was said of that time before.

    What was said by the same message stays: it may come in parts.

    Raises:
        InvalidInputError: a part of it is never in force, or limits nothing.
    """
    new = [make_signal(work, node, replace(it, external_id=message_id), origin=link.kind.origin, kind=kind, link=link) for it in told]
    begin, end = hull((it.begins_at, it.ends_at) for it in told)
    before = await GridSignals(work.session).counting_of_link(link.id, kind, at=max(begin, work.now))
    changed: list[GridSignal] = []
    rest: list[GridSignal] = []
    for old in before:
        if message_id is not None and old.external_id == message_id:
            continue
        cut, goes_on = supersede(old, begin, end, work.now)
        if cut is old:
            continue
        changed.append(cut)
        if goes_on is not None:
            rest.append(replace(old, id=new_id(), begins_at=goes_on, ends_at=old.counts_until, counts_until=old.counts_until))
    await end_signals(work.session, changed)
    new = await with_excess(work, node, new)
    await add_signals(work.session, [*new, *rest])
    return new


def ended(signal: GridSignal, how: SignalEnd, now: datetime) -> GridSignal:
    """Return a signal as it is when it ends before its time."""
    return replace(signal, counts_until=min(signal.counts_until, now), ended_as=how)


def announce(work: UnitOfWork, depot_id: uuid.UUID) -> None:
    """Have power shared anew at once, and those told who watch the depot."""
    publish_change(work, depot_id)
    work.wake_planner(depot_id)


def _told(signal: GridSignal) -> dict[str, Any]:
    """Return a signal as an audit record keeps it."""
    return {
        "power_node_id": str(signal.power_node_id),
        "begins_at": signal.begins_at.isoformat(),
        "ends_at": signal.ends_at.isoformat(),
        "limit_kw": signal.limit_kw,
        "limit_a": signal.limit_a,
        "reason": signal.reason,
    }
