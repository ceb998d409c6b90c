"""A fleet made up from a seed, for when there is no fleet file."""

import math
import random

from ampyard.simulator.fleet import ChargePointSpec, EvseSpec, Fleet, VehicleSpec

DEPOT = "Simulated depot"
VEHICLES_PER_EVSE = 1.5
# battery in kWh, AC and DC limits in kW of common vans, cars and trucks
VEHICLE_MODELS = ((45.0, 7.4, 50.0), (60.0, 11.0, 80.0), (79.0, 11.0, 115.0), (113.0, 22.0, 115.0), (300.0, 22.0, 150.0))


def generate_fleet(charge_point_count: int, seed: int) -> Fleet:
    """Make ``charge_point_count`` charge points, SIM-0001 onwards: two of three speak OCPP 1.6, one of four is a DC charger."""
    points = tuple(_charge_point(number) for number in range(1, charge_point_count + 1))
    evse_count = sum(len(point.evses) for point in points)
    dice = random.Random(f"{seed}:fleet")
    vehicles = tuple(_vehicle(number, dice) for number in range(1, math.ceil(evse_count * VEHICLES_PER_EVSE) + 1))
    return Fleet(charge_points=points, vehicles=vehicles)


def _charge_point(number: int) -> ChargePointSpec:
    is_dc = number % 4 == 0
    evse_count = 2 if is_dc else 1
    return ChargePointSpec(
        identity=f"SIM-{number:04d}",
        ocpp_version="2.0.1" if number % 3 == 0 else "1.6",
        vendor="Ampyard Simulator",
        model="DC150" if is_dc else "AC22",
        serial_number=f"SN-{number:06d}",
        firmware_version="1.0.0",
        current_type="DC" if is_dc else "AC",
        fallback_kw=10.0 if is_dc else 4.2,
        depot=DEPOT,
        evses=tuple(
            EvseSpec(evse_no=no, max_power_kw=150.0 if is_dc else 22.0, connector_type="cCCS2" if is_dc else "cType2")
            for no in range(1, evse_count + 1)
        ),
    )


def _vehicle(number: int, dice: random.Random) -> VehicleSpec:
    battery_kwh, max_ac_kw, max_dc_kw = dice.choice(VEHICLE_MODELS)
    return VehicleSpec(
        name=f"Vehicle {number:03d}",
        depot=DEPOT,
        id_tag=f"51A0{number:010X}",
        battery_kwh=battery_kwh,
        max_ac_kw=max_ac_kw,
        max_dc_kw=max_dc_kw,
        initial_soc_percent=round(dice.uniform(15, 60), 1),
        target_soc_percent=dice.choice((80.0, 90.0, 100.0)),
    )
