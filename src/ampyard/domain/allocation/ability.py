"""What a transaction can use."""

from datetime import datetime, timedelta

from ampyard.domain.allocation.inputs import ChargingFacts, EvseFacts
from ampyard.domain.transactions import ChargingState

# A vehicle that takes clearly less than it may, for longer than its charger needs to follow, has tapered.
_SETTLED = timedelta(seconds=10)
_TAPERED = 0.85
_HEADROOM = 1.25
_HEADROOM_KW = 1.0
# Beyond it nothing is more urgent; and who should have left already divides by no time.
_MOST_URGENT = 100.0


def wanted_kw(evse: EvseFacts, charging: ChargingFacts) -> float:
    """Return the power a transaction can use, in kW: the least of EVSE, vehicle, and what it lately took when given more.

    A vehicle that has suspended charging keeps the minimum, so that it may resume.
    """
    ability = evse.max_kw if charging.vehicle_kw is None else min(evse.max_kw, charging.vehicle_kw)
    if charging.charging_state is ChargingState.SUSPENDED_EV:
        return min(ability, evse.min_kw)
    settled = evse.limit_at is not None and charging.measured_at is not None and charging.measured_at >= evse.limit_at + _SETTLED
    if settled and evse.limit_kw and 0 < charging.power_kw < _TAPERED * evse.limit_kw:
        return min(ability, max(evse.min_kw, charging.power_kw * _HEADROOM + _HEADROOM_KW))
    return ability


def urgency(evse: EvseFacts, charging: ChargingFacts, at: datetime) -> float:
    """Return the energy still needed for the minimum target as a part of what can be taken until departure.

    From 0 up; at 1 it must charge at full power from now on. 0 where nothing is needed or no departure is known.
    """
    if charging.departs_at is None or charging.needed_kwh <= 0:
        return 0.0
    possible_kwh = wanted_kw(evse, charging) * max(0.0, (charging.departs_at - at).total_seconds()) / 3600
    return min(_MOST_URGENT, charging.needed_kwh / possible_kwh) if possible_kwh > 0 else _MOST_URGENT
