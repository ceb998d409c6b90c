"""Why EVSEs get what they get: the newest allocation, whom it yielded to, and the decision computed again."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import fields

from ampyard.domain.access import Scope
from ampyard.domain.allocation import Allocation, Replay
from ampyard.domain.charge_points import Evse
from ampyard.engine import Load
from ampyard.repositories.allocations import Allocations
from ampyard.repositories.charge_points import Evses
from ampyard.repositories.database import Session
from ampyard.resolvers.context import Info
from ampyard.services.power import replay_allocations

# What a replay is compared with.
WHOLE = tuple(field.name for field in fields(Allocation))


async def newest_of_evses(session: Session, evse_ids: Sequence[uuid.UUID]) -> Mapping[uuid.UUID, Allocation]:
    """The newest allocation of each EVSE."""
    return await Allocations(session).newest_of(evse_ids)


async def evses_of_each(
    session: Session, keys: Sequence[tuple[uuid.UUID, ...]], *, reads: frozenset[str] | None
) -> Mapping[tuple[uuid.UUID, ...], list[Evse]]:
    """The EVSEs that each key names, in its order, as far as they are within reach."""
    found = await Evses(session).by_ids({evse_id for key in keys for evse_id in key}, reads=reads)
    return {key: [found[evse_id] for evse_id in key if evse_id in found] for key in keys}


async def replays(session: Session, allocations: Sequence[Allocation]) -> Mapping[Allocation, Replay | None]:
    """Each decision computed again."""
    found = await replay_allocations(session, allocations)
    return {allocation: found.get(allocation.id) for allocation in allocations}


def plan_newest_allocation(info: Info) -> Load:
    """Plan an EVSE's newest allocation; by the EVSE's id."""
    info.context.principal.require(Scope.FLEET_READ)
    return Load(newest_of_evses)


def plan_yielded_to(info: Info) -> Load:
    """Plan the EVSEs that got what an allocation might have had; by their ids."""
    info.context.principal.require(Scope.FLEET_READ)
    return Load(evses_of_each, projects=("",))


def plan_replay(info: Info) -> Load:
    """Plan what an allocation's decision comes to when it is computed again; by the allocation."""
    info.context.principal.require(Scope.FLEET_READ)
    return Load(replays)
