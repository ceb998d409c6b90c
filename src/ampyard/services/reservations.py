"""Keeping an EVSE for somebody, and giving it up again: through to the charge point and back, with the outcome."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from ampyard.domain.access import Principal, Scope
from ampyard.domain.charge_points import ChargePoint, Evse
from ampyard.domain.commands import Command, CommandKind
from ampyard.domain.errors import ConflictError, InvalidInputError
from ampyard.domain.events import Event, EventKind
from ampyard.domain.id_tags import IdTagKind
from ampyard.domain.ids import new_id
from ampyard.domain.orders import CancelReservation, Reserve
from ampyard.domain.reservations import Reservation, ReservationState, checked_expiry
from ampyard.repositories.charge_points import Evses
from ampyard.repositories.reservations import Reservations, next_number
from ampyard.repositories.transactions import Transactions
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.services import commands
from ampyard.services.backend import Backend
from ampyard.services.charge_points import Station, station_work
from ampyard.services.remote_control import usable_tag
from ampyard.services.reservation_states import NOBODY_CAME, enter


@dataclass(frozen=True, slots=True)
class ReservationOutcome:
    """How a command ended, and what became of its reservation."""

    command: Command
    reservation: Reservation


@dataclass(frozen=True, slots=True)
class Wanted:
    """For whom an EVSE is to be kept, until when; `partner_id` to `authorization_id` as in `Reservation`."""

    id_tag: str
    id_tag_kind: IdTagKind
    expires_at: datetime
    group_id: str | None = None
    partner_id: uuid.UUID | None = None
    partner_reference: str | None = None
    authorization_id: uuid.UUID | None = None


async def reserve_evse(
    backend: Backend,
    principal: Principal,
    evse_id: uuid.UUID,
    *,
    expires_at: datetime,
    vehicle_id: uuid.UUID | None = None,
    id_tag: str | None = None,
) -> ReservationOutcome:
    """Have a charge point keep one of its EVSEs for a vehicle or for an id tag.

    Raises:
        ForbiddenError: the principal lacks `transactions:control`.
        InvalidInputError: not exactly one of vehicle and id tag, or a time that is over or too far away.
        NotFoundError: no such EVSE, vehicle or id tag.
        ConflictError: the charge point is offline, the EVSE is in use or kept already, or the vehicle has no usable tag.
    """
    principal.require(Scope.TRANSACTIONS_CONTROL)
    if (vehicle_id is None) == (id_tag is None):
        raise InvalidInputError("Give either a vehicle or an id tag.")
    async with backend.unit_of_work(principal, Scope.TRANSACTIONS_CONTROL) as work:
        evse = await work.require(Evses, evse_id, "EVSE")
        charge_point = await commands.reachable(work, evse.charge_point_id)
        tag = await usable_tag(work, vehicle_id, id_tag)
        wanted = Wanted(tag.value, tag.kind, checked_expiry(expires_at, now=work.now))
        reservation, command = await place(work, charge_point, evse, wanted)
        work.answers(command=command, reservation=reservation)
        await work.audit("reservation.create", "evse", evse.id, command_id=str(command.id), id_tag=tag.value, number=reservation.number)
        return await _see_through(backend, principal, work, command, reservation)


async def cancel_reservation(backend: Backend, principal: Principal, reservation_id: uuid.UUID) -> ReservationOutcome:
    """Have a charge point keep an EVSE no longer.

    Raises:
        ForbiddenError: the principal lacks `transactions:control`.
        NotFoundError: there is no such reservation.
        ConflictError: it has ended, or its charge point is offline.
    """
    principal.require(Scope.TRANSACTIONS_CONTROL)
    async with backend.unit_of_work(principal, Scope.TRANSACTIONS_CONTROL) as work:
        reservation = await work.require(Reservations, reservation_id, "reservation")
        command = await give_up(work, reservation)
        work.answers(command=command, reservation=reservation)
        await work.audit("reservation.cancel", "reservation", reservation.id, command_id=str(command.id))
        return await _see_through(backend, principal, work, command, reservation)


async def place(
    work: UnitOfWork, charge_point: ChargePoint, evse: Evse, wanted: Wanted, *, replaces: Reservation | None = None
) -> tuple[Reservation, Command]:
    """Write a reservation, or write one anew, with the command that has the charge point keep the EVSE.

    Raises:
        ConflictError: the EVSE is in use, or kept for another.
    """
    where = f"EVSE {evse.evse_no} of {charge_point.identity}"
    if evse.id in await Transactions(work.session).active_of_evses([evse.id]):
        raise ConflictError(f"{where} has an open transaction; it cannot be kept for anybody.")
    await end_overdue(work, evse.id)
    kept = (await Reservations(work.session).open_of_evses([evse.id])).get(evse.id)
    if kept is not None and (replaces is None or kept.id != replaces.id):
        raise ConflictError(f"{where} is kept for somebody until {kept.expires_at.isoformat()}.")
    reservation = Reservation(
        id=new_id() if replaces is None else replaces.id,
        tenant_id=work.tenant_id,
        depot_id=charge_point.depot_id,
        charge_point_id=charge_point.id,
        evse_id=evse.id,
        number=await next_number(work.session) if replaces is None else replaces.number,
        id_tag=wanted.id_tag,
        id_tag_kind=wanted.id_tag_kind,
        group_id=wanted.group_id,
        state=ReservationState.REQUESTED,
        outcome=None,
        expires_at=wanted.expires_at,
        author=work.principal.author,
        transaction_id=None,
        partner_id=wanted.partner_id,
        partner_reference=wanted.partner_reference,
        authorization_id=wanted.authorization_id,
        created_at=work.now if replaces is None else replaces.created_at,
        updated_at=work.now,
        ended_at=None,
    )
    if replaces is None:
        await work.add(Reservations, reservation)
    else:
        kept_columns = {"id", "tenant_id", "number", "created_at"}
        columns = [column.name for column in Reservations.columns() if column.name not in kept_columns]
        await work.change(Reservations, reservation.id, **{name: getattr(reservation, name) for name in columns})
    order = Reserve(
        reservation_id=str(reservation.id),
        number=reservation.number,
        evse_no=evse.evse_no,
        id_tag=reservation.id_tag,
        id_tag_kind=reservation.id_tag_kind,
        group_id=reservation.group_id,
        expires_at=reservation.expires_at,
    )
    command = await commands.give(work, charge_point.id, CommandKind.RESERVE, order.payload())
    work.publish(Event(EventKind.RESERVATION_CHANGED, reservation.id, reservation.depot_id, {"state": reservation.state.value}))
    return reservation, command


async def give_up(work: UnitOfWork, reservation: Reservation) -> Command:
    """Write the command that has a charge point keep an EVSE no longer.

    Raises:
        ConflictError: the reservation has ended, or its charge point is offline.
    """
    if reservation.state.final:
        raise ConflictError(f"The reservation has ended: {reservation.state.value.lower()}.", ("input", "reservationId"))
    charge_point = await commands.reachable(work, reservation.charge_point_id)
    order = CancelReservation(str(reservation.id), reservation.number)
    return await commands.give(work, charge_point.id, CommandKind.CANCEL_RESERVATION, order.payload())


async def end_overdue(work: UnitOfWork, evse_id: uuid.UUID) -> None:
    """End a reservation whose time is over, should nobody have done so yet."""
    found = (await Reservations(work.session).open_of_evses([evse_id])).get(evse_id)
    if found is not None and not found.keeps(work.now):
        await enter(work, found, ReservationState.EXPIRED, NOBODY_CAME)


async def told(backend: Backend, station: Station, number: int, *, expired: bool) -> None:
    """Record that a station keeps an EVSE no longer, of itself (OCPP 2.0.1 part 2, H04 and ReservationStatusUpdate)."""
    async with station_work(backend, station) as work:
        known = await Reservations(work.session).by_number(station.charge_point_id, number)
        if known is None:
            return
        reservation = await work.lock(Reservations, known.id)
        if reservation is not None and not reservation.state.final:
            state = ReservationState.EXPIRED if expired else ReservationState.CANCELED
            await enter(work, reservation, state, NOBODY_CAME if expired else "The charge point has given it up.")
        await work.commit()


async def _see_through(
    backend: Backend, principal: Principal, work: UnitOfWork, command: Command, reservation: Reservation
) -> ReservationOutcome:
    finished = await commands.see_through(backend, principal, command, give=work.commit)
    async with backend.snapshot(principal) as snapshot:
        now = await Reservations(snapshot).by_id(reservation.id)
    return ReservationOutcome(finished, now or reservation)
