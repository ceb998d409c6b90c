"""An EVSE of each depot was kept for somebody, who came; one still is."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ampyard.domain.charge_points import Evse
from ampyard.domain.id_tags import IdTagKind
from ampyard.domain.reservations import Reservation, ReservationState
from ampyard.domain.vehicles import Vehicle
from ampyard.repositories.charge_points import ChargePoints, Evses
from ampyard.repositories.reservations import Reservations
from ampyard.repositories.vehicles import Vehicles
from ampyard.resolvers.ids import encode_id
from ampyard.services.reservation_states import enter, used
from ampyard.services.reservations import Wanted, place
from tests.fleet import user

if TYPE_CHECKING:
    from tests.busy import Busy

# On these EVSEs, the second of a charge point, nothing charges.
PLACES = (("CP-4", "TAG-5"), ("N-CP-4", "N-TAG-5"))


async def happen(busy: "Busy") -> None:
    async with busy.backend.unit_of_work(user(busy.tenant_id)) as work:
        for identity, tag in PLACES:
            point = await work.require(ChargePoints, busy.stations[identity].charge_point_id, "charge point")
            evses = (await Evses(work.session).of_charge_points([point.id]))[point.id]
            free = evses[0] if identity == "CP-4" else evses[1]
            wanted = Wanted(tag, IdTagKind.RFID, work.now + timedelta(hours=1), group_id="GROUP", partner_reference="THEIRS-1")
            earlier, _ = await place(work, point, free, wanted)
            transaction = await busy.transaction("tx-5" if identity == "CP-4" else "tx-9")
            await used(work, earlier, transaction)
            if identity != "CP-4":
                # The free EVSE of the other depot is left to those who start something.
                kept, _ = await place(work, point, free, wanted)
                await enter(work, kept, ReservationState.ACTIVE, "Accepted")
        await work.commit()


async def valid_inputs(busy: "Busy") -> dict[str, dict[str, Any]]:
    """Return by root field the arguments with which it would do something."""
    return {name: {"input": given} for name, given in (await _inputs(busy)).items()}


async def foreign_inputs(busy: "Busy", twin: "Busy") -> dict[tuple[str, str], dict[str, Any]]:
    """Return by mutation and input field what would do something if only that id were not the other tenant's."""
    own, theirs = await _inputs(busy), await _inputs(twin)
    vehicle = (await twin.all(Vehicles))[-1]
    of_vehicle = {key: value for key, value in own["reserveEvse"].items() if key != "idTag"} | {"vehicleId": encode_id(Vehicle, vehicle.id)}
    found = {(name, key): given for name, given in theirs.items() for key in given if key.endswith("Id")}
    return found | {("reserveEvse", "vehicleId"): of_vehicle}


async def _inputs(busy: "Busy") -> dict[str, dict[str, Any]]:
    kept = next(one for one in await busy.all(Reservations) if not one.state.final)
    (free,) = [evse for evse in await busy.all(Evses) if evse.charge_point_id == busy.stations["N-CP-2"].charge_point_id]
    until = (busy.backend.clock() + timedelta(hours=1)).isoformat()
    return {
        "reserveEvse": {"evseId": encode_id(Evse, free.id), "idTag": "TAG-6", "expiresAt": until},
        "cancelReservation": {"reservationId": encode_id(Reservation, kept.id)},
    }
