import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from sqlalchemy import ColumnElement, delete, func, select, update

from ampyard.domain.charge_points import ChargePoint, Connector, ConnectorStatus, Evse
from ampyard.domain.life_cycle import ChargePointState
from ampyard.repositories import tables
from ampyard.repositories.database import Session, WriteSession
from ampyard.repositories.repository import Repository, array, array_of_text


@dataclass(frozen=True, slots=True)
class ChargePointFilter:
    """Which charge points to list; a field that is `None` does not narrow, but that no `states` mean all but RETIRED.

    `statuses`: an EVSE of it is in one of these. `faulted`: it has an open fault, or none.
    """

    depot_id: uuid.UUID | None = None
    power_node_id: uuid.UUID | None = None
    states: tuple[ChargePointState, ...] | None = None
    connected: bool | None = None
    statuses: tuple[ConnectorStatus, ...] | None = None
    faulted: bool | None = None
    vendor: str | None = None
    model: str | None = None
    firmware_version: str | None = None
    identity_contains: str | None = None
    name_contains: str | None = None
    ids: tuple[uuid.UUID, ...] | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filter as SQL conditions."""
        column = tables.charge_point.c
        evse, fault = tables.evse, tables.charge_point_fault
        is_faulted = select(fault.c.id).where(fault.c.charge_point_id == column.id, fault.c.cleared_at.is_(None)).exists()
        same = {
            column.depot_id: self.depot_id,
            column.power_node_id: self.power_node_id,
            column.connected: self.connected,
            column.vendor: self.vendor,
            column.model: self.model,
            column.firmware_version: self.firmware_version,
        }
        return [
            *[one == wanted for one, wanted in same.items() if wanted is not None],
            column.state != ChargePointState.RETIRED if self.states is None else column.state.in_(self.states),
            *(
                [select(evse.c.id).where(evse.c.charge_point_id == column.id, evse.c.status.in_(self.statuses)).exists()]
                if self.statuses is not None
                else []
            ),
            *([is_faulted if self.faulted else ~is_faulted] if self.faulted is not None else []),
            *([column.identity.icontains(self.identity_contains, autoescape=True)] if self.identity_contains else []),
            *([column.name.icontains(self.name_contains, autoescape=True)] if self.name_contains else []),
            *([column.id == func.any(array(self.ids))] if self.ids is not None else []),
        ]


# What is listed where nothing is said.
NOT_RETIRED = ChargePointFilter()


class ChargePoints(Repository[ChargePoint]):
    entity = ChargePoint
    table = tables.charge_point
    orders = MappingProxyType({"IDENTITY": table.c.identity, "NAME": table.c.name, "CREATED_AT": table.c.created_at})

    async def of_depot(self, depot_id: uuid.UUID) -> list[ChargePoint]:
        """Return all charge points of one depot that have not been retired."""
        return await self.where(self.table.c.depot_id == depot_id, self.table.c.state != ChargePointState.RETIRED)

    async def with_identities(self, wanted: Iterable[str]) -> list[ChargePoint]:
        """Return the charge points with these identities, retired ones too."""
        return await self.where(self.table.c.identity == func.any(array_of_text(wanted)))

    async def identities(self, wanted: Iterable[str]) -> frozenset[str]:
        """Return which of these identities the tenant has given already; a retired charge point keeps its own."""
        column = self.table.c.identity
        found = await self.session.fetch(select(column).where(column == func.any(array_of_text(wanted))))
        return frozenset(row[0] for row in found)


class Evses(Repository[Evse]):
    entity = Evse
    table = tables.evse

    async def of_charge_points(
        self, charge_point_ids: Sequence[uuid.UUID], *, reads: frozenset[str] | None = None
    ) -> dict[uuid.UUID, list[Evse]]:
        """Return the EVSEs of each charge point, by number."""
        return await self.grouped(self.table.c.charge_point_id, charge_point_ids, self.table.c.evse_no, reads=reads)

    async def locked_of(self, charge_point_ids: Sequence[uuid.UUID], *, at: datetime | None = None) -> list[tuple[Evse, float | None]]:
        """Return the EVSEs of charge points with the highest limit that may be in force, locked against other writers.

        `at`: the moment, as schedules go on by themselves; without it, as it was when something was last told or heard.
        """
        statement = (
            select(*self.columns(), self.table.c.in_force_kw)
            .where(self.table.c.charge_point_id == func.any(array(charge_point_ids)))
            .order_by(self.table.c.id)
            .with_for_update(key_share=True)
        )
        found = [(Evse(*row[:-1]), row[-1]) for row in await self.session.fetch(statement)]
        return [(evse, kw if at is None or evse.in_force is None else evse.in_force.at(at)) for evse, kw in found]


# What an EVSE has when no limit of ours is in force.
NO_LIMIT: Mapping[str, None] = MappingProxyType(dict.fromkeys(("limit_kw", "limit_at", "limit_reason", "told", "in_force_kw", "in_force")))


class Connectors(Repository[Connector]):
    entity = Connector
    table = tables.connector

    async def of_evses(self, evse_ids: Sequence[uuid.UUID], *, reads: frozenset[str] | None = None) -> dict[uuid.UUID, list[Connector]]:
        """Return the connectors of each EVSE, by number."""
        return await self.grouped(self.table.c.evse_id, evse_ids, self.table.c.connector_no, reads=reads)


async def note_presence(
    session: WriteSession, charge_point_ids: Iterable[uuid.UUID], socket_ids: Iterable[uuid.UUID], *, at: datetime
) -> dict[uuid.UUID, uuid.UUID | None]:
    """Record charge points as heard of where one of these sockets is theirs; returns the socket recorded for each that exists."""
    column = tables.charge_point.c
    ids = array(charge_point_ids)
    await session.execute(
        update(tables.charge_point)
        .where(column.id == func.any(ids), column.socket_id == func.any(array(socket_ids)))
        .values(last_seen_at=at)
    )
    return {row[0]: row[1] for row in await session.fetch(select(column.id, column.socket_id).where(column.id == func.any(ids)))}


async def mark_disconnected(
    session: WriteSession,
    charge_point_id: uuid.UUID,
    *,
    at: datetime,
    socket_id: uuid.UUID | None = None,
    silent_since: datetime | None = None,
) -> ChargePoint | None:
    """Record a connected charge point as disconnected and return it; `None`, and no change, where it is not the one that is meant.

    Meant is the one with this socket, or that has not been heard of since `silent_since`.
    """
    column = tables.charge_point.c
    row = await session.fetch_one(
        update(tables.charge_point)
        .where(
            column.id == charge_point_id,
            column.connected.is_(True),
            *([column.socket_id == socket_id] if socket_id is not None else []),
            *([column.last_seen_at < silent_since] if silent_since is not None else []),
        )
        .values(connected=False, disconnected_at=at, socket_id=None, updated_at=at)
        .returning(*ChargePoints.columns())
    )
    return None if row is None else ChargePoint(*row)


async def forget_limits(session: WriteSession, charge_point_id: uuid.UUID) -> None:
    """Forget the limits that a charge point's EVSEs have confirmed; the highest that may be in force stays known."""
    # Locked in the planner's order first: an update alone locks rows as it finds them, and two that wait for each other fail.
    await Evses(session).locked_of([charge_point_id])
    await session.execute(
        update(tables.evse).where(tables.evse.c.charge_point_id == charge_point_id).values(limit_kw=None, limit_at=None, told=None)
    )


