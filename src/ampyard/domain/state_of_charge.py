"""State of charge: who told it, when it was so, how far it can be believed, and which of several counts.

A reading is believed less the older it gets: its confidence halves every six hours. As all halve alike, which of two is
believed more never changes with time: a vehicle needs to remember only the one that counts, and readings may come in any order.
The charger's word is worth a little more than telematics', so little that five and a half minutes of age outweigh it.
"""

import math
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

HALF_LIFE = timedelta(hours=6)
FULL_PERCENT = 100.0
# What is delivered at the outlet and does not reach the battery is lost in the vehicle's charger (AC) and in the cable and the battery.
_EFFICIENCY_AC = 0.90
_EFFICIENCY_DC = 0.95
# An estimate is off by what is not known of losses and capacity: the more was charged, the more. Half of the confidence goes with
# this many percent.
_HALVED_BY_PERCENT = 140.0


class SocSource(StrEnum):
    CHARGER = "CHARGER"
    TELEMATICS = "TELEMATICS"
    ESTIMATE = "ESTIMATE"


# How far a fresh reading is believed, unless whoever gives it says otherwise.
CONFIDENCE = {SocSource.CHARGER: 0.95, SocSource.TELEMATICS: 0.94, SocSource.ESTIMATE: 0.80}


@dataclass(frozen=True, slots=True)
class StateOfCharge:
    """One reading: `percent` of a vehicle's battery, as it was `at` that time; `confidence` is from 0 to 1, at that time."""

    percent: float
    source: SocSource
    at: datetime
    confidence: float


@dataclass(frozen=True, slots=True)
class SocReading:
    """A reading as it is kept: of each source the newest of every five minutes."""

    id: uuid.UUID
    tenant_id: uuid.UUID
    vehicle_id: uuid.UUID
    percent: float
    source: SocSource
    confidence: float
    at: datetime
    created_at: datetime


def confidence_at(reading: StateOfCharge, moment: datetime) -> float:
    """Return how far a reading is believed at a moment, from 0 to 1: half as far every six hours after it was taken."""
    return float(reading.confidence * 0.5 ** (max(moment - reading.at, timedelta()) / HALF_LIFE))


def which_counts(readings: Iterable[StateOfCharge]) -> StateOfCharge | None:
    """Return the reading that counts, whatever their order: the one believed most, of several the newest, then the charger's."""
    return max(readings, key=_rank, default=None)


def _rank(reading: StateOfCharge) -> tuple[float, datetime, bool, float]:
    # The logarithm of the confidence at any later moment, apart from what is the same for all.
    believed = math.log2(reading.confidence) + reading.at.timestamp() / HALF_LIFE.total_seconds() if reading.confidence > 0 else -math.inf
    return round(believed, 6), reading.at, reading.source is SocSource.CHARGER, reading.percent


def charged(
    reading: StateOfCharge, energy_wh: float, *, since: datetime, until: datetime, battery_kwh: float, direct_current: bool
) -> StateOfCharge:
    """Return what a vehicle's state of charge is after energy was delivered to it: an estimate, which counts in place of `reading`.

    Args:
        reading: what counted before.
        energy_wh: what was delivered at the outlet from `since` until `until`, in Wh; of it only what came after the reading is added.
        since: when the register was read before.
        until: when it was read last.
        battery_kwh: the vehicle's usable capacity.
        direct_current: whether it charges DC, with less loss than AC.
    """
    if until <= max(since, reading.at) or energy_wh <= 0:
        return reading
    after = (until - max(since, reading.at)) / (until - since)
    stored_kwh = energy_wh / 1000 * after * (_EFFICIENCY_DC if direct_current else _EFFICIENCY_AC)
    percent = min(FULL_PERCENT, reading.percent + 100 * stored_kwh / battery_kwh)
    confidence = confidence_at(reading, until) * 0.5 ** ((percent - reading.percent) / _HALVED_BY_PERCENT)
    return StateOfCharge(percent, SocSource.ESTIMATE, until, confidence)
