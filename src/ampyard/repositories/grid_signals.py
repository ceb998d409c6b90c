"""Limits of power nodes from outside: which count now, and which will."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from types import MappingProxyType

from sqlalchemy import ColumnElement, delete, update
from sqlalchemy.dialects.postgresql import insert

from ampyard.domain.grid_signals import LIMITING, GridLimits, GridSignal, SignalKind, SignalOrigin
from ampyard.repositories import tables
from ampyard.repositories.database import Session, WriteSession
from ampyard.repositories.grid_links import lost_links
from ampyard.repositories.repository import Repository


@dataclass(frozen=True, slots=True)
class GridSignalFilter:
    """Which signals to list; a field that is `None` does not narrow."""

    in_force_at: datetime | None = None
    ends_after: datetime | None = None
    origin: SignalOrigin | None = None
    kind: SignalKind | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filter as SQL conditions."""
        column = tables.grid_signal.c
        return [
            *([column.begins_at <= self.in_force_at, column.counts_until > self.in_force_at] if self.in_force_at is not None else []),
            *([column.counts_until > self.ends_after] if self.ends_after is not None else []),
            *([column.origin == self.origin] if self.origin is not None else []),
            *([column.kind == self.kind] if self.kind is not None else []),
        ]


class GridSignals(Repository[GridSignal]):
    entity = GridSignal
    table = tables.grid_signal
    orders = MappingProxyType({"BEGINS_AT": table.c.begins_at, "RECEIVED_AT": table.c.received_at})

    async def counting_of_link(self, link_id: uuid.UUID, kind: SignalKind, *, at: datetime) -> list[GridSignal]:
        """Return the signals of a kind that a link has brought and that count at a moment or will later."""
        column = self.table.c
        return await self.where(
            column.link_id == link_id, column.kind == kind, column.counts_until > at, order_by=[column.begins_at, column.id]
        )

    async def untold_of_link(self, link_id: uuid.UUID, *, at: datetime) -> list[GridSignal]:
        """Return those that still count and of which the other side has to be told: what exceeds them, or what we ask for."""
        column = self.table.c
        untold = (column.excess_kw.is_not(None)) | (column.kind == SignalKind.REQUESTED)
        return await self.where(
            column.link_id == link_id, column.counts_until > at, column.told_at.is_(None), untold, order_by=[column.begins_at, column.id]
        )


async def limits_of_depot(session: Session, depot_id: uuid.UUID, *, at: datetime) -> dict[uuid.UUID, GridLimits]:
    """Return what the outside says of a depot's nodes at a moment and later, by node; nodes of which it says nothing are absent.

    Ask it with `domain.supply.effective_limit` for any moment from then on. Links that are lost at the moment are taken to stay so.
    """
    column = tables.grid_signal.c
    signals: dict[uuid.UUID, list[GridSignal]] = defaultdict(list)
    ahead = await GridSignals(session).where(
        column.depot_id == depot_id,
        column.counts_until > at,
        column.kind.in_(LIMITING),
        order_by=[column.begins_at, column.id],
    )
    for signal in ahead:
        signals[signal.power_node_id].append(signal)
    lost = await lost_links(session, depot_id, at=at)
    return {node_id: GridLimits(tuple(signals[node_id]), tuple(lost.get(node_id, ()))) for node_id in {*signals, *lost}}


async def add_signals(session: WriteSession, signals: Sequence[GridSignal]) -> None:
    """Keep signals."""
    if signals:
        names = [field.name for field in fields(GridSignal)]
        rows = [{name: getattr(signal, name) for name in names} for signal in signals]
        await session.execute(insert(tables.grid_signal), rows)


async def end_signals(session: WriteSession, signals: Iterable[GridSignal]) -> None:
    """Write down until when signals count, and as what they ended."""
    column = tables.grid_signal.c
    for signal in signals:
        changes = {"counts_until": signal.counts_until, "ended_as": signal.ended_as}
        await session.execute(update(tables.grid_signal).where(column.id == signal.id).values(**changes))


async def mark_told(session: WriteSession, ids: Collection[uuid.UUID], *, at: datetime) -> None:
    """Write down that the other side has been told of signals."""
    await session.execute(update(tables.grid_signal).where(tables.grid_signal.c.id.in_(ids)).values(told_at=at))


async def remove_old(session: WriteSession, *, before: datetime) -> int:
    """Remove signals that counted last before a moment, with prices and messages as old; returns how many signals went."""
    signal, price, message = tables.grid_signal, tables.grid_price, tables.grid_message
    await session.execute(delete(price).where(price.c.ends_at < before))
    await session.execute(delete(message).where(message.c.at < before))
    return await session.execute(delete(signal).where(signal.c.counts_until < before, signal.c.ends_at < before))
