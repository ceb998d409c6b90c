"""What becomes of reservations: by a charge point's answers and words, by transactions that begin, and by time."""

import uuid
from dataclasses import replace
from datetime import datetime

from ampyard.domain.access import system_principal
from ampyard.domain.charge_points import Evse
from ampyard.domain.commands import Command, CommandKind, CommandState
from ampyard.domain.events import Event, EventKind
from ampyard.domain.reservations import Reservation, ReservationState
from ampyard.domain.transactions import Transaction
from ampyard.repositories.reservations import Reservations, run_out
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.services.backend import Backend

NOBODY_CAME = "Nobody came in time."


async def answered(work: UnitOfWork, command: Command, state: CommandState, outcome: str) -> None:
    """Record what a charge point's answer to a command makes of its reservation."""
    reservation: Reservation | None = await work.lock(Reservations, uuid.UUID(command.payload["reservation_id"]))
    if reservation is None or reservation.state.final:
        return
    if command.kind is CommandKind.RESERVE:
        await enter(work, reservation, ReservationState.ACTIVE if state is CommandState.ACCEPTED else ReservationState.REFUSED, outcome)
    elif state in {CommandState.ACCEPTED, CommandState.REJECTED}:
        # One that it does not know it does not keep, either.
        await enter(work, reservation, ReservationState.CANCELED, outcome)


async def kept_for(work: UnitOfWork, evse: Evse, at: datetime) -> Reservation | None:
    """Return the reservation that keeps an EVSE at a moment: one that was made before, and is not over."""
    found = (await Reservations(work.session).open_of_evses([evse.id])).get(evse.id)
    return found if found is not None and found.keeps(at) and found.created_at <= at else None


async def used(work: UnitOfWork, reservation: Reservation, transaction: Transaction) -> None:
    """Record that a transaction has begun with a reservation."""
    await enter(work, reservation, ReservationState.USED, "A transaction has begun.", transaction_id=transaction.id)


async def enter(
    work: UnitOfWork, reservation: Reservation, state: ReservationState, outcome: str, *, transaction_id: uuid.UUID | None = None
) -> Reservation:
    """Record a new state."""
    ended_at = work.now if state.final else None
    entered = replace(reservation, state=state, outcome=outcome, transaction_id=transaction_id, ended_at=ended_at, updated_at=work.now)
    await work.change(
        Reservations,
        reservation.id,
        state=state,
        outcome=outcome,
        transaction_id=transaction_id,
        ended_at=ended_at,
        updated_at=work.now,
    )
    work.publish(Event(EventKind.RESERVATION_CHANGED, reservation.id, reservation.depot_id, {"state": state.value}))
    return entered


async def expire_overdue(backend: Backend) -> int:
    """End reservations whose time is over; returns how many."""
    async with backend.database.system_snapshot() as snapshot:
        overdue = await run_out(snapshot, at=backend.clock())
    for tenant_id, reservation_id in overdue:
        async with backend.unit_of_work(system_principal(tenant_id, "reservations")) as work:
            reservation = await work.lock(Reservations, reservation_id)
            if reservation is not None and not reservation.state.final and not reservation.keeps(work.now):
                await enter(work, reservation, ReservationState.EXPIRED, NOBODY_CAME)
            await work.commit()
    return len(overdue)
