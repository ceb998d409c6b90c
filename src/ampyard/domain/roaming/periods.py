"""What sessions and CDRs say of the time they took (OCPI, mod_cdrs, ChargingPeriod and CdrDimension)."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


class CdrDimensionType(StrEnum):
    """What a volume is of (2.2.1 and 2.3.0, 10.4.3).

    Energy is in kWh, times are in hours, power is in kW, current in A, the state of charge in percent.
    """

    CURRENT = "CURRENT"
    ENERGY = "ENERGY"
    ENERGY_EXPORT = "ENERGY_EXPORT"
    ENERGY_IMPORT = "ENERGY_IMPORT"
    MAX_CURRENT = "MAX_CURRENT"
    MIN_CURRENT = "MIN_CURRENT"
    MAX_POWER = "MAX_POWER"
    MIN_POWER = "MIN_POWER"
    PARKING_TIME = "PARKING_TIME"
    POWER = "POWER"
    RESERVATION_TIME = "RESERVATION_TIME"
    STATE_OF_CHARGE = "STATE_OF_CHARGE"
    TIME = "TIME"

    @property
    def session_only(self) -> bool:
        """Whether it stands in sessions alone, never in a CDR."""
        return self in _SESSION_ONLY


_SESSION_ONLY = frozenset(
    {
        CdrDimensionType.CURRENT,
        CdrDimensionType.ENERGY_EXPORT,
        CdrDimensionType.ENERGY_IMPORT,
        CdrDimensionType.POWER,
        CdrDimensionType.STATE_OF_CHARGE,
    }
)


@dataclass(frozen=True, slots=True)
class CdrDimension:
    """How much of something there was in a period."""

    type: CdrDimensionType
    volume: Decimal


@dataclass(frozen=True, slots=True)
class CdrPeriod:
    """A period as partners see it, OCPI's ChargingPeriod: until the next one begins, the last until the session ends.

    The periods that are priced are `domain.tariffs.session.ChargingPeriod`. `tariff_id` None: no tariff holds meanwhile.
    """

    start_date_time: datetime
    dimensions: tuple[CdrDimension, ...]
    tariff_id: str | None = None
