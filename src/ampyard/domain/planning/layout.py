"""A `PlanProblem` as arrays: what may flow to whom, when, and past which nodes. Nothing here knows a solver.

Energies are at the plug, in kWh, so that all that flows adds up with coefficients of 1; a need of a battery is divided by its efficiency.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ampyard.domain.equipment import ALL_LINES
from ampyard.domain.planning.lines import LineBounds, even_limit_kw, limit_kw, line_bounds
from ampyard.domain.planning.model import PlanNode, PlanProblem, Stay

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]

HOUR = timedelta(hours=1)
# Above this share a battery takes ever less, down to a tenth of its power when it is full: as `domain.charging_forecast.Battery` has it.
KNEE = 0.8
LAST_SHARE = 0.1
_SECOND = timedelta(seconds=1)
# The share of its power with which a stay can be reckoned with after the horizon, where others are of whom nothing is known yet.
_POWER_BEYOND = 0.5
# Below this, in kWh or kW, something is nothing: a thousandth of a watt-hour, far above what a solver of doubles may be wrong by.
TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Flows:
    """Columns of the model: each is energy that one stay may take in one slot, and at most `most`."""

    stay: Ints
    slot: Ints
    most: Floats


@dataclass(frozen=True, slots=True, eq=False)
class BoundRows:
    """Rows of the model: what counts at one bound in one slot is at most `most`. Only those that can bind are there."""

    bound: Ints
    slot: Ints
    most: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Tails:
    """Rows of the model: from slot `first` on a stay takes at most `most`, plus what lacks to its target in the end.

    Who is to leave with more than 80 % has to be so full by then that the rest flows in the time that is left, at ever less power.
    """

    stay: Ints
    first: Ints
    most: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """A problem in arrays. Stays are sorted by id and nodes by id, so that the order of the input is forgotten here.

    `needs_minimum`, `needs_target` and `cap` are what a stay has to take, together with those before it in its chain (`chains`, the stay
    itself last, with the factors that make kWh at their plugs kWh at its own), and `reachable` what it could take if it were alone. A
    minimum counts only where it is known when the vehicle leaves, within the horizon (`counts`). `below` says which stays are below which
    node, `depths` how many nodes are above each, and `present` how many hours of a slot a stay is there.

    `parts` times what flows to the stays is at most `limits`, in kWh a slot. The first bounds are those of the nodes, then come those of
    lines (`line_bounds`); `bounds_of` has the numbers of those of each node. `gains` says by how many kW each rises with a kW more at its
    node, a third of it on each line.
    """

    problem: PlanProblem
    stays: tuple[Stay, ...]
    nodes: tuple[PlanNode, ...]
    hours: Floats
    prices: Floats
    unmanaged: Floats
    flows: Flows
    preconditioning: Flows
    chains: tuple[tuple[int, ...], ...]
    factors: tuple[tuple[float, ...], ...]
    needs_minimum: Floats
    needs_target: Floats
    cap: Floats
    counts: npt.NDArray[np.bool_]
    reachable: Floats
    below: npt.NDArray[np.bool_]
    depths: tuple[int, ...]
    parts: Floats
    limits: Floats
    gains: Floats
    bounds_of: tuple[Ints, ...]
    present: Floats
    rows: BoundRows
    tails: Tails

    @property
    def efficiencies(self) -> Floats:
        """What of a kWh at the plug reaches the battery, for each stay."""
        return np.array([stay.efficiency for stay in self.stays])

    @property
    def lacks_minimum_most(self) -> Floats:
        """What lacks to each minimum if nothing flows."""
        return np.where(self.counts, np.maximum(self.needs_minimum, 0.0), 0.0)

    @property
    def lacks_minimum_least(self) -> Floats:
        """What lacks to each minimum even for a vehicle that is alone: what its power, its time or its battery is too small for."""
        return np.where(self.counts, np.maximum(self.needs_minimum - self.reachable, 0.0), 0.0)

    @property
    def class_of(self) -> Ints:
        """The class of each stay."""
        return np.array([stay.priority for stay in self.stays], dtype=np.int64)

    @property
    def weights(self) -> Floats:
        """What a kWh that lacks weighs, for each stay; also one that is said to weigh nothing is rather charged than not."""
        return np.array([max(stay.weight, 1e-3) for stay in self.stays])

    @property
    def priorities(self) -> tuple[int, ...]:
        """The classes that are there, the highest first."""
        return tuple(sorted({stay.priority for stay in self.stays}, reverse=True))


def lay_out(problem: PlanProblem) -> Layout:
    """Return a problem of at least one slot and one stay as arrays.

    Raises:
        ValueError: the problem contradicts itself: an unknown node or stay, a circle, or a list that is not as long as there are slots.
    """
    _check_lengths(problem)
    nodes = tuple(sorted(problem.nodes, key=lambda node: node.id.int))
    stays = tuple(sorted((_sound(stay) for stay in problem.stays), key=lambda stay: stay.id.int))
    below = _below(nodes, stays)
    overlap = _overlap([(stay.arrives_at, stay.departs_at) for stay in stays], problem)
    hours = np.array([slot.hours for slot in problem.slots])
    lines = line_bounds(nodes, stays, below)
    uneven = set(lines.node.tolist())
    limits = np.array([limit_kw(node) if number in uneven else even_limit_kw(node) for number, node in enumerate(nodes)])
    able = overlap * np.array([stay.max_kw for stay in stays]).reshape(-1, 1)
    heat = np.minimum(_heating(stays, problem, overlap), able)
    most = able - heat
    chains, factors = _chains(stays)
    minimum, target, cap = _needs(stays, chains, problem.slots[-1].ends_at)
    horizon = problem.slots[-1].ends_at
    tails = _tails(stays, problem, overlap)
    alone = most.sum(axis=1)
    taken = [sum(alone[other] * factor for other, factor in zip(*both, strict=True)) for both in zip(chains, factors, strict=True)]
    places = {node.id: place for place, node in enumerate(nodes)}
    depths = tuple(_depth(nodes, places, place) for place in range(len(nodes)))
    binding = _binding(nodes, below, depths, limits * hours, lines, hours, most + heat)
    limits = np.vstack([limits, lines.limits]) * hours
    bounds_of = tuple(np.append(number, len(nodes) + np.flatnonzero(lines.node == number)) for number in range(len(nodes)))
    bound, slot = np.nonzero(binding)
    return Layout(
        problem=problem,
        stays=stays,
        nodes=nodes,
        hours=hours,
        prices=np.array(problem.prices_per_kwh or np.zeros(len(hours))),
        unmanaged=np.array(problem.unmanaged_kw or np.zeros(len(hours))),
        flows=_flows(most),
        preconditioning=_flows(heat),
        chains=chains,
        factors=factors,
        needs_minimum=minimum,
        needs_target=target,
        cap=cap,
        counts=np.array([stay.departs_at is not None and stay.departs_at <= horizon for stay in stays], dtype=bool),
        reachable=np.minimum(_with_tails(np.array(taken), tails, most, target), np.maximum(cap, 0.0)),
        below=below,
        depths=depths,
        parts=np.vstack([below.astype(np.float64), lines.parts]),
        limits=limits,
        gains=np.append(np.ones(len(nodes)), lines.gains / len(ALL_LINES)),
        bounds_of=bounds_of,
        present=overlap,
        rows=BoundRows(bound, slot, limits[bound, slot]),
        tails=tails,
    )


def hours_within(begin: datetime, end: datetime, problem: PlanProblem) -> Floats:
    """Return how many hours of each slot lie between two moments."""
    within: Floats = _overlap([(begin, end)], problem)[0]
    return within


def _check_lengths(problem: PlanProblem) -> None:
    wanted = len(problem.slots)
    lists: list[tuple[str, Sequence[object]]] = [("prices_per_kwh", problem.prices_per_kwh), ("unmanaged_kw", problem.unmanaged_kw)]
    for name, values in lists:
        if values and len(values) != wanted:
            raise ValueError(f"{name} has {len(values)} values for {wanted} slots; give one for each, or none at all.")
    for node in problem.nodes:
        if len(node.limits_kw) != wanted:
            raise ValueError(f"Power node {node.id} has {len(node.limits_kw)} limits for {wanted} slots; give one for each.")
        of_lines = [len(limits) for limits in node.line_limits_kw]
        if of_lines not in ([], [wanted] * len(ALL_LINES)):
            raise ValueError(
                f"The lines of power node {node.id} have {of_lines} limits for {wanted} slots; give one each for three, or none."
            )


def _sound(stay: Stay) -> Stay:
    """Return a stay whose target is not below its minimum: who needs a minimum wants it, too."""
    return replace(stay, target_kwh=max(stay.target_kwh, stay.minimum_kwh), max_kw=max(stay.max_kw, 0.0))


def _below(nodes: Sequence[PlanNode], stays: Sequence[Stay]) -> npt.NDArray[np.bool_]:
    """Return, for each node and stay, whether the stay hangs on the node or on one below it."""
    parents = {node.id: node.parent_id for node in nodes}
    places = {node.id: place for place, node in enumerate(nodes)}
    above: dict[uuid.UUID, list[int]] = {}
    for node in nodes:
        path: list[int] = []
        at: uuid.UUID | None = node.id
        while at is not None:
            if at not in places:
                raise ValueError(f"Power node {at}, a parent of {node.id}, is not among the nodes.")
            if places[at] in path:
                raise ValueError(f"Power node {at} is among its own parents.")
            path.append(places[at])
            at = parents[at]
        above[node.id] = path
    below = np.zeros((len(nodes), len(stays)), dtype=bool)
    for number, stay in enumerate(stays):
        if stay.node_id not in above:
            raise ValueError(f"Stay {stay.id} hangs on power node {stay.node_id}, which is not among the nodes.")
        below[above[stay.node_id], number] = True
    return below


def _overlap(spans: Iterable[tuple[datetime, datetime | None]], problem: PlanProblem) -> Floats:
    """Return how many hours each span has in each slot; one without an end goes on."""
    spans = list(spans)
    zero = problem.now
    edges = [((slot.begins_at - zero) / _SECOND, (slot.ends_at - zero) / _SECOND) for slot in problem.slots]
    begins, ends = np.array(edges).reshape(-1, 2).T
    since = np.array([(begin - zero) / _SECOND for begin, _ in spans]).reshape(-1, 1)
    until = np.array([np.inf if end is None else (end - zero) / _SECOND for _, end in spans]).reshape(-1, 1)
    seconds: Floats = np.maximum(0.0, np.minimum(ends, until) - np.maximum(begins, since))
    return seconds / 3600.0


def _heating(stays: Sequence[Stay], problem: PlanProblem, overlap: Floats) -> Floats:
    """Return how much preconditioning each stay wants in each slot, in kWh, while it is there."""
    wanted = np.zeros_like(overlap)
    for number, stay in enumerate(stays):
        for piece in stay.preconditioning:
            end = piece.ends_at if stay.departs_at is None else min(piece.ends_at, stay.departs_at)
            wanted[number] += max(0.0, piece.kw) * hours_within(max(piece.begins_at, stay.arrives_at), end, problem)
    return wanted


def _chains(stays: Sequence[Stay]) -> tuple[tuple[tuple[int, ...], ...], tuple[tuple[float, ...], ...]]:
    places = {stay.id: place for place, stay in enumerate(stays)}
    chains = []
    for number, stay in enumerate(stays):
        chain = [number]
        while (previous := stays[chain[0]].previous) is not None:
            if previous not in places:
                raise ValueError(f"Stay {stays[chain[0]].id} names {previous} as the one before it, which is not among the stays.")
            if places[previous] in chain:
                raise ValueError(f"Stay {stay.id} comes before itself.")
            chain.insert(0, places[previous])
        chains.append(tuple(chain))
    factors = tuple(tuple(stays[other].efficiency / stays[chain[-1]].efficiency for other in chain) for chain in chains)
    return tuple(chains), factors


def _needs(stays: Sequence[Stay], chains: Sequence[tuple[int, ...]], horizon: datetime) -> tuple[Floats, Floats, Floats]:
    """Return what has to be taken for the minimum, for the target, and what may be taken at all, over each chain.

    Of who leaves after the horizon, what can flow then at half its power need not flow before: else all that is wanted of it would have to
    be there by an end that is none, at whatever price and peak.
    """
    needs = np.zeros((3, len(stays)))
    full: dict[int, float] = {}
    for chain in sorted(chains, key=len):
        stay = stays[chain[-1]]
        without = stays[chain[0]].energy_kwh - sum(stays[other].used_kwh for other in chain[1:])
        brought = full[chain[-2]] - stay.used_kwh if len(chain) > 1 else stay.energy_kwh
        # A vehicle that comes with more than its target keeps it. A minimum beyond the battery stays one that nothing can reach.
        full[chain[-1]] = max(min(stay.target_kwh, stay.capacity_kwh), brought)
        beyond = timedelta(0) if stay.departs_at is None else max(timedelta(0), stay.departs_at - horizon)
        wanted = stay.target_kwh - _POWER_BEYOND * stay.max_kw * stay.efficiency * (beyond / HOUR)
        needs[:, chain[-1]] = [(kwh - without) / stay.efficiency for kwh in (stay.minimum_kwh, wanted, full[chain[-1]])]
    return needs[0], needs[1], needs[2]


def _flows(most: Floats) -> Flows:
    stay, slot = np.nonzero(most > TOLERANCE)
    return Flows(stay, slot, most[stay, slot])


def _tails(stays: Sequence[Stay], problem: PlanProblem, overlap: Floats) -> Tails:
    """Return how much each stay may take at most in its last slots, if it is to hold its target in the end.

    Above the knee the power that reaches a battery falls in a straight line with its energy. At one power p over a slot of h hours that is
    still taken at its end, what is missing to the energy at which it would be nothing shrinks to its (1 + fall x h)th part: that is
    followed back here from the target, slot by slot, to the knee.
    """
    found: list[tuple[int, int, float]] = []
    for number, stay in enumerate(stays):
        knee, target = KNEE * stay.capacity_kwh, min(stay.target_kwh, stay.capacity_kwh)
        if target <= knee or stay.max_kw <= 0 or stay.departs_at is None or stay.departs_at > problem.slots[-1].ends_at:
            continue
        fall = (1 - LAST_SHARE) * stay.max_kw * stay.efficiency / (stay.capacity_kwh - knee)
        nothing = knee + (stay.capacity_kwh - knee) / (1 - LAST_SHARE)
        missing = nothing - target
        for slot in np.flatnonzero(overlap[number] > 0)[::-1].tolist():
            missing *= 1 + fall * overlap[number, slot]
            if missing > nothing - knee:
                break
            found.append((number, slot, (missing - nothing + target) / stay.efficiency))
    number_, first_, most_ = zip(*found, strict=True) if found else ((), (), ())
    return Tails(np.array(number_, dtype=np.int64), np.array(first_, dtype=np.int64), np.array(most_, dtype=np.float64))


def _with_tails(reachable: Floats, tails: Tails, most: Floats, target: Floats) -> Floats:
    """Return what each could take if it were alone, tails considered: taken = before + tail, and tail <= most + target - taken."""
    least = reachable.copy()
    for number, first, kwh in zip(tails.stay.tolist(), tails.first.tolist(), tails.most.tolist(), strict=True):
        before = reachable[number] - most[number, first:].sum()
        least[number] = min(least[number], (before + kwh + max(target[number], 0.0)) / 2)
    return least


def _binding(
    nodes: Sequence[PlanNode],
    below: npt.NDArray[np.bool_],
    depths: Sequence[int],
    limits: Floats,
    lines: LineBounds,
    hours: Floats,
    able: Floats,
) -> npt.NDArray[np.bool_]:
    """Return where a bound can bind: less than all that those below could take, the limits further down considered."""
    places = {node.id: place for place, node in enumerate(nodes)}
    children: dict[int, list[int]] = {place: [] for place in range(len(nodes))}
    for place, node in enumerate(nodes):
        if node.parent_id is not None:
            children[places[node.parent_id]].append(place)
    potential, binds = np.zeros_like(limits), np.zeros(limits.shape, dtype=bool)
    for place in sorted(range(len(nodes)), key=lambda place: -depths[place]):
        here = below[place] & ~below[children[place]].any(axis=0)
        offered = here.astype(np.float64) @ able + potential[children[place]].sum(axis=0)
        binds[place] = limits[place] < offered - TOLERANCE
        potential[place] = np.minimum(limits[place], offered)
    most = np.minimum(lines.parts.clip(min=0.0) @ able, lines.parts.max(axis=1, initial=0.0)[:, None] * potential[lines.node])
    return np.vstack([binds, lines.limits * hours < most - TOLERANCE])


def _depth(nodes: Sequence[PlanNode], places: Mapping[uuid.UUID, int], place: int) -> int:
    parent_id = nodes[place].parent_id
    return 0 if parent_id is None else 1 + _depth(nodes, places, places[parent_id])
