"""One step of power sharing, from facts alone: who gets how much, why, and what is sent now."""

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ampyard.domain.allocation.ability import ceiling_kw, is_bound_by_cable, least_kw, turn_of, urgency, wanted_kw
from ampyard.domain.allocation.ahead import with_look_ahead
from ampyard.domain.allocation.falling_back import own_part_kw, rest_of_fallback
from ampyard.domain.allocation.inputs import ChargingFacts, EvseFacts, NodeFacts, StepInput
from ampyard.domain.allocation.outcomes import BoundBy, Decision, Outcome
from ampyard.domain.allocation.overdraw import overdraws
from ampyard.domain.power import (
    Demand,
    Node,
    Reason,
    Reserved,
    SetPoint,
    Share,
    explain,
    fallback_excess,
    paths_to_root,
    share_power,
    stage,
)

# Charge points keep profiles in flash memory, which wears out.
_REMIND = timedelta(seconds=30)
_BOUND_BY = {
    Reason.WANTED: BoundBy.ABILITY,
    Reason.LIMITED_BY_NODE: BoundBy.NODE,
    Reason.BELOW_MINIMUM: BoundBy.BELOW_MINIMUM,
    Reason.RESERVED: BoundBy.RESERVED,
    Reason.OFFLINE: BoundBy.OFFLINE,
    Reason.PLANNED: BoundBy.PLAN,
    Reason.MINIMUM: BoundBy.MINIMUM,
    Reason.RAMPING: BoundBy.RAMP,
    Reason.STEP: BoundBy.STEP,
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
    nodes = [Node(it.node_id, it.parent_id, it.limit_kw, it.limit_a, it.voltage_v) for it in step.nodes]
    voltages_v = {node.node_id: node.voltage_v for node in step.nodes}
    reserved = [load for evse in evses.values() if evse.charging is None for load in _idle(evse, voltages_v)]
    reserved += [Reserved(node.node_id, node.unmanaged_kw, line_a=node.unmanaged_a) for node in step.nodes]
    obedient = {evse.evse_id: _demand(evse, step.at) for evse in evses.values() if evse.charging is not None}
    rests = {
        evse_id: rest
        for evse_id, it in obedient.items()
        if (rest := rest_of_fallback(evses[evse_id], it.lines, _fallback_kw(evses[evse_id]), voltages_v[it.node_id])) is not None
    }
    supply = _Supply(nodes, reserved, rests)
    overdrawn = {evse_id for evse_id in obedient if overdraws(evses[evse_id])}
    told = supply.shared(obedient)
    counted, kept = supply.with_reserves(obedient)
    ahead = with_look_ahead(nodes, counted, told, kept, evses, step.at)
    if ahead != counted:
        obedient = {it.evse_id: replace(obedient[it.evse_id], weight=it.weight, planned_kw=it.planned_kw) for it in ahead.values()}
        told = supply.shared(obedient)
    demands = {evse_id: _uncontrolled(it, evses[evse_id]) if evse_id in overdrawn else it for evse_id, it in obedient.items()}
    shares = supply.shared(demands) if overdrawn else told
    counted, kept = supply.with_reserves(demands)
    changes = {it.evse_id: it for it in stage(nodes, counted.values(), shares.values(), kept, reserve_fallbacks=True)}
    for evse_id, demand in demands.items():
        if evse_id in overdrawn:
            reminder = SetPoint(evse_id, min(told[evse_id].target_kw, obedient[evse_id].current_kw))
            if _is_due(reminder, evses[evse_id], step.at):
                changes[evse_id] = reminder
        elif demand.online and evses[evse_id].limit_kw != demand.current_kw:
            changes.setdefault(evse_id, SetPoint(evse_id, demand.current_kw))
    names = _names(step.nodes)
    return Decision(
        outcomes=tuple(_outcome(it, evses[it.evse_id], names, step.at, overdraws=it.evse_id in overdrawn) for it in shares.values()),
        set_points=tuple(it for it in changes.values() if _may_be_sent(it, evses[it.evse_id])),
        overdrawn=frozenset(overdrawn),
    )


@dataclass(frozen=True, slots=True)
class _Supply:
    """The nodes of a step, what is reserved there whoever charges, and what is kept beside each EVSE's vehicle (`rests`)."""

    nodes: Sequence[Node]
    reserved: Sequence[Reserved]
    rests: Mapping[uuid.UUID, Reserved]

    def shared(self, demands: Mapping[uuid.UUID, Demand]) -> dict[uuid.UUID, Share]:
        """Return what each gets."""
        counted, kept = self.with_reserves(demands)
        return {share.evse_id: share for share in share_power(self.nodes, counted.values(), kept, reserve_fallbacks=True)}

    def with_reserves(self, demands: Mapping[uuid.UUID, Demand]) -> tuple[dict[uuid.UUID, Demand], list[Reserved]]:
        """Return the demands with the fall-backs that can be kept reserved, and what else is: none below a node that could not supply all.

        Configured fall-backs fit (`services.fallbacks`), unless a signal from outside or a load that is not ours takes more than anybody
        said it would. Limits go before reserves then.
        """
        may_draw = [
            Reserved(it.node_id, it.fallback_kw if it.online else max(it.current_kw, it.fallback_kw), it.lines) for it in demands.values()
        ]
        short = {excess.node_id for excess in fallback_excess(self.nodes, [*self.reserved, *self.rests.values(), *may_draw])}
        below = {node_id for node_id, path in paths_to_root(self.nodes).items() if any(node.id in short for node in path)}
        given_up = {evse_id for evse_id, it in demands.items() if it.online and it.node_id in below}
        counted = {evse_id: replace(it, fallback_kw=0.0) if evse_id in given_up else it for evse_id, it in demands.items()}
        return counted, [*self.reserved, *(rest for evse_id, rest in self.rests.items() if evse_id not in given_up)]


def _idle(evse: EvseFacts, voltages_v: Mapping[uuid.UUID, float]) -> Iterator[Reserved]:
    """Yield what is kept for an EVSE without a transaction: a vehicle that plugs in draws that before anyone can say anything."""
    kw = evse.unsteered_kw
    yield Reserved(evse.node_id, own_part_kw(evse, evse.lines, kw), evse.lines)
    rest = rest_of_fallback(evse, evse.lines, kw, voltages_v[evse.node_id])
    if rest is not None:
        yield rest


def _fallback_kw(evse: EvseFacts) -> float:
    """Return the most an EVSE may draw, in kW, while no limit of ours is in force.

    To what an online one may rise at any time was checked as it was configured; an offline one has to be taken as it is.
    """
    return max(evse.fallback_kw, evse.held_kw or 0.0) if evse.online else evse.unsteered_kw


def _demand(evse: EvseFacts, at: datetime) -> Demand:
    charging = evse.charging
    assert charging is not None
    counts_as_charging, waiting_since = turn_of(charging, at)
    return Demand(
        evse_id=evse.evse_id,
        node_id=evse.node_id,
        priority=charging.priority,
        since=charging.since,
        wanted_kw=wanted_kw(evse, charging),
        minimum_kw=least_kw(evse, charging),
        current_kw=_current_kw(evse, charging),
        fallback_kw=own_part_kw(evse, charging.lines, _fallback_kw(evse)),
        online=evse.online,
        lines=charging.lines,
        urgency=urgency(evse, charging, at),
        planned_kw=ceiling_kw(charging),
        steps=charging.steps,
        charging=counts_as_charging,
        waiting_since=waiting_since,
    )


def _current_kw(evse: EvseFacts, charging: ChargingFacts) -> float:
    """Return the most that the vehicle at an EVSE may be drawing by what is in force, in kW: on its phases."""
    if evse.in_force_kw is None:
        return own_part_kw(evse, charging.lines, evse.unsteered_kw)
    return evse.in_force_kw if charging.most_kw is None else min(evse.in_force_kw, charging.most_kw)


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


def _outcome(share: Share, evse: EvseFacts, names: Mapping[uuid.UUID, str], at: datetime, *, overdraws: bool) -> Outcome:
    charging = evse.charging
    assert charging is not None
    if overdraws:
        bound_by = BoundBy.OVERDRAW
        sentence = (
            f"Draws {charging.power_kw:g} kW, more than the {evse.permitted_kw:g} kW it may: "
            "what it draws is taken from others until it obeys."
        )
    elif share.reason is Reason.WANTED and charging.cap_kw is not None and share.target_kw >= charging.cap_kw:
        bound_by = BoundBy.EXTERNAL_LIMIT
        sentence = f"Gets {share.target_kw:g} kW: a limit of its own allows it no more."
    elif share.reason is Reason.WANTED and is_bound_by_cable(evse, charging):
        bound_by = BoundBy.CABLE
        sentence = f"Gets {share.target_kw:g} kW: its cable carries no more than {charging.cable_kw:g} kW."
    elif share.reason is Reason.PLANNED and ceiling_kw(charging) is None:
        bound_by = BoundBy.PLAN
        sentence = "Waits: those who get its power now need it sooner, and it has time to charge later."
    else:
        bound_by, sentence = _BOUND_BY[share.reason], explain(share, names)
    return Outcome(
        evse_id=share.evse_id,
        transaction_id=charging.transaction_id,
        power_kw=share.target_kw,
        bound_by=bound_by,
        node_id=share.binding_node_id,
        line=share.line,
        priority=charging.priority,
        rank=share.rank,
        urgency=urgency(evse, charging, at),
        planned_kw=charging.planned_kw,
        waiting_since=(charging.waiting_since or at) if share.target_kw == 0 else None,
        charging_since=(charging.charging_since or at) if share.target_kw > 0 else None,
        yielded_to=share.yielded_to,
        explanation=sentence,
    )


def _names(nodes: Iterable[NodeFacts]) -> dict[uuid.UUID, str]:
    return {node.node_id: f"{node.name} ({node.limit_kw:g} kW by {node.limit_from})" if node.limit_from else node.name for node in nodes}
