"""What an OCPP 1.6J central system may order: each order read, put to ``Commands`` and answered in the words of 1.6."""

from collections.abc import Mapping
from typing import Any

from ocpp.v16 import call_result
from ocpp.v16.datatypes import ChargingSchedule, ChargingSchedulePeriod, KeyValue
from ocpp.v16.enums import (
    Action,
    AvailabilityStatus,
    AvailabilityType,
    CancelReservationStatus,
    ChargingProfileStatus,
    ChargingRateUnitType,
    ClearChargingProfileStatus,
    ConfigurationStatus,
    GetCompositeScheduleStatus,
    RemoteStartStopStatus,
    ReservationStatus,
    ResetStatus,
    ResetType,
    TriggerMessageStatus,
    UnlockStatus,
)

from ampyard.simulator import outbox, reservations
from ampyard.simulator.charge_point import SimulatedChargePoint
from ampyard.simulator.commands import MAX_PROFILES, MAX_STACK_LEVEL, Commands, parse_profile
from ampyard.simulator.dialect import StopReason, parse_timestamp, timestamp
from ampyard.simulator.routes import handles
from ampyard.simulator.state import IdToken

# configuration keys that can be written, by the setting they are
SETTINGS = {
    "HeartbeatInterval": "heartbeat_interval_s",
    "MeterValueSampleInterval": "meter_interval_s",
    "ConnectionTimeOut": "connection_timeout_s",
}


UNITS = {"A": "Current", "W": "Power"}


