"""Who gets how much now, and why."""

import uuid
from collections.abc import Iterable
from functools import partial

import numpy as np

from ampyard.domain.power.allotting import Allotment, allot
from ampyard.domain.power.claims import REASONS, Claims
from ampyard.domain.power.contenders import Ints
from ampyard.domain.power.demands import Demand, Reason, Share
from ampyard.domain.power.lines import Line
from ampyard.domain.power.loading import LINES
from ampyard.domain.power.supply import Tree
from ampyard.domain.power.tree import Node, Reserved
from ampyard.domain.power.units import MW_PER_KW
from ampyard.domain.power.yielding import yielded_to


def share_power(
    nodes: Iterable[Node] | Tree,
    demands: Iterable[Demand],
    reserved: Iterable[Reserved] = (),
    *,
    step_kw: float = 0.1,
    reserve_fallbacks: bool = False,
) -> list[Share]:
    """Share the supply among `demands`; the shares come in order of priority, then of waiting.

    Priority classes are lexicographic. Inside a class, minima are admitted in order of rank (`admission_order`) while they fit at every
    ancestor and each of its lines; what then remains is shared max-min fairly by weight, tier by tier (`urgency`), and rounded down to
    set-points; what that leaves goes, a set-point each, to who has least. An offline EVSE is reserved at the most it may draw.

    With `reserve_fallbacks` every online EVSE counts at its fall-back at least, because it may rise to it whenever its link drops or its
    transaction ends; who wants it can use what is counted for it anyway.

    Raises:
        ValueError: as `paths_to_root` and `Claims`, or something hangs on an unknown node.
    """
    claims = Claims(demands, step_kw)
    tree = nodes if isinstance(nodes, Tree) else Tree(nodes)
    allotment = allot(tree, claims, reserved, reserve_fallbacks=reserve_fallbacks)
    may_draw = np.maximum(claims.current, claims.fallback)
    target_kw = np.where(claims.is_online, allotment.target, may_draw) / MW_PER_KW
    reasons, nodes_binding, lines = _why(claims, allotment)
    return list(
        map(
            partial(tuple.__new__, Share),  # as `Share._make`, without a call of Python's for each
            zip(
                claims.evse_ids,
                target_kw.tolist(),
                map(REASONS.__getitem__, reasons.tolist()),
                nodes_binding,
                lines,
                claims.priority.tolist(),
                allotment.rank.tolist(),
                claims.urgency.tolist(),
                yielded_to(claims, allotment),
                strict=True,
            ),
        )
    )


def _why(claims: Claims, allotment: Allotment) -> tuple[Ints, list[uuid.UUID | None], list[Line | None]]:
    """Return the number of each one's reason, the node that binds, and the line of it."""
    supply, reason = allotment.supply, allotment.reason.copy()
    node, dim = allotment.node.copy(), allotment.dim.copy()
    is_bound = node != supply.tree.nobody
    reason[is_bound & allotment.is_admitted] = REASONS.index(Reason.LIMITED_BY_NODE)
    reason[is_bound & ~allotment.is_admitted] = REASONS.index(Reason.BELOW_MINIMUM)
    for level in allotment.paths.T:
        gone = supply.reserved_entirely[level] & is_bound[:, None]
        here = gone.any(axis=1)
        node[here], dim[here] = level[here], gone[here].argmax(axis=1)
        reason[here] = REASONS.index(Reason.RESERVED)
    reason[~claims.is_online] = REASONS.index(Reason.OFFLINE)
    ids: list[uuid.UUID | None] = [*supply.tree.ids, None]
    lines: list[Line | None] = [None, *LINES]
    return reason, [ids[number] for number in node.tolist()], [lines[number] for number in dim.tolist()]
