"""What is priced: a charging session as periods of time (OCPI, mod_cdrs, ChargingPeriod)."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ampyard.domain.errors import Problems
from ampyard.domain.tariffs.numbers import is_plain


@dataclass(frozen=True, slots=True)
class ChargingPeriod:
    """Time from `starts_at` until before `ends_at` in which energy flowed evenly, under one tariff (`None`: under none, for nothing).

    The durations, in seconds, say what the vehicle did meanwhile: it charged (TIME), it was connected without asking for power
    (PARKING_TIME), or the EVSE was kept for it (RESERVATION_TIME). As a rule one of them is the whole period. Power in kW and current in
    A, summed over the phases, are the least and the highest within the period; where they are not known, the mean power counts.
    """

    starts_at: datetime
    ends_at: datetime
    tariff_id: str | None
    energy_kwh: Decimal = Decimal(0)
    charging_s: Decimal = Decimal(0)
    parking_s: Decimal = Decimal(0)
    reservation_s: Decimal = Decimal(0)
    min_power_kw: Decimal | None = None
    max_power_kw: Decimal | None = None
    min_current_a: Decimal | None = None
    max_current_a: Decimal | None = None


@dataclass(frozen=True, slots=True)
class ChargingSession:
    """A session, finished or running: its periods in order of time, on the clock of the location's `time_zone`.

    `reservation_expired` says that the EVSE was kept and nobody came.

    Raises:
        InvalidInputError: there is no period, they overlap, or a number or the time zone is none.
    """

    periods: tuple[ChargingPeriod, ...]
    time_zone: str
    reservation_expired: bool = False

    def __post_init__(self) -> None:
        problems = Problems()
        problems.check(bool(self.periods), "A session needs a charging period at least.", "charging_periods")
        try:
            ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            message = f"{self.time_zone!r} is not a time zone; give a name of the IANA database, such as Europe/Berlin."
            problems.add(message, "time_zone")
        for number, period in enumerate(self.periods):
            _check_period(problems, period, "charging_periods", str(number))
        for number, (before, after) in enumerate(pairwise(self.periods), start=1):
            message = f"The period from {after.starts_at} begins before the one ahead of it ends; give them in order, none overlapping."
            problems.check(before.ends_at <= after.starts_at, message, "charging_periods", str(number), "starts_at")
        problems.raise_any()


def _check_period(problems: Problems, period: ChargingPeriod, *path: str) -> None:
    problems.check(period.starts_at <= period.ends_at, "A period ends before it begins.", *path, "ends_at")
    # Energy that is fed back is not what a tariff of OCPI 2.x sells: a price for it would have to be its own.
    for name, amount in (
        ("energy_kwh", period.energy_kwh),
        ("charging_s", period.charging_s),
        ("parking_s", period.parking_s),
        ("reservation_s", period.reservation_s),
    ):
        problems.check(is_plain(amount), f"{name} of {amount} cannot be priced; give a number from 0 up.", *path, name)
    message = "A period is either of a reservation or of a session; give the two as two periods."
    apart = not period.reservation_s or not (period.charging_s or period.parking_s or period.energy_kwh)
    problems.check(apart, message, *path, "reservation_s")
