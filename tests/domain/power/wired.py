"""Random depots with all that a now step knows of, and their currents by complex phasors: another way than the code's."""

import cmath
import math
import random
import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from hypothesis import strategies as st

from ampyard.domain.power import Demand, Lines, Node, Reserved, Share
from tests.domain.power.cases import MORNING, Case, evse

VOLTAGE_V = 230.0
_ANGLES = tuple(cmath.rect(1, math.radians(degrees)) for degrees in (0, -120, 120))
_TO_NEUTRAL = {
    Lines.L1_L2_L3: (0, 1, 2),
    Lines.L1: (0,),
    Lines.L2: (1,),
    Lines.L3: (2,),
    Lines.L1_L2: (0, 1),
    Lines.L2_L3: (1, 2),
    Lines.L3_L1: (2, 0),
}
_BETWEEN = {Lines.L1_TO_L2: (0, 1), Lines.L2_TO_L3: (1, 2), Lines.L3_TO_L1: (2, 0)}
_UNKNOWN_A_PER_KW = {
    Lines.ONE_UNKNOWN: 1000 / VOLTAGE_V,
    Lines.TWO_UNKNOWN: 500 / VOLTAGE_V,
    Lines.PAIR_UNKNOWN: 1000 / (VOLTAGE_V * 3**0.5),
}
FULL_TURN = tuple(lines for lines in Lines if lines not in _BETWEEN and lines is not Lines.PAIR_UNKNOWN)


def phasors_a(lines: Lines, kw: float) -> tuple[list[complex], float]:
    """Return the current of each line, and what may be added to it at any angle, in A."""
    currents = [0j, 0j, 0j]
    if lines in _TO_NEUTRAL:
        on = _TO_NEUTRAL[lines]
        for line in on:
            currents[line] += kw * 1000 / len(on) / VOLTAGE_V * _ANGLES[line]
    elif lines in _BETWEEN:
        first, second = _BETWEEN[lines]
        voltage = VOLTAGE_V * (_ANGLES[first] - _ANGLES[second])
        current = kw * 1000 / voltage.conjugate()
        currents[first] += current
        currents[second] -= current
    return currents, kw * _UNKNOWN_A_PER_KW.get(lines, 0.0)


def loads_of(case: Case, power_kw: Mapping[uuid.UUID, float]) -> list[tuple[uuid.UUID, Lines, float, tuple[float, float, float]]]:
    """Return everything that draws: where, how wired, how much, and what is measured on each line."""
    none = (0.0, 0.0, 0.0)
    loads = []
    for d in case.demands:
        kw = power_kw[d.evse_id] if d.online else max(d.current_kw, d.fallback_kw)
        loads.append((d.node_id, d.lines, kw, none))
    for r in case.reserved:
        on_lines = r.line_a is None
        loads.append((r.node_id, r.lines if on_lines else Lines.L1_L2_L3, max(0.0, r.kw), none if r.line_a is None else r.line_a))
    return loads


def currents_a(case: Case, power_kw: Mapping[uuid.UUID, float]) -> dict[uuid.UUID, tuple[float, float, float]]:
    """Return the current of each line of each node, at most, in A."""
    known = {node.id: [0j, 0j, 0j] for node in case.nodes}
    beside = {node.id: [0.0, 0.0, 0.0] for node in case.nodes}
    for node_id, lines, kw, measured in loads_of(case, power_kw):
        currents, unknown = phasors_a(lines, 0.0 if any(measured) else kw)
        for node in case.path(node_id):
            for line in range(3):
                known[node.id][line] += currents[line]
                beside[node.id][line] += unknown + measured[line]
    return {n: (*(abs(known[n][k]) + beside[n][k] for k in range(3)),) for n in known}  # type: ignore[misc]  # three of them


def powers_kw(case: Case, power_kw: Mapping[uuid.UUID, float]) -> dict[uuid.UUID, float]:
    """Return the power through each node, in kW."""
    sums = dict.fromkeys((node.id for node in case.nodes), 0.0)
    for node_id, _, kw, _ in loads_of(case, power_kw):
        for node in case.path(node_id):
            sums[node.id] += kw
    return sums


def overloads(case: Case, power_kw: Mapping[uuid.UUID, float]) -> list[tuple[uuid.UUID, str]]:
    """Return the nodes and lines that are above their limits, and above what is reserved there anyway."""
    nothing = dict.fromkeys(power_kw, 0.0)
    found = []
    drawn, reserved = powers_kw(case, power_kw), powers_kw(case, nothing)
    amperes, reserved_a = currents_a(case, power_kw), currents_a(case, nothing)
    for node in case.nodes:
        if node.limit_kw is not None and drawn[node.id] > max(node.limit_kw, reserved[node.id]) + 1e-6:
            found.append((node.id, "kW"))
        if node.limit_a is not None:
            limits = node.limit_a if isinstance(node.limit_a, tuple) else (node.limit_a,) * 3
            found += [(node.id, f"L{k + 1}") for k in range(3) if amperes[node.id][k] > max(limits[k], reserved_a[node.id][k]) + 1e-5]
    return found


