"""The traffic of one depot: vehicles come home, take a free EVSE or wait for one, leave, drive and come back.

Every decision is drawn from a generator seeded by (seed, vehicle, visit), so that it does not depend on what other
vehicles do or on when the clock ticks.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ampyard.simulator.charge_point import SimulatedChargePoint
from ampyard.simulator.evse import Evse
from ampyard.simulator.fleet import VehicleSpec
from ampyard.simulator.state import AwayVehicle, PluggedVehicle

SECONDS_PER_HOUR = 3600.0
STAY_H = (1.0, 4.0)
ABSENCE_H = (1.0, 3.5)
RETURN_SOC_PERCENT = (12.0, 55.0)
PRESENT_AT_START = 0.85  # share of the EVSEs


@dataclass(frozen=True, slots=True)
class Visit:
    """What a vehicle does at its n-th visit: how long it stays plugged in, stays away after, and with what charge it returns."""

    stay_s: float
    absence_s: float
    return_soc_percent: float
    berth: float  # 0..1, where in the row of free EVSEs it parks


def draw_visit(seed: int, vehicle_name: str, visit: int, speed: float) -> Visit:
    dice = random.Random(f"{seed}:{vehicle_name}:{visit}")
    return Visit(
        stay_s=dice.uniform(*STAY_H) * SECONDS_PER_HOUR / speed,
        absence_s=dice.uniform(*ABSENCE_H) * SECONDS_PER_HOUR / speed,
        return_soc_percent=dice.uniform(*RETURN_SOC_PERCENT),
        berth=dice.random(),
    )


class Yard:
    """The vehicles of one depot and its charge points.

    Args:
        vehicles: The depot's vehicles.
        charge_points: The depot's charge points; vehicles found plugged in there stay.
        away: Where the other vehicles were when the simulation last stopped; those not listed come as at a first start.
        seed: Fixes all decisions.
        speed: How much faster than real time.
        arrival_window_s: Wall-clock seconds over which those present at a first start plug in.
        started_at: When the simulation starts.
        away_changed: Called when ``away`` has changed, before a leaving vehicle is unplugged.
    """

    def __init__(
        self,
        vehicles: Sequence[VehicleSpec],
        charge_points: Sequence[SimulatedChargePoint],
        away: Sequence[AwayVehicle],
        *,
        seed: int,
        speed: float,
        arrival_window_s: float,
        started_at: datetime,
        away_changed: Callable[[], None],
    ) -> None:
        self._specs = {vehicle.name: vehicle for vehicle in vehicles}
        self._berths = [(point, evse) for point in charge_points for evse in point.evses]
        self._seed = seed
        self._speed = speed
        self._away_changed = away_changed
        plugged = {evse.state.plugged.spec.name for _, evse in self._berths if evse.state.plugged is not None}
        known = {vehicle.name: vehicle for vehicle in away if vehicle.name in self._specs and vehicle.name not in plugged}
        strangers = [vehicle for vehicle in vehicles if vehicle.name not in plugged and vehicle.name not in known]
        present_count = max(0, round(PRESENT_AT_START * len(self._berths)) - len(plugged))
        self.away = list(known.values()) + self._first_arrivals(strangers, present_count, arrival_window_s, started_at)

    def _first_arrivals(
        self, vehicles: Sequence[VehicleSpec], present_count: int, arrival_window_s: float, started_at: datetime
    ) -> list[AwayVehicle]:
        arrivals: list[AwayVehicle] = []
        draws = {vehicle.name: random.Random(f"{self._seed}:{vehicle.name}:first") for vehicle in vehicles}
        ranked = sorted(vehicles, key=lambda vehicle: (draws[vehicle.name].random(), vehicle.name))
        for rank, vehicle in enumerate(ranked):
            share = draws[vehicle.name].random()
            absence_s = draw_visit(self._seed, vehicle.name, 0, self._speed).absence_s
            delay_s = share * arrival_window_s if rank < present_count else arrival_window_s + share * absence_s
            arrivals.append(AwayVehicle(vehicle.name, vehicle.initial_soc_percent, 0, started_at + timedelta(seconds=delay_s)))
        return arrivals

    def step(self, now: datetime) -> None:
        """Let those leave whose stay is over, then those in who have come home, in the order of their return."""
        for point, evse in self._berths:
            if evse.state.plugged is not None and evse.state.plugged.leaves_at <= now:
                self._leave(point, evse, evse.state.plugged, now)
        for vehicle in sorted(self.away, key=lambda vehicle: (vehicle.returns_at, vehicle.name)):
            if vehicle.returns_at <= now:
                self._park(vehicle, now)

    def _leave(self, point: SimulatedChargePoint, evse: Evse, plugged: PluggedVehicle, now: datetime) -> None:
        # energy that flows until the plug is pulled must count for the drive
        point.advance(now)
        if plugged.spec.name in self._specs:
            visit = draw_visit(self._seed, plugged.spec.name, plugged.visit, self._speed)
            soc_percent = min(plugged.soc_percent, visit.return_soc_percent)
            returns_at = now + timedelta(seconds=visit.absence_s)
            self.away.append(AwayVehicle(plugged.spec.name, soc_percent, plugged.visit + 1, returns_at))
            self._away_changed()
        point.unplug(evse, now)

    def _park(self, vehicle: AwayVehicle, now: datetime) -> None:
        spec = self._specs[vehicle.name]
        free = [(point, evse) for point, evse in self._berths if evse.is_free and spec.max_kw(evse.current_type) > 0]
        if not free:
            return
        visit = draw_visit(self._seed, vehicle.name, vehicle.visit, self._speed)
        # who comes for a remote start goes where it was ordered
        ordered = [(point, evse) for point, evse in free if evse.pending_start is not None]
        point, evse = ordered[0] if ordered else free[int(visit.berth * len(free))]
        leaves_at = now + timedelta(seconds=visit.stay_s)
        point.plug_in(evse, PluggedVehicle(spec, vehicle.soc_percent, vehicle.visit, leaves_at), now)
        self.away.remove(vehicle)
        self._away_changed()
