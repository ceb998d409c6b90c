import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal

from ampyard.domain.countries import ALPHA_3
from ampyard.domain.local_time import local_day, moment_of, time_zones
from ampyard.domain.opening_hours import Hours

_NAME_LENGTH = 200
# Every month has such a day.
_LATEST_BILLING_DAY = 28
_HIGHEST_DEMAND_CHARGE = Decimal(100_000)
_DECIMALS = 6
_TEXT_LENGTH = 255  # of address and city, as OCPI bounds the first


@dataclass(frozen=True, slots=True)
class Depot:
    """A site, with a time zone. `country_code` is ISO 3166-1 alpha-3, as OCPI locations have it.

    An archived depot keeps its history, is not planned any more and takes in nothing new. `opening_times` is `None` where
    nobody has said when it is open. `demand_charge_per_kw` is what each kW costs of the highest mean quarter-hour of a billing month, in
    the currency of its energy prices (None: nothing); a billing month begins on `billing_day` of each month, by the depot's calendar.
    """

    id: uuid.UUID
    tenant_id: uuid.UUID
    name: str
    time_zone: str
    address: str
    postal_code: str
    city: str
    country_code: str
    latitude: float
    longitude: float
    created_at: datetime
    updated_at: datetime
    opening_times: Hours | None = None
    archived_at: datetime | None = None
    demand_charge_per_kw: Decimal | None = None
    billing_day: int = 1

    def billing_month_begins(self, at: datetime) -> datetime:
        """Return when the billing month began that a moment is in."""
        today = local_day(at, self.time_zone)
        first = today.replace(day=self.billing_day)
        if first > today:
            first = (today.replace(day=1) - timedelta(days=1)).replace(day=self.billing_day)
        return moment_of(first, time(), self.time_zone)

    def is_open(self, at: datetime) -> bool | None:
        """Tell whether it is open at a moment; `None` where nobody has said when it is."""
        return None if self.opening_times is None else self.opening_times.is_open(at, self.time_zone)


def depot_faults(depot: Depot) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a depot: the field, and what would be right."""
    for field, text, most, needed in (
        ("name", depot.name, _NAME_LENGTH, True),
        ("address", depot.address, _TEXT_LENGTH, False),
        ("postal_code", depot.postal_code, 10, False),
        ("city", depot.city, _TEXT_LENGTH, False),
    ):
        if needed and not text.strip():
            yield field, "It is empty; give one."
        if len(text) > most:
            yield field, f"It has {len(text)} characters; {most} at most."
    if depot.time_zone not in time_zones():
        yield "time_zone", f"{depot.time_zone[:80]!r} is no time zone; give its IANA name, such as Europe/Berlin."
    if depot.country_code not in ALPHA_3:
        yield "country_code", f"{depot.country_code[:80]!r} is no country; give its code of ISO 3166-1 alpha-3, such as DEU."
    for field, degrees, most in (("latitude", depot.latitude, 90), ("longitude", depot.longitude, 180)):
        if not -most <= degrees <= most:
            yield field, f"{degrees:g} degrees are out of range; give -{most} to {most} (WGS 84)."
    charge = depot.demand_charge_per_kw
    if charge is not None and not (charge.is_finite() and 0 <= charge <= _HIGHEST_DEMAND_CHARGE and charge == round(charge, _DECIMALS)):
        yield (
            "demand_charge_per_kw",
            f"{charge} is not possible; give 0 to {_HIGHEST_DEMAND_CHARGE} with {_DECIMALS} decimals at most.",
        )
    if not 1 <= depot.billing_day <= _LATEST_BILLING_DAY:
        yield "billing_day", f"{depot.billing_day} is out of range; give a day that every month has, 1 to {_LATEST_BILLING_DAY}."
