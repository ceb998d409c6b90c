import uuid
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from ampyard.domain.errors import InvalidInputError
from ampyard.domain.state_of_charge import SocSource, StateOfCharge
from ampyard.domain.vehicles import LIMITS, Vehicle, VehicleKind, VehicleType, check_values, checked_vin, counting_values

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
BUS = VehicleType(
    uuid.UUID(int=1), uuid.UUID(int=2), "eBus 12", VehicleKind.BUS, "Acme", 300.0, 22.0, 150.0, 1.2, None, 90.0, None, NOON, NOON
)
VEHICLE = Vehicle(
    uuid.UUID(int=3),
    uuid.UUID(int=2),
    uuid.UUID(int=4),
    "Bus 1",
    VehicleKind.BUS,
    "WAMPYARD000000001",
    "B-AY 1",
    280.0,
    22.0,
    150.0,
    None,
    None,
    None,
    NOON,
    NOON,
)


def test_a_value_of_its_own_counts_before_that_of_the_type() -> None:
    found = counting_values({"battery_kwh": 280.0, "min_soc_percent": 15.0, "max_ac_kw": None}, BUS)
    assert found == {
        "battery_kwh": 280.0,
        "max_ac_kw": 22.0,
        "max_dc_kw": 150.0,
        "consumption_kwh_per_km": 1.2,
        "min_soc_percent": 15.0,
        "target_soc_percent": 90.0,
        "ac_phases": None,
    }
    assert list(found) == list(LIMITS)


def test_without_a_type_battery_and_charging_limits_are_needed() -> None:
    with pytest.raises(InvalidInputError) as refused:
        counting_values({"max_ac_kw": 22.0}, None)
    assert str(refused.value) == "batteryKwh is needed: the vehicle has no type to take it from."
    assert [error.path for error in (refused.value, *refused.value.others)] == [("input", "batteryKwh"), ("input", "maxDcKw")]


@pytest.mark.parametrize(
    ("values", "messages"),
    [
        ({"battery_kwh": 0.0}, ["batteryKwh is 0; give more than 0 to 5000 kWh."]),
        (
            {"max_ac_kw": -1.0, "max_dc_kw": 20000.0},
            ["maxAcKw is -1; give from 0 to 1000 kW.", "maxDcKw is 20000; give from 0 to 10000 kW."],
        ),
        ({"max_ac_kw": 0.0, "max_dc_kw": 0.0}, ["maxAcKw and maxDcKw are both 0: it could not charge at all; give one of them."]),
        ({"min_soc_percent": 90.0, "target_soc_percent": 80.0}, ["minSocPercent 90 is not below targetSocPercent 80."]),
        ({"min_soc_percent": 100.0}, ["minSocPercent 100 is not below targetSocPercent 100."]),
    ],
)
def test_values_are_within_bounds_and_agree(values: dict[str, float], messages: list[str]) -> None:
    with pytest.raises(InvalidInputError) as refused:
        check_values(values)
    assert [str(error) for error in (refused.value, *refused.value.others)] == messages


def test_without_a_type_all_values_are_its_own() -> None:
    assert VEHICLE.own == {name: getattr(VEHICLE, name) for name in LIMITS}
    typed = replace(VEHICLE, type_id=BUS.id, own_battery_kwh=280.0)
    assert typed.own == dict.fromkeys(LIMITS) | {"battery_kwh": 280.0}


@pytest.mark.parametrize(("changes", "soc"), [({}, None), ({"soc_confidence": 0.5}, 0.5), ({"soc_confidence": None}, 0.95)])
def test_its_state_of_charge_is_what_counts(changes: dict[str, Any], soc: float | None) -> None:
    told = replace(VEHICLE, soc_percent=40.0, soc_source=SocSource.CHARGER, soc_at=NOON, **changes) if changes else VEHICLE
    assert told.soc == (None if soc is None else StateOfCharge(40.0, SocSource.CHARGER, NOON, soc))


def test_a_vin_is_written_in_capitals() -> None:
    assert checked_vin(" wampyard000000001 ") == "WAMPYARD000000001"
    for wrong in ("", "WAMP", "WAMPYARD00000000O1", "WAMPYARD000000001X"):
        with pytest.raises(InvalidInputError, match="is not a VIN"):
            checked_vin(wrong)
