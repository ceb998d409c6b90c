"""Energy by interval, of many transactions in one statement."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import strawberry

from ampyard.domain.energy import EnergyBucket, EnergyInterval, hours
from ampyard.domain.transactions import Transaction
from ampyard.engine import Load, edge, list_size
from ampyard.repositories.database import Session
from ampyard.repositories.energy_intervals import intervals_of
from ampyard.resolvers.context import Info
from ampyard.resolvers.ids import SCOPES

_ASSUMED_SIZE = 20  # five hours


async def energy_intervals(
    session: Session, transaction_ids: Sequence[uuid.UUID], bucket: EnergyBucket
) -> Mapping[uuid.UUID, list[EnergyInterval]]:
    """The energy of each transaction by interval."""
    found = await intervals_of(session, transaction_ids)
    quarters = {one: found.get(one, []) for one in transaction_ids}
    return quarters if bucket is EnergyBucket.QUARTER_HOUR else {one: hours(parts) for one, parts in quarters.items()}


def plan_energy_intervals(
    info: Info,
    bucket: Annotated[EnergyBucket, strawberry.argument(description="How long an interval is.")] = EnergyBucket.QUARTER_HOUR,
) -> Load:
    """Plan the energy of a transaction by interval; by its id."""
    info.context.principal.require(SCOPES[Transaction])
    return Load(energy_intervals, (bucket,))


def intervals(*, description: str) -> Any:
    """Return an edge to the energy of a transaction by interval."""
    return edge(plan_energy_intervals, key="id", description=description, directives=[list_size(_ASSUMED_SIZE)])