class Orders16:
    def __init__(self, charge_point: SimulatedChargePoint) -> None:
        self._point = charge_point
        self._commands = Commands(charge_point)

    @handles(Action.remote_start_transaction)
    def remote_start(
        self, id_tag: str, connector_id: int | None = None, charging_profile: Mapping[str, Any] | None = None, **_: Any
    ) -> call_result.RemoteStartTransaction:
        profile = None if charging_profile is None else parse_profile(charging_profile, connector_id or 0, self._point.clock())
        accepted = self._commands.remote_start(IdToken(id_tag, "Central"), connector_id, profile=profile)
        return call_result.RemoteStartTransaction(RemoteStartStopStatus.accepted if accepted else RemoteStartStopStatus.rejected)

    @handles(Action.remote_stop_transaction)
    def remote_stop(self, transaction_id: int, **_: Any) -> call_result.RemoteStopTransaction:
        accepted = self._commands.remote_stop(str(transaction_id))
        return call_result.RemoteStopTransaction(RemoteStartStopStatus.accepted if accepted else RemoteStartStopStatus.rejected)

    @handles(Action.set_charging_profile)
    def set_profile(self, connector_id: int, cs_charging_profiles: Mapping[str, Any], **_: Any) -> call_result.SetChargingProfile:
        profile = parse_profile(cs_charging_profiles, connector_id, self._point.clock())
        accepted = profile is not None and self._commands.set_profile(profile) is None
        return call_result.SetChargingProfile(ChargingProfileStatus.accepted if accepted else ChargingProfileStatus.rejected)

    @handles(Action.clear_charging_profile)
    def clear_profile(
        self,
        id: int | None = None,  # noqa: A002 - the protocol's name
        connector_id: int | None = None,
        charging_profile_purpose: str | None = None,
        stack_level: int | None = None,
        **_: Any,
    ) -> call_result.ClearChargingProfile:
        cleared = self._commands.clear_profiles(id, connector_id, charging_profile_purpose, stack_level)
        return call_result.ClearChargingProfile(ClearChargingProfileStatus.accepted if cleared else ClearChargingProfileStatus.unknown)

    @handles(Action.get_composite_schedule)
    def composite_schedule(
        self, connector_id: int, duration: int, charging_rate_unit: Any = None, **_: Any
    ) -> call_result.GetCompositeSchedule:
        composite = self._commands.composite_schedule(connector_id, duration, charging_rate_unit)
        if composite is None:
            return call_result.GetCompositeSchedule(GetCompositeScheduleStatus.rejected)
        schedule = ChargingSchedule(
            charging_rate_unit=ChargingRateUnitType(composite.unit),
            charging_schedule_period=[ChargingSchedulePeriod(period.start_s, period.limit, period.phases) for period in composite.periods],
            duration=duration,
            start_schedule=timestamp(composite.start),
        )
        return call_result.GetCompositeSchedule(
            GetCompositeScheduleStatus.accepted,
            connector_id=connector_id,
            schedule_start=timestamp(composite.start),
            # the package declares a dict here and serialises a dataclass just as well
            charging_schedule=schedule,  # type: ignore[arg-type]  # declared too narrowly in ocpp 2.1.0
        )

    @handles(Action.change_availability)
    def change_availability(self, connector_id: int, type: str, **_: Any) -> call_result.ChangeAvailability:  # noqa: A002 - the protocol's name
        outcome = self._commands.change_availability(connector_id, operative=type == AvailabilityType.operative)
        return call_result.ChangeAvailability(AvailabilityStatus(outcome))

    @handles(Action.trigger_message)
    def trigger(self, requested_message: str, connector_id: int | None = None, **_: Any) -> call_result.TriggerMessage:
        return call_result.TriggerMessage(TriggerMessageStatus(self._commands.trigger(requested_message, connector_id)))

    @handles(Action.reset)
    def reset(self, type: str, **_: Any) -> call_result.Reset:  # noqa: A002 - the protocol's name
        self._commands.reset(StopReason.HARD_RESET if type == ResetType.hard else StopReason.SOFT_RESET)
        return call_result.Reset(ResetStatus.accepted)

    @handles(Action.unlock_connector)
    def unlock(self, connector_id: int, **_: Any) -> call_result.UnlockConnector:
        evse = self._point.evse(connector_id)
        if evse is None:
            return call_result.UnlockConnector(UnlockStatus.not_supported)
        self._commands.unlock(evse)
        return call_result.UnlockConnector(UnlockStatus.unlocked)

    @handles(Action.reserve_now)
    def reserve(self, connector_id: int, expiry_date: str, id_tag: str, reservation_id: int, **_: Any) -> call_result.ReserveNow:
        token = IdToken(id_tag, "Central")
        outcome = reservations.reserve(self._point, reservation_id, token, connector_id, parse_timestamp(expiry_date))
        return call_result.ReserveNow(ReservationStatus(outcome))

    @handles(Action.cancel_reservation)
    def cancel_reservation(self, reservation_id: int, **_: Any) -> call_result.CancelReservation:
        canceled = reservations.cancel(self._point, reservation_id)
        return call_result.CancelReservation(CancelReservationStatus.accepted if canceled else CancelReservationStatus.rejected)

    @handles(Action.update_firmware)
    def update_firmware(self, location: str, retrieve_date: str, **_: Any) -> call_result.UpdateFirmware:
        self._commands.update_firmware(location, parse_timestamp(retrieve_date), None)
        return call_result.UpdateFirmware()

    @handles(Action.get_configuration)
    def get_configuration(self, key: list[str] | None = None, **_: Any) -> call_result.GetConfiguration:
        known = self._configuration()
        asked = key or list(known)
        return call_result.GetConfiguration(
            configuration_key=[KeyValue(name, name not in SETTINGS, known[name]) for name in asked if name in known],
            unknown_key=[name for name in asked if name not in known],
        )

    @handles(Action.change_configuration)
    def change_configuration(self, key: str, value: str, **_: Any) -> call_result.ChangeConfiguration:
        if key not in self._configuration():
            return call_result.ChangeConfiguration(ConfigurationStatus.not_supported)
        if key not in SETTINGS or not value.isdecimal():
            return call_result.ChangeConfiguration(ConfigurationStatus.rejected)
        self._point.set(SETTINGS[key], int(value))
        return call_result.ChangeConfiguration(ConfigurationStatus.accepted)

    def _configuration(self) -> dict[str, str]:
        """Return the configuration keys of OCPP 1.6 section 9 that this charge point really follows."""
        point = self._point
        return {
            "AuthorizeRemoteTxRequests": "false",
            "ChargeProfileMaxStackLevel": str(MAX_STACK_LEVEL),
            "ChargingScheduleAllowedChargingRateUnit": ",".join(UNITS[unit] for unit in point.spec.rate_units),
            "ChargingScheduleMaxPeriods": str(point.spec.max_periods),
            "ClockAlignedDataInterval": "0",
            "ConnectorPhaseRotation": ",".join(["0.RST", *(f"{evse.spec.evse_no}.{point.spec.phase_rotation}" for evse in point.evses)]),
            "ConnectionTimeOut": str(round(point.connection_timeout_s)),
            "HeartbeatInterval": str(point.heartbeat_interval_s),
            "LocalAuthorizeOffline": "true",
            "LocalPreAuthorize": "false",
            "MaxChargingProfilesInstalled": str(MAX_PROFILES),
            "MeterValueSampleInterval": str(round(point.meter_interval_s)),
            "MeterValuesSampledData": "Energy.Active.Import.Register,Power.Active.Import,"
            + ("SoC" if point.spec.current_type == "DC" else "Current.Import"),
            "NumberOfConnectors": str(len(point.evses)),
            "StopTransactionOnEVSideDisconnect": "true",
            "StopTransactionOnInvalidId": "true",
            "SupportedFeatureProfiles": "Core,RemoteTrigger,Reservation,SmartCharging",
            "TransactionMessageAttempts": str(outbox.ATTEMPTS),
            "TransactionMessageRetryInterval": str(round(point.options.retry_interval_s)),
        }
