"""Corrections: what counts of a transaction, and changes of that."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from ampyard.domain.corrections import Correction, Effective, effective
from ampyard.domain.transactions import Transaction
from ampyard.domain.vehicles import Vehicle
from ampyard.engine import Load, edge
from ampyard.repositories.corrections import Corrections
from ampyard.repositories.database import Session
from ampyard.resolvers.changes import Caller
from ampyard.resolvers.context import Info
from ampyard.resolvers.ids import SCOPES, decode_id, optional_id
from ampyard.services.transactions import corrections
from ampyard.services.transactions.corrections import NewCorrection


class Measured(NamedTuple):
    """A transaction, with what of it a correction may be about."""

    id: uuid.UUID
    energy_wh: float
    started_at: datetime
    ended_at: datetime | None
    vehicle_id: uuid.UUID | None


async def effective_of(session: Session, measured: Sequence[Measured]) -> Mapping[Measured, Effective]:
    """What counts of each transaction."""
    known = await Corrections(session).of_transactions([one.id for one in measured])
    return {one: effective(one, known.get(one.id, ())) for one in measured}


def plan_effective(info: Info) -> Load:
    """Plan what counts of a transaction; by `Measured`."""
    info.context.principal.require(SCOPES[Correction])
    return Load(effective_of)


def effective_transaction(*, description: str) -> Any:
    """Return an edge to what counts of a transaction."""
    return edge(
        plan_effective,
        key=lambda root: Measured(root.id, root.energy_wh, root.started_at, root.ended_at, root.vehicle_id),
        reads=Measured._fields,
        description=description,
    )


async def correct_transaction(caller: Caller, *, transaction_id: str, vehicle_id: str | None, **values: Any) -> dict[str, Any]:
    """Say what counts of a transaction."""
    wanted = NewCorrection(
        transaction_id=decode_id("input.transactionId", transaction_id, Transaction),
        vehicle_id=optional_id("input.vehicleId", vehicle_id, Vehicle),
        **values,
    )
    return {"correction": await corrections.correct_transaction(caller.backend, caller.principal, wanted)}


async def void_correction(caller: Caller, *, correction_id: str, reason: str) -> dict[str, Any]:
    """Take a correction back."""
    target = decode_id("input.correctionId", correction_id, Correction)
    return {"correction": await corrections.void_correction(caller.backend, caller.principal, target, reason=reason)}


async def close_transaction(
    caller: Caller, *, transaction_id: str, reason: str, ended_at: datetime | None, energy_wh: float | None
) -> dict[str, Any]:
    """End a transaction that is stuck."""
    stuck = decode_id("input.transactionId", transaction_id, Transaction)
    wanted = NewCorrection(transaction_id=stuck, reason=reason, energy_wh=energy_wh, ended_at=ended_at)
    return {"transaction": await corrections.close_transaction(caller.backend, caller.principal, wanted)}
