"""What a site controller pushes: limits with begin and end, all of them or those that have changed, and that it is there."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from ampyard.domain.access import Principal, Scope
from ampyard.domain.errors import ConflictError, Problems
from ampyard.domain.grid_links import GridLink, LinkKind
from ampyard.domain.grid_messages import MessageDirection
from ampyard.domain.grid_signals import EXTERNAL_ID_LENGTH, GridSignal, SignalEnd, SignalKind, SignalOrigin
from ampyard.repositories.depots import PowerNodes
from ampyard.repositories.grid_links import GridLinks
from ampyard.repositories.grid_signals import GridSignals, add_signals, end_signals
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.services.backend import Backend
from ampyard.services.edits import at_path
from ampyard.services.grid_signals import Told, announce, ended, make_signal, with_excess
from ampyard.services.grid_traffic import Said, heard, keep

MAX_LIMITS = 500
_REASON_LENGTH = 500


@dataclass(frozen=True, slots=True)
class PushedLimit:
    """A limit that a site controller pushes, known by its `external_id`; without `begins_at` it counts from now on."""

    external_id: str
    ends_at: datetime
    begins_at: datetime | None = None
    limit_kw: float | None = None
    limit_a: float | None = None
    reason: str = ""


async def push_limits(
    backend: Backend, principal: Principal, link_id: uuid.UUID, limits: Sequence[PushedLimit], *, replaces: bool
) -> tuple[GridLink, list[GridSignal]]:
    """Take in limits of a link; returns it, and all of its signals that count now or will. To push is to be heard, even with no limits.

    What is there already with the same id and the same content stays as it is, so that a push may be repeated. Another content
    supersedes what has the same id; with `replaces`, what is not named is withdrawn.

    Raises:
        ForbiddenError: the principal lacks `telemetry:write`, or has it elsewhere.
        NotFoundError: there is no such link.
        InvalidInputError: a limit is over, never in force or limits nothing, an id is missing, too long or twice, or there are too many.
        ConflictError: the link is of another kind, or switched off.
    """
    principal.require(Scope.TELEMETRY_WRITE)
    async with backend.unit_of_work(principal, Scope.TELEMETRY_WRITE) as work:
        link = await _require(work, link_id)
        _check(limits, work.now)
        there = {
            it.external_id: it for it in await GridSignals(work.session).counting_of_link(link.id, SignalKind.CONSUMPTION, at=work.now)
        }
        new = [limit for limit in limits if not _is_same(there.get(limit.external_id), limit, work.now)]
        over = [ended(there[limit.external_id], SignalEnd.SUPERSEDED, work.now) for limit in new if limit.external_id in there]
        if replaces:
            named = {limit.external_id for limit in limits}
            over += [ended(it, SignalEnd.WITHDRAWN, work.now) for external_id, it in there.items() if external_id not in named]
        added = await _made(work, link, limits, new)
        await end_signals(work.session, over)
        await add_signals(work.session, added)
        link = await heard(work, link)
        if over or added:
            announce(work, link.depot_id)
            await work.audit("grid_link.push", "grid_link", link.id, added=len(added), ended=len(over))
        body = {"limits": [_shown(it) for it in added], "ended": [it.external_id for it in over]}
        await keep(work, link, Said(MessageDirection.IN, "limits" if limits or replaces else "heartbeat", body=body))
        counting = await GridSignals(work.session).counting_of_link(link.id, SignalKind.CONSUMPTION, at=work.now)
        work.answers(grid_signals=counting)
        await work.commit()
    return link, counting


async def withdraw_limit(backend: Backend, principal: Principal, link_id: uuid.UUID, external_id: str) -> bool:
    """Withdraw a limit of a link by its id; returns whether it was still there. Errors as for `push_limits`."""
    principal.require(Scope.TELEMETRY_WRITE)
    async with backend.unit_of_work(principal, Scope.TELEMETRY_WRITE) as work:
        link = await _require(work, link_id)
        there = await GridSignals(work.session).counting_of_link(link.id, SignalKind.CONSUMPTION, at=work.now)
        over = [ended(it, SignalEnd.WITHDRAWN, work.now) for it in there if it.external_id == external_id]
        await end_signals(work.session, over)
        await heard(work, link)
        if over:
            announce(work, link.depot_id)
        await keep(work, link, Said(MessageDirection.IN, "withdraw", body={"ended": [it.external_id for it in over]}))
        await work.commit()
    return bool(over)


async def _require(work: UnitOfWork, link_id: uuid.UUID) -> GridLink:
    link = await work.require(GridLinks, link_id, "grid link")
    if link.kind is not LinkKind.SITE_CONTROLLER:
        raise ConflictError(f"{link.name} is a link of kind {link.kind}; limits come there by its own protocol.", ("input", "gridLinkId"))
    if not link.enabled:
        raise ConflictError(f"{link.name} is switched off and takes in nothing; switch it on first.", ("input", "gridLinkId"))
    return link


async def _made(work: UnitOfWork, link: GridLink, limits: Sequence[PushedLimit], new: Sequence[PushedLimit]) -> list[GridSignal]:
    node = (await PowerNodes(work.session).by_ids([link.power_node_id]))[link.power_node_id]
    made = []
    for limit in new:
        told = Told(limit.begins_at or work.now, limit.ends_at, limit.limit_kw, limit.limit_a, limit.external_id, limit.reason.strip())
        with at_path("input", "limits", str(limits.index(limit))):
            made.append(make_signal(work, node, told, origin=SignalOrigin.SITE_CONTROLLER, link=link))
    return await with_excess(work, node, made)


def _check(limits: Sequence[PushedLimit], now: datetime) -> None:
    problems = Problems()
    problems.check(len(limits) <= MAX_LIMITS, f"There are {len(limits)} limits; {MAX_LIMITS} at most.", "input", "limits")
    seen: set[str] = set()
    for number, limit in enumerate(limits):
        here = ("input", "limits", str(number))
        fits = 1 <= len(limit.external_id) <= EXTERNAL_ID_LENGTH
        problems.check(fits, f"The id has {len(limit.external_id)} characters; give 1 to {EXTERNAL_ID_LENGTH}.", *here, "externalId")
        problems.check(limit.external_id not in seen, f"{limit.external_id!r} is there twice; give each id once.", *here, "externalId")
        problems.check(limit.ends_at > now, f"{limit.ends_at.isoformat()} is in the past; now is {now.isoformat()}.", *here, "endsAt")
        short = len(limit.reason) <= _REASON_LENGTH
        problems.check(short, f"The reason has {len(limit.reason)} characters; {_REASON_LENGTH} at most.", *here, "reason")
        seen.add(limit.external_id)
    problems.raise_any()


def _is_same(there: GridSignal | None, limit: PushedLimit, now: datetime) -> bool:
    if there is None:
        return False
    wanted = replace(limit, reason=limit.reason.strip(), begins_at=limit.begins_at or min(there.begins_at, now))
    return wanted == PushedLimit(limit.external_id, there.ends_at, there.begins_at, there.limit_kw, there.limit_a, there.reason)


def _shown(signal: GridSignal) -> dict[str, object]:
    return {
        "external_id": signal.external_id,
        "begins_at": signal.begins_at.isoformat(),
        "ends_at": signal.ends_at.isoformat(),
        "limit_kw": signal.limit_kw,
        "limit_a": signal.limit_a,
    }
