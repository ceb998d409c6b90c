"""Who gets how much now, and why."""

import uuid
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from ampyard.domain.power.demands import Demand, Reason, Share
from ampyard.domain.power.steps import Steps
from ampyard.domain.power.supply import Path, Supply
from ampyard.domain.power.tree import Node, Reserved


def share_power(
    nodes: Iterable[Node], demands: Iterable[Demand], reserved: Iterable[Reserved] = (), *, step_kw: float = 0.1
) -> list[Share]:
    """Share the supply among `demands`; the shares come in order of priority, then of waiting.

    Priority classes are lexicographic. Inside a class, minima are admitted in waiting order while they fit at every
    ancestor; what then remains is shared max-min fairly (progressive filling: Bertsekas and Gallager, Data Networks,
    6.5.2), where a step that cannot be divided goes to who waits longest. An offline EVSE is reserved at the most it may
    draw. A vehicle that tapers below its minimum keeps its minimum, as a lower limit would stop it.

    Raises:
        ValueError: as `paths_to_root`, or an EVSE is given twice, or something hangs on an unknown node.
    """
    ranked = by_rank(demands)
    steps = Steps(step_kw)
    supply = Supply(nodes, [*reserved, *reserved_offline(ranked)], steps)
    shares = {d.evse_id: Share(d.evse_id, max(d.current_kw, d.fallback_kw), Reason.OFFLINE) for d in ranked if not d.online}
    for _, same_class in groupby((demand for demand in ranked if demand.online), key=lambda demand: demand.priority):
        claims = [_claim(demand, supply, steps) for demand in same_class]
        _share_class(claims, supply)
        shares |= {claim.evse_id: _share(claim, supply, steps) for claim in claims}
    return [shares[demand.evse_id] for demand in ranked]


def by_rank(demands: Iterable[Demand]) -> list[Demand]:
    """Return the demands in the one order in which they are served, whatever the order they came in.

    Raises:
        ValueError: an EVSE is given twice.
    """
    ranked = sorted(demands, key=lambda demand: (-demand.priority, demand.since, demand.evse_id))
    seen: set[uuid.UUID] = set()
    for demand in ranked:
        if demand.evse_id in seen:
            raise ValueError(f"EVSE {demand.evse_id} has two demands; give one.")
        seen.add(demand.evse_id)
    return ranked


def reserved_offline(demands: Iterable[Demand]) -> list[Reserved]:
    """Return what offline EVSEs may draw: their last limit may still hold, or their fall-back already."""
    return [Reserved(demand.node_id, max(demand.current_kw, demand.fallback_kw)) for demand in demands if not demand.online]


@dataclass(slots=True)
class _Claim:
    """A demand while its class is being shared; powers in steps."""

    evse_id: uuid.UUID
    path: Path
    minimum: int
    ceiling: int
    target: int = 0
    admitted: bool = False
    binding_node_id: uuid.UUID | None = None


def _claim(demand: Demand, supply: Supply, steps: Steps) -> _Claim:
    path = supply.path(demand.node_id)
    if demand.wanted_kw <= 0:
        return _Claim(demand.evse_id, path, minimum=0, ceiling=0)
    minimum = steps.up(demand.minimum_kw)
    return _Claim(demand.evse_id, path, minimum, ceiling=max(minimum, steps.down(demand.wanted_kw)))


def _share_class(claims: Sequence[_Claim], supply: Supply) -> None:
    """Set the targets of one class, given in waiting order, and take them from the supply.

    Cutting from the leaves up gives the same as filling all at one pace, because no ancestor gives back what a node refuses.
    """
    for claim in claims:
        claim.binding_node_id = supply.first_short_of(claim.path, claim.minimum)
        claim.admitted = claim.binding_node_id is None
        if claim.admitted:
            supply.take(claim.path, claim.minimum)
            claim.target = claim.ceiling
    admitted = [claim for claim in claims if claim.admitted]
    for node_id, members in supply.deepest_first(admitted):
        _cut(members, supply.room[node_id] + sum(claim.minimum for claim in members))
    for claim in admitted:
        supply.take(claim.path, claim.target - claim.minimum)
    for claim in admitted:
        if claim.target < claim.ceiling:
            claim.binding_node_id = supply.first_short_of(claim.path, 1)


def _cut(claims: Sequence[_Claim], capacity: int) -> None:
    """Lower the highest targets to one common level, minima kept, so that their sum is at most `capacity`."""

    def total(level: int) -> int:
        return sum(min(claim.target, max(claim.minimum, level)) for claim in claims)

    highest = max(claim.target for claim in claims)
    level = bisect_right(range(highest + 1), capacity, key=total) - 1
    spare = capacity - total(level)
    for claim in claims:
        extra = 1 if spare > 0 and claim.minimum <= level < claim.target else 0
        spare -= extra
        claim.target = min(claim.target, max(claim.minimum, level) + extra)


def _share(claim: _Claim, supply: Supply, steps: Steps) -> Share:
    if claim.admitted and claim.target == claim.ceiling:
        return Share(claim.evse_id, steps.kw(claim.target), Reason.WANTED)
    reserved_node_id = next((node_id for node_id in claim.path if node_id in supply.reserved_entirely), None)
    if reserved_node_id is not None:
        return Share(claim.evse_id, 0.0, Reason.RESERVED, reserved_node_id)
    reason = Reason.LIMITED_BY_NODE if claim.admitted else Reason.BELOW_MINIMUM
    return Share(claim.evse_id, steps.kw(claim.target), reason, claim.binding_node_id)
