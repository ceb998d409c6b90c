"""Energy prices and costs: what transactions cost, and changes of prices."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from ampyard.domain.depots import Depot
from ampyard.domain.pricing import Cost, EnergyPrice, PriceWindow
from ampyard.engine import Load, edge
from ampyard.repositories.accounts import costs_of
from ampyard.repositories.database import Session
from ampyard.resolvers.changes import Caller
from ampyard.resolvers.context import Info
from ampyard.resolvers.ids import SCOPES, decode_id
from ampyard.services import energy_prices
from ampyard.services.energy_prices import NewEnergyPrice


async def costs(session: Session, transaction_ids: Sequence[uuid.UUID]) -> Mapping[uuid.UUID, Cost]:
    """What each transaction costs."""
    return await costs_of(session, transaction_ids)


def plan_cost(info: Info) -> Load:
    """Plan what a transaction costs; by its id."""
    info.context.principal.require(SCOPES[EnergyPrice])
    return Load(costs)


def transaction_cost(*, description: str) -> Any:
    """Return an edge to what a transaction costs."""
    return edge(plan_cost, key="id", description=description)


async def set_energy_price(caller: Caller, *, depot_id: str, windows: Sequence[Any], **values: Any) -> dict[str, Any]:
    """Set what energy costs in a depot."""
    wanted = NewEnergyPrice(
        depot_id=decode_id("input.depotId", depot_id, Depot),
        windows=[PriceWindow(frozenset(window.weekdays), window.starts_at, window.ends_at, window.price_per_kwh) for window in windows],
        **values,
    )
    return {"energy_price": await energy_prices.set_energy_price(caller.backend, caller.principal, wanted)}
