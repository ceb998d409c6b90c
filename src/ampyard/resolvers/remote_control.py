"""Starting and stopping transactions: decode the ids, call the service."""

from typing import Any

from ampyard.domain.charge_points import Evse
from ampyard.domain.transactions import Transaction
from ampyard.domain.vehicles import Vehicle
from ampyard.resolvers.changes import Caller
from ampyard.resolvers.ids import decode_id, optional_id
from ampyard.services import remote_control
from ampyard.services.remote_control import RemoteOutcome


async def start_transaction(caller: Caller, *, evse_id: str, vehicle_id: str | None, id_tag: str | None) -> dict[str, Any]:
    """Ask a charge point to start a transaction."""
    vehicle = optional_id("input.vehicleId", vehicle_id, Vehicle)
    evse = decode_id("input.evseId", evse_id, Evse)
    return _shown(await remote_control.start_transaction(caller.backend, caller.principal, evse, vehicle_id=vehicle, id_tag=id_tag))


async def stop_transaction(caller: Caller, *, transaction_id: str) -> dict[str, Any]:
    """Ask a charge point to stop a transaction."""
    transaction = decode_id("input.transactionId", transaction_id, Transaction)
    return _shown(await remote_control.stop_transaction(caller.backend, caller.principal, transaction))


def _shown(outcome: RemoteOutcome) -> dict[str, Any]:
    return {"command": outcome.command, "transaction": outcome.transaction}
