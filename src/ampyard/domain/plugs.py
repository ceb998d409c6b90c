"""What a vehicle gets where it is plugged in, and what a depot has to offer."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from ampyard.domain.charge_points import CurrentType
from ampyard.domain.charging_forecast import steady
from ampyard.domain.readiness import Supply
from ampyard.domain.transactions import ChargingState
from ampyard.domain.vehicles import Vehicle

# A charge point follows a new limit, and the vehicle the charge point, within this time; what is measured then is what flows.
_SETTLED = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Plug:
    """A vehicle in an open transaction, and the EVSE it is on. Without a confirmed limit the fall-back holds."""

    vehicle_id: uuid.UUID
    depot_id: uuid.UUID
    current_type: CurrentType
    max_power_kw: float
    fallback_kw: float
    limit_kw: float | None
    limit_at: datetime | None
    charging_state: ChargingState
    power_kw: float
    measured_at: datetime | None
    since: datetime
    transaction_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class Offer:
    """The least and the most powerful EVSE of one current type in a depot, in kW."""

    depot_id: uuid.UUID
    current_type: CurrentType
    least_kw: float
    most_kw: float


def plugged_in(plug: Plug, vehicle: Vehicle) -> Supply:
    """Return what a plugged-in vehicle gets: its limit, or what it was measured to take of it once it has settled.

    At the highest it could get what its EVSE delivers and it takes. One that has stopped charging by itself gets nothing.
    """
    highest = min(plug.max_power_kw, vehicle_kw(vehicle, plug.current_type))
    limit = min(plug.fallback_kw if plug.limit_kw is None else plug.limit_kw, highest)
    if plug.charging_state is ChargingState.SUSPENDED_EV:
        return Supply(steady(0.0), highest)
    settled = plug.measured_at is not None and plug.limit_at is not None and plug.measured_at >= plug.limit_at + _SETTLED
    return Supply(steady(min(limit, plug.power_kw) if settled and plug.power_kw > 0 else limit), highest)


def offered(offers: list[Offer], vehicle: Vehicle, *, plugged: bool) -> Supply:
    """Return what a vehicle may count on in a depot: of the plugs it can use the least powerful; at the highest, the most powerful.

    One that is not `plugged` in, nor sure to be, can count on nothing.
    """
    usable = [offer for offer in offers if vehicle_kw(vehicle, offer.current_type) > 0]
    if not usable:
        return Supply((), 0.0)
    least = min(min(offer.least_kw, vehicle_kw(vehicle, offer.current_type)) for offer in usable)
    most = max(min(offer.most_kw, vehicle_kw(vehicle, offer.current_type)) for offer in usable)
    return Supply(steady(least) if plugged else (), most)


def vehicle_kw(vehicle: Vehicle, current_type: CurrentType) -> float:
    """Return the most power a vehicle takes at a plug of this type, in kW."""
    return vehicle.max_dc_kw if current_type is CurrentType.DC else vehicle.max_ac_kw
