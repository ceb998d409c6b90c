import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from sqlalchemy import ColumnElement, func, select

from ampyard.domain.reservations import Reservation, ReservationState
from ampyard.repositories import tables
from ampyard.repositories.database import Session, WriteSession
from ampyard.repositories.repository import Repository, array

_OPEN = (ReservationState.REQUESTED, ReservationState.ACTIVE)


@dataclass(frozen=True, slots=True)
class ReservationFilter:
    """Which reservations to list; a field that is `None` does not narrow."""

    states: tuple[ReservationState, ...] | None = None
    depot_id: uuid.UUID | None = None
    charge_point_id: uuid.UUID | None = None
    evse_id: uuid.UUID | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filter as SQL conditions."""
        column = tables.reservation.c
        equal = {column.depot_id: self.depot_id, column.charge_point_id: self.charge_point_id, column.evse_id: self.evse_id}
        return [
            *([column.state.in_(self.states)] if self.states is not None else []),
            *(found == value for found, value in equal.items() if value is not None),
        ]


class Reservations(Repository[Reservation]):
    entity = Reservation
    table = tables.reservation
    orders = MappingProxyType({"CREATED_AT": table.c.created_at, "EXPIRES_AT": table.c.expires_at})

    async def open_of_evses(self, evse_ids: Sequence[uuid.UUID], *, reads: frozenset[str] | None = None) -> dict[uuid.UUID, Reservation]:
        """Return the reservation that keeps each EVSE which is kept; its time may be over."""
        column = self.table.c
        found = await self.where(
            column.evse_id == func.any(array(evse_ids)), column.state.in_(_OPEN), reads=None if reads is None else reads | {"evse_id"}
        )
        return {reservation.evse_id: reservation for reservation in found}

    async def open_of_charge_point(self, charge_point_id: uuid.UUID) -> list[Reservation]:
        """Return the reservations that keep EVSEs of a charge point."""
        return await self.where(self.table.c.charge_point_id == charge_point_id, self.table.c.state.in_(_OPEN))

    async def by_number(self, charge_point_id: uuid.UUID, number: int) -> Reservation | None:
        """Return the reservation that a charge point knows by a number."""
        found = await self.where(self.table.c.number == number, self.table.c.charge_point_id == charge_point_id)
        return found[0] if found else None

    async def of_partner(self, partner_id: uuid.UUID, reference: str) -> Reservation | None:
        """Return the newest reservation that a roaming partner calls so; references are compared without case (CiString)."""
        column = self.table.c
        found = await self.where(
            column.partner_id == partner_id, func.lower(column.partner_reference) == reference.lower(), order_by=[column.id]
        )
        return found[-1] if found else None


async def next_number(session: WriteSession) -> int:
    """Return a number that names no reservation yet."""
    return int((await session.fetch(select(tables.reservation_number_seq.next_value())))[0][0])


async def run_out(system: Session, *, at: datetime) -> list[tuple[uuid.UUID, uuid.UUID]]:
    """Return (tenant, reservation) ids of open reservations whose time is over."""
    column = tables.reservation.c
    rows = await system.fetch(select(column.tenant_id, column.id).where(column.state.in_(_OPEN), column.expires_at <= at))
    return [(row[0], row[1]) for row in rows]
