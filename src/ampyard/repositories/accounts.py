"""What transactions cost: everything that it depends on, of many of them, in one statement."""

import uuid
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, ScalarSelect, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.types import NullType

from ampyard.domain.anomalies import not_billable
from ampyard.domain.corrections import counting_intervals, effective
from ampyard.domain.energy import QUARTER_HOUR, EnergyInterval
from ampyard.domain.pricing import Cost, CostUnknown, cost
from ampyard.repositories import tables
from ampyard.repositories.anomalies import Anomalies
from ampyard.repositories.corrections import Corrections
from ampyard.repositories.database import Session
from ampyard.repositories.energy_prices import EnergyPrices
from ampyard.repositories.repository import Repository, array
from ampyard.repositories.statements import from_driver
from ampyard.repositories.transactions import Transactions

E = TypeVar("E")


async def costs_of(session: Session, transaction_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Cost]:
    """Return what each transaction costs, as far as it is known; one that runs, until now.

    A depot beyond the caller's reach shows no prices, so that the cost of what was charged there is not known.
    """
    transaction, interval = tables.transaction.c, tables.energy_interval.c
    statement = select(
        *Transactions.columns(),
        select(tables.depot.c.time_zone).where(tables.depot.c.id == transaction.depot_id).scalar_subquery(),
        _all_of(Anomalies, tables.transaction_anomaly.c.transaction_id == transaction.id),
        _all_of(Corrections, tables.transaction_correction.c.transaction_id == transaction.id),
        _all_of(EnergyPrices, tables.energy_price.c.depot_id == transaction.depot_id),
        _gathered(
            (interval.starts_at, interval.energy_wh, interval.peak_kw, interval.gap),
            interval.transaction_id == transaction.id,
            interval.starts_at,
        ),
    ).where(transaction.id == func.any(array(transaction_ids)))
    found = {}
    for *columns, time_zone, anomalies, corrections, prices, intervals in await session.fetch(statement):
        measured = Transactions.entity(*columns)
        if not_billable(_entities(Anomalies, anomalies)) is not None:
            found[measured.id] = Cost.not_known(CostUnknown.NOT_BILLABLE)
            continue
        quarters = [EnergyInterval(at, at + QUARTER_HOUR, wh, peak_kw, gap) for at, wh, peak_kw, gap in intervals or ()]
        charged = counting_intervals(quarters, effective(measured, _entities(Corrections, corrections)))
        known = _entities(EnergyPrices, prices)
        found[measured.id] = Cost.not_known(CostUnknown.NO_PRICE) if time_zone is None else cost(charged, known, time_zone)
    return found


def _all_of(repository: type[Repository[Any]], condition: ColumnElement[bool]) -> ScalarSelect[Any]:
    """Return all entities that meet a condition as one value: a list of rows."""
    return _gathered(repository.columns(), condition, repository.table.c.id)


def _gathered(columns: Sequence[ColumnElement[Any]], condition: ColumnElement[bool], order: ColumnElement[Any]) -> ScalarSelect[Any]:
    rows = func.array_agg(aggregate_order_by(func.row(*columns), order), type_=NullType())
    return select(rows).where(condition).correlate(tables.transaction).scalar_subquery()


def _entities(repository: type[Repository[E]], rows: Sequence[Sequence[Any]] | None) -> list[E]:
    converters = [from_driver(column.type) for column in repository.columns()]
    return [
        repository.entity(*(value if convert is None else convert(value) for convert, value in zip(converters, row, strict=True)))
        for row in rows or ()
    ]
