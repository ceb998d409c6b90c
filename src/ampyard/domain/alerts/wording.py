"""What an alert says in one line."""

from collections.abc import Callable, Mapping
from typing import Any

from ampyard.domain.alerts.kinds import AlertKind

# Figures alone, no names: who sees an alert does not always see all that it is about. They come from repositories/sightings.py.
_SUMMARIES: Mapping[AlertKind, Callable[[Mapping[str, Any]], str]] = {
    AlertKind.OFFLINE: lambda _: "Offline",
    AlertKind.FAULTED: lambda facts: f"Faulted: {facts['fault']}",
    AlertKind.NOT_CHARGING: lambda facts: f"Plugged in at EVSE {facts['evse_no']}, but not charging",
    AlertKind.OVER_LIMIT: lambda facts: f"{facts['load_kw']:.1f} kW, above the limit of {facts['limit_kw']:.1f} kW",
    AlertKind.OVERDRAW: lambda facts: (
        f"EVSE {facts['evse_no']} draws {facts['power_kw']:.1f} kW, more than the {facts['permitted_kw']:.1f} kW that it may"
    ),
    AlertKind.SCHEDULE_HIGHER: lambda facts: (
        f"EVSE {facts['evse_no']} says that it obeys {facts['obeyed_kw']:.1f} kW, though it was told {facts['told_kw']:.1f} kW"
    ),
    AlertKind.NOT_READY: lambda facts: f"{facts['risk'].replace('_', ' ').capitalize()} for the departure at {facts['departs_at']}",
    AlertKind.SHORTFALL: lambda facts: str(facts["sentence"]),
    AlertKind.REPORT_FAILED: lambda facts: f"The report of {facts['day']} could not be written",
    AlertKind.GRID_LINK_LOST: lambda facts: f"Nobody is heard on a grid link of kind {facts['kind']}: its fall-back counts",
    AlertKind.FALLBACKS_OVER_SIGNAL: lambda facts: (
        f"Fall-backs of {facts['fallback_kw']:.1f} kW exceed the limit from outside, {facts['limit_kw']:.1f} kW, "
        f"by {facts['excess_kw']:.1f} kW"
    ),
    AlertKind.ANOMALY: lambda facts: f"Odd transaction: {facts['anomaly'].replace('_', ' ').lower()}",
}


def summary_of(kind: AlertKind, facts: Mapping[str, Any]) -> str:
    """Return an alert's one line, by what was found."""
    return _SUMMARIES[kind](facts)
