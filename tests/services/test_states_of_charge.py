"""States of charge: told by telematics and chargers, estimated between; what is older changes nothing."""

import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ampyard.domain.access import Scope
from ampyard.domain.errors import DomainError, ForbiddenError, InvalidInputError, NotFoundError
from ampyard.domain.state_of_charge import SocSource
from ampyard.domain.transactions import Measurand, Reading
from ampyard.domain.vehicles import Vehicle
from ampyard.repositories.states_of_charge import SocReadings
from ampyard.repositories.vehicles import Vehicles
from ampyard.services import transactions
from ampyard.services.backend import Backend
from ampyard.services.charge_points import Station
from ampyard.services.states_of_charge import SocReport, report_state_of_charge
from ampyard.services.transactions import Report
from tests.charging import station_of
from tests.fleet import new_fleet, user

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Fleet:
    backend: Backend
    station: Station

    @property
    def tenant_id(self) -> uuid.UUID:
        return self.station.tenant_id

    async def bus(self) -> Vehicle:
        async with self.backend.database.snapshot(self.tenant_id) as snapshot:
            return (await Vehicles(snapshot).by_unique("vin", ["WAMPYARD000000001"]))["WAMPYARD000000001"]

    async def kept(self) -> list[tuple[float, SocSource, datetime]]:
        async with self.backend.database.snapshot(self.tenant_id) as snapshot:
            found = await SocReadings(snapshot).where(order_by=[SocReadings.table.c.at])
        return [(one.percent, one.source, one.at) for one in found]

    async def tell(self, percent: float, at: datetime, **more: Any) -> None:
        report = SocReport(percent, at, **({"vin": "wampyard000000001"} | more))
        await report_state_of_charge(self.backend, user(self.tenant_id), [report])

    async def measure(self, at: datetime, register_wh: float, *soc: float) -> None:
        readings = [Reading(at, Measurand.ENERGY_REGISTER, register_wh, "Wh"), *(Reading(at, Measurand.SOC, one, "Percent") for one in soc)]
        report = Report(at=at, evse_no=1, ocpp_transaction_id="7", id_tag="TAG-1", register_wh=register_wh, readings=readings)
        await transactions.start(self.backend, self.station, report)


@pytest.fixture
async def fleet(backend: Backend) -> Fleet:
    seeded = await new_fleet(backend)
    at = replace(backend, clock=lambda: NOW + timedelta(hours=3))
    return Fleet(at, await station_of(at, seeded.tenant_id, "CP-3"))


async def test_what_is_older_is_kept_and_changes_nothing(fleet: Fleet) -> None:
    await fleet.tell(50.0, NOW + 10 * MINUTE)
    await fleet.tell(60.0, NOW)
    bus = await fleet.bus()
    assert (bus.soc_percent, bus.soc_source, bus.soc_at, bus.soc_confidence) == (50.0, SocSource.TELEMATICS, NOW + 10 * MINUTE, 0.94)
    assert await fleet.kept() == [(60.0, SocSource.TELEMATICS, NOW), (50.0, SocSource.TELEMATICS, NOW + 10 * MINUTE)]


async def test_of_each_source_the_newest_of_five_minutes_is_kept(fleet: Fleet) -> None:
    for percent, at in ((50.0, NOW), (51.0, NOW + MINUTE), (49.0, NOW + MINUTE / 2), (55.0, NOW + 5 * MINUTE)):
        await fleet.tell(percent, at)
    assert await fleet.kept() == [(51.0, SocSource.TELEMATICS, NOW + MINUTE), (55.0, SocSource.TELEMATICS, NOW + 5 * MINUTE)]


async def test_several_reports_of_one_vehicle_count_as_one_by_one(fleet: Fleet) -> None:
    reports = [SocReport(percent, NOW + n * MINUTE, vin="WAMPYARD000000001") for percent, n in ((40.0, 2), (41.0, 9), (42.0, 5))]
    (told,) = await report_state_of_charge(fleet.backend, user(fleet.tenant_id), reports)
    assert told.soc_percent == 41.0


async def test_where_the_charger_says_nothing_it_is_estimated_from_what_was_delivered(fleet: Fleet) -> None:
    await fleet.measure(NOW, 1000.0, 40.0)
    assert (await fleet.bus()).soc_source is SocSource.CHARGER

    await fleet.measure(NOW + 60 * MINUTE, 31_000.0)

    bus = await fleet.bus()
    # 30 kWh at an AC outlet, of which 90 in 100 reach a battery of 300 kWh.
    assert bus.soc_percent == pytest.approx(49.0)
    assert (bus.soc_source, bus.soc_at) == (SocSource.ESTIMATE, NOW + 60 * MINUTE)
    assert bus.soc_confidence is not None
    assert bus.soc_confidence < 0.95 * 0.9
    await fleet.measure(NOW + 61 * MINUTE, 31_500.0, 50.0)
    assert ((await fleet.bus()).soc_percent, (await fleet.bus()).soc_source) == (50.0, SocSource.CHARGER)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"percent": 101.0}, InvalidInputError, "percent is 101; give 0 to 100."),
        ({"confidence": 2.0}, InvalidInputError, "confidence is 2; give 0 to 1."),
        ({"vin": None}, InvalidInputError, "Name the vehicle by either vehicleId or vin."),
        ({"at": NOW + timedelta(hours=4)}, InvalidInputError, "which is to come"),
        ({"at": NOW - timedelta(days=40)}, InvalidInputError, "no older than 30 days"),
        ({"vin": "WAMPYARD000000077"}, NotFoundError, "There is no vehicle with the VIN 'WAMPYARD000000077' that you may report on."),
    ],
)
async def test_one_bad_report_refuses_all(fleet: Fleet, changes: dict[str, Any], error: type[DomainError], message: str) -> None:
    good = SocReport(50.0, NOW, vin="WAMPYARD000000001")
    with pytest.raises(error) as refused:
        await report_state_of_charge(fleet.backend, user(fleet.tenant_id), [good, replace(good, **changes)])
    assert message in str(refused.value)
    assert refused.value.path[:3] == ("input", "readings", "1")
    assert await fleet.kept() == []


async def test_it_needs_the_scope(fleet: Fleet) -> None:
    with pytest.raises(ForbiddenError):
        await report_state_of_charge(fleet.backend, user(fleet.tenant_id, Scope.VEHICLES_WRITE), [])
