"""Prices are set and kept; what ended transactions cost follows them, corrections and decisions on anomalies."""

import uuid
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest

from ampyard.domain.access import Scope
from ampyard.domain.errors import ForbiddenError, InvalidInputError, NotFoundError
from ampyard.domain.local_time import Weekday
from ampyard.domain.pricing import Cost, CostUnknown, EnergyPrice, PriceWindow
from ampyard.domain.transactions import Transaction
from ampyard.repositories.accounts import costs_of
from ampyard.repositories.energy_prices import EnergyPrices
from ampyard.repositories.transactions import Transactions
from ampyard.services.backend import Backend
from ampyard.services.charge_points import Station
from ampyard.services.energy_prices import NewEnergyPrice, set_energy_price, settle_due
from ampyard.services.transactions.corrections import NewCorrection, correct_transaction
from tests.charging import charge, station_of
from tests.fleet import new_fleet, user

T0 = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
EVERY_DAY = frozenset(Weekday)


def at(minutes: float) -> datetime:
    return T0 + timedelta(minutes=minutes)


async def new_station(backend: Backend) -> Station:
    return await station_of(backend, (await new_fleet(backend)).tenant_id)


async def price(backend: Backend, cp: Station, depot_id: uuid.UUID, per_kwh: str, **more: Any) -> EnergyPrice:
    wanted = NewEnergyPrice(depot_id, "EUR", Decimal(per_kwh), **{"valid_from": at(-60 * 24), **more})
    return await set_energy_price(backend, user(cp.tenant_id), wanted)


async def settled(backend: Backend, cp: Station) -> list[tuple[Decimal | None, str | None]]:
    while await settle_due(backend):
        pass
    async with backend.database.snapshot(cp.tenant_id) as snapshot:
        return [(t.cost_amount, t.cost_currency) for t in await Transactions(snapshot).where(order_by=[Transactions.table.c.id])]


async def cost_now(backend: Backend, transaction: Transaction) -> Cost:
    async with backend.database.snapshot(transaction.tenant_id) as snapshot:
        return (await costs_of(snapshot, [transaction.id]))[transaction.id]


async def test_a_cost_is_live_and_kept_once_the_transaction_has_ended(backend: Backend) -> None:
    cp = await new_station(backend)
    running = await charge(backend, cp, (at(0), 0.0), (at(10), 1000.0))
    assert (await cost_now(backend, running)).unknown is CostUnknown.NO_PRICE

    # ten in the morning in Berlin is nine in UTC
    dear = PriceWindow(EVERY_DAY, time(10), time(12), Decimal("0.50"))
    await price(backend, cp, running.depot_id, "0.30", windows=(dear,))
    assert (await cost_now(backend, running)).amount == Decimal("0.30")
    assert await settled(backend, cp) == [(None, None)]

    ended = await charge(backend, cp, (at(50), 5000.0), (at(60), 6000.0), end=(at(75), 7000.0), id_tag="TAG-2")
    cost = await cost_now(backend, ended)
    assert [(str(line.price_per_kwh), line.energy_wh) for line in cost.lines] == [("0.30", 1000.0), ("0.50", 1000.0)]
    assert (await settled(backend, cp))[1] == (Decimal("0.80"), "EUR")


async def test_what_changes_a_cost_changes_the_kept_one(backend: Backend) -> None:
    cp = await new_station(backend)
    ended = await charge(backend, cp, (at(0), 0.0), (at(10), 1000.0), end=(at(20), 2000.0))
    odd = await charge(backend, cp, (at(30), 2000.0), end=(at(40), 2000.0))
    await price(backend, cp, ended.depot_id, "0.30")
    assert await settled(backend, cp) == [(Decimal("0.60"), "EUR"), (None, None)]
    assert (await cost_now(backend, odd)).unknown is CostUnknown.NOT_BILLABLE

    await correct_transaction(backend, user(cp.tenant_id), NewCorrection(ended.id, "Meter broken.", energy_wh=3000.0))
    assert (await settled(backend, cp))[0] == (Decimal("0.90"), "EUR")
    await price(backend, cp, ended.depot_id, "0.10", valid_from=at(0))
    assert (await settled(backend, cp))[0] == (Decimal("0.30"), "EUR")
    # ... and a price from later on does not
    await price(backend, cp, ended.depot_id, "9.99", valid_from=at(60))
    async with backend.database.snapshot(cp.tenant_id) as snapshot:
        assert not any(t.cost_due for t in await Transactions(snapshot).where())


