"""What a step comes to, and why."""

import uuid
from dataclasses import dataclass
from enum import StrEnum

from ampyard.domain.power import SetPoint


class BoundBy(StrEnum):
    """What keeps an EVSE from more power than it gets.

    ABILITY: EVSE or vehicle takes no more. NODE: a power node supplies no more. MINIMUM: what a node has left is less than the least that
    it can charge with. RESERVED: all of a node is kept for loads that cannot be controlled. OFFLINE: it cannot be told anything.
    OVERDRAW: it draws more than it was told.
    """

    ABILITY = "ABILITY"
    NODE = "NODE"
    MINIMUM = "MINIMUM"
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
        node_id: the power node that does, where one does.
        priority: its class.
        yielded_to: the EVSEs below that node that got what it might have had, most power first; a few at most.
        explanation: all that in a sentence for people.
    """

    evse_id: uuid.UUID
    transaction_id: uuid.UUID
    power_kw: float
    bound_by: BoundBy
    node_id: uuid.UUID | None
    priority: int
    yielded_to: tuple[uuid.UUID, ...]
    explanation: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What a step comes to: an outcome for each EVSE with a transaction, what to send now, and who draws more than it may."""

    outcomes: tuple[Outcome, ...]
    set_points: tuple[SetPoint, ...]
    overdrawn: frozenset[uuid.UUID]
