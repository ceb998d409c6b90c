"""How power is shared that day: of both depots one step, kept with its reasons; nothing of it is sent."""

from dataclasses import replace
from typing import TYPE_CHECKING

from ampyard.domain.allocation import decide
from ampyard.repositories.depots import Depots
from ampyard.services.power.explaining import keep
from ampyard.services.power.reading import read_state
from tests.fleet import user

if TYPE_CHECKING:
    from tests.busy import Busy

# Nobody is limited in A, everybody gets something, and everybody obeys.
UNSET = {"Allocation.line", "Allocation.waitingSince", "Evse.overdrawnSince"}


async def happen(busy: "Busy") -> None:
    """Keep what a step of each depot comes to; who comes last is said to yield, at some node, to who comes first."""
    for depot in await busy.all(Depots):
        async with busy.backend.unit_of_work(user(busy.tenant_id)) as work:
            state = await read_state(work, depot.id)
            *others, last = decide(state.facts).outcomes
            await keep(
                work, depot.id, state, [*others, replace(last, node_id=state.facts.nodes[0].node_id, yielded_to=(others[0].evse_id,))]
            )
            await work.commit()
