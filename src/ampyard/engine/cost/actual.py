"""The actual cost: of a response, level by level, over all objects of a level at once."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple


class Child(NamedTuple):
    """A costly field of objects. `call` is what each call of it costs: negative, it is an index among those that variables decide."""

    key: str
    call: int
    list_depth: int
    objects: "Objects | None"


class Objects:
    """Objects of one type, or leaves, at one place in the response: what each costs, and its costly fields."""

    __slots__ = ("children", "weight")

    def __init__(self, weight: int, children: tuple[Child, ...] = ()) -> None:
        self.weight = weight
        self.children = children

    def count(self, objects: Sequence[Any], calls: Sequence[int]) -> int:
        total = self.weight * len(objects)
        for key, call, list_depth, below in self.children:
            if call:
                total += call_cost(call, calls) * sum([key in item for item in objects])
            if below is not None:
                values = [value for item in objects if (value := item.get(key)) is not None]
                for _ in range(list_depth):
                    values = [value for value in chain.from_iterable(values) if value is not None]
                if values:
                    total += below.count(values, calls)
        return total


class AnyObjects(Objects):
    """Objects of an abstract type. They are told apart by the keys they have, for a response need not hold `__typename`.

    Where that leaves more than one type, the cheapest counts.
    """

    __slots__ = ("_by_keys", "_every")

    def __init__(self, by_keys: Mapping[frozenset[str], Sequence[Objects]]) -> None:
        super().__init__(0)
        self._by_keys = by_keys
        self._every = tuple(chain.from_iterable(by_keys.values()))

    def count(self, objects: Sequence[Any], calls: Sequence[int]) -> int:
        alike = defaultdict(list)
        for item in objects:
            alike[frozenset(item)].append(item)
        total = 0
        for keys, items in alike.items():
            candidates = self._by_keys.get(keys, self._every)
            if len(candidates) == 1:
                total += candidates[0].count(items, calls)
            else:
                total += sum(min(candidate.count([item], calls) for candidate in candidates) for item in items)
        return total


def call_cost(call: int, calls: Sequence[int]) -> int:
    return call if call >= 0 else calls[call]
