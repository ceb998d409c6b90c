"""Starting and stopping transactions from afar: through to the charge point and back, with the outcome."""

import secrets
import uuid
from dataclasses import dataclass

from ampyard.domain.access import Principal, Scope
from ampyard.domain.commands import Command, CommandKind, CommandState
from ampyard.domain.errors import ConflictError, InvalidInputError, NotFoundError
from ampyard.domain.id_tags import IdTag
from ampyard.domain.transactions import Transaction, TransactionState
from ampyard.repositories.charge_points import Evses
from ampyard.repositories.database import Snapshot
from ampyard.repositories.id_tags import IdTags
from ampyard.repositories.transactions import Transactions
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.repositories.vehicles import Vehicles
from ampyard.services import commands
from ampyard.services.backend import Backend
from ampyard.services.reservation_states import kept_for

# How long a caller waits for what a charge point has promised to come about.
_EFFECT_S = 10.0


@dataclass(frozen=True, slots=True)
class RemoteOutcome:
    """How a command ended, and the transaction it started or stopped.

    `transaction` is `None` where the charge point has accepted a start but nothing has begun yet: it waits for the cable.
    """

    command: Command
    transaction: Transaction | None


async def start_transaction(
    backend: Backend, principal: Principal, evse_id: uuid.UUID, *, vehicle_id: uuid.UUID | None = None, id_tag: str | None = None
) -> RemoteOutcome:
    """Ask a charge point to start a transaction on one of its EVSEs, for a vehicle or for an id tag.

    Raises:
        ForbiddenError: the principal lacks `transactions:control`.
        InvalidInputError: not exactly one of vehicle and id tag.
        NotFoundError: no such EVSE, vehicle or id tag.
        ConflictError: the charge point is offline, the EVSE has an open transaction, or the vehicle has no usable tag.
    """
    principal.require(Scope.TRANSACTIONS_CONTROL)
    if (vehicle_id is None) == (id_tag is None):
        raise InvalidInputError("Give either a vehicle or an id tag.")
    async with backend.unit_of_work(principal, Scope.TRANSACTIONS_CONTROL) as work:
        evse = await work.require(Evses, evse_id, "EVSE")
        charge_point = await commands.reachable(work, evse.charge_point_id)
        if evse.id in await Transactions(work.session).active_of_evses([evse.id]):
            raise ConflictError(f"EVSE {evse.evse_no} of {charge_point.identity} has an open transaction; stop it first.")
        tag = (await usable_tag(work, vehicle_id, id_tag)).value
        kept = await kept_for(work, evse, work.now)
        if kept is not None and not kept.admits(tag):
            raise ConflictError(f"EVSE {evse.evse_no} of {charge_point.identity} is kept for another until {kept.expires_at.isoformat()}.")
        payload = {"evse_no": evse.evse_no, "id_tag": tag, "remote_start_id": secrets.randbelow(2**31 - 1) + 1}
        command = await commands.give(work, charge_point.id, CommandKind.START_TRANSACTION, payload)
        work.answers(command=command, transaction=None)
        await work.audit("transaction.start", "evse", evse.id, command_id=str(command.id), id_tag=tag)

        async def started(snapshot: Snapshot) -> Transaction | None:
            open_now = (await Transactions(snapshot).active_of_evses([evse.id])).get(evse.id)
            return open_now if open_now is not None and (open_now.id_tag or "").lower() == tag.lower() else None

        finished = await commands.see_through(backend, principal, command, give=work.commit)
    transaction = None
    if finished.state is CommandState.ACCEPTED:
        transaction = await commands.wait_for(backend, principal, started, give=_nothing, timeout_s=_EFFECT_S)
    return RemoteOutcome(finished, transaction)


async def stop_transaction(backend: Backend, principal: Principal, transaction_id: uuid.UUID) -> RemoteOutcome:
    """Ask a charge point to stop a transaction.

    Raises:
        ForbiddenError: the principal lacks `transactions:control`.
        NotFoundError: no such transaction.
        ConflictError: it has ended, or its charge point is offline.
    """
    principal.require(Scope.TRANSACTIONS_CONTROL)
    async with backend.unit_of_work(principal, Scope.TRANSACTIONS_CONTROL) as work:
        transaction = await work.require(Transactions, transaction_id, "transaction")
        if transaction.state is TransactionState.ENDED:
            raise ConflictError("The transaction has ended.")
        charge_point = await commands.reachable(work, transaction.charge_point_id)
        payload = {"ocpp_transaction_id": transaction.ocpp_transaction_id}
        command = await commands.give(work, charge_point.id, CommandKind.STOP_TRANSACTION, payload)
        work.answers(command=command, transaction=transaction)
        await work.audit("transaction.stop", "transaction", transaction.id, command_id=str(command.id))

        async def stopped(snapshot: Snapshot) -> Transaction | None:
            now = await Transactions(snapshot).by_id(transaction_id)
            return now if now is not None and now.state is TransactionState.ENDED else None

        finished = await commands.see_through(backend, principal, command, give=work.commit)
    result: Transaction | None = transaction
    if finished.state is CommandState.ACCEPTED:
        result = await commands.wait_for(backend, principal, stopped, give=_nothing, timeout_s=_EFFECT_S) or transaction
    return RemoteOutcome(finished, result)


async def _nothing() -> None:
    """There is nothing to do but to wait."""


async def usable_tag(work: UnitOfWork, vehicle_id: uuid.UUID | None, id_tag: str | None) -> IdTag:
    """Return the id tag that is named, or one that a vehicle may charge with.

    Raises:
        NotFoundError: there is no such vehicle or id tag.
        ConflictError: the vehicle has no tag that is valid now.
    """
    if id_tag is not None:
        tag = await IdTags(work.session).by_value(id_tag)
        if tag is None:
            raise NotFoundError(f"There is no id tag {id_tag!r}.")
        return tag
    assert vehicle_id is not None
    vehicle = await Vehicles(work.session).by_id(vehicle_id)
    if vehicle is None:
        raise NotFoundError("There is no such vehicle.")
    tags = (await IdTags(work.session).of_vehicles([vehicle_id])).get(vehicle_id, [])
    usable = [tag for tag in tags if not tag.blocked and (tag.valid_until is None or tag.valid_until > work.now)]
    if not usable:
        raise ConflictError(f"Vehicle {vehicle.name} has no id tag that is valid now.")
    return usable[0]
