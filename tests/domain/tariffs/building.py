"""Tariffs and sessions in few words."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from ampyard.domain.tariffs.model import PriceComponent, Tariff, TariffDimensionType, TariffElement, TariffRestrictions
from ampyard.domain.tariffs.session import ChargingPeriod, ChargingSession

# A Thursday.
T0 = datetime(2026, 11, 5, 12, 0, tzinfo=UTC)

ENERGY, FLAT, PARKING_TIME, TIME = (
    TariffDimensionType.ENERGY,
    TariffDimensionType.FLAT,
    TariffDimensionType.PARKING_TIME,
    TariffDimensionType.TIME,
)


def component(kind: TariffDimensionType, price: str, vat: str | None = None, step: int = 1) -> PriceComponent:
    return PriceComponent(kind, Decimal(price), None if vat is None else Decimal(vat), step)


def element(*components: PriceComponent, **restrictions: Any) -> TariffElement:
    return TariffElement(components, TariffRestrictions(**restrictions))


def tariff(*elements: TariffElement, **more: Any) -> Tariff:
    return Tariff(**({"id": "T", "currency": "EUR", "elements": elements} | more))


def period(begin: datetime, minutes: float, *, tariff_id: str | None = "T", **more: Any) -> ChargingPeriod:
    return ChargingPeriod(begin, begin + timedelta(minutes=minutes), tariff_id, **more)


def session(*periods: ChargingPeriod, zone: str = "UTC", **more: Any) -> ChargingSession:
    return ChargingSession(periods, zone, **more)
