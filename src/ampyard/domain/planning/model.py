"""What a plan is made from, and what it says."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from ampyard.domain.power import Lines

_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Slot:
    """A stretch of time over which the plan gives each vehicle one mean power; the first begins now, all others on a quarter-hour."""

    begins_at: datetime
    ends_at: datetime

    @property
    def hours(self) -> float:
        """How long it is."""
        return (self.ends_at - self.begins_at) / _HOUR


@dataclass(frozen=True, slots=True)
class PlanNode:
    """A node of the supply tree. `limits_kw` has, for each slot, what is left for vehicles: after unmanaged loads and reserves.

    None: nothing limits it in that slot. A root has no parent. `line_limits_kw` has the same of L1, L2 and L3, each as power between it and
    neutral; it is empty where no line is limited.
    """

    id: uuid.UUID
    parent_id: uuid.UUID | None
    limits_kw: tuple[float | None, ...]
    line_limits_kw: tuple[tuple[float | None, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Preconditioning:
    """Power that a vehicle takes at its plug for heating or cooling, beside what goes into its battery, in kW."""

    begins_at: datetime
    ends_at: datetime
    kw: float


@dataclass(frozen=True, slots=True)
class Stay:
    """A vehicle at a plug, from when it arrives until it leaves. `id` is that of its transaction or, ahead of that, of its assignment.

    `priority` is its class: a higher one is served entirely before a lower one; inside a class `weight` weighs shortfalls. `departs_at` is
    None where it is not known, nor to be guessed: then there is no shortfall, and it is filled when that is cheapest within the horizon.

    Of a chain of stays of one vehicle the first tells what is in the battery when it arrives (`energy_kwh`); each other names the one
    before it and what the run between takes (`used_kwh`). `minimum_kwh` is what has to be in the battery at departure, `target_kwh`
    what is wanted; both are at most `capacity_kwh`. `max_kw` is the most that EVSE, cable and vehicle can do, `min_kw` the least it
    charges with. Of what it takes at the plug, `efficiency` reaches the battery. `lines` says which lines of the supply it draws from.
    """

    id: uuid.UUID
    vehicle_id: uuid.UUID
    node_id: uuid.UUID
    priority: int
    arrives_at: datetime
    departs_at: datetime | None
    capacity_kwh: float
    minimum_kwh: float
    target_kwh: float
    max_kw: float
    min_kw: float = 0.0
    energy_kwh: float = 0.0
    previous: uuid.UUID | None = None
    used_kwh: float = 0.0
    weight: float = 1.0
    efficiency: float = 0.92
    preconditioning: tuple[Preconditioning, ...] = ()
    lines: Lines = Lines.L1_L2_L3


@dataclass(frozen=True, slots=True)
class PlanProblem:
    """A depot as the planner sees it at `now`.

    `prices_per_kwh` has a price for each slot, and may be negative; where there is none all are 0. `demand_charge_per_kw` is what each kW
    costs of the highest mean quarter-hour of the billing month, which so far is `peak_so_far_kw`, of everything at the roots:
    `unmanaged_kw` has, for each slot, what flows there that is not ours.
    """

    now: datetime
    slots: tuple[Slot, ...]
    nodes: tuple[PlanNode, ...]
    stays: tuple[Stay, ...]
    prices_per_kwh: tuple[float, ...]
    demand_charge_per_kw: float = 0.0
    peak_so_far_kw: float = 0.0
    unmanaged_kw: tuple[float, ...] = ()


class PlanStatus(StrEnum):
    """How good a plan is.

    OPTIMAL: none is better. FEASIBLE: time was over; `Plan.gap` says how far from the best it may be. NONE: no plan was
    found in time; the now step alone goes on.
    """

    OPTIMAL = "OPTIMAL"
    FEASIBLE = "FEASIBLE"
    NONE = "NONE"


@dataclass(frozen=True, slots=True)
class Prediction:
    """What becomes of a stay: when its battery holds the minimum and the target (None: never, in the plan's horizon), and at its end.

    `final_kwh` is in the battery at departure, or at the end of the horizon; `expected_kwh` is what flows at the plug from now until then.
    `final_at` is when charging ends: from then on nothing flows.
    """

    minimum_at: datetime | None
    target_at: datetime | None
    final_kwh: float
    final_at: datetime
    expected_kwh: float


@dataclass(frozen=True, slots=True)
class StayPlan:
    """The mean power of a stay in each slot of the plan, in kW, and what becomes of it."""

    stay_id: uuid.UUID
    power_kw: tuple[float, ...]
    prediction: Prediction


class ShortfallCause(StrEnum):
    """What keeps a vehicle from being ready: a node's limit, its own or its plug's power, or a battery too small for its run."""

    NODE = "NODE"
    POWER = "POWER"
    CAPACITY = "CAPACITY"


class RemedyKind(StrEnum):
    """What would help: a higher limit of a node, leaving later, a more powerful plug, another vehicle on the run, or the other's turn."""

    RAISE_LIMIT = "RAISE_LIMIT"
    DEPART_LATER = "DEPART_LATER"
    STRONGER_PLUG = "STRONGER_PLUG"
    SWAP_VEHICLE = "SWAP_VEHICLE"


@dataclass(frozen=True, slots=True)
class Remedy:
    """One thing that would remove a shortfall by itself. What its kind does not need is None.

    RAISE_LIMIT: `node_id` by `kw`, a third of it on each line that is limited, from `begins_at` to `ends_at`. DEPART_LATER: at `ends_at`.
    STRONGER_PLUG: of `kw` at least.
    SWAP_VEHICLE: with that of `stay_id`.
    """

    kind: RemedyKind
    node_id: uuid.UUID | None = None
    kw: float | None = None
    begins_at: datetime | None = None
    ends_at: datetime | None = None
    stay_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A stay that will not be ready: what lacks in its battery at departure of its minimum and its target, in kWh, and why.

    `node_id` is the node that binds, where one does; `ready_at` when it would hold its minimum if it stayed (None: not within the horizon).
    """

    stay_id: uuid.UUID
    lacks_minimum_kwh: float
    lacks_target_kwh: float
    cause: ShortfallCause
    node_id: uuid.UUID | None
    ready_at: datetime | None
    remedies: tuple[Remedy, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """The answer to a `PlanProblem`. `gap` is how far it may be from the best, as a share of it; `solve_s` how long it took.

    `energy_cost` is for what the vehicles take within the horizon, `demand_cost` for what the peak rises above the one so far; `peak_kw`
    is the highest mean power of a slot at the roots, unmanaged loads included.
    """

    made_at: datetime
    slots: tuple[Slot, ...]
    status: PlanStatus
    gap: float
    solve_s: float
    stays: Mapping[uuid.UUID, StayPlan]
    shortfalls: tuple[Shortfall, ...]
    energy_cost: float
    demand_cost: float
    peak_kw: float
