"""The now step: a depot of three levels, minima, three classes and urgency, shared over arrays against walking the tree for each EVSE."""

import random
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

from ampyard.domain.power import Demand, Lines, Node, Tree, share_power
from ampyard.domain.power.allotting import allot
from ampyard.domain.power.claims import Claims
from bench.lab import Lab
from bench.measure import Result, compare, median_ms

_EVSES = 10_000
_MANY = 100_000
_TARGET_MS = 20.0
_STEP_KW = 0.1
_WIRINGS = (Lines.L1_L2_L3, Lines.L1, Lines.L2, Lines.L3)


async def run(lab: Lab) -> AsyncIterator[Result]:
    """Yield the step with 1,000 EVSEs against the baseline, then that with 10,000 and 100,000, from objects to objects and over arrays."""
    nodes, demands = _plain(random.Random(1), 1_000)

    async def ours() -> float:
        return round(sum(share.target_kw for share in share_power(nodes, demands, step_kw=_STEP_KW)))

    async def stepwise() -> float:
        return round(_stepwise(nodes, demands))

    yield await compare("now-step-1000", ours, stepwise, baseline="one step of 0.1 kW at a time", rounds=lab.rounds)
    for count, name in ((_EVSES, "now-step"), (_MANY, "now-step-100000")):
        for wired in (False, True):
            nodes, demands = _depot(random.Random(1), count, wired=wired)
            tree, claims = Tree(nodes), Claims(demands, _STEP_KW)
            what = "limits of lines, too" if wired else "limits in kW"
            suffix = "-lines" if wired else ""
            for whole, says in ((True, f"from objects to objects; {what}"), (False, f"over arrays made before; {what}")):
                step = (lambda: share_power(nodes, demands)) if whole else (lambda: allot(tree, claims))  # noqa: B023  # run at once
                took_ms = median_ms(step, lab.rounds)
                target = 1.0 if count == _EVSES and not wired else None
                yield Result(
                    f"{name}{suffix}{'' if whole else '-arrays'}",
                    took_ms,
                    "ms",
                    _TARGET_MS / took_ms,
                    f"{_TARGET_MS:g} ms a step",
                    _TARGET_MS,
                    target,
                    f"{count:,} EVSEs, {says}",
                )


def _depot(draw: random.Random, count: int, *, wired: bool) -> tuple[list[Node], list[Demand]]:
    """Return a grid connection, 20 feeders and panels of ten EVSEs each on average, many of them scarce."""

    def node(parent: Node | None, kw: float) -> Node:
        return Node(uuid.UUID(int=draw.getrandbits(128)), None if parent is None else parent.id, kw, kw / 0.69 * 1.1 if wired else None)

    grid = node(None, count * 9.0)
    feeders = [node(grid, count / 20 * draw.uniform(8, 18)) for _ in range(20)]
    panels = [node(feeder, 10 * draw.uniform(8, 40)) for feeder in feeders for _ in range(count // 200)]
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    demands = [
        Demand(
            evse_id=uuid.UUID(int=draw.getrandbits(128)),
            node_id=draw.choice(panels).id,
            priority=draw.randrange(3),
            since=begin + timedelta(seconds=number),
            wanted_kw=draw.choice([11.0, 22.0, 50.0]),
            minimum_kw=draw.choice([1.38, 4.14, 10.0]),
            current_kw=draw.choice([0.0, 11.0]),
            fallback_kw=4.0,
            online=True,
            lines=draw.choice(_WIRINGS) if wired else Lines.L1_L2_L3,
            urgency=draw.uniform(0.0, 1.1),
        )
        for number in range(count)
    ]
    return [grid, *feeders, *panels], demands


def _plain(draw: random.Random, count: int) -> tuple[list[Node], list[Demand]]:
    """Return a depot that the baseline can share, too: one class, no minima."""
    grid = Node(uuid.UUID(int=draw.getrandbits(128)), None, count * 12.0)
    feeders = [Node(uuid.UUID(int=draw.getrandbits(128)), grid.id, count / 20 * 15.0) for _ in range(20)]
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
        for number in range(count)
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
