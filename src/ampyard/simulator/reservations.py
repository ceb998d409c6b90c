"""Reservations as a charge point keeps them: an EVSE for one identification, until a time (OCPP 1.6, 5.13; 2.0.1 part 2, block H)."""

from datetime import datetime

from ampyard.simulator.charge_point import SimulatedChargePoint
from ampyard.simulator.evse import Evse
from ampyard.simulator.state import IdToken, Reservation


def reserve(point: SimulatedChargePoint, number: int, token: IdToken, evse_no: int | None, expires_at: datetime) -> str:
    """Keep an EVSE (None or 0: any) for a token; return Accepted, Occupied, Unavailable or Rejected. A number that is known is replaced."""
    named = point.evse(evse_no)
    if evse_no and named is None:
        return "Rejected"
    candidates = point.evses if named is None else [named]
    operative = [evse for evse in candidates if evse.state.operative]
    free = [evse for evse in operative if _is_free(evse, number)]
    if not free:
        return "Occupied" if operative else "Unavailable"
    cancel(point, number)
    free[0].state.reservation = Reservation(number, token, expires_at)
    point.save()
    return "Accepted"


def cancel(point: SimulatedChargePoint, number: int) -> bool:
    """Keep an EVSE no longer; tell whether there was such a reservation."""
    held = [evse for evse in point.evses if evse.state.reservation is not None and evse.state.reservation.number == number]
    for evse in held:
        evse.state.reservation = None
    point.save()
    return bool(held)


def _is_free(evse: Evse, number: int) -> bool:
    state = evse.state
    kept = state.reservation is not None and state.reservation.number != number
    return state.transaction is None and state.plugged is None and evse.pending_start is None and not kept
