"""Charging requests: who asks for which vehicle, and which of them count. Planning, readiness and depot links read them here."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from sqlalchemy import ColumnElement, delete, func, or_, select

from ampyard.domain.charging_requests import OVERDUE, ChargingRequest, RequestFlaw, RequestSource, charging_point_name, counting
from ampyard.repositories import tables
from ampyard.repositories.database import Session, WriteSession
from ampyard.repositories.repository import Repository, array, array_of_text


@dataclass(frozen=True, slots=True)
class ChargingRequestFilter:
    """Which charging requests to list; a field that is `None` does not narrow. `in_force_at`: asked for then; `flawed`: has a flaw."""

    in_force_at: datetime | None = None
    depot_id: uuid.UUID | None = None
    vehicle_id: uuid.UUID | None = None
    link_id: uuid.UUID | None = None
    source: RequestSource | None = None
    flaw: RequestFlaw | None = None
    flawed: bool | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filter as SQL conditions."""
        column = tables.charging_request.c
        same = {
            column.depot_id: self.depot_id,
            column.vehicle_id: self.vehicle_id,
            column.link_id: self.link_id,
            column.source: self.source,
            column.flaw: self.flaw,
        }
        return [
            *(_in_force(self.in_force_at) if self.in_force_at is not None else []),
            *[one == wanted for one, wanted in same.items() if wanted is not None],
            *([column.flaw.is_not(None) if self.flawed else column.flaw.is_(None)] if self.flawed is not None else []),
        ]


def _in_force(at: datetime) -> list[ColumnElement[bool]]:
    """Return `ChargingRequest.is_in_force` as SQL conditions."""
    column = tables.charging_request.c
    return [
        column.created_at <= at,
        or_(column.withdrawn_at.is_(None), column.withdrawn_at > at),
        or_(column.departs_at.is_(None), column.departs_at > at - OVERDUE),
    ]


class ChargingRequests(Repository[ChargingRequest]):
    entity = ChargingRequest
    table = tables.charging_request
    orders = MappingProxyType({"CREATED_AT": table.c.created_at})

    async def of_link(self, link_id: uuid.UUID) -> list[ChargingRequest]:
        """Return what a depot management system asks for: what was in its last list."""
        return await self.where(self.table.c.link_id == link_id, self.table.c.withdrawn_at.is_(None), order_by=[self.table.c.id])

    async def of_person(self, vehicle_id: uuid.UUID) -> ChargingRequest | None:
        """Return what a person asks for a vehicle."""
        column = self.table.c
        found = await self.where(column.vehicle_id == vehicle_id, column.source == RequestSource.GRAPH, column.withdrawn_at.is_(None))
        return found[0] if found else None

    async def of_vehicles(self, vehicle_ids: Iterable[uuid.UUID], *, at: datetime) -> list[ChargingRequest]:
        """Return what is asked for vehicles at a moment, wherever and by whomever, whether it counts or not."""
        return await self.where(self.table.c.vehicle_id == func.any(array(vehicle_ids)), *_in_force(at), order_by=[self.table.c.id])

    async def counting(self, vehicle_ids: Iterable[uuid.UUID], *, at: datetime) -> dict[uuid.UUID, list[ChargingRequest]]:
        """Return the requests of each vehicle that count at a moment, the earliest to leave first (`domain.charging_requests.counting`)."""
        return counting(await self.of_vehicles(vehicle_ids, at=at), at=at)

    async def vehicles_asked_for(self, depot_id: uuid.UUID, *, at: datetime) -> set[uuid.UUID]:
        """Return the vehicles for which anything is asked for in a depot at a moment, whether it counts or not."""
        column = self.table.c
        here = select(column.vehicle_id).where(column.depot_id == depot_id, column.vehicle_id.is_not(None), *_in_force(at)).distinct()
        return {row[0] for row in await self.session.fetch(here)}


async def vehicles_known_as(session: Session, names: Iterable[str]) -> dict[str, uuid.UUID]:
    """Return which vehicle each name stands for: its VIN, else its name, else its license plate. Who is archived is not found.

    Letters may be small or capital. A name that stands for several vehicles in the same way stands for none.
    """
    wanted = list(dict.fromkeys(names))
    column = tables.vehicle.c
    keys = [func.lower(key) for key in (column.vin, column.name, column.license_plate)]
    lower = [name.lower() for name in wanted]
    # Not ==, which puts ANY on the left where both sides are functions.
    known = [key.bool_op("=")(func.any(array_of_text(lower))) for key in keys]
    rows = await session.fetch(select(column.id, *keys).where(or_(*known), column.archived_at.is_(None)))
    found: dict[str, uuid.UUID] = {}
    for name in wanted:
        by_key = ([row[0] for row in rows if row[place] == name.lower()] for place in (1, 2, 3))
        hits = next((ids for ids in by_key if ids), [])
        if len(hits) == 1:
            found[name] = hits[0]
    return found


async def evses_known_as(session: Session, depot_id: uuid.UUID) -> dict[str, uuid.UUID]:
    """Return the EVSEs of a depot by what they are called outside: `<identity>:<number>`, or the identity where it has but one."""
    cp, evse = tables.charge_point.c, tables.evse.c
    statement = select(cp.identity, evse.evse_no, evse.id).join_from(tables.charge_point, tables.evse).where(cp.depot_id == depot_id)
    rows = await session.fetch(statement)
    by_identity: dict[str, list[uuid.UUID]] = {}
    for identity, _, evse_id in rows:
        by_identity.setdefault(identity, []).append(evse_id)
    alone = {identity: ids[0] for identity, ids in by_identity.items() if len(ids) == 1}
    return alone | {charging_point_name(identity, number): evse_id for identity, number, evse_id in rows}


async def remove_withdrawn(session: WriteSession, *, before: datetime) -> int:
    """Remove requests that were withdrawn, or were to leave, before a moment. Returns how many went."""
    column = tables.charging_request.c
    over = or_(column.withdrawn_at < before, column.departs_at < before)
    return await session.execute(delete(tables.charging_request).where(over))
