"""Plans as they are kept and shown: what `domain.planning` answered, with who and what each stay is."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from ampyard.domain.charging_forecast import Forecast, Step
from ampyard.domain.planning import PlanStatus, Remedy, ShortfallCause
from ampyard.domain.priorities import PriorityLevel
from ampyard.domain.shortfalls import PlannedShortfall

# A plan counts for so long. Then it is ignored, as if there were none: the next ones should have come three times by then.
FRESH = timedelta(minutes=15)


class DepartureSource(StrEnum):
    """Where it is known from when a vehicle leaves.

    REQUEST: whoever asks for its charge says so. ASSIGNMENT: it is on a run. LEARNT: that is when it usually leaves. SUPPOSED: somebody
    asks what would be if it left then.
    """

    REQUEST = "REQUEST"
    ASSIGNMENT = "ASSIGNMENT"
    LEARNT = "LEARNT"
    SUPPOSED = "SUPPOSED"


class ArrivalSource(StrEnum):
    """Where it is known from that a vehicle comes that is not plugged in yet.

    REQUEST: whoever asks for its charge says so. ASSIGNMENT: that is when its run ends. YARD: it is to be here by now, and is expected to
    be plugged in soon.
    """

    REQUEST = "REQUEST"
    ASSIGNMENT = "ASSIGNMENT"
    YARD = "YARD"


class ChargeSource(StrEnum):
    """Where it is known from what is in a battery as a stay begins, or now where it has begun; from the best to the worst.

    READING: it was told within a day, or is an estimate from what flowed since. REQUEST: whoever asks for its charge says so. PLANNED: what
    was told last, less what its planned runs take. HABIT: not known; the vehicle is taken to need what it usually takes. RESERVE: not
    known; it is taken to come with no more than the reserve.
    """

    READING = "READING"
    REQUEST = "REQUEST"
    PLANNED = "PLANNED"
    HABIT = "HABIT"
    RESERVE = "RESERVE"

    @property
    def is_assumed(self) -> bool:
        """Whether nobody has told it."""
        return self in {ChargeSource.HABIT, ChargeSource.RESERVE}


@dataclass(frozen=True, slots=True)
class DepotPlan:
    """A plan of a depot. All sequences have an entry for each slot; the last slot ends at `ends_at`.

    `power_kw` is of all vehicles together, `unmanaged_kw` what else flows, `limits_kw` what the roots may supply in all (None: whatever
    is asked). `prices_per_kwh` is empty where there is no price; costs are in `currency`, and None without one. What there is of them
    else is as in `domain.planning.Plan`.
    """

    id: uuid.UUID
    tenant_id: uuid.UUID
    depot_id: uuid.UUID
    made_at: datetime
    fresh_until: datetime
    status: PlanStatus
    gap: float
    solve_s: float
    begins_at: Sequence[datetime]
    ends_at: datetime
    power_kw: Sequence[float]
    unmanaged_kw: Sequence[float]
    limits_kw: Sequence[float | None]
    prices_per_kwh: Sequence[float]
    currency: str | None
    peak_kw: float
    peak_so_far_kw: float
    energy_cost: float | None
    demand_cost: float | None

    @property
    def slots(self) -> list["PlanSlot"]:
        """What is planned, slot by slot."""
        prices: Sequence[float | None] = self.prices_per_kwh or [None] * len(self.begins_at)
        ends = [*self.begins_at[1:], self.ends_at]
        return [
            PlanSlot(*of_slot)
            for of_slot in zip(self.begins_at, ends, self.power_kw, self.unmanaged_kw, self.limits_kw, prices, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class PlanSlot:
    """One slot of a plan; see `DepotPlan`."""

    begins_at: datetime
    ends_at: datetime
    power_kw: float
    unmanaged_kw: float
    limit_kw: float | None
    price_per_kwh: float | None


@dataclass(frozen=True, slots=True)
class PlannedStay:
    """A vehicle at a plug, as a plan has it: one of a transaction, or one to come.

    `assignment_id` is the run it leaves on, `request_id` the charging request that it is charged by, where there is one. One to come is
    expected because of what `arrival_source` says (None: it is plugged in); power is kept for it, and nobody is told a limit. `step_kw`
    flows at the plug from `step_begins_at` on, each until the next; the last one is 0. `energy_kwh` is in the battery when it arrives, or,
    of one that is there, as the plan was made (None: that depends on the stay before), by what `energy_source` says (None where that is).
    What becomes of it, from `minimum_at` on, is as in `domain.planning.Prediction`, and what it will be short of, from
    `lacks_minimum_kwh` on, as in `Shortfall`; 0 and None where it will not.
    """

    id: uuid.UUID
    tenant_id: uuid.UUID
    plan_id: uuid.UUID
    depot_id: uuid.UUID
    made_at: datetime
    fresh_until: datetime
    transaction_id: uuid.UUID | None
    assignment_id: uuid.UUID | None
    vehicle_id: uuid.UUID
    charge_point_id: uuid.UUID
    power_node_id: uuid.UUID
    priority: PriorityLevel
    arrives_at: datetime
    departs_at: datetime | None
    departure_source: DepartureSource | None
    departure_confidence: float | None
    capacity_kwh: float
    energy_kwh: float | None
    minimum_kwh: float
    target_kwh: float
    max_kw: float
    step_begins_at: Sequence[datetime]
    step_kw: Sequence[float]
    minimum_at: datetime | None
    target_at: datetime | None
    final_kwh: float
    final_at: datetime
    expected_kwh: float
    lacks_minimum_kwh: float
    lacks_target_kwh: float
    cause: ShortfallCause | None
    binding_node_id: uuid.UUID | None
    ready_at: datetime | None
    remedies: Sequence[Remedy]
    request_id: uuid.UUID | None = None
    arrival_source: ArrivalSource | None = None
    energy_source: ChargeSource | None = None

    @property
    def stay_id(self) -> uuid.UUID:
        """What the plan knows the stay by: its transaction, else the run or the request that ends it, else its vehicle."""
        return self.transaction_id or self.assignment_id or self.request_id or self.vehicle_id

    @property
    def is_expected(self) -> bool:
        """Whether its vehicle has yet to be plugged in."""
        return self.transaction_id is None

    @property
    def steps(self) -> Forecast:
        """What is planned to flow at its plug."""
        return tuple(Step(begins_at, kw) for begins_at, kw in zip(self.step_begins_at, self.step_kw, strict=True))

    def forecast(self, otherwise: Forecast) -> Forecast:
        """Return what flows at its plug by the plan, and beyond its end, where the vehicle is still there, what would flow otherwise."""
        *planned, last = self.steps
        if self.departs_at is not None and self.departs_at <= last.begins_at:
            return self.steps
        beyond = next((step.kw for step in reversed(otherwise) if step.begins_at <= last.begins_at), 0.0)
        later = (step for step in otherwise if step.begins_at > last.begins_at)
        return (*planned, Step(last.begins_at, beyond), *later)

    @property
    def shortfall(self) -> PlannedShortfall | None:
        """What it will be short of; None where it will be ready."""
        if self.cause is None:
            return None
        return PlannedShortfall(
            lacks_minimum_kwh=self.lacks_minimum_kwh,
            lacks_target_kwh=self.lacks_target_kwh,
            minimum_kwh=self.minimum_kwh,
            departs_at=self.departs_at,
            cause=self.cause,
            node_id=self.binding_node_id,
            ready_at=self.ready_at,
            remedies=self.remedies,
            is_assumed=self.energy_source is not None and self.energy_source.is_assumed,
        )

    @property
    def prediction(self) -> "PlannedStay":
        """What becomes of it: itself, seen as that alone."""
        return self

    @property
    def final_soc_percent(self) -> float:
        """The state of charge it ends with, in percent."""
        return self.final_kwh / self.capacity_kwh * 100


@dataclass(frozen=True, slots=True)
class PlannedPower:
    """What a plan says of a transaction from a moment on: the power now, in kW, and the steps ahead, each until the next.

    `made_at` and `fresh_until` are the plan's, `priority` is the class it was made with. By `departs_at` (None: not known) the battery
    shall hold `minimum_kwh`, and is wanted to hold `target_kwh`; as the plan was made it held `energy_kwh` (None: not known).
    """

    kw: float
    ahead: Forecast
    made_at: datetime
    fresh_until: datetime
    priority: PriorityLevel
    minimum_kwh: float
    target_kwh: float
    departs_at: datetime | None
    energy_kwh: float | None = None


def planned_power(stay: PlannedStay, at: datetime) -> PlannedPower:
    """Return what a stay's plan says from a moment on."""
    return PlannedPower(
        kw=next((step.kw for step in reversed(stay.steps) if step.begins_at <= at), 0.0),
        ahead=tuple(step for step in stay.steps if step.begins_at > at),
        made_at=stay.made_at,
        fresh_until=stay.fresh_until,
        priority=stay.priority,
        minimum_kwh=stay.minimum_kwh,
        target_kwh=stay.target_kwh,
        departs_at=stay.departs_at,
        energy_kwh=stay.energy_kwh,
    )
