"""How power is shared, class by class, over arrays."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ampyard.domain.power.admission import admission_order
from ampyard.domain.power.claims import Claims
from ampyard.domain.power.contenders import Bools, Contenders, Floats, Ints
from ampyard.domain.power.filling import HEAVIEST, WEIGHT_PARTS, Rising, fill
from ampyard.domain.power.fitting import first_fit
from ampyard.domain.power.loading import Loading
from ampyard.domain.power.runs import runs
from ampyard.domain.power.supply import Supply, Tree
from ampyard.domain.power.tree import Reserved
from ampyard.domain.power.units import MW_PER_KW
from ampyard.domain.power.urgency import filling_weights, tiers


@dataclass(frozen=True, slots=True)
class Allotment:
    """What each claim gets, in mW; an entry for each. `ceiling` is the most it could have got, `reason` why not more than that.

    `is_admitted`: its minimum fits, so that it is on. `rank` is its place in its class, from 1; 0 where it is not looked at. `node`
    is the number of the node that keeps it from its ceiling (the tree's `nobody` where none does), `dim` what of it: 0 for power,
    1 to 3 for its lines.
    """

    supply: Supply
    paths: Ints
    target: Floats
    ceiling: Floats
    reason: Ints
    is_admitted: Bools
    rank: Ints
    node: Ints
    dim: Ints


def allot(tree: Tree, claims: Claims, reserved: Iterable[Reserved] = (), *, reserve_fallbacks: bool = False) -> Allotment:
    """Share what a tree can supply; see `share_power`.

    Raises:
        ValueError: something hangs on an unknown node.
    """
    paths = tree.above[claims.nodes_in(tree)]
    supply = supply_for(tree, claims, reserved)
    free = np.where(claims.is_online & reserve_fallbacks, claims.fallback, 0.0)
    supply.reserve(paths, supply.columns(claims.wiring, free))
    ceiling, reason = claims.ceilings()
    count = len(free)
    nobody, none = np.full(count, tree.nobody), np.zeros(count, dtype=np.int64)
    allotment = Allotment(supply, paths, np.zeros(count), ceiling, reason, none > 0, none, nobody, none.copy())
    wants = claims.is_online & (ceiling > 0)
    wanting = np.flatnonzero(wants)
    for begin, length in zip(*runs(claims.priority[wanting]), strict=True):
        _Class(claims, allotment, free, wanting[begin : begin + length]).serve()
    return allotment


def supply_for(tree: Tree, claims: Claims, reserved: Iterable[Reserved]) -> Supply:
    """Return what is left for those who are online; an offline EVSE is reserved at its last limit, or at its fall-back if that is more."""
    loads = list(reserved)
    may_draw = np.maximum(claims.current, claims.fallback) / MW_PER_KW
    for place in np.flatnonzero(~claims.is_online).tolist():
        demand = claims.demand(place)
        loads.append(Reserved(demand.node_id, float(may_draw[place]), demand.lines))
    wirings = np.append(claims.wiring, [int(load.lines) for load in loads]).astype(np.int64)
    return Supply(tree, Loading.for_wirings(wirings, lines=tree.has_lines), loads)


class _Class:
    """The members of one class, while they are served; `free` is what is counted for each already."""

    def __init__(self, claims: Claims, allotment: Allotment, free: Floats, members: Ints) -> None:
        self._claims, self._allotment, self._free = claims, allotment, free
        contenders = Contenders(
            urgency=claims.urgency[members],
            weight=claims.weight[members],
            minimum_kw=claims.minimum[members] / MW_PER_KW,
            ceiling_kw=allotment.ceiling[members] / MW_PER_KW,
            charging=claims.charging[members],
            since_s=claims.since_s[members],
            waiting_s=claims.waiting_s[members],
        )
        order = admission_order(contenders)
        self._members = members[order]
        self._tier = tiers(contenders)[order]
        weights = np.rint(filling_weights(contenders)[order] * WEIGHT_PARTS)
        self._weights = np.clip(weights, 1.0, HEAVIEST * WEIGHT_PARTS)
        allotment.rank[self._members] = np.arange(1, len(members) + 1)

    def serve(self) -> None:
        """Admit, fill tier by tier, and note what keeps each from more."""
        self._admit()
        for tier in np.flatnonzero(np.bincount(self._tier))[::-1]:
            self._fill(np.flatnonzero(self._tier == tier))
        self._bind()

    def _admit(self) -> None:
        """Give minima in order of rank, and at least what is counted for somebody anyway."""
        members, claims = self._members, self._claims
        usable = np.minimum(self._free[members], self._allotment.ceiling[members])
        least = np.maximum(claims.minimum[members], claims.set_points.down(members, usable))
        columns = self._added(members, 0.0, least)
        admitted = first_fit(self._allotment.supply, self._allotment.paths[members], columns)
        self._allotment.is_admitted[members[admitted]] = True
        self._give(members[admitted], least[admitted])

    def _fill(self, places: Ints) -> None:
        """Raise those who are on, at `places` of the class, until no further set-point fits anybody.

        Who is refused a set-point is refused it for good, as room only shrinks; the others go on.
        """
        claims, allotment = self._claims, self._allotment
        places = places[allotment.is_admitted[self._members[places]]]
        while (places := self._can_rise(places)).size:
            members = self._members[places]
            filled = self._filled(members, self._weights[places])
            self._give(members, np.maximum(allotment.target[members], claims.set_points.down(members, filled)))
            further = self._next(places)
            rising = np.flatnonzero(further <= allotment.ceiling[members])
            rising = rising[np.argsort(further[rising] / self._weights[places[rising]], kind="stable")]
            members, further = members[rising], further[rising]
            fits = first_fit(allotment.supply, allotment.paths[members], self._added(members, allotment.target[members], further))
            self._give(members[fits], further[fits])
            places = np.sort(places[rising[fits]])

    def _can_rise(self, places: Ints) -> Ints:
        """Return those who could have their next set-point if it were given to them alone."""
        places = places[self._next(places) <= self._allotment.ceiling[self._members[places]]]
        node, _ = self._short(self._members[places], self._next(places))
        fits: Ints = places[node == self._allotment.supply.tree.nobody]
        return fits

    def _filled(self, members: Ints, weights: Floats) -> Floats:
        """Return what each would have if every power were a set-point."""
        allotment, free = self._allotment, self._free[members]
        counted = np.maximum(allotment.target[members] - free, 0.0)
        self._take(members, -counted)
        rising = Rising(
            paths=allotment.paths[members],
            wirings=self._claims.wiring[members],
            weights=weights,
            free=free,
            lower=counted,
            upper=np.maximum(allotment.ceiling[members] - free, 0.0),
        )
        filled = fill(allotment.supply, rising)
        self._take(members, counted)
        return np.where(filled > 0, filled + free, np.minimum(free, allotment.ceiling[members]))

    def _bind(self) -> None:
        """Note for each below its ceiling the lowest node without room for its minimum or its next set-point."""
        allotment = self._allotment
        places = np.flatnonzero(allotment.target[self._members] < allotment.ceiling[self._members])
        members = self._members[places]
        wanted = np.where(allotment.is_admitted[members], self._next(places), self._claims.minimum[members])
        allotment.node[members], allotment.dim[members] = self._short(members, wanted)

    def _next(self, places: Ints) -> Floats:
        members = self._members[places]
        return self._claims.set_points.above(members, self._allotment.target[members])

    def _short(self, members: Ints, wanted: Floats) -> tuple[Ints, Ints]:
        columns = self._added(members, self._allotment.target[members], wanted)
        return self._allotment.supply.first_short_of(self._allotment.paths[members], columns)

    def _added(self, members: Ints, before: Floats | float, after: Floats) -> Floats:
        """Return what a raise adds to the columns of the nodes above."""
        free = self._free[members]
        added = np.maximum(after - free, 0.0) - np.maximum(before - free, 0.0)
        return self._allotment.supply.columns(self._claims.wiring[members], added)

    def _give(self, members: Ints, targets: Floats) -> None:
        columns = self._added(members, self._allotment.target[members], targets)
        self._allotment.supply.take(self._allotment.paths[members], columns)
        self._allotment.target[members] = targets

    def _take(self, members: Ints, milliwatts: Floats) -> None:
        columns = self._allotment.supply.columns(self._claims.wiring[members], milliwatts)
        self._allotment.supply.take(self._allotment.paths[members], columns)
