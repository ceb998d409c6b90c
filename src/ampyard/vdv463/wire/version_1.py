"""The same information as version 1 (1.1.0) has it: some members have other names, some are missing, and stations have a status."""

from typing import Any

from ampyard.vdv463.wire.information import ChargingPredictionData, ProvideChargingInformationRequest


def information(told: ProvideChargingInformationRequest) -> dict[str, Any]:
    """Return the payload of a ProvideChargingInformation of version 1, which cannot tell of rejected requests."""
    depots = []
    for depot in told.depot_info_list:
        found = _dumped(depot)
        for station, as_dumped in zip(depot.charging_station_info_list, found["chargingStationInfoList"], strict=True):
            statuses = {point.charging_point_status for point in station.charging_point_info_list}
            faulted = station.charging_station_fault_info is not None or statuses == {"Faulted"}
            as_dumped["chargingStationStatus"] = "Faulted" if faulted else "Unavailable" if statuses <= {"Unavailable"} else "Available"
            for point, point_dumped in zip(station.charging_point_info_list, as_dumped["chargingPointInfoList"], strict=True):
                point_dumped.pop("presentPowerLimit", None)
                process = point.charging_process_info
                if process is not None:
                    point_dumped["presentPower"] = process.electric_data.charging_power
                    point_dumped["chargingProcessInfo"]["chargingPredictionData"] = _prediction(process.charging_prediction_data)
                scheduled = zip(
                    point.scheduled_charging_process_list or (), point_dumped.get("scheduledChargingProcessList", ()), strict=True
                )
                for one, one_dumped in scheduled:
                    one_dumped["chargingPredictionData"] = _prediction(one.charging_prediction_data)
        depots.append(found)
    return {"depotInfoList": depots}


def _prediction(data: ChargingPredictionData) -> dict[str, Any]:
    found: dict[str, Any] = {}
    least, most, departure = (
        data.charging_prediction_data_min_target_soc,
        data.charging_prediction_data_max_target_soc,
        data.charging_prediction_data_departure_time,
    )
    if least is not None:
        dumped = _dumped(least)
        found["chargingPredictionDataMinSoc"] = {
            "requestedMinSoc": least.requested_min_target_soc,
            "predictedTime": dumped["predictedTime"],
        }
    if most is not None:
        dumped = _dumped(most)
        found["chargingPredictionDataFinalSoc"] = {
            "predictedFinalSoc": most.requested_max_target_soc,
            "predictedTime": dumped["predictedTime"],
        }
    if departure is not None:
        dumped = _dumped(departure)
        found["chargingPredictionDataDepartureTime"] = {
            "predictedDepartureTimeSoc": departure.predicted_departure_time_soc,
            "predictedTime": dumped["requestedTimeForDeparture"],
        }
    return found


def _dumped(model: Any) -> dict[str, Any]:
    dumped: dict[str, Any] = model.model_dump(mode="json", by_alias=True, exclude_none=True)
    return dumped
