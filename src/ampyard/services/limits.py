"""Power limits on their way to charge points: what may be in force is kept before anything is sent."""

from datetime import timedelta

from ampyard.domain.charge_points import ChargePoint, Evse
from ampyard.domain.commands import Command, CommandKind
from ampyard.domain.transactions import Transaction
from ampyard.repositories.charge_points import Evses
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.services import commands


async def give_limit(
    work: UnitOfWork, charge_point: ChargePoint, evse: Evse, transaction: Transaction, limit_kw: float, *, in_force_kw: float | None
) -> Command:
    """Have the limit of a transaction sent; the EVSE must be locked (`Evses.locked_of`).

    From now on the higher of the two may be in force, until the answer tells which one is.

    Args:
        work: the step's unit of work.
        charge_point: whose EVSE it is.
        evse: the EVSE.
        transaction: what runs there; the limit ends with it.
        limit_kw: the limit.
        in_force_kw: the highest limit that may be in force now; `None`: none was ever sent, the fall-back holds.
    """
    before_kw = evse.fallback_kw if in_force_kw is None else in_force_kw
    await work.change(Evses, evse.id, in_force_kw=max(before_kw, limit_kw))
    payload = {
        "evse_id": str(evse.id),
        "evse_no": evse.evse_no,
        "transaction_id": str(transaction.id),
        "ocpp_transaction_id": transaction.ocpp_transaction_id,
        "depot_id": str(charge_point.depot_id),
        "limit_kw": limit_kw,
        "before_kw": before_kw,
    }
    return await commands.give(work, charge_point.id, CommandKind.SET_LIMIT, payload, lifetime=commands.LIMIT_LIFETIME)


# Default profiles of all EVSEs wait in line for one charge point; there is no hurry, and no other chance before its next boot.
_DEFAULTS_LIFETIME = timedelta(minutes=3)


async def give_default(work: UnitOfWork, charge_point: ChargePoint, evse: Evse, limit_kw: float) -> Command:
    """Have the default profile of an EVSE sent: what it draws at most while no limit of ours is in force.

    From now on the higher of the two may be in force, until the answer tells which one is; of one that has never confirmed any, all
    that it can draw.
    """
    before_kw = evse.fallback_in_force_kw
    if before_kw is not None and limit_kw > before_kw:
        await work.change(Evses, evse.id, fallback_in_force_kw=limit_kw)
    payload = {
        "evse_id": str(evse.id),
        "evse_no": evse.evse_no,
        "depot_id": str(charge_point.depot_id),
        "limit_kw": limit_kw,
        "before_kw": before_kw,
    }
    return await commands.give(work, charge_point.id, CommandKind.SET_DEFAULT_LIMIT, payload, lifetime=_DEFAULTS_LIFETIME)
