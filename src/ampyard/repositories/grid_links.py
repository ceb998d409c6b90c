"""Grid links, and what their runs must know of each other."""

import uuid
from collections import defaultdict
from dataclasses import fields
from datetime import datetime
from types import MappingProxyType

from sqlalchemy import select, update

from ampyard.domain.grid_links import GridLink
from ampyard.domain.grid_messages import GridMessage
from ampyard.domain.grid_signals import LostLink
from ampyard.repositories import tables
from ampyard.repositories.database import Session, WriteSession
from ampyard.repositories.repository import Repository


class GridLinks(Repository[GridLink]):
    entity = GridLink
    table = tables.grid_link
    orders = MappingProxyType({"CREATED_AT": table.c.created_at, "NAME": table.c.name})

    async def of_depot(self, depot_id: uuid.UUID) -> list[GridLink]:
        """Return the links of a depot's nodes, oldest first."""
        return await self.where(self.table.c.depot_id == depot_id, order_by=[self.table.c.created_at, self.table.c.id])


class GridMessages(Repository[GridMessage]):
    entity = GridMessage
    table = tables.grid_message
    orders = MappingProxyType({"AT": table.c.at})


async def lost_links(session: Session, depot_id: uuid.UUID, *, at: datetime) -> dict[uuid.UUID, list[LostLink]]:
    """Return the links of a depot that are lost at a moment, by node."""
    column = tables.grid_link.c
    rows = await session.fetch(
        select(column.power_node_id, column.id, column.kind, column.name, column.lost_at, column.fallback_kw, column.fallback_a).where(
            column.depot_id == depot_id, column.enabled, column.lost_at <= at
        )
    )
    found: dict[uuid.UUID, list[LostLink]] = defaultdict(list)
    for row in rows:
        found[row[0]].append(LostLink(row[1], row[2].origin, *row[3:]))
    return found


async def fallbacks_of_links(session: Session, depot_id: uuid.UUID) -> dict[uuid.UUID, list[tuple[float | None, float | None]]]:
    """Return what counts while a link of a depot is lost, in kW and in A a phase, by node."""
    column = tables.grid_link.c
    rows = await session.fetch(
        select(column.power_node_id, column.fallback_kw, column.fallback_a).where(column.depot_id == depot_id, column.enabled)
    )
    found: dict[uuid.UUID, list[tuple[float | None, float | None]]] = defaultdict(list)
    for row in rows:
        found[row[0]].append((row[1], row[2]))
    return found


async def locked_secret(session: Session, link_id: uuid.UUID) -> str | None:
    """Return what we come with on a link, locked up."""
    row = await session.fetch_one(select(tables.grid_link.c.locked_secret).where(tables.grid_link.c.id == link_id))
    return None if row is None else row[0]


async def promote_token(session: WriteSession, link_id: uuid.UUID, token_hash: str) -> None:
    """Make the token that the other side was told the only one, once it comes with it."""
    table = tables.grid_link
    statement = update(table).where(table.c.id == link_id, table.c.next_token_hash == token_hash)
    await session.execute(statement.values(token_hash=token_hash, next_token_hash=None))


async def claim(session: WriteSession, link_id: uuid.UUID, *, at: datetime, until: datetime) -> GridLink | None:
    """Take a link that is due, so that no other process calls there before `until`; None: it is not due any more."""
    table = tables.grid_link
    columns = [table.c[field.name] for field in fields(GridLink)]
    statement = update(table).where(table.c.id == link_id, table.c.enabled, table.c.due_at <= at).values(due_at=until).returning(*columns)
    rows = await session.fetch(statement)
    return GridLink(*rows[0]) if rows else None
