"""Links to depot management systems, and the messages that went over them."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from sqlalchemy import ColumnElement, delete, func, select, update

from ampyard.domain.depot_links import DepotLink, LinkMessage, MessageDirection
from ampyard.repositories import tables
from ampyard.repositories.database import WriteSession
from ampyard.repositories.repository import Repository, array


@dataclass(frozen=True, slots=True)
class DepotLinkFilter:
    """Which links to list; a field that is `None` does not narrow. What was removed is listed only where it is asked for."""

    depot_id: uuid.UUID | None = None
    connected: bool | None = None
    enabled: bool | None = None
    removed: bool = False

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filter as SQL conditions."""
        column = tables.depot_link.c
        same = {column.depot_id: self.depot_id, column.connected: self.connected, column.enabled: self.enabled}
        return [
            column.removed_at.is_not(None) if self.removed else column.removed_at.is_(None),
            *[one == wanted for one, wanted in same.items() if wanted is not None],
        ]


# What is listed where nothing is said.
NOT_REMOVED = DepotLinkFilter()


class DepotLinks(Repository[DepotLink]):
    entity = DepotLink
    table = tables.depot_link
    orders = MappingProxyType({"CREATED_AT": table.c.created_at})

    async def with_identity(self, identity: str) -> DepotLink | None:
        """Return the link with an identity, unless it was removed."""
        found = await self.where(self.table.c.identity == identity, self.table.c.removed_at.is_(None))
        return found[0] if found else None


@dataclass(frozen=True, slots=True)
class LinkMessageFilter:
    """Which messages to list; a field that is `None` does not narrow. Times bound `at`: from inclusive, to exclusive."""

    direction: MessageDirection | None = None
    action: str | None = None
    at_from: datetime | None = None
    at_to: datetime | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filter as SQL conditions."""
        column = tables.depot_link_message.c
        return [
            *([column.direction == self.direction] if self.direction is not None else []),
            *([column.action == self.action] if self.action is not None else []),
            *([column.at >= self.at_from] if self.at_from is not None else []),
            *([column.at < self.at_to] if self.at_to is not None else []),
        ]


class LinkMessages(Repository[LinkMessage]):
    entity = LinkMessage
    table = tables.depot_link_message
    orders = MappingProxyType({"AT": table.c.at})


async def note_presence(session: WriteSession, link_ids: Sequence[uuid.UUID], *, at: datetime) -> dict[uuid.UUID, uuid.UUID | None]:
    """Record that the other ends of links are still there; returns whose socket is recorded of each (None: nobody's)."""
    column = tables.depot_link.c
    await session.execute(update(tables.depot_link).where(column.id == func.any(array(link_ids))).values(seen_at=at))
    statement = select(column.id, column.socket_id, column.connected, column.enabled, column.removed_at)
    rows = await session.fetch(statement.where(column.id == func.any(array(link_ids))))
    return {row[0]: row[1] if row[2] and row[3] and row[4] is None else None for row in rows}


async def mark_gone(
    session: WriteSession, link_id: uuid.UUID, *, at: datetime, socket_id: uuid.UUID | None = None, silent_since: datetime | None = None
) -> uuid.UUID | None:
    """Record that a link's socket is closed: this one, or one not heard of since a moment. Returns its depot, None where that is not so."""
    column = tables.depot_link.c
    which = column.socket_id == socket_id if silent_since is None else column.seen_at < silent_since
    gone = update(tables.depot_link).where(column.id == link_id, column.connected.is_(True), which)
    rows = await session.fetch(gone.values(connected=False, socket_id=None, updated_at=at).returning(column.depot_id))
    return rows[0][0] if rows else None


async def remove_messages(session: WriteSession, *, before: datetime) -> int:
    """Remove what was said before a moment. Returns how many messages went."""
    return await session.execute(delete(tables.depot_link_message).where(tables.depot_link_message.c.at < before))
