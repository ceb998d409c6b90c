"""The loads of a level: the keys that edges ask for, grouped by what answers them, and each edge's values out of what was found."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from ampyard.engine.batching import Load
from ampyard.engine.plans.fields import Batched, Selected

if TYPE_CHECKING:
    from ampyard.engine.plans.run import Entry, Run


class Group:
    """The keys of all edges of a level that one load answers."""

    __slots__ = ("error", "found", "keys", "load", "reads")

    def __init__(self, load: Load) -> None:
        self.load = load
        self.keys: list[Any] = []
        self.reads: frozenset[str] | None = frozenset()
        self.found: Any = {}
        self.error: Exception | None = None

    async def run(self, context: Any) -> None:
        try:
            self.found = await context.load_many(self.load, self.keys, self.reads)
        except Exception as error:  # noqa: BLE001 - it is every key's error, and located at each
            self.error = error


def keyed(run: "Run", field: Selected, entries: "list[Entry]", groups: dict[tuple[Any, ...], Group]) -> Callable[[], list[Any]]:
    """Ask for the keys of a field's parents; return what gives the values, once the groups have run."""
    source = cast("Batched", field.source)
    try:
        load = run.plan_load(field, source)
    except Exception as error:  # noqa: BLE001 - as above
        failure = error
        return lambda: [failure] * len(entries)
    group = groups.get((load.batch, load.arguments))
    if group is None:
        group = groups[load.batch, load.arguments] = Group(load)
    reads = None if load.projects is None else run.plan.reads(field, load.projects)
    group.reads = None if reads is None or group.reads is None else group.reads | reads
    key_of = source.edge.key
    keys: list[Any]
    broken = False
    if key_of is None:
        keys = [load.key] * len(entries)
    else:
        try:
            keys = [key_of(entry[0]) for entry in entries]
        except Exception:  # noqa: BLE001 - found again below, one by one
            keys, broken = [_key(key_of, entry[0]) for entry in entries], True
    group.keys += [key for key in keys if key is not None and not (broken and isinstance(key, Exception))]

    def values() -> list[Any]:
        if group.error is None and load.show is None and not broken:
            return list(map(group.found.get, keys))
        return [_value(entry[0], key, group, load.show) for entry, key in zip(entries, keys, strict=True)]

    return values


def _key(key_of: Callable[[Any], Any], parent: Any) -> Any:
    try:
        return key_of(parent)
    except Exception as error:  # noqa: BLE001 - it is this parent's error, and located there
        return error


def _value(parent: Any, key: Any, group: Group, show: Callable[[Any, Any], Any] | None) -> Any:
    if isinstance(key, Exception):
        return key
    if group.error is not None and key is not None:
        return group.error
    try:
        value = None if key is None else group.found.get(key)
        return value if show is None or isinstance(value, Exception) else show(parent, value)
    except Exception as shown:  # noqa: BLE001 - as above
        return shown
