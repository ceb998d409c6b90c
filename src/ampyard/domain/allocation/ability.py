"""What a transaction can use."""

from datetime import datetime

from ampyard.domain.allocation.inputs import ChargingFacts, EvseFacts
from ampyard.domain.power import Taken, learnt_ceiling_kw
from ampyard.domain.transactions import ChargingState

# Beyond it nothing is more urgent; and who should have left already divides by no time.
_MOST_URGENT = 100.0


def wanted_kw(evse: EvseFacts, charging: ChargingFacts) -> float:
    """Return the power a transaction can use, in kW: the least of EVSE, vehicle, what others limit it to, and what it lately took.

    A vehicle that has suspended charging keeps the minimum, so that it may resume.
    """
    ability = min(kw for kw in (evse.max_kw, charging.vehicle_kw, charging.cap_kw) if kw is not None)
    if charging.charging_state is ChargingState.SUSPENDED_EV:
        return min(ability, evse.min_kw)
    if evse.limit_kw is None or evse.limit_at is None or charging.measured_at is None:
        return ability
    newest = Taken(charging.measured_at, charging.power_kw, evse.limit_kw, evse.limit_at)
    return learnt_ceiling_kw([newest], ability, min(ability, evse.min_kw))


def urgency(evse: EvseFacts, charging: ChargingFacts, at: datetime) -> float:
    """Return the energy still needed for the minimum target as a part of what can be taken until departure.

    From 0 up; at 1 it must charge at full power from now on. 0 where nothing is needed or no departure is known.
    """
    if charging.departs_at is None or charging.needed_kwh <= 0:
        return 0.0
    possible_kwh = wanted_kw(evse, charging) * max(0.0, (charging.departs_at - at).total_seconds()) / 3600
    return min(_MOST_URGENT, charging.needed_kwh / possible_kwh) if possible_kwh > 0 else _MOST_URGENT
