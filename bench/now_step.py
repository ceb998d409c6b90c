"""The now step on one depot of 1,000 EVSEs: progressive filling against raising everyone by one step at a time."""

import random
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

from ampyard.domain.power import Demand, Node, share_power
from bench.lab import Lab
from bench.measure import Result, compare

_EVSES = 1_000
_FEEDERS = 20
_STEP_KW = 0.1


async def run(lab: Lab) -> AsyncIterator[Result]:
    """Yield the comparison."""
    nodes, demands = _depot(random.Random(1))

    async def ours() -> float:
        return round(sum(share.target_kw for share in share_power(nodes, demands, step_kw=_STEP_KW)))

    async def stepwise() -> float:
        return round(_stepwise(nodes, demands))

    yield await compare("now-step", ours, stepwise, baseline="one step of 0.1 kW at a time", rounds=lab.rounds)


def _depot(draw: random.Random) -> tuple[list[Node], list[Demand]]:
    grid = Node(uuid.UUID(int=draw.getrandbits(128)), None, _EVSES * 12.0)
    feeders = [Node(uuid.UUID(int=draw.getrandbits(128)), grid.id, _EVSES / _FEEDERS * 15.0) for _ in range(_FEEDERS)]
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    demands = [
        Demand(
            evse_id=uuid.UUID(int=draw.getrandbits(128)),
            node_id=draw.choice(feeders).id,
            priority=1,
            since=begin + timedelta(seconds=number),
            wanted_kw=draw.choice([11.0, 22.0, 50.0]),
            minimum_kw=0.0,
            current_kw=0.0,
            fallback_kw=0.0,
            online=True,
        )
        for number in range(_EVSES)
    ]
    return [grid, *feeders], demands


def _stepwise(nodes: list[Node], demands: list[Demand]) -> float:
    """Raise every EVSE by a step as long as there is room; the textbook's picture of max-min fairness."""
    limits = {node.id: round((node.limit_kw or 0.0) / _STEP_KW) for node in nodes}
    parents = {node.id: node.parent_id for node in nodes}
    used = dict.fromkeys(limits, 0)
    given = dict.fromkeys((demand.evse_id for demand in demands), 0)
    rising = list(demands)
    while rising:
        still: list[Demand] = []
        for demand in rising:
            path: list[uuid.UUID] = []
            at: uuid.UUID | None = demand.node_id
            while at is not None:
                path.append(at)
                at = parents[at]
            if given[demand.evse_id] < round(demand.wanted_kw / _STEP_KW) and all(used[node] < limits[node] for node in path):
                given[demand.evse_id] += 1
                for node in path:
                    used[node] += 1
                still.append(demand)
        rising = still
    return sum(given.values()) * _STEP_KW
