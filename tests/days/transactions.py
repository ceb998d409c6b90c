"""What is made of the day's transactions: prices in both depots, corrections, one taken back, and anomalies, some of them decided on."""

from dataclasses import replace
from datetime import time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ampyard.domain.anomalies import Resolution, begin_unknown, more_than_possible, no_energy
from ampyard.domain.local_time import Weekday
from ampyard.domain.pricing import PriceWindow
from ampyard.repositories.anomalies import Anomalies
from ampyard.repositories.corrections import Corrections
from ampyard.repositories.depots import Depots
from ampyard.repositories.transactions import Transactions
from ampyard.repositories.vehicles import Vehicles
from ampyard.resolvers.ids import encode_id
from ampyard.services import transactions
from ampyard.services.energy_prices import NewEnergyPrice, set_energy_price, settle_due
from ampyard.services.transactions import Report
from ampyard.services.transactions.anomalies import flag, resolve_anomaly
from ampyard.services.transactions.corrections import NewCorrection, correct_transaction, void_correction
from tests.fleet import user

if TYPE_CHECKING:
    from tests.busy import Busy

# What no charge point tells that day.
UNSET = {"Transaction.reservationId", "Transaction.startedBy"}


def _id(entity: Any) -> str:
    return encode_id(type(entity), entity.id)


async def happen(busy: "Busy") -> None:
    """Given transactions in both depots: let an operator look after them."""
    operator = user(busy.tenant_id)
    now = busy.backend.clock()
    night = PriceWindow(frozenset({Weekday.MONDAY, Weekday.TUESDAY}), time(22), time(6), Decimal("0.12"))
    for depot in await busy.all(Depots):
        price = NewEnergyPrice(depot.id, "EUR", Decimal("0.31"), (night,), valid_from=now.replace(hour=0) - timedelta(days=1))
        await set_energy_price(busy.backend, operator, price)
    other = (await busy.all(Vehicles))[-1]
    for ocpp_id, vehicle in (("tx-1", None), ("tx-7", other)):
        ended = await busy.transaction(ocpp_id)
        first = NewCorrection(ended.id, "The meter was read by hand.", energy_wh=ended.energy_wh + 100.0)
        await correct_transaction(busy.backend, operator, first)
        begin = ended.started_at + timedelta(minutes=1)
        second = replace(first, reason="A typing error.", started_at=begin, ended_at=ended.ended_at, vehicle_id=(vehicle or other).id)
        wrong = await correct_transaction(busy.backend, operator, second)
        if vehicle is None:
            await void_correction(busy.backend, operator, wrong.id, reason="It was none.")
    for identity, odd, late in (("CP-3", "tx-5", "tx-4"), ("N-CP-3", "tx-9", "tx-8")):
        report = Report(at=now, ocpp_transaction_id="4711", register_wh=9000.0, stop_reason="Local", begins=False)
        await transactions.keep_unknown_end(busy.backend, busy.stations[identity], report)
        async with busy.backend.unit_of_work(operator) as work:
            found = [no_energy(0.0), more_than_possible(9e6, timedelta(hours=1), 22.0)]
            await flag(work, await busy.transaction(odd), found)
            await flag(work, await busy.transaction(late), [begin_unknown(begin_register_missing=True, offline=True, started_at=now)])
            await work.commit()
    by_transaction = {t.id: t.ocpp_transaction_id for t in await busy.all(Transactions)}
    for anomaly in await busy.all(Anomalies):
        if anomaly.transaction_id is not None and by_transaction[anomaly.transaction_id] in {"tx-4", "tx-8"}:
            await resolve_anomaly(busy.backend, operator, anomaly.id, Resolution.ACCEPT_AS_MEASURED, note="The first register will do.")
    # Of this one nothing has been heard for an hour.
    silent = await busy.transaction("tx-4")
    async with busy.backend.unit_of_work(operator) as work:
        await work.change(Transactions, silent.id, updated_at=now - timedelta(hours=1))
        await work.commit()
    await settle_due(busy.backend)


async def valid_inputs(busy: "Busy") -> dict[str, dict[str, Any]]:
    """Return by root field the arguments with which it would do something."""
    ended, running = await busy.transaction("tx-1"), await busy.transaction("tx-4")
    correction = next(c for c in await busy.all(Corrections) if c.voids_id is None and c.transaction_id != ended.id)
    anomaly = next(a for a in await busy.all(Anomalies) if a.resolution is None)
    depot = next(d for d in await busy.all(Depots) if d.id == ended.depot_id)
    return {
        "correctTransaction": {"input": {"transactionId": _id(ended), "reason": "Why.", "energyWh": 1.0}},
        "voidCorrection": {"input": {"correctionId": _id(correction), "reason": "Why."}},
        "closeTransaction": {"input": {"transactionId": _id(running), "reason": "Why."}},
        "resolveAnomaly": {"input": {"anomalyId": _id(anomaly), "resolution": "NOT_BILLED"}},
        "setEnergyPrice": {"input": {"depotId": _id(depot), "currency": "EUR", "pricePerKwh": "0.25"}},
    }


async def foreign_inputs(busy: "Busy", twin: "Busy") -> dict[tuple[str, str], dict[str, Any]]:
    """Return by mutation and input field what would do something if only that id were not the other tenant's."""
    own = await busy.transaction("tx-1")
    theirs = await valid_inputs(twin)
    other = (await twin.all(Vehicles))[0]
    inputs: dict[tuple[str, str], dict[str, Any]] = {
        (name, key): theirs[name]["input"]
        for name, key in (
            ("correctTransaction", "transactionId"),
            ("voidCorrection", "correctionId"),
            ("closeTransaction", "transactionId"),
            ("resolveAnomaly", "anomalyId"),
            ("setEnergyPrice", "depotId"),
        )
    }
    inputs["correctTransaction", "vehicleId"] = {"transactionId": _id(own), "reason": "Why.", "vehicleId": _id(other)}
    return inputs
