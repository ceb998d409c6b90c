"""At which EVSE a vehicle will be charged that has yet to come back: nobody says, so it is supposed."""

import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from ampyard.domain.charge_points import Evse
from ampyard.domain.charging_forecast import EFFICIENCY
from ampyard.domain.plugs import vehicle_kw
from ampyard.domain.vehicles import Vehicle

Span = tuple[datetime, datetime]


class Places:
    """The EVSEs of a depot, and when each will be taken.

    Args:
        evses: those that can be used.
        taken_until: when those become free that are taken now; what is missing here is free.
        power_kw: the most that a vehicle gets at one of them, in kW.
    """

    def __init__(
        self, evses: Iterable[Evse], taken_until: Mapping[uuid.UUID, datetime], power_kw: Callable[[Evse, Vehicle], float]
    ) -> None:
        self._evses = sorted(evses, key=lambda evse: (evse.max_power_kw, evse.id))
        self._free_at = dict(taken_until)
        self._power_kw = power_kw

    def take(self, vehicle: Vehicle, span: Span, needed_kwh: float, asked: uuid.UUID | None = None) -> Evse | None:
        """Return the EVSE that a vehicle will use over a time, and take it; None where none is free. To be called by arrival.

        It is the one that is asked for, where that is free, else the weakest that gives what is needed in that time, where none does the
        strongest: whoever plugs in vehicles leaves strong plugs to those that need them.
        """
        arrives_at, departs_at = span
        hours = (departs_at - arrives_at).total_seconds() / 3600
        free = [
            evse
            for evse in self._evses
            if vehicle_kw(vehicle, evse.current_type) > 0 and (evse.id not in self._free_at or self._free_at[evse.id] <= arrives_at)
        ]
        if not free:
            return None
        enough = (evse for evse in free if self._power_kw(evse, vehicle) * hours * EFFICIENCY >= needed_kwh)
        named = next((evse for evse in free if evse.id == asked), None)
        found = named or next(enough, None) or max(free, key=lambda evse: self._power_kw(evse, vehicle))
        self._free_at[found.id] = departs_at
        return found
