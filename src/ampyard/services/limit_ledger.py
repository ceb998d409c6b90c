"""The promises of a depot: read as they stand, kept while limits are given."""

import uuid
from collections.abc import Mapping

from ampyard.domain.allocation import EvseFacts, StepInput, own_part_kw, rest_of_fallback
from ampyard.domain.charge_points import Evse
from ampyard.domain.charging_profiles import HORIZON, Ledger, Promise, Supplied, left_for_evses
from ampyard.domain.supply import NodeState, limits_ahead
from ampyard.repositories.supply import Supply
from ampyard.repositories.unit_of_work import UnitOfWork


async def open_ledger(work: UnitOfWork, depot_id: uuid.UUID, facts: StepInput, evses: Mapping[uuid.UUID, Evse]) -> Ledger:
    """Return the promises of a depot to its EVSEs, by what its supply is known to be in the hours ahead.

    Args:
        work: the step's unit of work, with the depot's lock.
        depot_id: the depot.
        facts: those of the step.
        evses: all of the depot's, by id, locked.
    """
    states = await Supply(work.session).of_depot(depot_id, at=work.now)
    voltages_v = {node.node_id: node.voltage_v for node in facts.nodes}
    promises = [_promise(of_evse, evses[of_evse.evse_id], voltages_v[of_evse.node_id]) for of_evse in facts.evses]
    return Ledger([_supplied(state, work) for state in states], promises, now=work.now)


def _supplied(state: NodeState, work: UnitOfWork) -> Supplied:
    limits, load = limits_ahead(state, work.now, work.now + HORIZON), state.unmanaged(work.now)
    left = left_for_evses({moment: limit.limit_kw for moment, limit in limits.items()}, load.power_kw)
    if all(limit.limit_a is None for limit in limits.values()):
        return Supplied(state.node.id, state.node.parent_id, left)
    # Where only power is limited for a time, no line carries more than that.
    on_line = {
        moment: limit.limit_kw if limit.limit_a is None else limit.limit_a * state.node.voltage_v / 1000 for moment, limit in limits.items()
    }
    taken = (load.power_kw / 3,) * 3 if load.line_a is None else tuple(amperes * state.node.voltage_v / 1000 for amperes in load.line_a)
    first, second, third = (left_for_evses(on_line, kw) for kw in taken)
    return Supplied(state.node.id, state.node.parent_id, left, (first, second, third))


def _promise(facts: EvseFacts, evse: Evse, voltage_v: float) -> Promise:
    """Return what an EVSE was promised; what its fall-back takes on other lines than its vehicle's is kept beside it."""
    charging = facts.charging
    lines = facts.lines if charging is None else charging.lines
    rest = rest_of_fallback(facts, lines, facts.fallback_kw, voltage_v)
    rest_a = (0.0, 0.0, 0.0) if rest is None or rest.line_a is None else rest.line_a
    first, second, third = (amperes * voltage_v / 1000 for amperes in rest_a)
    return Promise(
        evse_id=evse.id,
        node_id=facts.node_id,
        fallback_kw=own_part_kw(facts, lines, facts.fallback_kw),
        in_force=evse.in_force if charging is not None else None,
        lines=lines,
        most_kw=None if charging is None else charging.most_kw,
        rest_kw=0.0 if rest is None else rest.kw,
        rest_line_kw=(first, second, third),
    )
