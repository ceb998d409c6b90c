"""What a step of power sharing is computed from: facts alone, so that a step can be kept and computed again."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from ampyard.domain.power import Lines
from ampyard.domain.transactions import ChargingState


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """A power node at the moment of a step; `limit_kw` is what counts then, `limit_from` says where that is from if it is not constant.

    `limit_a` is of each line, where it is limited in A; `voltage_v` is between phase and neutral. `unmanaged_kw` flows there and is not
    ours, `unmanaged_a` is its current on each line, where a meter tells that.
    """

    node_id: uuid.UUID
    parent_id: uuid.UUID | None
    name: str
    limit_kw: float
    unmanaged_kw: float
    limit_from: str = ""
    limit_a: float | None = None
    voltage_v: float = 230.0
    unmanaged_a: tuple[float, float, float] | None = None


@dataclass(frozen=True, slots=True)
class ChargingFacts:
    """A transaction at the moment of a step.

    Args:
        transaction_id: which it is.
        priority: its class; a higher one is served entirely before a lower one.
        since: when it began.
        charging_state: what vehicle and charge point are doing.
        power_kw: the power last measured, in kW.
        measured_at: when that was, by the charge point's clock.
        heard_at: when that was heard of, by ours.
        vehicle_kw: what the vehicle can take of this kind of current, in kW; None: not known.
        most_kw: what the EVSE can give on the phases in use, in kW; None: all it can give.
        cable_kw: what connector and cable carry on these, in kW; None: not known.
        least_kw: the least that it can charge with on these, in kW; None: that of the EVSE.
        cap_kw: what others than power sharing limit it to, in kW; None: nobody does.
        lines: which lines of the supply it draws from.
        steps: the set-points that the charger knows, in kW: None for any, a number for its multiples, or a list.
        planned_kw: what a fresh plan says for now, in kW; None: there is none.
        planned_priority: the class that the plan was made with; None: the one it has.
        needed_kwh: what it still needs for its minimum target, in kWh at the plug.
        wanted_kwh: what it still needs for its target, in kWh at the plug.
        weight: what a kWh of it weighs against others of its class.
        departs_at: when it leaves; None: not known.
        waiting_since: since when it has had no power, though it wanted some.
        charging_since: since when it has been given power; None: it has none, or that is not known.
    """

    transaction_id: uuid.UUID
    priority: int
    since: datetime
    charging_state: ChargingState
    power_kw: float
    measured_at: datetime | None
    heard_at: datetime | None
    vehicle_kw: float | None
    cap_kw: float | None = None
    lines: Lines = Lines.L1_L2_L3
    steps: float | tuple[float, ...] | None = None
    planned_kw: float | None = None
    planned_priority: int | None = None
    needed_kwh: float = 0.0
    wanted_kwh: float = 0.0
    weight: float = 1.0
    departs_at: datetime | None = None
    waiting_since: datetime | None = None
    charging_since: datetime | None = None
    most_kw: float | None = None
    cable_kw: float | None = None
    least_kw: float | None = None


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """What an EVSE has been told and has not answered, or has not accepted: the limit in kW of the newest such command.

    `open`: it is still under way; otherwise it was refused, or its time was over, a moment ago.
    """

    limit_kw: float
    open: bool


@dataclass(frozen=True, slots=True)
class EvseFacts:
    """An EVSE at the moment of a step.

    Args:
        evse_id: which it is.
        node_id: the power node that it hangs on.
        online: whether its charge point can be told anything.
        installed: whether there is one yet; a planned one draws nothing, and its fall-back is only kept free for it.
        max_kw: the most that it and any of its cables can give, in kW.
        min_kw: the least that it can charge with, in kW.
        fallback_kw: what its default profile is to be, in kW.
        held_kw: the highest default profile that may be in force there, in kW; None: it has never confirmed any.
        limit_kw: the limit that it last confirmed, in kW; None: none, or what it obeys is not known.
        limit_at: when it confirmed that.
        in_force_kw: the highest limit that may be in force, in kW; None: its default profile.
        overdrawn_since: since when it has been known to draw more than it may.
        order: what it has been told and has not accepted.
        charging: the transaction on it.
        lines: which lines of the supply it is wired to.
        line_kw: the most that it gives on one line, in kW, where it is told watts, and a vehicle may take all of them on one; None: it
            gives them as `lines` says.
    """

    evse_id: uuid.UUID
    node_id: uuid.UUID
    online: bool
    installed: bool
    max_kw: float
    min_kw: float
    fallback_kw: float
    held_kw: float | None
    limit_kw: float | None
    limit_at: datetime | None
    in_force_kw: float | None
    overdrawn_since: datetime | None
    order: OrderFacts | None
    charging: ChargingFacts | None
    lines: Lines = Lines.L1_L2_L3
    line_kw: float | None = None

    @property
    def unsteered_kw(self) -> float:
        """The most it may draw while no limit of ours is in force, in kW: its rating, where it has never confirmed a default profile."""
        if not self.installed:
            return self.fallback_kw
        return self.max_kw if self.held_kw is None else min(self.max_kw, self.held_kw)

    @property
    def permitted_kw(self) -> float:
        """The highest limit that it may be obeying, in kW."""
        return self.unsteered_kw if self.in_force_kw is None else self.in_force_kw


@dataclass(frozen=True, slots=True)
class StepInput:
    """All that a step of a depot is computed from."""

    at: datetime
    nodes: tuple[NodeFacts, ...]
    evses: tuple[EvseFacts, ...]
