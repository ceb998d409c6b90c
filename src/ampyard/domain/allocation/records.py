"""What is kept of steps: what each EVSE got and why, and from which facts that was computed."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from ampyard.domain.allocation.deciding import decide
from ampyard.domain.allocation.inputs import StepInput
from ampyard.domain.allocation.outcomes import BoundBy, Outcome
from ampyard.domain.power import Line
from ampyard.domain.priorities import PriorityLevel

# Less is neither sent nor kept, unless something else is different, too.
_KEPT_FROM_KW = 0.5
_KEPT_FROM = 0.02


@dataclass(frozen=True, slots=True)
class Allocation:
    """What an EVSE got from a step on, and why, until its next allocation; see `Outcome`.

    `step_id` names the facts that it was computed from, while they are kept.
    """

    id: uuid.UUID
    tenant_id: uuid.UUID
    depot_id: uuid.UUID
    charge_point_id: uuid.UUID
    evse_id: uuid.UUID
    transaction_id: uuid.UUID
    decided_at: datetime
    power_kw: float
    bound_by: BoundBy
    power_node_id: uuid.UUID | None
    line: Line | None
    priority: PriorityLevel
    rank: int
    urgency: float
    planned_kw: float | None
    waiting_since: datetime | None
    charging_since: datetime | None
    yielded_to: tuple[uuid.UUID, ...]
    explanation: str
    step_id: uuid.UUID | None


@dataclass(frozen=True, slots=True)
class Step:
    """The facts of a step that changed an allocation."""

    id: uuid.UUID
    tenant_id: uuid.UUID
    depot_id: uuid.UUID
    decided_at: datetime
    facts: StepInput


@dataclass(frozen=True, slots=True)
class Replay:
    """What an allocation's step comes to when it is computed again, and whether that is what was kept."""

    same: bool
    power_kw: float | None
    bound_by: BoundBy | None
    explanation: str | None


def is_news(outcome: Outcome, known: Allocation | None) -> bool:
    """Tell whether an outcome is kept: something but a little power is different from what is known of the EVSE."""
    if known is None or known.transaction_id != outcome.transaction_id:
        return True
    before = (known.bound_by, known.power_node_id, known.line, int(known.priority), known.yielded_to)
    if before != (outcome.bound_by, outcome.node_id, outcome.line, outcome.priority, outcome.yielded_to):
        return True
    changed_kw = abs(known.power_kw - outcome.power_kw)
    starts_or_stops = (known.power_kw > 0) is not (outcome.power_kw > 0)
    return starts_or_stops or changed_kw >= max(_KEPT_FROM_KW, _KEPT_FROM * known.power_kw)


def replay(allocations: Mapping[uuid.UUID, Allocation], facts: StepInput) -> dict[uuid.UUID, Replay]:
    """Compute a step again; returns, by allocation, what it comes to now. `allocations` are those of the step."""
    outcomes = {outcome.evse_id: outcome for outcome in decide(facts).outcomes}
    return {allocation_id: _compared(kept, outcomes.get(kept.evse_id)) for allocation_id, kept in allocations.items()}


def _compared(kept: Allocation, outcome: Outcome | None) -> Replay:
    if outcome is None:
        return Replay(same=False, power_kw=None, bound_by=None, explanation=None)
    same = (kept.power_kw, kept.bound_by, kept.power_node_id, kept.line, int(kept.priority), kept.yielded_to) == (
        outcome.power_kw,
        outcome.bound_by,
        outcome.node_id,
        outcome.line,
        outcome.priority,
        outcome.yielded_to,
    )
    return Replay(same, outcome.power_kw, outcome.bound_by, outcome.explanation)
