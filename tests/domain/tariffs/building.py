"""Tariffs and sessions in few words."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from ampyard.domain.tariffs.cost import Cost, LineReason
from ampyard.domain.tariffs.model import PriceComponent, Tariff, TariffDimensionType, TariffElement, TariffRestrictions
from ampyard.domain.tariffs.money import Price
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


def charging(begin: datetime, minutes: int, kwh: str = "0", **more: Any) -> ChargingPeriod:
    """Time in which the vehicle charges."""
    return period(begin, minutes, energy_kwh=Decimal(kwh), charging_s=Decimal(minutes * 60), **more)


def parking(begin: datetime, minutes: int, **more: Any) -> ChargingPeriod:
    """Time in which the vehicle is connected and asks for nothing."""
    return period(begin, minutes, parking_s=Decimal(minutes * 60), **more)


def reservation(begin: datetime, minutes: int, **more: Any) -> ChargingPeriod:
    """Time in which the EVSE is kept."""
    return period(begin, minutes, reservation_s=Decimal(minutes * 60), **more)


def session(*periods: ChargingPeriod, zone: str = "UTC", **more: Any) -> ChargingSession:
    return ChargingSession(periods, zone, **more)


def then(begin: datetime, *parts: tuple[Any, int, dict[str, Any]]) -> Iterable[ChargingPeriod]:
    """Periods one after the other: what is built, minutes, and more of it."""
    for build, minutes, more in parts:
        yield build(begin, minutes, **more)
        begin += timedelta(minutes=minutes)


def amounts(price: Price | None) -> tuple[str, str] | None:
    """An amount without and with taxes."""
    return None if price is None else (plain(price.before_taxes), plain(price.after_taxes))


def plain(number: Decimal) -> str:
    return f"{number.normalize():f}"


def used(cost: Cost) -> list[tuple[str, str, str, str]]:
    """Dimension, billed minutes or kWh, price, and amount without taxes of each line of a component."""
    return [
        (
            line.component.type.value,
            plain(line.billed_volume if line.component.type in {ENERGY, FLAT} else line.billed_volume / 60),
            plain(line.component.price),
            plain(line.price.before_taxes),
        )
        for line in cost.lines
        if line.reason is LineReason.COMPONENT and line.component is not None
    ]
