"""What charge points say of their smart charging, in all versions' words."""

import pytest

from ampyard.domain.charging_profiles import RateUnit, SmartCharging, phase_rotations, smart_charging
from ampyard.domain.equipment import PhaseRotation
from ampyard.domain.variables import VariableName

A, W = RateUnit.A, RateUnit.W


def told16(**values: str) -> dict[VariableName, str | None]:
    return {VariableName("", name): value for name, value in values.items()}


def told20(**values: str) -> dict[VariableName, str | None]:
    return {VariableName("SmartChargingCtrlr", name): value for name, value in values.items()}


@pytest.mark.parametrize(
    ("told", "known"),
    [
        ({}, SmartCharging(frozenset({A, W}), 0, None, None, switches_phases=False)),
        (
            told16(
                ChargeProfileMaxStackLevel="8",
                ChargingScheduleAllowedChargingRateUnit="Current",
                ChargingScheduleMaxPeriods="24",
                MaxChargingProfilesInstalled="10",
                ConnectorSwitch3to1PhaseSupported="true",
            ),
            SmartCharging(frozenset({A}), 8, 24, 10, switches_phases=True),
        ),
        (told16(ChargingScheduleAllowedChargingRateUnit="Current,Power"), SmartCharging()),
        (told16(ChargingScheduleAllowedChargingRateUnit="W"), SmartCharging(frozenset({W}))),
        # what cannot be read says nothing
        (
            told16(ChargingScheduleAllowedChargingRateUnit="?", ChargingScheduleMaxPeriods="many", ChargeProfileMaxStackLevel="-1"),
            SmartCharging(),
        ),
        (told16(ChargingScheduleMaxPeriods="0"), SmartCharging(periods=1)),
        (
            told20(ProfileStackLevel="3", RateUnit="A", PeriodsPerSchedule="1", Entries="4", ACPhaseSwitchingSupported="false"),
            SmartCharging(frozenset({A}), 3, 1, 4),
        ),
        (told20(SupportsMaxOfflineDuration="True"), SmartCharging(max_offline=True)),
        (told20(SupportsMaxOfflineDuration="false"), SmartCharging()),
        ({VariableName("SmartChargingCtrlr", "Entries", variable_instance="ChargingProfiles"): "5"}, SmartCharging(profiles=5)),
    ],
)
def test_variables_say_what_profiles_are_taken(told: dict[VariableName, str | None], known: SmartCharging) -> None:
    assert smart_charging(told) == known


def test_rotations_of_1_6_are_against_the_meter_and_that_against_the_grid() -> None:
    assert phase_rotations(told16(ConnectorPhaseRotation="0.RST, 1.RST, 2.STR,3.Unknown,4.NotApplicable")) == {
        1: PhaseRotation.RST,
        2: PhaseRotation.STR,
    }
    assert phase_rotations(told16(ConnectorPhaseRotation="0.STR,1.STR")) == {1: PhaseRotation.TRS}
    assert phase_rotations(told16(ConnectorPhaseRotation="0.Unknown,1.RST")) == {}
    assert phase_rotations({}) == {}


def test_rotations_of_2_0_1_are_variables_of_evses_and_station() -> None:
    told: dict[VariableName, str | None] = {
        VariableName("EVSE", "PhaseRotation", evse_no=1): "RST",
        VariableName("EVSE", "PhaseRotation", evse_no=2): "Sxx",
        VariableName("ChargingStation", "PhaseRotation"): "TRS",
    }
    assert phase_rotations(told) == {1: PhaseRotation.TRS, 2: PhaseRotation.R}
