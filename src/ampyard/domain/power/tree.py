"""The supply tree: its nodes, what is taken there, and the check that all fall-back profiles fit."""

import math
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from ampyard.domain.power.lines import Line, Lines
from ampyard.domain.power.units import decimal_kw


@dataclass(frozen=True, slots=True)
class Node:
    """A node of a supply tree. Roots have no parent; `limit_kw` is `None` where nothing limits the node itself.

    `limit_a` is of each of the lines L1, L2 and L3 (one number: the same for all), `None` where none is limited; it is held against
    power with `voltage_v`, between phase and neutral. A charge point whose EVSEs share a rating is one more node.
    """

    id: uuid.UUID
    parent_id: uuid.UUID | None
    limit_kw: float | None
    limit_a: float | tuple[float, float, float] | None = None
    voltage_v: float = 230.0


Paths = Mapping[uuid.UUID, tuple[Node, ...]]


@dataclass(frozen=True, slots=True)
class Reserved:
    """Power at a node that is not ours to share: building load, a charger that cannot be steered.

    On the lines it counts as its `lines` say or, where `line_a` has the current of each line, with that.
    """

    node_id: uuid.UUID
    kw: float
    lines: Lines = Lines.L1_L2_L3
    line_a: tuple[float, float, float] | None = None


@dataclass(frozen=True, slots=True)
class FallbackExcess:
    """A node that would be overloaded if every charger below it lost its link.

    Where that is a `line` of it, limit and fall-backs are those of the line, as power between it and neutral.
    """

    node_id: uuid.UUID
    limit_kw: float
    fallback_kw: float
    line: Line | None = None


def paths_to_root(nodes: Iterable[Node]) -> dict[uuid.UUID, tuple[Node, ...]]:
    """Return, for every node, the nodes from itself up to its root.

    Raises:
        ValueError: the nodes are no tree (duplicate id, unknown parent, circle) or a limit is no finite number from 0 up.
    """
    tree: dict[uuid.UUID, Node] = {}
    for node in nodes:
        if node.id in tree:
            raise ValueError(f"Power node {node.id} is given twice; every node needs an id of its own.")
        if node.limit_kw is not None and not 0 <= node.limit_kw < math.inf:
            raise ValueError(
                f"Power node {node.id} has the limit {node.limit_kw} kW; give a finite number from 0 up, or None for no limit."
            )
        if node.limit_a is not None and not all(0 <= limit_a < math.inf for limit_a in line_limits_a(node)):
            raise ValueError(f"Power node {node.id} has the limit {node.limit_a} A; give finite numbers from 0 up, or None for no limit.")
        if not 0 < node.voltage_v < math.inf:
            raise ValueError(f"Power node {node.id} has the voltage {node.voltage_v} V; give that between phase and neutral, such as 230.")
        tree[node.id] = node
    paths: dict[uuid.UUID, tuple[Node, ...]] = {}
    for node in tree.values():
        paths[node.id] = _path_to_root(node, tree, paths)
    return paths


def _path_to_root(node: Node, tree: Mapping[uuid.UUID, Node], known: Paths) -> tuple[Node, ...]:
    """Return the path of a node, which goes on with that of the first node above whose path is known."""
    path = [node]
    while (parent_id := path[-1].parent_id) is not None:
        if parent_id in known:
            path.extend(known[parent_id])
            break
        if parent_id not in tree:
            raise ValueError(
                f"Power node {path[-1].id} has the unknown parent {parent_id}; name a node of the same tree, or None for a root."
            )
        if len(path) == len(tree):
            raise ValueError(f"Power node {parent_id} is its own ancestor; a node of this circle needs a parent outside it, or None.")
        path.append(tree[parent_id])
    return tuple(path)


def line_limits_a(node: Node) -> tuple[float, float, float]:
    """Return the limits of L1, L2 and L3 at a node, in A; infinite where there is none."""
    if node.limit_a is None:
        return (math.inf, math.inf, math.inf)
    return node.limit_a if isinstance(node.limit_a, tuple) else (node.limit_a, node.limit_a, node.limit_a)


def path_of(paths: Paths, node_id: uuid.UUID) -> tuple[Node, ...]:
    """Return the path of one node.

    Raises:
        ValueError: the tree has no such node.
    """
    if node_id not in paths:
        raise ValueError(f"Power node {node_id} is not in the supply tree; name one of its nodes.")
    return paths[node_id]


def sums_below(paths: Paths, reserved: Iterable[Reserved]) -> dict[uuid.UUID, Decimal]:
    """Return for every node the exact sum, in kW, of what is reserved at it and below.

    Raises:
        ValueError: something is reserved at an unknown node.
    """
    sums = dict.fromkeys(paths, Decimal(0))
    for taken in reserved:
        # A negative reservation would widen a limit, which no reading of a meter may do.
        kw = max(Decimal(0), decimal_kw(taken.kw))
        for node in path_of(paths, taken.node_id):
            sums[node.id] += kw
    return sums
