"""What an OCPP 2.0.1 CSMS may order: each order read, put to ``Commands`` and answered in the words of 2.0.1."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ocpp.v201 import call, call_result
from ocpp.v201.datatypes import (
    ChargingSchedulePeriodType,
    ComponentType,
    CompositeScheduleType,
    GetVariableResultType,
    ReportDataType,
    SetVariableResultType,
    StatusInfoType,
    VariableAttributeType,
    VariableCharacteristicsType,
    VariableType,
)
from ocpp.v201.enums import (
    Action,
    CancelReservationStatusEnumType,
    ChangeAvailabilityStatusEnumType,
    ChargingProfileStatusEnumType,
    ChargingRateUnitEnumType,
    ClearChargingProfileStatusEnumType,
    DataEnumType,
    GenericDeviceModelStatusEnumType,
    GenericStatusEnumType,
    GetVariableStatusEnumType,
    MessageTriggerEnumType,
    MutabilityEnumType,
    OperationalStatusEnumType,
    ReportBaseEnumType,
    RequestStartStopStatusEnumType,
    ReserveNowStatusEnumType,
    ResetEnumType,
    ResetStatusEnumType,
    SetVariableStatusEnumType,
    TriggerMessageStatusEnumType,
    UnlockStatusEnumType,
    UpdateFirmwareStatusEnumType,
)

from ampyard.simulator import reservations
from ampyard.simulator.charge_point import SimulatedChargePoint
from ampyard.simulator.commands import MAX_PROFILES, MAX_STACK_LEVEL, Commands, parse_profile
from ampyard.simulator.dialect import StopReason, parse_timestamp, timestamp
from ampyard.simulator.profiles import ChargingProfile, Purpose
from ampyard.simulator.routes import handles
from ampyard.simulator.state import IdToken

# variables that can be written, by the setting they are
SETTINGS = {
    ("OCPPCommCtrlr", "HeartbeatInterval"): "heartbeat_interval_s",
    ("SampledDataCtrlr", "TxUpdatedInterval"): "meter_interval_s",
    ("TxCtrlr", "EVConnectionTimeOut"): "connection_timeout_s",
}


REPORT_PART = 8  # variables in one message of a report


class Orders201:
    def __init__(self, charge_point: SimulatedChargePoint) -> None:
        self._point = charge_point
        self._commands = Commands(charge_point)

    @handles(Action.request_start_transaction)
    def request_start(
        self,
        id_token: Mapping[str, Any],
        remote_start_id: int,
        evse_id: int | None = None,
        charging_profile: Mapping[str, Any] | None = None,
        **_: Any,
    ) -> call_result.RequestStartTransaction:
        profile = None if charging_profile is None else parse_profile(charging_profile, evse_id or 0, self._point.clock())
        token = IdToken(id_token["id_token"], id_token["type"])
        accepted = self._commands.remote_start(token, evse_id, remote_start_id=remote_start_id, profile=profile)
        return call_result.RequestStartTransaction(_request_status(accepted=accepted))

    @handles(Action.request_stop_transaction)
    def request_stop(self, transaction_id: str, **_: Any) -> call_result.RequestStopTransaction:
        return call_result.RequestStopTransaction(_request_status(accepted=self._commands.remote_stop(transaction_id)))

    @handles(Action.set_charging_profile)
    def set_profile(self, evse_id: int, charging_profile: Mapping[str, Any], **_: Any) -> call_result.SetChargingProfile:
        profile = parse_profile(charging_profile, evse_id, self._point.clock())
        refusal = "InvalidProfile" if profile is None else self._stricter_refusal(profile) or self._commands.set_profile(profile)
        if refusal is None:
            return call_result.SetChargingProfile(ChargingProfileStatusEnumType.accepted)
        return call_result.SetChargingProfile(ChargingProfileStatusEnumType.rejected, StatusInfoType(refusal[:20]))

    def _stricter_refusal(self, profile: ChargingProfile) -> str | None:
        """Return what 2.0.1 forbids and 1.6 allows: part 2, K01.FR.03, .06, .38, .39, .40 and .41."""
        if profile.purpose is Purpose.TX and profile.transaction_id is None:
            return "MissingTransactionId"
        if profile.purpose is Purpose.MAX and profile.kind == "Relative":
            return "RelativeMaxProfile"
        if (profile.kind == "Relative") is (profile.start_at is not None):
            return "InvalidStartSchedule"
        return "DuplicateProfile" if self._commands.overlapping(profile) else None

    @handles(Action.clear_charging_profile)
    def clear_profile(
        self, charging_profile_id: int | None = None, charging_profile_criteria: Mapping[str, Any] | None = None, **_: Any
    ) -> call_result.ClearChargingProfile:
        criteria = charging_profile_criteria or {}
        cleared = self._commands.clear_profiles(
            charging_profile_id, criteria.get("evse_id"), criteria.get("charging_profile_purpose"), criteria.get("stack_level")
        )
        status = ClearChargingProfileStatusEnumType.accepted if cleared else ClearChargingProfileStatusEnumType.unknown
        return call_result.ClearChargingProfile(status)

    @handles(Action.get_composite_schedule)
    def composite_schedule(self, duration: int, evse_id: int, charging_rate_unit: Any = None, **_: Any) -> call_result.GetCompositeSchedule:
        composite = self._commands.composite_schedule(evse_id, duration, charging_rate_unit)
        if composite is None:
            return call_result.GetCompositeSchedule(GenericStatusEnumType.rejected)
        schedule = CompositeScheduleType(
            evse_id=evse_id,
            duration=duration,
            schedule_start=timestamp(composite.start),
            charging_rate_unit=ChargingRateUnitEnumType(composite.unit),
            charging_schedule_period=[
                ChargingSchedulePeriodType(period.start_s, period.limit, period.phases) for period in composite.periods
            ],
        )
        return call_result.GetCompositeSchedule(GenericStatusEnumType.accepted, schedule=schedule)

    @handles(Action.change_availability)
    def change_availability(
        self, operational_status: str, evse: Mapping[str, Any] | None = None, **_: Any
    ) -> call_result.ChangeAvailability:
        evse_no = 0 if evse is None else evse["id"]
        outcome = self._commands.change_availability(evse_no, operative=operational_status == OperationalStatusEnumType.operative)
        return call_result.ChangeAvailability(ChangeAvailabilityStatusEnumType(outcome))

    @handles(Action.trigger_message)
    def trigger(self, requested_message: str, evse: Mapping[str, Any] | None = None, **_: Any) -> call_result.TriggerMessage:
        evse_no = None if evse is None else evse["id"]
        if requested_message == MessageTriggerEnumType.transaction_event:
            outcome = self._trigger_transaction_event(evse_no)
        else:
            outcome = self._commands.trigger(requested_message, evse_no)
        return call_result.TriggerMessage(TriggerMessageStatusEnumType(outcome))

    def _trigger_transaction_event(self, evse_no: int | None) -> str:
        point = self._point
        running = [evse for evse in point.evses if evse.state.transaction is not None and evse_no in (None, evse.spec.evse_no)]

        def report(now: datetime) -> None:
            for evse in running:
                if (transaction := evse.state.transaction) is not None:
                    payload = point.dialect.sampled(transaction, evse.spec.evse_no, evse.reading(now), "Trigger", online=point.online)
                    point.outbox.post_kept(payload, transaction.key)

        point.defer(report)
        return "Accepted" if running else "Rejected"

    @handles(Action.reset)
    def reset(self, type: str, evse_id: int | None = None, **_: Any) -> call_result.Reset:  # noqa: A002 - the protocol's name
        if evse_id is not None:  # B11.FR.10: a station that cannot reset a single EVSE rejects
            return call_result.Reset(ResetStatusEnumType.rejected)
        if type == ResetEnumType.on_idle and self._commands.reset_when_idle():
            return call_result.Reset(ResetStatusEnumType.scheduled)
        self._commands.reset(StopReason.SOFT_RESET if type == ResetEnumType.on_idle else StopReason.HARD_RESET)
        return call_result.Reset(ResetStatusEnumType.accepted)

    @handles(Action.unlock_connector)
    def unlock(self, evse_id: int, connector_id: int, **_: Any) -> call_result.UnlockConnector:
        evse = self._point.evse(evse_id)
        if evse is None or connector_id != 1:
            return call_result.UnlockConnector(UnlockStatusEnumType.unknown_connector)
        if evse.state.transaction is not None:
            return call_result.UnlockConnector(UnlockStatusEnumType.ongoing_authorized_transaction)
        return call_result.UnlockConnector(UnlockStatusEnumType.unlocked)

    @handles(Action.reserve_now)
    def reserve(
        self,
        id: int,  # noqa: A002 - the protocol's name
        expiry_date_time: str,
        id_token: Mapping[str, Any],
        evse_id: int | None = None,
        **_: Any,
    ) -> call_result.ReserveNow:
        token = IdToken(id_token["id_token"], id_token["type"])
        outcome = reservations.reserve(self._point, id, token, evse_id, parse_timestamp(expiry_date_time))
        return call_result.ReserveNow(ReserveNowStatusEnumType(outcome))

    @handles(Action.cancel_reservation)
    def cancel_reservation(self, reservation_id: int, **_: Any) -> call_result.CancelReservation:
        canceled = reservations.cancel(self._point, reservation_id)
        status = CancelReservationStatusEnumType.accepted if canceled else CancelReservationStatusEnumType.rejected
        return call_result.CancelReservation(status)

    @handles(Action.update_firmware)
    def update_firmware(self, request_id: int, firmware: Mapping[str, Any], **_: Any) -> call_result.UpdateFirmware:
        called_off = self._commands.update_firmware(firmware["location"], parse_timestamp(firmware["retrieve_date_time"]), request_id)
        accepted = UpdateFirmwareStatusEnumType.accepted_canceled if called_off else UpdateFirmwareStatusEnumType.accepted
        return call_result.UpdateFirmware(accepted)

    @handles(Action.get_base_report)
    def get_base_report(self, request_id: int, report_base: str, **_: Any) -> call_result.GetBaseReport:
        if report_base == ReportBaseEnumType.summary_inventory:
            return call_result.GetBaseReport(GenericDeviceModelStatusEnumType.not_supported)
        writable_only = report_base == ReportBaseEnumType.configuration_inventory
        told = [(name, value) for name, value in self._variables().items() if name in SETTINGS or not writable_only]
        parts = [told[start : start + REPORT_PART] for start in range(0, len(told), REPORT_PART)]

        def report(now: datetime) -> None:
            for seq_no, part in enumerate(parts):
                data = [_report_data(*name, value) for name, value in part]
                more = seq_no < len(parts) - 1
                self._point.outbox.post(call.NotifyReport(request_id, timestamp(now), seq_no, data, tbc=more))

        self._point.defer(report)
        return call_result.GetBaseReport(GenericDeviceModelStatusEnumType.accepted)

    @handles(Action.get_variables)
    def get_variables(self, get_variable_data: list[Mapping[str, Any]], **_: Any) -> call_result.GetVariables:
        return call_result.GetVariables([self._get_variable(item) for item in get_variable_data])

    def _get_variable(self, item: Mapping[str, Any]) -> GetVariableResultType:
        component, variable = item["component"]["name"], item["variable"]["name"]
        variables = self._variables()
        value = variables.get((component, variable))
        if item.get("attribute_type", "Actual") != "Actual":
            status = GetVariableStatusEnumType.not_supported_attribute_type
        elif value is not None:
            status = GetVariableStatusEnumType.accepted
        elif any(component == known for known, _ in variables):
            status = GetVariableStatusEnumType.unknown_variable
        else:
            status = GetVariableStatusEnumType.unknown_component
        shown = value if status is GetVariableStatusEnumType.accepted else None
        return GetVariableResultType(status, ComponentType(component), VariableType(variable), attribute_value=shown)

    @handles(Action.set_variables)
    def set_variables(self, set_variable_data: list[Mapping[str, Any]], **_: Any) -> call_result.SetVariables:
        return call_result.SetVariables([self._set_variable(item) for item in set_variable_data])

    def _set_variable(self, item: Mapping[str, Any]) -> SetVariableResultType:
        name = component, variable = item["component"]["name"], item["variable"]["name"]
        variables = self._variables()
        if name in SETTINGS and item["attribute_value"].isdecimal() and item.get("attribute_type", "Actual") == "Actual":
            self._point.set(SETTINGS[name], int(item["attribute_value"]))
            status = SetVariableStatusEnumType.accepted
        elif name in variables:
            status = SetVariableStatusEnumType.rejected
        elif any(component == known for known, _ in variables):
            status = SetVariableStatusEnumType.unknown_variable
        else:
            status = SetVariableStatusEnumType.unknown_component
        return SetVariableResultType(status, ComponentType(component), VariableType(variable))

    def _variables(self) -> dict[tuple[str, str], str]:
        """Return the variables of OCPP 2.0.1 part 2, chapter 2 of the appendices, that this station really follows."""
        point = self._point
        sampled = "Energy.Active.Import.Register,Power.Active.Import," + ("SoC" if point.spec.current_type == "DC" else "Current.Import")
        return {
            ("AuthCtrlr", "AuthorizeRemoteStart"): "false",
            ("AuthCtrlr", "LocalAuthorizeOffline"): "true",
            ("AuthCtrlr", "LocalPreAuthorize"): "false",
            ("OCPPCommCtrlr", "HeartbeatInterval"): str(point.heartbeat_interval_s),
            ("SampledDataCtrlr", "TxStartedMeasurands"): sampled,
            ("SampledDataCtrlr", "TxUpdatedMeasurands"): sampled,
            ("SampledDataCtrlr", "TxEndedMeasurands"): sampled,
            ("SampledDataCtrlr", "TxUpdatedInterval"): str(round(point.meter_interval_s)),
            ("ReservationCtrlr", "Enabled"): "true",
            ("SmartChargingCtrlr", "Enabled"): "true",
            ("SmartChargingCtrlr", "Entries"): str(MAX_PROFILES),
            ("SmartChargingCtrlr", "PeriodsPerSchedule"): str(point.spec.max_periods),
            ("SmartChargingCtrlr", "ProfileStackLevel"): str(MAX_STACK_LEVEL),
            ("SmartChargingCtrlr", "RateUnit"): ",".join(point.spec.rate_units),
            ("TxCtrlr", "EVConnectionTimeOut"): str(round(point.connection_timeout_s)),
            ("TxCtrlr", "StopTxOnEVSideDisconnect"): "true",
            ("TxCtrlr", "StopTxOnInvalidId"): "true",
            ("TxCtrlr", "TxStartPoint"): "PowerPathClosed",
            ("TxCtrlr", "TxStopPoint"): "PowerPathClosed",
        }


def _report_data(component: str, variable: str, value: str) -> ReportDataType:
    is_setting = (component, variable) in SETTINGS
    mutability = MutabilityEnumType.read_write if is_setting else MutabilityEnumType.read_only
    characteristics = VariableCharacteristicsType(
        DataEnumType.integer if is_setting else DataEnumType.string, supports_monitoring=False, unit="s" if is_setting else None
    )
    return ReportDataType(
        ComponentType(component), VariableType(variable), [VariableAttributeType(value=value, mutability=mutability)], characteristics
    )


def _request_status(*, accepted: bool) -> RequestStartStopStatusEnumType:
    return RequestStartStopStatusEnumType.accepted if accepted else RequestStartStopStatusEnumType.rejected
