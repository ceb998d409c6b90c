import uuid
from collections.abc import Iterable
from typing import Protocol, TypeVar

from ampyard.domain.power.steps import Steps, decimal_kw
from ampyard.domain.power.tree import Node, Reserved, path_of, paths_to_root, sums_below

Path = tuple[uuid.UUID, ...]


class OnPath(Protocol):
    @property
    def path(self) -> Path: ...


T = TypeVar("T", bound=OnPath)


class Supply:
    """A supply tree while it is being shared: the room left at every limited node, in steps.

    A path is the limited nodes above an EVSE, lowest first; unlimited ones bind nobody and drop out. Room that is
    reserved beyond a limit is 0, never negative. `reserved_entirely` are the nodes where reservations leave nothing.

    Raises:
        ValueError: as `paths_to_root`, or something is reserved at an unknown node.
    """

    def __init__(self, nodes: Iterable[Node], reserved: Iterable[Reserved], steps: Steps) -> None:
        self._paths = paths_to_root(nodes)
        taken = sums_below(self._paths, reserved)
        self.room = {
            node.id: steps.down(decimal_kw(node.limit_kw) - taken[node.id])
            for node, *_ in self._paths.values()
            if node.limit_kw is not None
        }
        self.reserved_entirely = {node_id for node_id, room in self.room.items() if room == 0 and taken[node_id] > 0}

    def path(self, node_id: uuid.UUID) -> Path:
        return tuple(node.id for node in path_of(self._paths, node_id) if node.limit_kw is not None)

    def take(self, path: Path, steps: int) -> None:
        for node_id in path:
            self.room[node_id] -= steps

    def first_short_of(self, path: Path, steps: int) -> uuid.UUID | None:
        """Return the lowest node of `path` with room for less than `steps`."""
        return next((node_id for node_id in path if self.room[node_id] < steps), None)

    def deepest_first(self, items: Iterable[T]) -> list[tuple[uuid.UUID, list[T]]]:
        """Return the limited nodes above `items`, each before its parent, with the items below it in their order."""
        below: dict[uuid.UUID, list[T]] = {}
        for item in items:
            for node_id in item.path:
                below.setdefault(node_id, []).append(item)
        return sorted(below.items(), key=lambda entry: -len(self._paths[entry[0]]))