async def profile_writes(system: Session) -> int:
    """Return how many charging profiles have been written to all EVSEs, of all tenants."""
    ((count,),) = await system.fetch(select(func.coalesce(func.sum(tables.evse.c.profile_writes), 0)))
    return int(count)


async def has_transactions(session: Session, evse_id: uuid.UUID, connector_id: uuid.UUID | None = None) -> bool:
    """Return whether there has ever been a transaction on an EVSE, or on one of its connectors."""
    column = tables.transaction.c
    of_connector = [column.connector_id == connector_id] if connector_id is not None else []
    return bool(await session.fetch(select(column.id).where(column.evse_id == evse_id, *of_connector).limit(1)))


async def remove_evse(session: WriteSession, evse_id: uuid.UUID) -> None:
    """Remove an EVSE with its connectors, availability and faults; one with transactions cannot be removed."""
    await session.execute(delete(tables.evse).where(tables.evse.c.id == evse_id))


async def remove_connector(session: WriteSession, connector_id: uuid.UUID) -> None:
    """Remove a connector with its faults; one with transactions cannot be removed."""
    await session.execute(delete(tables.connector).where(tables.connector.c.id == connector_id))


async def touch_charge_points(session: WriteSession, depot_id: uuid.UUID, *, at: datetime) -> None:
    """Move the time of the last change of all charge points of a depot: partners are shown something else of each."""
    await session.execute(update(tables.charge_point).where(tables.charge_point.c.depot_id == depot_id).values(updated_at=at))
