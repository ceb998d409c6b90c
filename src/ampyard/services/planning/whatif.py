"""What if: the plan of a depot as it is and with a proposed change, side by side. Nothing is changed."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ampyard.domain.errors import NotFoundError
from ampyard.domain.planning import Change, Comparison, Plan, PlanStatus, compare
from ampyard.domain.plans import DepotPlan, PlannedStay
from ampyard.repositories.database import Session
from ampyard.services.planning.keeping import kept
from ampyard.services.planning.outlook import Outlook
from ampyard.services.planning.problem import pose
from ampyard.services.planning.proposals import Proposal, applied
from ampyard.services.planning.reading import read_outlook
from ampyard.services.planning.solving import NoPlanError, Solver

# Somebody waits for it.
_TIME_LIMIT_S = 4.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one of the plans comes to; it is not kept."""

    plan: DepotPlan
    stays: Sequence[PlannedStay]

    @property
    def shortfalls(self) -> list[PlannedStay]:
        """The stays that will not be ready."""
        return [stay for stay in self.stays if stay.cause is not None]


@dataclass(frozen=True, slots=True)
class StayChange:
    """What becomes otherwise for one vehicle; see `domain.planning.Change`."""

    vehicle_id: uuid.UUID
    becomes_ready: bool
    becomes_short: bool
    minimum_at_before: datetime | None
    minimum_at_after: datetime | None
    lacks_before_kwh: float
    lacks_after_kwh: float
    final_before_kwh: float | None
    final_after_kwh: float | None


@dataclass(frozen=True, slots=True)
class WhatIf:
    """A depot's plan before and after a change, what is different for each vehicle, and how much more it costs (less where negative)."""

    before: Outcome
    after: Outcome
    changes: Sequence[StayChange]
    energy_cost: float | None
    demand_cost: float | None
    peak_kw: float


async def what_if(session: Session, solver: Solver | None, depot_id: uuid.UUID, proposal: Proposal, *, at: datetime) -> WhatIf:
    """Return what a change would do to a depot's plan.

    Raises:
        NotFoundError: there is no such depot, or it knows nothing of what the proposal names.
        InvalidInputError: the proposal makes no sense.
        ConflictError: it contradicts what is assigned.
        NoPlanError: no plan was found in time, or there is no planner.
    """
    outlook = await read_outlook(session, depot_id, at=at, vehicle_ids=proposal.vehicle_ids, block_ids=proposal.block_ids)
    if outlook is None:
        raise NotFoundError("There is no such depot.")
    changed = applied(outlook, proposal)
    if solver is None:
        raise NoPlanError("No planner runs here.")
    before, plan_before = await _outcome(solver, outlook)
    after, plan_after = await _outcome(solver, changed)
    compared = compare(plan_before, plan_after)
    vehicles = {stay.stay_id: stay.vehicle_id for one in (before, after) for stay in one.stays}
    is_priced = before.plan.currency is not None
    return WhatIf(
        before=before,
        after=after,
        changes=[_change(compared, change, vehicles[change.stay_id]) for change in compared.changes],
        energy_cost=compared.energy_cost if is_priced else None,
        demand_cost=compared.demand_cost if is_priced else None,
        peak_kw=compared.peak_kw,
    )


async def _outcome(solver: Solver, outlook: Outlook) -> tuple[Outcome, Plan]:
    posed = pose(outlook)
    plan = await solver.solve(posed.problem, time_limit_s=_TIME_LIMIT_S)
    if plan.status is PlanStatus.NONE:
        raise NoPlanError(f"No plan was found within {_TIME_LIMIT_S:g} s.")
    return Outcome(*kept(outlook, posed, plan)), plan


def _change(compared: Comparison, change: Change, vehicle_id: uuid.UUID) -> StayChange:
    return StayChange(
        vehicle_id=vehicle_id,
        becomes_ready=change.stay_id in compared.becomes_ready,
        becomes_short=change.stay_id in compared.becomes_short,
        minimum_at_before=change.minimum_at_before,
        minimum_at_after=change.minimum_at_after,
        lacks_before_kwh=change.lacks_before_kwh,
        lacks_after_kwh=change.lacks_after_kwh,
        final_before_kwh=change.final_before_kwh,
        final_after_kwh=change.final_after_kwh,
    )
