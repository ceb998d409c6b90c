"""Making the plan of a depot: read what is known, have it solved, keep the answer."""

import uuid

from ampyard.domain.access import system_principal
from ampyard.domain.events import Event, EventKind
from ampyard.domain.planning import PlanStatus
from ampyard.domain.plans import DepotPlan
from ampyard.repositories.plans import keep_plan, try_lock
from ampyard.services import job_runs
from ampyard.services.backend import Backend
from ampyard.services.planning.keeping import kept
from ampyard.services.planning.problem import pose
from ampyard.services.planning.reading import read_outlook
from ampyard.services.planning.solving import NoPlanError

JOB = "plan"
TIME_LIMIT_S = 10.0


async def make_plan(backend: Backend, tenant_id: uuid.UUID, depot_id: uuid.UUID) -> DepotPlan | None:
    """Make a depot's plan, keep it, and tell of it; each run is noted.

    Returns None, and notes nothing, where there is nobody to plan for, or no solver, and while another process is at it.

    Raises:
        NoPlanError: no plan was found; the last one goes on until it is stale.
    """
    async with backend.unit_of_work(system_principal(tenant_id, "planner")) as work:
        if backend.solver is None or not await try_lock(work.session, depot_id):
            return None
        outlook = await read_outlook(work.session, depot_id, at=work.now)
        posed = None if outlook is None else pose(outlook)
        if outlook is None or posed is None or not posed.problem.stays:
            return None
        async with job_runs.noted(backend, tenant_id, JOB):
            plan = await backend.solver.solve(posed.problem, time_limit_s=TIME_LIMIT_S)
            if plan.status is PlanStatus.NONE:
                raise NoPlanError(f"No plan was found within {TIME_LIMIT_S:g} s.")
            made, stays = kept(outlook, posed, plan)
            await keep_plan(work.session, made, stays)
            work.publish(Event(EventKind.PLAN_MADE, depot_id, depot_id))
            work.wake_planner(depot_id)
            await work.commit()
    return made
