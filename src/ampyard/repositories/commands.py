import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.dialects.postgresql import distinct_on

from ampyard.domain.commands import Command, CommandKind, CommandState
from ampyard.repositories import tables
from ampyard.repositories.database import Session, WriteSession
from ampyard.repositories.repository import Repository, array, array_of_text


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


@dataclass(frozen=True, slots=True)
class LimitOrder:
    """The newest limit that an EVSE was told, in kW, and what became of it."""

    evse_id: uuid.UUID
    limit_kw: float
    state: CommandState


async def limit_orders(session: Session, charge_point_ids: list[uuid.UUID], *, since: datetime) -> dict[uuid.UUID, LimitOrder]:
    """Return the newest limit of each EVSE, where that is under way, or ended since `since` without being accepted."""
    column = tables.command.c
    evse_id = column.payload["evse_id"].astext
    newest = (
        select(evse_id.label("evse_id"), column.payload["limit_kw"].as_float().label("limit_kw"), column.state, column.finished_at)
        .where(
            column.charge_point_id == func.any(array(charge_point_ids)),
            column.kind == CommandKind.SET_LIMIT,
            # Older ones have ended: a limit lives for seconds.
            column.created_at >= since - timedelta(minutes=5),
        )
        .ext(distinct_on(evse_id))
        .order_by(evse_id, column.created_at.desc(), column.id.desc())
        .subquery()
    )
    refused = (newest.c.state != CommandState.ACCEPTED) & (newest.c.finished_at >= since)
    rows = await session.fetch(select(newest).where(newest.c.state.in_([CommandState.PENDING, CommandState.SENT]) | refused))
    orders = [LimitOrder(uuid.UUID(row.evse_id), row.limit_kw, row.state) for row in rows]
    return {order.evse_id: order for order in orders}


async def withdraw_pending_limits(session: WriteSession, evse_ids: list[uuid.UUID], *, at: datetime, outcome: str) -> int:
    """End the limits of these EVSEs that nobody has taken for sending yet; returns how many."""
    column = tables.command.c
    return await session.execute(
        update(tables.command)
        .where(
            column.kind == CommandKind.SET_LIMIT,
            column.state == CommandState.PENDING,
            column.payload["evse_id"].astext == func.any(array_of_text(str(evse_id) for evse_id in evse_ids)),
        )
        .values(state=CommandState.EXPIRED, outcome=outcome, finished_at=at)
    )


async def remove_finished(session: WriteSession, *, before: datetime) -> int:
    """Remove the tenant's commands that ended before a moment; returns how many."""
    return await session.execute(delete(tables.command).where(tables.command.c.finished_at < before))
