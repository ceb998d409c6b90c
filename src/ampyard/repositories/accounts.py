"""What counts of transactions, whether they are billed and what they cost: for many of them, in one statement for each part."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from sqlalchemy import func, select

from ampyard.domain.anomalies import not_billable
from ampyard.domain.corrections import counting_intervals, effective
from ampyard.domain.energy import EnergyInterval
from ampyard.domain.pricing import Cost, CostUnknown, EnergyPrice, cost
from ampyard.repositories import tables
from ampyard.repositories.anomalies import Anomalies
from ampyard.repositories.corrections import Corrections
from ampyard.repositories.database import Session
from ampyard.repositories.energy_intervals import intervals_of
from ampyard.repositories.energy_prices import EnergyPrices
from ampyard.repositories.repository import array


class Chargeable(Protocol):
    """What of a transaction its cost depends on."""

    @property
    def id(self) -> uuid.UUID: ...
    @property
    def depot_id(self) -> uuid.UUID: ...
    @property
    def vehicle_id(self) -> uuid.UUID | None: ...
    @property
    def started_at(self) -> datetime: ...
    @property
    def ended_at(self) -> datetime | None: ...
    @property
    def energy_wh(self) -> float: ...


async def costs_of(session: Session, transactions: Sequence[Chargeable]) -> dict[uuid.UUID, Cost]:
    """Return what each transaction costs, as far as it is known; one that runs, until now."""
    ids = [transaction.id for transaction in transactions]
    depot_ids = {transaction.depot_id for transaction in transactions}
    anomalies = await Anomalies(session).of_transactions(ids, reads=frozenset({"resolution"}))
    corrections = await Corrections(session).of_transactions(ids)
    intervals = await intervals_of(session, ids)
    prices = await EnergyPrices(session).of_depots(list(depot_ids))
    zone = tables.depot.c
    zones = {row[0]: row[1] for row in await session.fetch(select(zone.id, zone.time_zone).where(zone.id == func.any(array(depot_ids))))}
    found = {}
    for transaction in transactions:
        if not_billable(anomalies.get(transaction.id, ())) is not None:
            found[transaction.id] = Cost.not_known(CostUnknown.NOT_BILLABLE)
            continue
        counts = effective(transaction, corrections.get(transaction.id, ()))
        charged = counting_intervals(intervals.get(transaction.id, ()), counts)
        found[transaction.id] = _cost(charged, prices.get(transaction.depot_id, ()), zones.get(transaction.depot_id))
    return found


def _cost(charged: Sequence[EnergyInterval], prices: Sequence[EnergyPrice], time_zone: str | None) -> Cost:
    # A depot beyond the caller's reach has no zone to read its windows by, nor prices to show.
    return Cost.not_known(CostUnknown.NO_PRICE) if time_zone is None else cost(charged, prices, time_zone)
