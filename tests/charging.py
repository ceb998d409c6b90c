"""Transactions for tests, told the way charge points tell them."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from ampyard.domain.transactions import Measurand, Reading, Transaction
from ampyard.repositories.directory import Directory
from ampyard.services import transactions
from ampyard.services.backend import Backend
from ampyard.services.charge_points import Station
from ampyard.services.transactions import Report


async def station_of(backend: Backend, tenant_id: uuid.UUID, identity: str = "CP-1") -> Station:
    """Return a charge point of a tenant, as one that has logged in."""
    async with backend.database.system_snapshot() as snapshot:
        login = next(x for x in await Directory(snapshot).charge_point_logins(identity) if x.tenant_id == tenant_id)
    return Station(tenant_id, login.charge_point_id, identity, uuid.uuid4())


async def charge(
    backend: Backend,
    at: Station,
    begin: tuple[datetime, float | None],
    *registers: tuple[datetime, float],
    end: tuple[datetime, float] | None = None,
    evse_no: int = 1,
    id_tag: str = "TAG-1",
) -> Transaction:
    """Run a transaction: its begin, meter registers and end as (time, Wh). Without `end` it stays open."""
    ocpp_id = f"tx-{uuid.uuid4()}"
    report = Report(at=begin[0], evse_no=evse_no, ocpp_transaction_id=ocpp_id, id_tag=id_tag, register_wh=begin[1])
    transaction = (await transactions.start(backend, at, report)).transaction
    await measure(backend, at, ocpp_id, registers, evse_no=evse_no)
    if end is not None:
        transaction = (await finish(backend, at, transaction, end)).transaction
    return transaction


async def measure(
    backend: Backend,
    at: Station,
    ocpp_id: str,
    registers: Sequence[tuple[datetime, float]],
    *,
    evse_no: int = 1,
    location: str | None = None,
) -> None:
    """Report meter registers of a transaction as (time, Wh), one message each."""
    for moment, register_wh in registers:
        reading = Reading(moment, Measurand.ENERGY_REGISTER, register_wh, "Wh", location=location)
        await transactions.measured(backend, at, evse_no, [reading], ocpp_transaction_id=ocpp_id)


async def finish(backend: Backend, at: Station, transaction: Transaction, end: tuple[datetime, float | None]) -> transactions.Outcome:
    """End a transaction at (time, Wh)."""
    report = Report(at=end[0], ocpp_transaction_id=transaction.ocpp_transaction_id, register_wh=end[1], stop_reason="Local")
    return await transactions.end(backend, at, report)
