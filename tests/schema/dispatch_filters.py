"""Filters over blocks and assignments: the condition, and which entities it keeps."""

from collections.abc import Callable
from typing import Any

from tests.busy import NOW
from tests.schema.graph import id_of

Known = dict[str, Any]
Keep = Callable[[Any], bool]


def is_there(entity: Any) -> bool:
    """Return whether an entity is listed by those who do not ask for what was removed."""
    return getattr(entity, "removed_at", None) is None


def is_there_whatever(_known: Known) -> Keep:
    return is_there


FILTERS: list[tuple[str, Callable[[Known], dict[str, object]], Callable[[Known], Keep]]] = [
    ("blocks", lambda e: {"depotId": id_of(e["North"])}, lambda _: lambda b: b.name in {"13", "N12", "N13", "N14", "N16"}),
    ("blocks", lambda _: {"weekday": "SUNDAY"}, is_there_whatever),
    ("blocks", lambda _: {"day": "2027-01-04"}, lambda _: lambda b: is_there(b) and b.last_day is None),
    ("blocks", lambda _: {"day": "2026-11-01"}, lambda _: lambda _b: False),
    ("blocks", lambda _: {"enabled": True}, is_there_whatever),
    ("blocks", lambda _: {"enabled": False}, lambda _: lambda _b: False),
    ("blocks", lambda _: {"contains": "LINE"}, lambda _: lambda b: b.note is not None),
    ("blocks", lambda _: {"contains": "next"}, lambda _: lambda b: b.external_id == "Next-13"),
    ("blocks", lambda _: {"contains": "_"}, lambda _: lambda _b: False),
    ("blocks", lambda _: {"externalId": "ext-13"}, lambda _: lambda b: b.external_id == "ext-13"),
    ("blocks", lambda _: {"removed": True}, lambda _: lambda b: b.name in {"15", "N15"}),
    ("assignments", lambda e: {"depotId": id_of(e["North"])}, lambda e: lambda a: is_there(a) and a.depot_id == e["North"].id),
    ("assignments", lambda e: {"blockId": id_of(e["block 14"])}, lambda e: lambda a: is_there(a) and a.block_id == e["block 14"].id),
    ("assignments", lambda e: {"vehicleId": id_of(e["Bus 1"])}, lambda e: lambda a: a.vehicle_id == e["Bus 1"].id),
    ("assignments", lambda _: {"day": "2026-11-02"}, is_there_whatever),
    ("assignments", lambda _: {"day": "2026-11-03"}, lambda _: lambda _a: False),
    ("assignments", lambda _: {"departsFrom": NOW.isoformat()}, lambda _: lambda a: is_there(a) and a.departs_at >= NOW),
    ("assignments", lambda _: {"departsTo": NOW.isoformat()}, lambda _: lambda a: a.departs_at < NOW),
    ("assignments", lambda _: {"removed": True}, lambda _: lambda a: not is_there(a)),
]
