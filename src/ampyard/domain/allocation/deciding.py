"""One step of power sharing, from facts alone: who gets how much, why, and what is sent now."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from ampyard.domain.allocation.ability import wanted_kw
from ampyard.domain.allocation.inputs import EvseFacts, NodeFacts, StepInput
from ampyard.domain.allocation.outcomes import BoundBy, Decision, Outcome
from ampyard.domain.allocation.overdraw import overdraws
from ampyard.domain.power import Demand, Node, Reason, Reserved, SetPoint, Share, explain, paths_to_root, share_power, stage

_NAMED_AT_MOST = 5
# Charge points keep profiles in flash memory, which wears out.
_REMIND = timedelta(seconds=30)
_BOUND_BY = {
    Reason.WANTED: BoundBy.ABILITY,
    Reason.LIMITED_BY_NODE: BoundBy.NODE,
    Reason.BELOW_MINIMUM: BoundBy.MINIMUM,
    Reason.RESERVED: BoundBy.RESERVED,
    Reason.OFFLINE: BoundBy.OFFLINE,
}


def decide(step: StepInput) -> Decision:
    """Return who gets how much, and what to send now; the same for the same facts, whatever their order.

    Each node supplies what its limits allow at this moment, less what flows there that is not ours. An EVSE without a transaction
    keeps what it may draw unsteered reserved: a vehicle that plugs in draws that much before anyone can say anything. Who draws more
    than it may counts, for all others, at what it draws, and is told again what it would get if it obeyed. A limit that was sent but never
    confirmed, or that a charge point may have forgotten while it was away, is sent again.

    Raises:
        ValueError: the nodes are no tree, or an EVSE hangs on none of them.
    """
    evses = {evse.evse_id: evse for evse in sorted(step.evses, key=lambda it: it.evse_id)}
    nodes = [Node(node.node_id, node.parent_id, node.limit_kw) for node in step.nodes]
    reserved = [Reserved(evse.node_id, evse.unsteered_kw) for evse in evses.values() if evse.charging is None]
    reserved += [Reserved(node.node_id, node.unmanaged_kw) for node in step.nodes]
    obedient = {evse.evse_id: _demand(evse) for evse in evses.values() if evse.charging is not None}
    overdrawn = {evse_id for evse_id in obedient if overdraws(evses[evse_id])}
    told = {share.evse_id: share for share in share_power(nodes, obedient.values(), reserved)}
    demands = {evse_id: _uncontrolled(it, evses[evse_id]) if evse_id in overdrawn else it for evse_id, it in obedient.items()}
    shares = {share.evse_id: share for share in share_power(nodes, demands.values(), reserved)} if overdrawn else told
    changes = {it.evse_id: it for it in stage(nodes, demands.values(), shares.values(), reserved)}
    for evse_id, demand in demands.items():
        if evse_id in overdrawn:
            reminder = SetPoint(evse_id, min(told[evse_id].target_kw, obedient[evse_id].current_kw))
            if _is_due(reminder, evses[evse_id], step.at):
                changes[evse_id] = reminder
        elif demand.online and evses[evse_id].limit_kw != demand.current_kw:
            changes.setdefault(evse_id, SetPoint(evse_id, demand.current_kw))
    return Decision(
        outcomes=_explained(step.nodes, evses, demands, list(shares.values()), overdrawn),
        set_points=tuple(it for it in changes.values() if _may_be_sent(it, evses[it.evse_id])),
        overdrawn=frozenset(overdrawn),
    )


def _demand(evse: EvseFacts) -> Demand:
    charging = evse.charging
    assert charging is not None
    return Demand(
        evse_id=evse.evse_id,
        node_id=evse.node_id,
        priority=charging.priority,
        since=charging.since,
        wanted_kw=wanted_kw(evse, charging),
        minimum_kw=evse.min_kw,
        current_kw=evse.permitted_kw,
        fallback_kw=evse.unsteered_kw,
        online=evse.online,
    )


def _uncontrolled(demand: Demand, evse: EvseFacts) -> Demand:
    """Return the demand of an EVSE that takes what it likes, as one that cannot be told anything: it counts at what it draws."""
    drawn_kw = evse.charging.power_kw if evse.charging is not None else 0.0
    return replace(demand, online=False, current_kw=max(demand.current_kw, drawn_kw))


def _is_due(reminder: SetPoint, evse: EvseFacts, at: datetime) -> bool:
    """Tell whether an EVSE that draws more than it may is told so: at once of a lower limit, and of the same not at every step."""
    if evse.limit_kw is None or evse.limit_at is None or reminder.limit_kw < evse.limit_kw:
        return True
    return at - evse.limit_at >= _REMIND


def _may_be_sent(set_point: SetPoint, evse: EvseFacts) -> bool:
    """Tell whether a limit is sent now: not while another is under way, unless it is lower, and not right after one was refused."""
    if not evse.online:
        return False
    return evse.order is None or (evse.order.open and set_point.limit_kw < evse.order.limit_kw)


def _explained(
    nodes: Sequence[NodeFacts],
    evses: Mapping[uuid.UUID, EvseFacts],
    demands: Mapping[uuid.UUID, Demand],
    shares: Sequence[Share],
    overdrawn: set[uuid.UUID],
) -> tuple[Outcome, ...]:
    names = {node.node_id: f"{node.name} ({node.limit_kw:g} kW by {node.limit_from})" if node.limit_from else node.name for node in nodes}
    above = {node_id: {it.id for it in path} for node_id, path in paths_to_root(_tree(nodes)).items()}
    outcomes = []
    for share in shares:
        evse, demand = evses[share.evse_id], demands[share.evse_id]
        assert evse.charging is not None
        if share.evse_id in overdrawn:
            bound_by = BoundBy.OVERDRAW
            sentence = (
                f"Draws {evse.charging.power_kw:g} kW, more than the {evse.permitted_kw:g} kW it may: "
                "what it draws is taken from others until it obeys."
            )
        else:
            bound_by, sentence = _BOUND_BY[share.reason], explain(share, names)
        outcomes.append(
            Outcome(
                evse_id=share.evse_id,
                transaction_id=evse.charging.transaction_id,
                power_kw=share.target_kw,
                bound_by=bound_by,
                node_id=share.binding_node_id,
                priority=demand.priority,
                yielded_to=_favoured(share, shares, demands, above),
                explanation=sentence,
            )
        )
    return tuple(outcomes)


def _tree(nodes: Iterable[NodeFacts]) -> list[Node]:
    return [Node(node.node_id, node.parent_id, node.limit_kw) for node in nodes]


def _favoured(
    share: Share, shares: Iterable[Share], demands: Mapping[uuid.UUID, Demand], above: Mapping[uuid.UUID, set[uuid.UUID]]
) -> tuple[uuid.UUID, ...]:
    """Return who below the node that binds a share got more than it, or is of a higher class and got anything; most power first."""
    if share.binding_node_id is None:
        return ()
    own = demands[share.evse_id].priority
    others = [
        other
        for other in shares
        if other.evse_id != share.evse_id
        and share.binding_node_id in above[demands[other.evse_id].node_id]
        and (other.target_kw > share.target_kw or (demands[other.evse_id].priority > own and other.target_kw > 0))
    ]
    ranked = sorted(others, key=lambda other: (-other.target_kw, other.evse_id))
    return tuple(other.evse_id for other in ranked[:_NAMED_AT_MOST])
