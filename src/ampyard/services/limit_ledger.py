"""The promises of a depot: read as they stand, kept while limits are given."""

import uuid
from collections.abc import Iterable, Mapping

from ampyard.domain.charge_points import ChargePoint, Evse
from ampyard.domain.charging_profiles import HORIZON, Ledger, Promise, Supplied, left_for_evses
from ampyard.domain.supply import NodeState, limits_ahead
from ampyard.domain.transactions import Transaction
from ampyard.repositories.supply import Supply
from ampyard.repositories.unit_of_work import UnitOfWork


async def open_ledger(
    work: UnitOfWork,
    depot_id: uuid.UUID,
    charge_points: Mapping[uuid.UUID, ChargePoint],
    evses: Iterable[Evse],
    transactions: Mapping[uuid.UUID, Transaction],
) -> Ledger:
    """Return the promises of a depot to its EVSEs, by what its supply is known to be in the hours ahead.

    Args:
        work: the step's unit of work, with the depot's lock.
        depot_id: the depot.
        charge_points: all of the depot's, by id.
        evses: all of theirs, locked.
        transactions: those that are open, by EVSE.
    """
    states = await Supply(work.session).of_depot(depot_id, at=work.now)
    return Ledger([_supplied(state, work) for state in states], _promises(charge_points, evses, transactions), now=work.now)


def _supplied(state: NodeState, work: UnitOfWork) -> Supplied:
    limits = limits_ahead(state, work.now, work.now + HORIZON)
    return Supplied(state.node.id, state.node.parent_id, left_for_evses(limits, state.unmanaged(work.now).kw))


def _promises(
    charge_points: Mapping[uuid.UUID, ChargePoint], evses: Iterable[Evse], transactions: Mapping[uuid.UUID, Transaction]
) -> list[Promise]:
    return [
        Promise(
            evse.id, charge_points[evse.charge_point_id].power_node_id, evse.fallback_kw, evse.in_force if evse.id in transactions else None
        )
        for evse in evses
    ]
