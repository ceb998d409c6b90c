"""What presystems are told: ProvideChargingInformationRequest of version 2."""

from typing import Literal, TypeAlias

from ampyard.vdv463.wire.types import Moment, Percent, WireModel

ChargingPointStatus: TypeAlias = Literal["Available", "Occupied", "Reserved", "Unavailable", "Faulted"]
ProcessStatus: TypeAlias = Literal[
    "Preparing", "Charging", "SuspendedEVSE", "SuspendedEV", "Finishing", "Queued", "ChargingRejectedTechnically"
]
VehicleChargingStatus: TypeAlias = Literal["ReadyToCharge", "Charging", "ChargingImpossible", "Unknown"]
StationFaultCode: TypeAlias = Literal[
    "CommunicationFailure", "ElectricalOperationFailure", "ConfigurationFailure", "OtherChargingStationFailure"
]
PointFaultCode: TypeAlias = Literal["CommunicationFailure", "OtherChargingPointFailure"]


class Empty(WireModel):
    """An object that has to be there, and of which nothing is known here (VehicleStatusInfo, PreconditioningInfo)."""


class ChargingStationFaultInfo(WireModel):
    charging_station_fault_code: StationFaultCode
    fault_text: str | None = None
    fault_time_stamp: Moment


class ChargingPointFaultInfo(WireModel):
    charging_point_fault_code: PointFaultCode
    fault_text: str | None = None
    fault_time_stamp: Moment


class TractionBatteryInfo(WireModel):
    state_of_charge: Percent


class VehicleInfo(WireModel):
    vehicle_id: str
    traction_battery_info: TractionBatteryInfo | None = None
    vehicle_status_info: Empty = Empty()
    vehicle_charging_status: VehicleChargingStatus
    preconditioning_info: Empty = Empty()


class ElectricData(WireModel):
    charging_power: float


class ChargingPredictionDataMinTargetSoc(WireModel):
    requested_min_target_soc: Percent
    predicted_time: Moment


class ChargingPredictionDataMaxTargetSoc(WireModel):
    requested_max_target_soc: Percent
    predicted_time: Moment


class ChargingPredictionDataDepartureTime(WireModel):
    predicted_departure_time_soc: Percent
    requested_time_for_departure: Moment


class ChargingProgressPredictionListEntry(WireModel):
    predicted_soc: Percent
    predicted_time: Moment


class ChargingPredictionData(WireModel):
    charging_prediction_data_status: Literal["Ongoing", "Finished"]
    charging_prediction_data_min_target_soc: ChargingPredictionDataMinTargetSoc | None = None
    charging_prediction_data_max_target_soc: ChargingPredictionDataMaxTargetSoc | None = None
    charging_prediction_data_departure_time: ChargingPredictionDataDepartureTime | None = None
    charging_progress_prediction_list: list[ChargingProgressPredictionListEntry] | None = None


class ChargingProcessInfo(WireModel):
    presystem_id: str | None = None
    charging_request_id: str | None = None
    charging_process_id: str
    process_status: ProcessStatus
    start_time: Moment
    charging_prediction_data: ChargingPredictionData
    electric_data: ElectricData
    delivered_energy: float | None = None


class ScheduledChargingProcess(WireModel):
    presystem_id: str | None = None
    charging_request_id: str
    charging_process_id: str | None = None
    vehicle_id: str
    start_time: Moment | None = None
    charging_prediction_data: ChargingPredictionData


class ChargingPointInfo(WireModel):
    charging_point_id: str
    charging_point_status: ChargingPointStatus
    present_power_limit: float | None = None
    energy_meter_reading: float | None = None
    charging_point_fault_info: ChargingPointFaultInfo | None = None
    vehicle_info: VehicleInfo | None = None
    charging_process_info: ChargingProcessInfo | None = None
    scheduled_charging_process_list: list[ScheduledChargingProcess] | None = None


class ChargingStationInfo(WireModel):
    charging_station_id: str
    charging_point_info_list: list[ChargingPointInfo]
    charging_station_fault_info: ChargingStationFaultInfo | None = None
    total_power: float | None = None


class DepotInfo(WireModel):
    depot_id: str
    name: str
    charging_station_info_list: list[ChargingStationInfo]


class RejectedChargingRequestInfo(WireModel):
    presystem_id: str
    charging_request_id: str
    reason: str


class ProvideChargingInformationRequest(WireModel):
    depot_info_list: list[DepotInfo]
    rejected_charging_request_info_list: list[RejectedChargingRequestInfo]
