"""What a plan is made from: a depot as it is, and what is known of the coming day and a half."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ampyard.domain.assignments import Assignment
from ampyard.domain.blocks import Block
from ampyard.domain.charge_points import ChargePoint, Connector, Evse
from ampyard.domain.charging_requests import ChargingRequest
from ampyard.domain.couplings import Coupling, coupling
from ampyard.domain.departures import PastStay
from ampyard.domain.depots import Depot
from ampyard.domain.grid_prices import GridPrice
from ampyard.domain.plugs import vehicle_kw
from ampyard.domain.pricing import EnergyPrice
from ampyard.domain.priorities import PriorityLevel
from ampyard.domain.readiness import needed_energy
from ampyard.domain.supply import NodeState
from ampyard.domain.transactions import Transaction
from ampyard.domain.vehicles import Vehicle

# How far plans look.
HORIZON = timedelta(hours=36)
# What was told before that says nothing of what is in a battery, whatever runs are known of since.
OLDEST_KNOWN = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class SupposedLimit:
    """A limit of a power node that somebody supposes, in place of all that it has, from `valid_from` (None: now) until `valid_until`."""

    power_node_id: uuid.UUID
    limit_kw: float
    valid_from: datetime | None
    valid_until: datetime | None

    def covers(self, moment: datetime) -> bool:
        """Tell whether it is supposed of a moment."""
        return (self.valid_from is None or self.valid_from <= moment) and (self.valid_until is None or moment < self.valid_until)


@dataclass(frozen=True, slots=True)
class Outlook:
    """A depot at a moment.

    `nodes` have the rules that count now or later. `connectors` and the open `transactions` are by EVSE; `elsewhere` the vehicles that are
    plugged in at another depot; `requests` what is asked for vehicles, the earliest to leave first; `runs` the assignments of each vehicle
    that returned within the last three days, or have not yet, by departure; `levels` the classes of transactions, assignments, requests and
    vehicles, by id; `past` the stays here that have ended of vehicles of which something has to be learnt. `supposed` has departures that
    somebody supposes, by vehicle.
    """

    at: datetime
    depot: Depot
    nodes: Sequence[NodeState]
    charge_points: Mapping[uuid.UUID, ChargePoint]
    evses: Mapping[uuid.UUID, Evse]
    connectors: Mapping[uuid.UUID, Sequence[Connector]]
    transactions: Mapping[uuid.UUID, Transaction]
    vehicles: Mapping[uuid.UUID, Vehicle]
    levels: Mapping[uuid.UUID, PriorityLevel]
    requests: Mapping[uuid.UUID, Sequence[ChargingRequest]]
    runs: Mapping[uuid.UUID, Sequence[Assignment]]
    blocks: Mapping[uuid.UUID, Block]
    past: Mapping[uuid.UUID, Sequence[PastStay]]
    reserve_percent: float
    prices: Sequence[EnergyPrice]
    told_prices: Sequence[GridPrice]
    peak_so_far_kw: float
    supposed: Mapping[uuid.UUID, datetime]
    supposed_limits: Sequence[SupposedLimit]
    elsewhere: frozenset[uuid.UUID] = frozenset()

    def reserve_kwh(self, vehicle: Vehicle) -> float:
        """Return what shall be left in a vehicle's battery on return."""
        percent = self.reserve_percent if vehicle.min_soc_percent is None else vehicle.min_soc_percent
        return vehicle.battery_kwh * percent / 100

    def needed_kwh(self, run: Assignment, vehicle: Vehicle) -> float | None:
        """Return what a run takes; None where that is not known."""
        block = self.blocks.get(run.block_id)
        if block is None:
            return None
        return needed_energy(
            energy_kwh=block.energy_kwh, distance_km=block.distance_km, consumption_kwh_per_km=vehicle.consumption_kwh_per_km
        )

    def coupling(self, evse: Evse, vehicle: Vehicle | None) -> Coupling:
        """Return how a vehicle draws at an EVSE, by what was measured where it is plugged in.

        What is not known is not supposed to be worse than usual, as it is in a step: a minute after it begins to charge it will be known.
        """
        transaction, connectors = self.transactions.get(evse.id), self.connectors.get(evse.id, ())
        vehicle_phases = None if vehicle is None else vehicle.ac_phases
        if transaction is None or transaction.vehicle_id != (None if vehicle is None else vehicle.id):
            return coupling(evse, connectors, vehicle_phases=vehicle_phases)
        measured = transaction.measured_phases or frozenset()
        return coupling(evse, connectors, connector_id=transaction.connector_id, vehicle_phases=vehicle_phases, measured=measured)

    def plug_kw(self, evse: Evse, vehicle: Vehicle) -> float:
        """Return the most power that a vehicle gets at an EVSE and its cable, in kW."""
        return min(self.coupling(evse, vehicle).ability_kw, vehicle_kw(vehicle, evse.current_type))

    def node_of(self, evse: Evse) -> uuid.UUID:
        """Return the power node that an EVSE hangs on."""
        return self.charge_points[evse.charge_point_id].power_node_id
