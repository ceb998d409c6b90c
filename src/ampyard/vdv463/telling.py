"""What is told of a depot, in the words of VDV 463."""

from collections.abc import Iterable, Sequence

from ampyard.domain.charge_points import ChargePoint, ConnectorStatus
from ampyard.domain.charging_outlook import ChargingOutlook
from ampyard.domain.charging_requests import ChargingRequest, charging_point_name
from ampyard.domain.faults import Fault
from ampyard.domain.transactions import ChargingState, Transaction
from ampyard.services.charging_information import ChargingInformation, PointInformation, Scheduled, StationInformation
from ampyard.vdv463.wire.information import (
    ChargingPointFaultInfo,
    ChargingPointInfo,
    ChargingPointStatus,
    ChargingPredictionData,
    ChargingPredictionDataDepartureTime,
    ChargingPredictionDataMaxTargetSoc,
    ChargingPredictionDataMinTargetSoc,
    ChargingProcessInfo,
    ChargingProgressPredictionListEntry,
    ChargingStationFaultInfo,
    ChargingStationInfo,
    DepotInfo,
    ElectricData,
    PointFaultCode,
    ProcessStatus,
    ProvideChargingInformationRequest,
    RejectedChargingRequestInfo,
    ScheduledChargingProcess,
    StationFaultCode,
    TractionBatteryInfo,
    VehicleChargingStatus,
    VehicleInfo,
)

# ChargePointErrorCode of OCPP 1.6, 7.6; what is in neither is another failure.
_ELECTRICAL = frozenset(
    {"GroundFailure", "HighTemperature", "OverCurrentFailure", "OverVoltage", "PowerMeterFailure", "PowerSwitchFailure", "UnderVoltage"}
)
_COMMUNICATION = frozenset({"EVCommunicationError", "WeakSignal"})
_CONFIGURATION = frozenset({"LocalListConflict"})

_PROCESS: dict[ChargingState, ProcessStatus] = {
    ChargingState.CHARGING: "Charging",
    ChargingState.EV_CONNECTED: "Preparing",
    ChargingState.IDLE: "Finishing",
    ChargingState.SUSPENDED_EV: "SuspendedEV",
    ChargingState.SUSPENDED_EVSE: "SuspendedEVSE",
}
_VEHICLE: dict[ChargingState, VehicleChargingStatus] = {
    ChargingState.CHARGING: "Charging",
    ChargingState.EV_CONNECTED: "ReadyToCharge",
    ChargingState.IDLE: "ReadyToCharge",
    ChargingState.SUSPENDED_EV: "Unknown",
    ChargingState.SUSPENDED_EVSE: "ReadyToCharge",
}
_POINT: dict[ConnectorStatus, ChargingPointStatus] = {
    ConnectorStatus.AVAILABLE: "Available",
    ConnectorStatus.RESERVED: "Reserved",
    ConnectorStatus.UNAVAILABLE: "Unavailable",
    ConnectorStatus.UNKNOWN: "Unavailable",
    ConnectorStatus.FAULTED: "Faulted",
}


def told(information: ChargingInformation) -> ProvideChargingInformationRequest:
    """Return the information as version 2 has it.

    Requests that name no charging point are listed at one of their own, `<depot>/0/0`, that is never available.
    """
    presystem = information.link.presystem_id or information.link.identity
    depot_id = str(information.depot.id)
    stations = [_station(station, presystem) for station in information.stations]
    unplaced = _scheduled(information.unplaced, presystem)
    if unplaced is not None:
        nowhere = ChargingPointInfo(
            charging_point_id=f"{depot_id}/0/0", charging_point_status="Unavailable", scheduled_charging_process_list=unplaced
        )
        stations.append(ChargingStationInfo(charging_station_id=f"{depot_id}/0", charging_point_info_list=[nowhere]))
    rejected = [
        RejectedChargingRequestInfo(presystem_id=presystem, charging_request_id=request.external_id or "", reason=reason)
        for request, reason in information.rejected
    ]
    depot = DepotInfo(depot_id=depot_id, name=information.depot.name, charging_station_info_list=stations)
    return ProvideChargingInformationRequest(depot_info_list=[depot], rejected_charging_request_info_list=rejected)


def _station(station: StationInformation, presystem: str) -> ChargingStationInfo:
    powers = [point.transaction.power_kw for point in station.points if point.transaction is not None]
    return ChargingStationInfo(
        charging_station_id=station.charge_point.identity,
        charging_point_info_list=[_point(station.charge_point, point, presystem) for point in station.points],
        charging_station_fault_info=_station_fault(station),
        total_power=sum(powers),
    )


def _station_fault(station: StationInformation) -> ChargingStationFaultInfo | None:
    away_since = station.charge_point.disconnected_at or station.charge_point.created_at
    if not station.charge_point.connected:
        return ChargingStationFaultInfo(
            charging_station_fault_code="CommunicationFailure", fault_text="It is not connected.", fault_time_stamp=away_since
        )
    fault = _newest(station.faults)
    if fault is None:
        return None
    code: StationFaultCode = "OtherChargingStationFailure"
    for codes, named in _STATION_CODES:
        if fault.code in codes:
            code = named
    return ChargingStationFaultInfo(charging_station_fault_code=code, fault_text=_text(fault), fault_time_stamp=fault.raised_at)


