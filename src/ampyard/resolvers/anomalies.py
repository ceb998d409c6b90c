"""Anomalies: what was found as text, and the decision on them."""

from dataclasses import dataclass
from typing import Any

from ampyard.domain.anomalies import Anomaly, Resolution
from ampyard.resolvers.changes import Caller
from ampyard.resolvers.ids import decode_id
from ampyard.services.transactions import anomalies


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that was found about an anomaly."""

    name: str
    value: str


def facts(root: Anomaly) -> list[Fact]:
    """Return what was found, but for what is not known."""
    return [Fact(name, str(value)) for name, value in root.detail.items() if value is not None]


async def resolve_anomaly(caller: Caller, *, anomaly_id: str, resolution: Resolution, note: str | None) -> dict[str, Any]:
    """Decide on an anomaly."""
    decided = decode_id("input.anomalyId", anomaly_id, Anomaly)
    return {"anomaly": await anomalies.resolve_anomaly(caller.backend, caller.principal, decided, resolution, note=note)}
