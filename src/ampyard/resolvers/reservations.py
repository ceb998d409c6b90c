"""Keeping EVSEs for somebody: decode the ids, call the service."""

from datetime import datetime
from typing import Any

from ampyard.domain.charge_points import Evse
from ampyard.domain.reservations import Reservation
from ampyard.domain.vehicles import Vehicle
from ampyard.resolvers.changes import Caller
from ampyard.resolvers.ids import decode_id, optional_id
from ampyard.services import reservations
from ampyard.services.reservations import ReservationOutcome


async def reserve_evse(caller: Caller, *, evse_id: str, expires_at: datetime, vehicle_id: str | None, id_tag: str | None) -> dict[str, Any]:
    """Have a charge point keep one of its EVSEs."""
    vehicle = optional_id("input.vehicleId", vehicle_id, Vehicle)
    evse = decode_id("input.evseId", evse_id, Evse)
    reserve = reservations.reserve_evse
    return _shown(await reserve(caller.backend, caller.principal, evse, expires_at=expires_at, vehicle_id=vehicle, id_tag=id_tag))


async def cancel_reservation(caller: Caller, *, reservation_id: str) -> dict[str, Any]:
    """Have a charge point keep an EVSE no longer."""
    wanted = decode_id("input.reservationId", reservation_id, Reservation)
    return _shown(await reservations.cancel_reservation(caller.backend, caller.principal, wanted))


def _shown(outcome: ReservationOutcome) -> dict[str, Any]:
    return {"command": outcome.command, "reservation": outcome.reservation}
