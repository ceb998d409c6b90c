import uuid

from ampyard.domain.access import system_principal
from ampyard.domain.allocation import decide
from ampyard.domain.events import Event, EventKind
from ampyard.repositories.depots import Depots, try_lock
from ampyard.services.backend import Backend
from ampyard.services.power.explaining import explain, note_overdraws
from ampyard.services.power.reading import read_state
from ampyard.services.power.sending import send


async def tick(backend: Backend, tenant_id: uuid.UUID, depot_id: uuid.UUID) -> None:
    """Share a depot's power once and give the commands that follow; does nothing while another process is at it."""
    async with backend.unit_of_work(system_principal(tenant_id, "planner")) as work:
        if not await try_lock(work.session, depot_id):
            return
        depot = await Depots(work.session).by_id(depot_id)
        if depot is None or depot.archived_at is not None:
            return
        state = await read_state(work, depot_id)
        decision = decide(state.facts)
        await note_overdraws(work, state, decision)
        await explain(work, depot_id, state, decision)
        await send(work, depot_id, state, decision)
        work.publish(Event(EventKind.DEPOT_POWER, depot_id, depot_id))
        await work.commit()
