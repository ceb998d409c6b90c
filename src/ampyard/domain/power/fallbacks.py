"""The check that all fall-back profiles fit, at every node and on each of its lines."""

from collections.abc import Iterable, Iterator

import numpy as np

from ampyard.domain.power.loading import LINES, SIXTHS, Loading
from ampyard.domain.power.supply import Tree
from ampyard.domain.power.tree import FallbackExcess, Node, Reserved, paths_to_root, sums_below
from ampyard.domain.power.units import MW_PER_KW, decimal_kw, milliwatts_up


def fallback_excess(nodes: Iterable[Node], fallbacks: Iterable[Reserved]) -> list[FallbackExcess]:
    """Return the nodes, in order of id, and their lines that the sum of all fall-back profiles below them would overload.

    Raises:
        ValueError: as `paths_to_root`, or a fall-back hangs on an unknown node.
    """
    nodes, fallbacks = list(nodes), list(fallbacks)
    paths = paths_to_root(nodes)
    sums = sums_below(paths, fallbacks)
    excess = [
        FallbackExcess(node_id, node.limit_kw, float(sums[node_id]))
        for node_id, (node, *_) in paths.items()
        if node.limit_kw is not None and sums[node_id] > decimal_kw(node.limit_kw)
    ]
    tree = Tree(nodes)
    if tree.has_lines:
        excess += _on_lines(tree, fallbacks)
    return sorted(excess, key=lambda it: (it.node_id, it.line or ""))


def _on_lines(tree: Tree, fallbacks: list[Reserved]) -> Iterator[FallbackExcess]:
    rows = tree.numbers_of([load.node_id for load in fallbacks])
    wirings = np.array([load.lines for load in fallbacks], dtype=np.int64)
    loading = Loading.for_wirings(wirings, lines=True)
    sums = np.zeros((len(tree.ids) + 1, loading.of.shape[1]))
    # The angles of measured currents are not known, so their magnitudes count, beside what the wirings of the others make.
    measured = np.zeros((len(tree.ids) + 1, len(LINES)))
    columns = loading.of[wirings] * milliwatts_up([load.kw for load in fallbacks])[:, None]
    for row, load, added in zip(rows, fallbacks, columns, strict=True):
        if load.line_a is None:
            sums[tree.above[row]] += added
        else:
            measured[tree.above[row]] += milliwatts_up(np.array(load.line_a) * tree.voltage_v[row] / 1000)
    drawn = loading.measure(sums)[:, 1:] / SIXTHS + measured
    for row, line in zip(*np.nonzero(drawn > tree.line_limit_mw), strict=True):
        limit, most = float(tree.line_limit_mw[row, line]), float(drawn[row, line])
        yield FallbackExcess(tree.ids[row], limit / MW_PER_KW, most / MW_PER_KW, LINES[line])
