"""OpenADR 3 as VEN: what a round of polling found, kept as signals and prices; and what was used, for reports."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ampyard.domain.access import system_principal
from ampyard.domain.grid_links import GridLink
from ampyard.domain.grid_messages import MessageDirection
from ampyard.domain.grid_prices import GridPrice
from ampyard.domain.grid_signals import GridSignal, SignalEnd, SignalKind
from ampyard.domain.ids import new_id
from ampyard.domain.supply import BUCKET
from ampyard.repositories.depots import PowerNodes
from ampyard.repositories.grid_links import GridLinks, GridMessages
from ampyard.repositories.grid_prices import prices_of_link, replace_prices
from ampyard.repositories.grid_signals import GridSignals, add_signals, end_signals
from ampyard.repositories.supply import loads_of
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.services.backend import Backend
from ampyard.services.grid_signals import Told, announce, ended, make_signal, with_excess
from ampyard.services.grid_traffic import Said, heard, keep

REPORT = "reports"
_TAKEN = (200, 299)
_ERROR_LENGTH = 500


@dataclass(frozen=True, slots=True)
class Price:
    """What a kWh costs from `begins_at` to before `ends_at`."""

    begins_at: datetime
    ends_at: datetime
    price_per_kwh: float
    currency: str


@dataclass(frozen=True, slots=True)
class EventSaid:
    """What an event says: limits, each with its kind and an `external_id` of its own, and prices."""

    event_id: str
    limits: tuple[tuple[SignalKind, Told], ...] = ()
    prices: tuple[Price, ...] = ()


async def polled(
    backend: Backend, link: GridLink, events: Sequence[EventSaid], *said: Said, due_at: datetime, faults: Mapping[str, str], **changes: Any
) -> None:
    """Keep what a round of polling found, and that the VTN was heard; `changes` are columns of the link that change with it.

    What is as it was stays; what an event says otherwise supersedes what it said; what no event says any more is withdrawn. `faults` has,
    by event, what was not understood, for people: what such an event said before goes on to count.
    """
    async with backend.unit_of_work(system_principal(link.tenant_id, "grid")) as work:
        now_says = await work.require(GridLinks, link.id, "grid link")
        changed = await _sync_signals(work, link, events, frozenset(faults))
        changed |= await _sync_prices(work, link, events, frozenset(faults))
        fault = "; ".join(f"Event {event_id}: {why}" for event_id, why in faults.items())
        await heard(work, now_says, due_at=due_at, called_at=work.now, failures=0, error=fault[:_ERROR_LENGTH] or None, **changes)
        await keep(work, link, *said)
        if changed:
            announce(work, link.depot_id)
        await work.commit()


async def _sync_signals(work: UnitOfWork, link: GridLink, events: Iterable[EventSaid], kept: frozenset[str]) -> bool:
    wanted = {told.external_id: (kind, told) for event in events for kind, told in event.limits if told.ends_at > work.now}
    column = GridSignals.table.c
    there = {
        it.external_id: it
        for it in await GridSignals(work.session).where(column.link_id == link.id, column.counts_until > work.now)
        if (it.external_id or "").partition("/")[0] not in kept
    }
    new = [external_id for external_id, it in wanted.items() if external_id not in there or not _is_same(there[external_id], *it)]
    over = [ended(there[external_id], SignalEnd.SUPERSEDED, work.now) for external_id in new if external_id in there]
    over += [ended(it, SignalEnd.WITHDRAWN, work.now) for external_id, it in there.items() if external_id not in wanted]
    if not new and not over:
        return False
    node = (await PowerNodes(work.session).by_ids([link.power_node_id]))[link.power_node_id]
    made = [make_signal(work, node, told, origin=link.kind.origin, kind=kind, link=link) for kind, told in (wanted[it] for it in new)]
    await end_signals(work.session, over)
    await add_signals(work.session, await with_excess(work, node, made))
    return True


def _is_same(there: GridSignal, kind: SignalKind, told: Told) -> bool:
    said = (kind, told.begins_at, told.ends_at, told.limit_kw, told.limit_a)
    return (there.kind, there.begins_at, there.ends_at, there.limit_kw, there.limit_a) == said


async def _sync_prices(work: UnitOfWork, link: GridLink, events: Iterable[EventSaid], kept: frozenset[str]) -> bool:
    there: dict[str, list[Price]] = {}
    for it in await prices_of_link(work.session, link.id, after=work.now):
        if it.external_id not in kept:
            there.setdefault(it.external_id, []).append(Price(it.begins_at, it.ends_at, it.price_per_kwh, it.currency))
    wanted = {event.event_id: [it for it in event.prices if it.ends_at > work.now] for event in events}
    changed = False
    for event_id in there.keys() | {it for it, prices in wanted.items() if prices}:
        prices = sorted(wanted.get(event_id, []), key=lambda it: (it.begins_at, it.ends_at, it.price_per_kwh))
        if prices == sorted(there.get(event_id, []), key=lambda it: (it.begins_at, it.ends_at, it.price_per_kwh)):
            continue
        changed = True
        await replace_prices(work.session, link.id, event_id, [_price(work, link, event_id, it) for it in prices])
    return changed


def _price(work: UnitOfWork, link: GridLink, event_id: str, it: Price) -> GridPrice:
    return GridPrice(
        new_id(), work.tenant_id, link.depot_id, link.id, event_id, it.begins_at, it.ends_at, it.price_per_kwh, it.currency, work.now
    )


async def was_reported(backend: Backend, link: GridLink, event_id: str) -> bool:
    """Tell whether a report on an event has been taken."""
    async with backend.database.snapshot(link.tenant_id) as snapshot:
        column = GridMessages.table.c
        taken = (column.correlation_id == event_id, column.name == REPORT, column.status.between(*_TAKEN))
        return bool(await GridMessages(snapshot).count(column.link_id == link.id, column.direction == MessageDirection.OUT, *taken))


async def used_kwh(
    backend: Backend, tenant_id: uuid.UUID, node_id: uuid.UUID, spans: Sequence[tuple[datetime, datetime]]
) -> list[float | None]:
    """Return the energy that flowed through a node over each span, in kWh, of charge points and all else; None where nothing is known.

    Loads are kept by five minutes; what of them lies within a span counts by its share.
    """
    if not spans:
        return []
    begin, end = min(begin for begin, _ in spans), max(end for _, end in spans)
    async with backend.database.snapshot(tenant_id) as snapshot:
        loads = (await loads_of(snapshot, [node_id], begin - BUCKET, end)).get(node_id, [])
    found: list[float | None] = []
    for start, stop in spans:
        kwh, known = 0.0, False
        for load in loads:
            seconds = (min(load.bucket_at + BUCKET, stop) - max(load.bucket_at, start)).total_seconds()
            if seconds > 0:
                known = True
                kwh += (load.measured_avg_kw + load.unmanaged_avg_kw) * seconds / 3600
        found.append(kwh if known else None)
    return found
