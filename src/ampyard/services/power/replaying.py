"""Why did it get that: the decisions about a transaction, computed again from what was known then."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ampyard.domain.allocation import Allocation, Replay, replay
from ampyard.domain.errors import NotFoundError
from ampyard.repositories.allocations import Allocations, Steps
from ampyard.repositories.database import Session
from ampyard.repositories.transactions import Transactions
from ampyard.services.backend import Backend
from ampyard.services.tenants import tenant_by_slug


@dataclass(frozen=True, slots=True)
class ReplayedAllocation:
    """An allocation, and what its step comes to when it is computed again; None where that is not kept any more."""

    allocation: Allocation
    replay: Replay | None


async def replay_transaction(session: Session, transaction_id: uuid.UUID) -> list[ReplayedAllocation]:
    """Compute the decisions about a transaction again, oldest first.

    Raises:
        NotFoundError: there is no such transaction.
    """
    if await Transactions(session).by_id(transaction_id) is None:
        raise NotFoundError("There is no such transaction.")
    allocations = await Allocations(session).of_transaction(transaction_id)
    replays = await replay_allocations(session, allocations)
    return [ReplayedAllocation(allocation, replays.get(allocation.id)) for allocation in allocations]


async def replay_now(backend: Backend, tenant_slug: str, transaction_id: uuid.UUID) -> list[ReplayedAllocation]:
    """Compute the decisions about a transaction of a tenant again, oldest first.

    Raises:
        NotFoundError: there is no such tenant, or no such transaction.
    """
    tenant_id = await tenant_by_slug(backend, tenant_slug)
    async with backend.database.snapshot(tenant_id) as snapshot:
        return await replay_transaction(snapshot, transaction_id)


def told(replayed: ReplayedAllocation) -> str:
    """Return an allocation and its replay in a line for people."""
    allocation, again = replayed.allocation, replayed.replay
    kept = f"{allocation.decided_at.isoformat(timespec='seconds')}  {allocation.power_kw:g} kW  {allocation.explanation}"
    if again is None:
        return f"{kept}  [what it was computed from is not kept any more]"
    if again.same:
        return f"{kept}  [the same again]"
    other = "nothing" if again.power_kw is None else f"{again.power_kw:g} kW: {again.explanation}"
    return f"{kept}  [now: {other}]"


async def replay_allocations(session: Session, allocations: Sequence[Allocation]) -> dict[uuid.UUID, Replay]:
    """Return, by allocation, what the steps come to when they are computed again, of those that are still kept."""
    steps = await Steps(session).by_ids({it.step_id for it in allocations if it.step_id is not None})
    replays: dict[uuid.UUID, Replay] = {}
    for step in steps.values():
        of_step: Mapping[uuid.UUID, Allocation] = {it.id: it for it in allocations if it.step_id == step.id}
        replays |= replay(of_step, step.facts)
    return replays
