"""Supply trees and demands for the tests of power sharing: short builders, random cases, exact sums."""

import random
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from ampyard.domain.power import Demand, Node, Reserved

MORNING = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
GRID, FEEDER_A, FEEDER_B = (uuid.UUID(int=number) for number in (1, 2, 3))

# Random trees take a while to draw; how long says nothing about the code, and less on a busy machine.
on_random_trees = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])


def evse(number: int) -> uuid.UUID:
    return uuid.UUID(int=100 + number)


def demand(
    number: int,
    node_id: uuid.UUID = GRID,
    *,
    wanted_kw: float = 0.0,
    minimum_kw: float = 0.0,
    current_kw: float = 0.0,
    fallback_kw: float = 0.0,
    priority: int = 1,
    online: bool = True,
) -> Demand:
    """EVSE `number`, waiting since so many minutes past the morning."""
    return Demand(
        evse_id=evse(number),
        node_id=node_id,
        priority=priority,
        since=MORNING + timedelta(minutes=number),
        wanted_kw=wanted_kw,
        minimum_kw=minimum_kw,
        current_kw=current_kw,
        fallback_kw=fallback_kw,
        online=online,
    )


@dataclass(frozen=True, slots=True)
class Case:
    nodes: Sequence[Node]
    demands: Sequence[Demand]
    reserved: Sequence[Reserved]

    def path(self, node_id: uuid.UUID) -> list[Node]:
        by_id = {node.id: node for node in self.nodes}
        path = [by_id[node_id]]
        while path[-1].parent_id is not None:
            path.append(by_id[path[-1].parent_id])
        return path

    def room_kw(self) -> dict[uuid.UUID, Decimal]:
        """For every limited node, what reservations and offline EVSEs leave; exact, never negative."""
        offline = [Reserved(d.node_id, max(d.current_kw, d.fallback_kw)) for d in self.demands if not d.online]
        room = {node.id: Decimal(str(node.limit_kw)) for node in self.nodes if node.limit_kw is not None}
        for taken in [*self.reserved, *offline]:
            for node in self.path(taken.node_id):
                if node.id in room:
                    room[node.id] -= Decimal(str(taken.kw))
        return {node_id: max(Decimal(0), left) for node_id, left in room.items()}

    def left_kw(self, power_kw: Mapping[uuid.UUID, float]) -> dict[uuid.UUID, Decimal]:
        """For every limited node, what is left when the online EVSEs have `power_kw`; negative where it is exceeded."""
        left = self.room_kw()
        for d in self.demands:
            if d.online:
                for node in self.path(d.node_id):
                    if node.id in left:
                        left[node.id] -= Decimal(str(power_kw[d.evse_id]))
        return left

    def shuffled(self, seed: int) -> "Case":
        mix = random.Random(seed)
        return replace(
            self,
            nodes=mix.sample(self.nodes, len(self.nodes)),
            demands=mix.sample(self.demands, len(self.demands)),
            reserved=mix.sample(self.reserved, len(self.reserved)),
        )


def kilowatts(most: int) -> st.SearchStrategy[float]:
    """From 0 to `most` in steps of 10 W, so that most values are no whole steps of power."""
    return st.integers(0, most * 100).map(lambda hundredths: hundredths / 100)


@st.composite
def cases(draw: st.DrawFn, *, max_evses: int = 40, max_depth: int = 4) -> Case:
    nodes: list[Node] = []
    depth: dict[uuid.UUID, int] = {}
    for number in range(draw(st.integers(1, 8))):
        parents = [None, *(node.id for node in nodes if depth[node.id] < max_depth)] if nodes else [None]
        parent_id = draw(st.sampled_from(parents))
        node = Node(uuid.UUID(int=number + 1), parent_id, draw(st.none() | kilowatts(120)))
        depth[node.id] = 1 if parent_id is None else depth[parent_id] + 1
        nodes.append(node)
    node_ids = st.sampled_from([node.id for node in nodes])
    demands = [
        Demand(
            evse_id=evse(number),
            node_id=draw(node_ids),
            priority=draw(st.integers(0, 2)),
            since=MORNING + timedelta(minutes=draw(st.integers(0, 3))),
            wanted_kw=draw(st.just(0.0) | kilowatts(50)),
            minimum_kw=draw(st.sampled_from([0.0, 1.38, 4.14, 10.0])),
            current_kw=draw(kilowatts(50)),
            fallback_kw=draw(kilowatts(10)),
            online=draw(st.integers(0, 7)) > 0,
        )
        for number in range(draw(st.integers(0, max_evses)))
    ]
    reserved = draw(st.lists(st.builds(Reserved, node_ids, kilowatts(30)), max_size=3))
    return Case(nodes, demands, reserved)
