"""What EVSEs could use, and what they get."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from ampyard.domain.power.lines import Line, Lines


@dataclass(frozen=True, slots=True)
class Demand:
    """What one EVSE could use now. An EVSE without a vehicle is a demand for 0 kW: its limit in force still counts.

    `priority`: its class; a higher one is served entirely before a lower one. `since`: who waits longest is admitted first.
    `wanted_kw`: the least of EVSE rating, cable, vehicle ability and measured taper. `minimum_kw`: below it the vehicle cannot charge.
    `current_kw`: the highest limit that may be in force, which is the maximum of the confirmed one and all unanswered ones.
    `fallback_kw`: what the EVSE may draw when the link to it is lost.

    `lines`: which lines of the supply it draws from. `urgency`: the energy still needed for the minimum target, as a part of what it
    could take until departure; from 0 up, and at 1 it must charge at full power from now on. `weight`: of two in a class, who has
    twice the weight gets twice the power of what both could use. `planned_kw`: what the plan says for now, its ceiling (`None`: there
    is no plan, or a stale one). `steps`: the set-points that its charger knows: `None` for any, a number for multiples of so many kW (of
    an ampere: `kw_of_ampere`), or a list of them in kW. `charging`: it has power now. `waiting_since`: since when it has had none,
    though it wanted some. `ramp_kw`: by how much its limit may rise in a step.
    """

    evse_id: uuid.UUID
    node_id: uuid.UUID
    priority: int
    since: datetime
    wanted_kw: float
    minimum_kw: float
    current_kw: float
    fallback_kw: float
    online: bool
    lines: Lines = Lines.L1_L2_L3
    urgency: float = 0.0
    weight: float = 1.0
    planned_kw: float | None = None
    steps: float | tuple[float, ...] | None = None
    charging: bool = False
    waiting_since: datetime | None = None
    ramp_kw: float | None = None


class Reason(StrEnum):
    """What keeps an EVSE from more.

    WANTED: nothing, it gets all it can use. LIMITED_BY_NODE: what a node, or a line of it, can supply. BELOW_MINIMUM: a node has less
    left than its minimum, so it gets nothing. RESERVED: all that a node can supply is taken by loads that cannot be controlled.
    OFFLINE: nobody can tell it a limit. PLANNED: its plan. MINIMUM: it takes less than its minimum, which it keeps. RAMPING: how fast
    its limit may rise. STEP: its charger knows no set-point between what it gets and what it could use.
    """

    WANTED = "WANTED"
    LIMITED_BY_NODE = "LIMITED_BY_NODE"
    BELOW_MINIMUM = "BELOW_MINIMUM"
    RESERVED = "RESERVED"
    OFFLINE = "OFFLINE"
    PLANNED = "PLANNED"
    MINIMUM = "MINIMUM"
    RAMPING = "RAMPING"
    STEP = "STEP"


class Share(NamedTuple):
    """What an EVSE shall get and why; a tuple, as there are as many of them at each step as there are EVSEs.

    `binding_node_id` names the node that keeps it from more, `line` the line there, where it is not the node's power. `rank` is
    its place inside its class (`priority`), from 1. `yielded_to` names, at most a few, who got it instead at the binding node: those of a
    higher class or, where it waits, of its own class and a better rank.
    """

    evse_id: uuid.UUID
    target_kw: float
    reason: Reason
    binding_node_id: uuid.UUID | None = None
    line: Line | None = None
    priority: int = 0
    rank: int = 0
    urgency: float = 0.0
    yielded_to: tuple[uuid.UUID, ...] = ()