async def test_prices_are_kept_with_their_windows(backend: Backend) -> None:
    cp = await new_station(backend)
    ended = await charge(backend, cp, (at(0), 0.0), end=(at(20), 2000.0))
    night = PriceWindow(frozenset({Weekday.FRIDAY, Weekday.MONDAY}), time(22), time(6), Decimal("0.105"))
    first = await price(backend, cp, ended.depot_id, "0.30", windows=(night,))
    second = await price(backend, cp, ended.depot_id, "0.40", valid_from=at(0))
    async with backend.database.snapshot(cp.tenant_id) as snapshot:
        assert await EnergyPrices(snapshot).of_depots([ended.depot_id]) == {ended.depot_id: [first, second]}


def window(begin: time, end: time, *weekdays: Weekday, per_kwh: str = "0.1") -> PriceWindow:
    return PriceWindow(frozenset(weekdays), begin, end, Decimal(per_kwh))


@pytest.mark.parametrize(
    ("wanted", "path", "words"),
    [
        ({"currency": "Euro"}, ("input", "currency"), "'Euro' is no currency"),
        ({"price_per_kwh": Decimal("-0.1")}, ("input", "pricePerKwh"), "A price of -0.1 is not possible"),
        ({"price_per_kwh": Decimal("0.1234567")}, ("input", "pricePerKwh"), "6 decimals at most"),
        ({"price_per_kwh": Decimal("NaN")}, ("input", "pricePerKwh"), "A price of NaN"),
        ({"price_per_kwh": Decimal("Infinity")}, ("input", "pricePerKwh"), "A price of Infinity"),
        ({"valid_from": at(7)}, ("input", "validFrom"), "not on a quarter-hour"),
        ({"windows": (window(time(8), time(9)),)}, ("input", "windows", "0", "weekdays"), "one day of the week at least"),
        ({"windows": (window(time(8, 5), time(9), Weekday.MONDAY),)}, ("input", "windows", "0", "startsAt"), "08:05:00 is not on"),
        (
            {"windows": (window(time(8), time(10), Weekday.MONDAY), window(time(9), time(11), Weekday.MONDAY))},
            ("input", "windows"),
            "Two windows overlap",
        ),
        (
            {"windows": (window(time(22), time(6), Weekday.SUNDAY), window(time(5), time(7), Weekday.MONDAY))},
            ("input", "windows"),
            "Two windows overlap",
        ),
        ({"windows": (window(time(0), time(0), *Weekday),) * 51}, ("input", "windows"), "51 windows; 50 at most"),
    ],
)
async def test_a_price_that_cannot_be_is_refused(backend: Backend, wanted: dict[str, Any], path: tuple[str, ...], words: str) -> None:
    cp = await new_station(backend)
    ended = await charge(backend, cp, (at(0), 0.0), end=(at(20), 2000.0))
    asked = NewEnergyPrice(**{"depot_id": ended.depot_id, "currency": "EUR", "price_per_kwh": Decimal(1), **wanted})
    with pytest.raises(InvalidInputError, match=words) as refused:
        await set_energy_price(backend, user(cp.tenant_id), asked)
    assert refused.value.path == path
    async with backend.database.snapshot(cp.tenant_id) as snapshot:
        assert await EnergyPrices(snapshot).count() == 0


async def test_windows_that_meet_do_not_overlap(backend: Backend) -> None:
    cp = await new_station(backend)
    ended = await charge(backend, cp, (at(0), 0.0), end=(at(20), 2000.0))
    windows = (window(time(22), time(6), *Weekday), window(time(6), time(22), *Weekday))
    assert (await price(backend, cp, ended.depot_id, "0.30", windows=windows)).windows == windows


async def test_a_price_is_for_those_who_may_and_for_a_depot_there_is(backend: Backend) -> None:
    cp = await new_station(backend)
    asked = NewEnergyPrice(uuid.uuid4(), "EUR", Decimal(1))
    with pytest.raises(NotFoundError, match="no such depot"):
        await set_energy_price(backend, user(cp.tenant_id), asked)
    with pytest.raises(ForbiddenError, match="depots:write"):
        await set_energy_price(backend, user(cp.tenant_id, Scope.TRANSACTIONS_CORRECT), asked)