_STATION_CODES: tuple[tuple[frozenset[str], StationFaultCode], ...] = (
    (_ELECTRICAL, "ElectricalOperationFailure"),
    (_COMMUNICATION, "CommunicationFailure"),
    (_CONFIGURATION, "ConfigurationFailure"),
)


def _point(charge_point: ChargePoint, point: PointInformation, presystem: str) -> ChargingPointInfo:
    fault = _newest(point.faults)
    point_code: PointFaultCode = (
        "CommunicationFailure" if fault is not None and fault.code in _COMMUNICATION else "OtherChargingPointFailure"
    )
    status = _status(charge_point, point)
    return ChargingPointInfo(
        charging_point_id=charging_point_name(charge_point.identity, point.evse.evse_no),
        charging_point_status=status,
        present_power_limit=point.evse.fallback_kw if point.evse.limit_kw is None else point.evse.limit_kw,
        energy_meter_reading=None if point.transaction is None else point.transaction.meter_wh,
        charging_point_fault_info=None
        if fault is None
        else ChargingPointFaultInfo(charging_point_fault_code=point_code, fault_text=_text(fault), fault_time_stamp=fault.raised_at),
        vehicle_info=_vehicle(point, status),
        charging_process_info=None if point.transaction is None else _process(point, point.transaction, presystem),
        scheduled_charging_process_list=_scheduled(point.scheduled, presystem),
    )


def _status(charge_point: ChargePoint, point: PointInformation) -> ChargingPointStatus:
    if not charge_point.connected:
        return "Unavailable"
    status = _POINT.get(point.evse.status, "Occupied")
    return "Occupied" if point.transaction is not None and status != "Faulted" else status


def _vehicle(point: PointInformation, status: ChargingPointStatus) -> VehicleInfo | None:
    vehicle, transaction = point.vehicle, point.transaction
    if vehicle is None or transaction is None:
        return None
    soc = vehicle.soc_percent
    return VehicleInfo(
        vehicle_id=point.request.vehicle_name if point.request is not None and point.request.external_id else vehicle.vin or vehicle.name,
        traction_battery_info=None if soc is None else TractionBatteryInfo(state_of_charge=soc),
        vehicle_charging_status="ChargingImpossible" if status == "Faulted" else _VEHICLE[transaction.charging_state],
    )


def _process(point: PointInformation, transaction: Transaction, presystem: str) -> ChargingProcessInfo:
    theirs = point.request if point.request is not None and point.request.external_id else None
    waits = transaction.charging_state is ChargingState.SUSPENDED_EVSE and point.evse.limit_kw == 0
    return ChargingProcessInfo(
        presystem_id=None if theirs is None else presystem,
        charging_request_id=None if theirs is None else theirs.external_id,
        charging_process_id=str(transaction.id) if theirs is None or theirs.process_id is None else theirs.process_id,
        process_status="Queued" if waits else _PROCESS[transaction.charging_state],
        start_time=transaction.started_at,
        charging_prediction_data=_prediction(point.request, point.outlook),
        electric_data=ElectricData(charging_power=transaction.power_kw),
        delivered_energy=transaction.energy_wh,
    )


def _scheduled(scheduled: Sequence[Scheduled], presystem: str) -> list[ScheduledChargingProcess] | None:
    found = [
        ScheduledChargingProcess(
            presystem_id=presystem,
            charging_request_id=one.request.external_id or "",
            charging_process_id=one.request.process_id,
            vehicle_id=one.request.vehicle_name,
            start_time=one.request.arrives_at,
            charging_prediction_data=_prediction(one.request, one.outlook),
        )
        for one in scheduled
    ]
    return found or None


def _prediction(request: ChargingRequest | None, outlook: ChargingOutlook | None) -> ChargingPredictionData:
    """Return what is foreseen of a request; it is finished once its maximum is held."""
    if request is None or outlook is None:
        return ChargingPredictionData(charging_prediction_data_status="Ongoing")
    finished = outlook.maximum_at is not None and outlook.maximum_at <= outlook.at
    at_departure = outlook.departure_soc_percent
    return ChargingPredictionData(
        charging_prediction_data_status="Finished" if finished else "Ongoing",
        charging_prediction_data_min_target_soc=None
        if outlook.minimum_at is None
        else ChargingPredictionDataMinTargetSoc(requested_min_target_soc=request.min_soc_percent, predicted_time=outlook.minimum_at),
        charging_prediction_data_max_target_soc=None
        if outlook.maximum_at is None
        else ChargingPredictionDataMaxTargetSoc(requested_max_target_soc=request.max_soc_percent, predicted_time=outlook.maximum_at),
        charging_prediction_data_departure_time=None
        if at_departure is None or request.departs_at is None
        else ChargingPredictionDataDepartureTime(
            predicted_departure_time_soc=_percent(at_departure), requested_time_for_departure=request.departs_at
        ),
        charging_progress_prediction_list=[
            ChargingProgressPredictionListEntry(predicted_soc=_percent(soc), predicted_time=moment) for moment, soc in outlook.progress
        ]
        or None,
    )


def _percent(value: float) -> float:
    return round(min(100.0, max(0.0, value)), 1)


def _newest(faults: Iterable[Fault]) -> Fault | None:
    return max(faults, key=lambda fault: (fault.raised_at, fault.id), default=None)


def _text(fault: Fault) -> str:
    return ": ".join(part for part in (fault.code, fault.vendor_code, fault.info) if part)
