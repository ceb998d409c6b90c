"""Who got the power instead of somebody whom a node keeps from more."""

import uuid
from collections.abc import Iterator

import numpy as np

from ampyard.domain.power.allotting import Allotment
from ampyard.domain.power.claims import Claims
from ampyard.domain.power.contenders import Ints
from ampyard.domain.power.runs import by_number, runs

# How many are named.
_NAMED = 3
_NOBODY = -1


def yielded_to(claims: Claims, allotment: Allotment) -> list[tuple[uuid.UUID, ...]]:
    """Return for each claim, at most three, who has power through the node (and line) that binds it and came first.

    These are of a higher class or, for who waits, of its class with a better rank; the first of them in order of both.
    """
    bound = np.flatnonzero(allotment.node != allotment.supply.tree.nobody)
    has_power = np.flatnonzero(allotment.target > 0)
    by_rank = has_power[np.lexsort((allotment.rank[has_power], -claims.priority[has_power]))]
    # The few that are named, as one number: many claims have the same answer, which is made once.
    digits = (len(claims.evse_ids) + 1) ** np.arange(_NAMED)
    answers = np.zeros(len(claims.evse_ids), dtype=np.int64)
    told: dict[int, tuple[uuid.UUID, ...]] = {0: ()}
    for dim in np.unique(allotment.dim[bound]).tolist():
        mine = bound[allotment.dim[bound] == dim]
        draws = by_rank[allotment.supply.loading.reach[claims.wiring[by_rank], dim] > 0]
        first = _first_below(allotment, draws)[allotment.node[mine]]
        known, waits = first != _NOBODY, (allotment.target[mine] == 0)[:, None]
        higher = claims.priority[first] > claims.priority[mine][:, None]
        same = claims.priority[first] == claims.priority[mine][:, None]
        ahead = same & waits & (allotment.rank[first] < allotment.rank[mine][:, None])
        first[~(known & (higher | ahead))] = _NOBODY
        answers[mine] = (first - _NOBODY) @ digits
        for number, place in dict(zip(answers[mine].tolist(), range(len(mine)), strict=True)).items():
            told[number] = tuple(claims.evse_ids[other] for other in first[place].tolist() if other != _NOBODY)
    return list(map(told.__getitem__, answers.tolist()))


def _first_below(allotment: Allotment, ranked: Ints) -> Ints:
    """Return for each node the first few of `ranked` below it, a row each."""
    first = np.full((len(allotment.supply.limits), _NAMED), _NOBODY)
    for nodes, members in _grouped(allotment, ranked):
        begins, lengths = runs(nodes)
        for column in range(_NAMED):
            there = lengths > column
            first[nodes[begins[there]], column] = members[begins[there] + column]
    return first


def _grouped(allotment: Allotment, ranked: Ints) -> Iterator[tuple[Ints, Ints]]:
    """Yield, for each level of the tree, the nodes above `ranked` in order, and who is below them, each node's in order of rank."""
    for level in allotment.paths[ranked].T:
        order = by_number(level)
        yield level[order], ranked[order]