def set_points_of(d: Demand, most_kw: float, step_kw: float) -> list[float]:
    """Return what a charger can be told, up to a power, from 0 on."""
    if isinstance(d.steps, tuple):
        return [0.0, *(kw for kw in d.steps if kw <= most_kw + 1e-9)]
    step = step_kw if d.steps is None else d.steps
    return [number * step for number in range(int(most_kw / step + 1e-9) + 1)]


def powers_of(shares: list[Share]) -> dict[uuid.UUID, float]:
    """Return what each gets, in kW."""
    return {share.evse_id: share.target_kw for share in shares}


LISTS = (None, 0.69, 0.23, 1.38, (4.14, 7.36, 11.04, 22.08), (6.0, 12.0, 50.0), (25.0,))


def wired_cases(*, most_evses: int = 14, wirings: tuple[Lines, ...] = tuple(Lines)) -> st.SearchStrategy[Case]:
    """Depots up to five levels deep, scarce at many nodes and lines, with set-points, plans, ramps, urgency and weights.

    Drawn from a seed: values drawn one by one are mostly zero or alike, and hardly any of them would be limited by a line.
    """

    def case(seed: int, count: int, fan_out: int) -> Case:
        return random_case(random.Random(seed), count, wirings, fan_out)

    return st.builds(case, st.integers(0, 2**32), st.integers(1, most_evses), st.sampled_from((1, 2)))


def random_case(draw: random.Random, count: int, wirings: tuple[Lines, ...] = tuple(Lines), fan_out: int = 2) -> Case:
    """Return a depot of so many EVSEs."""
    nodes = [Node(uuid.UUID(int=1), None, *_limits(draw, count))]
    leaves = list(nodes)
    for level in range(1, draw.randint(1, 5)):
        parents, leaves = leaves, []
        for parent in parents:
            for _ in range(draw.randint(1, fan_out)):
                leaves.append(Node(uuid.UUID(int=len(nodes) + 1), parent.id, *_limits(draw, count / (0.3 + 0.7 * fan_out) ** level)))
                nodes.append(leaves[-1])
    demands = [
        Demand(
            evse_id=evse(number),
            node_id=draw.choice(leaves if draw.random() < 0.9 else nodes).id,
            priority=draw.choice((1, 1, 2)),
            since=MORNING + timedelta(minutes=draw.randrange(4)),
            wanted_kw=draw.choice((0.0, 3.7, 7.36, 11.0, 22.0, 50.0)),
            minimum_kw=draw.choice((0.0, 1.38, 4.14, 10.0)),
            current_kw=draw.choice((0.0, 5.37, 16.0)),
            fallback_kw=draw.choice((0.0, 1.38)),
            online=draw.random() > 0.05,
            lines=draw.choice(wirings),
            urgency=draw.choice((0.0, 0.3, 0.9, 1.0, 1.7)),
            weight=draw.choice((1.0, 0.5, 3.0)),
            planned_kw=draw.choice((None, None, None, 0.0, 9.0, 20.0)),
            steps=draw.choice((None, None, *LISTS)),
            charging=draw.random() < 0.5,
            ramp_kw=draw.choice((None, None, None, 4.0)),
        )
        for number in range(count)
    ]
    measured = [(draw.uniform(0, 5.0), 0.0, draw.uniform(0, 5.0)) if draw.random() < 0.5 else None for _ in range(draw.randrange(3))]
    reserved = [Reserved(draw.choice(nodes).id, 1.5, draw.choice(wirings), line_a) for line_a in measured]
    return Case(nodes, demands, reserved)


def _limits(draw: random.Random, evses: float) -> tuple[float | None, float | tuple[float, float, float] | None]:
    """Return limits that so many EVSEs are likely to reach, some of them on one line alone."""
    limit_kw = draw.choice((None, round(evses * draw.uniform(3, 25), 2)))
    line_a = [round(evses * draw.uniform(5, 40), 1) for _ in range(3)]
    return limit_kw, draw.choice((None, line_a[0], (line_a[0], line_a[1], line_a[2])))


def simplified(case: Case, **fields: object) -> Case:
    """Return the case with fields of all demands set."""
    return replace(case, demands=[replace(d, **fields) for d in case.demands])  # type: ignore[arg-type]  # as replace takes them
