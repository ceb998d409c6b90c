"""Where a power node may be in its depot's tree: one root, no circles, and not too deep."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping

from ampyard.domain.errors import ConflictError, NotFoundError
from ampyard.domain.supply.nodes import MAX_TREE_DEPTH, PowerNode


def require_place(nodes: Iterable[PowerNode], parent_id: uuid.UUID | None, node_id: uuid.UUID | None = None) -> None:
    """Refuse a place in a depot's tree that a node cannot have.

    Args:
        nodes: all of the depot.
        parent_id: the node that shall supply it; None for the root.
        node_id: the node to be moved; None for a new one.

    Raises:
        NotFoundError: the depot has no such parent.
        ConflictError: it would be a second root, leave the tree without one, be its own ancestor, or be too deep.
    """
    tree = {node.id: node for node in nodes}
    if parent_id is None:
        roots = [node for node in tree.values() if node.parent_id is None and node.id != node_id]
        if roots:
            message = f"The depot has a root already, {roots[0].name}; name the node that supplies this one."
            raise ConflictError(message, ("input", "parentId"))
        return
    if parent_id not in tree:
        raise NotFoundError("There is no such power node in this depot; name one of its own.", ("input", "parentId"))
    above = _ancestors(tree, parent_id)
    if node_id in above:
        raise ConflictError(
            f"{tree[parent_id].name} hangs below {tree[node_id].name} itself; name a node outside that branch.", ("input", "parentId")
        )
    depth = len(above) + _height(tree, node_id)
    if depth > MAX_TREE_DEPTH:
        raise ConflictError(f"The tree would be {depth} nodes deep; {MAX_TREE_DEPTH} at most.", ("input", "parentId"))


def _ancestors(tree: Mapping[uuid.UUID, PowerNode], node_id: uuid.UUID) -> list[uuid.UUID]:
    """Return a node and all above it."""
    path = [node_id]
    while (parent_id := tree[path[-1]].parent_id) is not None:
        path.append(parent_id)
    return path


def _height(tree: Mapping[uuid.UUID, PowerNode], node_id: uuid.UUID | None) -> int:
    """Return how many levels a node and all below it are; 1 for a new one."""
    below: dict[uuid.UUID | None, list[uuid.UUID]] = defaultdict(list)
    for node in tree.values():
        below[node.parent_id].append(node.id)
    level, height = [node_id], 1
    while level := [child for parent in level if parent is not None for child in below[parent]]:
        height += 1
    return height
