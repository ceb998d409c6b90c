"""Shares in sentences for people."""

import uuid
from collections.abc import Mapping

from ampyard.domain.power.demands import Reason, Share

_SENTENCES = {
    Reason.WANTED: "Gets all it can use: {power}.",
    Reason.LIMITED_BY_NODE: "Gets {power}, its share of what {place} can supply.",
    Reason.BELOW_MINIMUM: "Waits: {place} has less left than the least power this vehicle can charge with.",
    Reason.RESERVED: "Waits: all that {place} can supply is reserved for loads that cannot be controlled now.",
    Reason.OFFLINE: "Offline: {power} stay reserved, the most it may draw.",
    Reason.PLANNED: "Gets {power}, as planned: there is time to charge when that is better.",
    Reason.MINIMUM: "Keeps {power}, the least it can charge with, though it takes less.",
    Reason.RAMPING: "Gets {power} for now: its limit rises step by step.",
    Reason.STEP: "Gets {power}: its charger knows no set-point between that and what it could use.",
}


def explain(share: Share, names: Mapping[uuid.UUID, str]) -> str:
    """Return what a share is and why, for people; `names` are those of power nodes and, where who came first shall be told, of EVSEs."""
    place = names.get(share.binding_node_id, f"power node {share.binding_node_id}") if share.binding_node_id else ""
    if share.line is not None:
        place = f"line {share.line} of {place}"
    sentence = _SENTENCES[share.reason].format(power=f"{share.target_kw:g} kW", place=place)
    first = [names[evse_id] for evse_id in share.yielded_to if evse_id in names]
    return f"{sentence} First came {', '.join(first)}." if first else sentence
