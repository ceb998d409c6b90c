"""The end of a transaction."""

from dataclasses import replace
from datetime import datetime

from ampyard.domain.charge_points import ChargePoint
from ampyard.domain.events import Event, EventKind
from ampyard.domain.transactions import ChargingState, Transaction, TransactionState
from ampyard.repositories.charge_points import NO_LIMIT, Evses
from ampyard.repositories.transactions import Transactions
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.services.charge_points import publish_change


async def close(work: UnitOfWork, charge_point: ChargePoint, transaction: Transaction, *, at: datetime, reason: str) -> Transaction:
    """Record that a transaction has ended, and that its limit no longer holds; what it costs is worked out next."""
    ended = replace(
        transaction,
        state=TransactionState.ENDED,
        charging_state=ChargingState.IDLE,
        ended_at=max(at, transaction.started_at),
        power_kw=0.0,
        stop_reason=reason,
        cost_due=True,
    )
    await work.change(
        Transactions,
        transaction.id,
        state=ended.state,
        charging_state=ended.charging_state,
        ended_at=ended.ended_at,
        power_kw=0.0,
        stop_reason=reason,
        cost_due=True,
        updated_at=work.now,
    )
    # A TxProfile ends with its transaction (OCPP 1.6, 3.13.1; 2.0.1 part 2, K01): the default profile holds again.
    await work.change(Evses, transaction.evse_id, **NO_LIMIT, updated_at=work.now)
    work.publish(Event(EventKind.TRANSACTION_ENDED, transaction.id, charge_point.depot_id))
    publish_change(work, charge_point)
    work.wake_planner(charge_point.depot_id)
    return ended
