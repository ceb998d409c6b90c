"""What a step comes to, and why."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ampyard.domain.power import Line, SetPoint


class BoundBy(StrEnum):
    """What keeps an EVSE from more power than it gets.

    ABILITY: EVSE or vehicle takes no more. CABLE: connector or cable carries no more. EXTERNAL_LIMIT: a dispatcher or a party allows no
    more. PLAN: there is time to charge when that is better. NODE: a power node, or a line of it, supplies no more. BELOW_MINIMUM: what a
    node has left is less than the least that it can charge with. MINIMUM: it keeps that, though it takes less. RAMP: how fast its limit may
    rise. STEP: its charger knows no set-point in between. RESERVED: all of a node is kept for loads that cannot be controlled. OFFLINE: it
    cannot be told anything. OVERDRAW: it draws more than it was told.
    """

    ABILITY = "ABILITY"
    CABLE = "CABLE"
    EXTERNAL_LIMIT = "EXTERNAL_LIMIT"
    PLAN = "PLAN"
    NODE = "NODE"
    BELOW_MINIMUM = "BELOW_MINIMUM"
    MINIMUM = "MINIMUM"
    RAMP = "RAMP"
    STEP = "STEP"
    RESERVED = "RESERVED"
    OFFLINE = "OFFLINE"
    OVERDRAW = "OVERDRAW"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an EVSE with a transaction gets by a step, and why.

    Args:
        evse_id: which it is.
        transaction_id: what runs there.
        power_kw: what it is to have, in kW; of one that cannot be steered, what is reserved for it.
        bound_by: what keeps it from more.
        node_id: the power node that does, where one does; `line`: the line there, where it is not the node's power.
        priority: its class; `rank`: its place in it, from 1.
        urgency: the part of the time until departure for which it would have to charge at full power.
        planned_kw: what the plan says for now, in kW.
        waiting_since: since when it has had no power, though it wanted some.
        charging_since: since when it has been given power.
        yielded_to: the EVSEs below that node that got what it might have had; a few at most.
        explanation: all that in a sentence for people.
    """

    evse_id: uuid.UUID
    transaction_id: uuid.UUID
    power_kw: float
    bound_by: BoundBy
    node_id: uuid.UUID | None
    line: Line | None
    priority: int
    rank: int
    urgency: float
    planned_kw: float | None
    waiting_since: datetime | None
    charging_since: datetime | None
    yielded_to: tuple[uuid.UUID, ...]
    explanation: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What a step comes to: an outcome for each EVSE with a transaction, what to send now, and who draws more than it may."""

    outcomes: tuple[Outcome, ...]
    set_points: tuple[SetPoint, ...]
    overdrawn: frozenset[uuid.UUID]
