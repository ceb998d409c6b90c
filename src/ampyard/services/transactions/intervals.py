"""Keeping the energy of each quarter-hour as registers come in."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from ampyard.domain.access import system_principal
from ampyard.domain.energy import EnergyInterval, RegisterPoint, provisional_from, quarter_hours
from ampyard.domain.transactions import Reading, Transaction, TransactionState, is_register
from ampyard.repositories.directory import Directory
from ampyard.repositories.energy_intervals import energy_before, keep_only, readings_by_quarter, write_intervals
from ampyard.repositories.transactions import Transactions
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.services.backend import Backend

_BATCH = 500


async def spread(work: UnitOfWork, before: Transaction, after: Transaction, readings: Sequence[Reading]) -> None:
    """Bring the intervals of a transaction up to date with what a report has changed and brought.

    A running transaction whose registers come in order only has its last quarter-hours written anew. What comes late, and its
    end, has all of them written anew from the samples.
    """
    times = [reading.sampled_at for reading in readings if is_register(reading)]
    told_again = before.register_at == after.register_at and before.state is after.state and before.ended_at == after.ended_at
    if not times and told_again:
        return
    known = before.register_at
    in_order = after.state is TransactionState.ACTIVE and known is not None and all(known < at for at in times)
    await _write(work, after, since=provisional_from(known, after.started_at) if in_order and known is not None else after.started_at)


async def spread_all(work: UnitOfWork, transaction: Transaction) -> None:
    """Write all intervals of a transaction anew from its samples."""
    await _write(work, transaction, since=transaction.started_at)


async def _write(work: UnitOfWork, transaction: Transaction, *, since: datetime) -> None:
    end_at = transaction.ended_at or transaction.register_at
    if end_at is None:
        return
    whole = since <= transaction.started_at
    quarters = await readings_by_quarter(work.session, transaction, since=since)
    start_wh = transaction.meter_start_wh or 0.0
    points = [
        RegisterPoint(at, wh - start_wh)
        for quarter in quarters
        for at, wh in ((quarter.first_at, quarter.first_wh), (quarter.last_at, quarter.last_wh))
        if at is not None and wh is not None
    ]
    carried = RegisterPoint(since, 0.0 if whole else await energy_before(work.session, transaction.id, since))
    intervals = quarter_hours(points, RegisterPoint(end_at, transaction.energy_wh), carried=carried)
    peaks = {quarter.starts_at: quarter.peak_kw for quarter in quarters}
    intervals = [_with_peak(interval, peaks.get(interval.starts_at)) for interval in intervals]
    await write_intervals(work.session, transaction, intervals)
    if whole:
        await keep_only(work.session, transaction.id, intervals)


def _with_peak(interval: EnergyInterval, peak_kw: float | None) -> EnergyInterval:
    return interval if peak_kw is None else replace(interval, peak_kw=peak_kw)


async def spread_overdue(backend: Backend) -> int:
    """Write the intervals of transactions that were charged before there were any; returns of how many.

    They are the ones with energy of whose registers no time is known. A part of them at a time: who calls this calls it again.
    """
    async with backend.database.system_snapshot() as system:
        tenants = sorted({depot.tenant_id for depot in await Directory(system).depots()})
    written = 0
    for tenant_id in tenants:
        async with backend.unit_of_work(system_principal(tenant_id, "intervals")) as work:
            for transaction in await Transactions(work.session).unspread(limit=_BATCH):
                register_at = transaction.ended_at or transaction.measured_at or transaction.started_at
                await work.change(Transactions, transaction.id, register_at=register_at)
                await spread_all(work, replace(transaction, register_at=register_at))
                written += 1
            await work.commit()
    return written
