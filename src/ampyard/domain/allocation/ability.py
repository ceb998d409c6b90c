"""What a transaction can use, how urgent it is, and whose turn it is."""

import math
from datetime import datetime

from ampyard.domain.allocation.inputs import ChargingFacts, EvseFacts
from ampyard.domain.power import Taken, learnt_ceiling_kw, turn
from ampyard.domain.power.urgency import urgency as urgency_of
from ampyard.domain.transactions import ChargingState


def wanted_kw(evse: EvseFacts, charging: ChargingFacts) -> float:
    """Return the power a transaction can use, in kW: the least of EVSE, cable, vehicle, what others limit it to, and what it lately took.

    A vehicle that has suspended charging keeps the minimum, so that it may resume.
    """
    limits = (evse.max_kw, charging.most_kw, charging.cable_kw, charging.vehicle_kw, charging.cap_kw)
    ability = min(kw for kw in limits if kw is not None)
    if charging.charging_state is ChargingState.SUSPENDED_EV:
        return min(ability, least_kw(evse, charging))
    if evse.limit_kw is None or evse.limit_at is None or charging.measured_at is None:
        return ability
    newest = Taken(charging.measured_at, charging.power_kw, evse.limit_kw, evse.limit_at)
    return learnt_ceiling_kw([newest], ability, min(ability, least_kw(evse, charging)))


def least_kw(evse: EvseFacts, charging: ChargingFacts) -> float:
    """Return the least that a transaction can charge with, in kW."""
    return evse.min_kw if charging.least_kw is None else charging.least_kw


def is_bound_by_cable(evse: EvseFacts, charging: ChargingFacts) -> bool:
    """Tell whether it is connector or cable alone that keep a transaction from using more."""
    if charging.cable_kw is None or wanted_kw(evse, charging) < charging.cable_kw:
        return False
    others = (charging.most_kw, charging.vehicle_kw, charging.cap_kw)
    return all(kw is None or kw > charging.cable_kw for kw in others)


def ceiling_kw(charging: ChargingFacts) -> float | None:
    """Return what a plan allows now, in kW; None where there is none that counts.

    A plan is a ceiling only for the class it was made with: whoever has been raised since need not wait for the next one.
    """
    if charging.planned_priority is not None and charging.priority > charging.planned_priority:
        return None
    return charging.planned_kw


def hours_left(charging: ChargingFacts, at: datetime) -> float:
    """Return for how many hours it stays: 0 where it should have left already, and infinity where nobody knows."""
    return math.inf if charging.departs_at is None else max(0.0, (charging.departs_at - at).total_seconds()) / 3600


def urgency(evse: EvseFacts, charging: ChargingFacts, at: datetime) -> float:
    """Return the energy still needed for the minimum target as a part of what can be taken until departure.

    As `domain.power.urgency`; 0 where no departure is known.
    """
    hours = hours_left(charging, at)
    return 0.0 if math.isinf(hours) else urgency_of(charging.needed_kwh, wanted_kw(evse, charging) * hours)


def turn_of(charging: ChargingFacts, at: datetime) -> tuple[bool, datetime | None]:
    """Return whether it counts as charging, and since when as waiting, where not all of a class can be on."""
    if charging.charging_since is None:
        return charging.power_kw > 0, charging.waiting_since
    return turn(charging.charging_since, charging.waiting_since or charging.since, at)
