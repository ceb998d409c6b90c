"""How good plans are, and how long they take, over all tenants."""

from collections.abc import Sequence

from ampyard.repositories.plans import PlanFigures, fresh_figures
from ampyard.services.backend import Backend

__all__ = ["PlanFigures", "plan_figures"]


async def plan_figures(backend: Backend) -> Sequence[PlanFigures]:
    """Return the figures of the newest plan of each depot that has one that is still fresh."""
    async with backend.database.system_snapshot() as snapshot:
        return await fresh_figures(snapshot, at=backend.clock())
