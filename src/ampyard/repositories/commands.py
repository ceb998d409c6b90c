import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from sqlalchemy import ColumnElement, delete, func, select, update

from ampyard.domain.commands import Command, CommandKind, CommandState
from ampyard.repositories import tables
from ampyard.repositories.database import Session, WriteSession
from ampyard.repositories.repository import Repository, array


@dataclass(frozen=True, slots=True)
class CommandFilter:
    """Which commands to list; a field that is `None` does not narrow."""

    kinds: tuple[CommandKind, ...] | None = None
    states: tuple[CommandState, ...] | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filter as SQL conditions."""
        column = tables.command.c
        return [
            *([column.kind.in_(self.kinds)] if self.kinds is not None else []),
            *([column.state.in_(self.states)] if self.states is not None else []),
        ]


class Commands(Repository[Command]):
    entity = Command
    table = tables.command
    orders = MappingProxyType({"CREATED_AT": table.c.created_at})

    async def starts_since(self, charge_point_id: uuid.UUID, moment: datetime) -> list[Command]:
        """Return the remote starts that a charge point was asked for since a moment, oldest first."""
        column = self.table.c
        return await self.where(
            column.charge_point_id == charge_point_id,
            column.created_at >= moment,
            column.kind == CommandKind.START_TRANSACTION,
            order_by=[column.created_at, column.id],
        )


async def claim(session: WriteSession, command_id: uuid.UUID, *, at: datetime) -> Command | None:
    """Mark a pending command as sent and return it; `None` when another process was first, or it is no longer wanted."""
    column = tables.command.c
    row = await session.fetch_one(
        update(tables.command)
        .where(column.id == command_id, column.state == CommandState.PENDING, column.expires_at > at)
        .values(state=CommandState.SENT, sent_at=at)
        .returning(*Commands.columns())
    )
    return None if row is None else Command(*row)


async def pending_for(system: Session, charge_point_ids: list[uuid.UUID], *, at: datetime) -> list[tuple[uuid.UUID, uuid.UUID, uuid.UUID]]:
    """Return (tenant, charge point, command) ids that still wait to be sent to one of these charge points, oldest first."""
    column = tables.command.c
    statement = (
        select(column.tenant_id, column.charge_point_id, column.id)
        .where(column.charge_point_id == func.any(array(charge_point_ids)), column.state == CommandState.PENDING, column.expires_at > at)
        .order_by(column.created_at, column.id)
    )
    return [(row[0], row[1], row[2]) for row in await system.fetch(statement)]


async def overdue(system: Session, *, at: datetime) -> list[tuple[uuid.UUID, uuid.UUID]]:
    """Return (tenant, command) ids of open commands whose time is over."""
    column = tables.command.c
    statement = select(column.tenant_id, column.id).where(
        column.state.in_([CommandState.PENDING, CommandState.SENT]), column.expires_at <= at
    )
    return [(row[0], row[1]) for row in await system.fetch(statement)]


async def evses_with_limit_command(session: Session, charge_point_ids: list[uuid.UUID], *, since: datetime) -> frozenset[uuid.UUID]:
    """Return the EVSEs with a limit under way, or with one since `since` that was not accepted."""
    column = tables.command.c
    refused = (column.state != CommandState.ACCEPTED) & (column.finished_at >= since)
    statement = select(column.payload["evse_id"].astext).where(
        column.charge_point_id == func.any(array(charge_point_ids)),
        column.kind == CommandKind.SET_LIMIT,
        # Older ones have ended: a limit lives for seconds.
        column.created_at >= since - timedelta(minutes=5),
        column.state.in_([CommandState.PENDING, CommandState.SENT]) | refused,
    )
    return frozenset(uuid.UUID(row[0]) for row in await session.fetch(statement))


async def remove_finished(session: WriteSession, *, before: datetime) -> int:
    """Remove the tenant's commands that ended before a moment; returns how many."""
    return await session.execute(delete(tables.command).where(tables.command.c.finished_at < before))
