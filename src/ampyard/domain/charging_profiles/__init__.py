"""Charging profiles: from a limit and a plan to what an EVSE is told, when it is told, and whether it fits when links are lost.

Sources: OCPP 1.6, 3.13 and 7.8 to 7.14; OCPP 2.0.1 part 2, block K. All limits are kW until the last step (`make_profile`).
"""

from ampyard.domain.charging_profiles.facts import ASKED, RateUnit, SmartCharging, phase_rotations, smart_charging
from ampyard.domain.charging_profiles.ledger import Ledger, Promise, Supplied, left_for_evses
from ampyard.domain.charging_profiles.making import HORIZON, RENEWAL, Charger, Profile, fallback_profile, make_profile, wanted_schedule
from ampyard.domain.charging_profiles.writing import BURST, Verdict, Writes, judge, least_change_kw
from ampyard.domain.limit_schedules import Schedule, Step, difference_kw, highest_of, simplified

__all__ = [
    "ASKED",
    "BURST",
    "HORIZON",
    "RENEWAL",
    "Charger",
    "Ledger",
    "Profile",
    "Promise",
    "RateUnit",
    "Schedule",
    "SmartCharging",
    "Step",
    "Supplied",
    "Verdict",
    "Writes",
    "difference_kw",
    "fallback_profile",
    "highest_of",
    "judge",
    "least_change_kw",
    "left_for_evses",
    "make_profile",
    "phase_rotations",
    "simplified",
    "smart_charging",
    "wanted_schedule",
]
