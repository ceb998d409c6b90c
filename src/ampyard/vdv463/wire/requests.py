"""What presystems send: BootNotificationRequest and ProvideChargingRequestsRequest, of versions 1 and 2."""

import json
from typing import Any, Literal, TypeAlias, TypeVar

from pydantic import Field, ValidationError

from ampyard.domain.charging_requests import PreconditioningKind, PreconditioningLoad, PreconditioningWish, Statement
from ampyard.domain.depot_links import PresystemKind
from ampyard.domain.errors import InvalidInputError
from ampyard.vdv463.wire.types import Identifier, Moment, Percent, WireModel

M = TypeVar("M", bound=WireModel)

# What a column holds; the standard leaves it open.
_PRIORITY = 2**31 - 1
_MOST_FLAWS = 10

# Of version 1 alone; version 2 tells by what is in the list.
ChargingInstruction: TypeAlias = Literal["Normal", "Changed", "Terminate"]


class BootNotificationRequest(WireModel):
    presystem: PresystemKind


class ChargingRequestData(WireModel):
    expected_arrival_time_at_charging_point: Moment | None = None
    expected_soc_at_arrival: Percent | None = None
    min_target_soc: Percent
    max_target_soc: Percent
    requested_time_for_departure: Moment | None = None
    ad_hoc_charging: bool | None = None


class AutomaticPreconditioning(WireModel):
    preconditioning_request: PreconditioningKind
    ambient_temperature: float | None = Field(default=None, allow_inf_nan=False)
    requested_start_time: Moment | None = None
    requested_finish_time: Moment | None = None
    target_soc: Percent | None = None


class ManualPreconditioning(WireModel):
    hvac_preconditioning_start_time: Moment
    hvac_auxiliary_consumer_power: int | None = None
    system_preconditioning_start_time: Moment
    system_auxiliary_consumer_power: int | None = None
    target_soc: Percent | None = None


class ChargingRequest(WireModel):
    charging_point_id: Identifier | None = None
    vehicle_id: Identifier
    charging_request_id: Identifier
    charging_process_id: Identifier | None = None
    priority: int | None = Field(default=None, ge=-_PRIORITY, le=_PRIORITY)
    charging_request_data: ChargingRequestData
    automatic_preconditioning: AutomaticPreconditioning | None = None
    manual_preconditioning: ManualPreconditioning | None = None

    @property
    def statement(self) -> Statement:
        """What it says, in our words; its names are not looked up yet."""
        data = self.charging_request_data
        return Statement(
            external_id=self.charging_request_id,
            vehicle_name=self.vehicle_id,
            vehicle_id=None,
            min_soc_percent=data.min_target_soc,
            max_soc_percent=data.max_target_soc,
            charge_point_name=self.charging_point_id,
            process_id=self.charging_process_id,
            priority=self.priority,
            arrives_at=data.expected_arrival_time_at_charging_point,
            arrival_soc_percent=data.expected_soc_at_arrival,
            departs_at=data.requested_time_for_departure,
            ad_hoc=bool(data.ad_hoc_charging),
            preconditioning=self._preconditioning,
        )

    @property
    def _preconditioning(self) -> PreconditioningWish | None:
        auto, manual = self.automatic_preconditioning, self.manual_preconditioning
        if auto is None and manual is None:
            return None
        targets = [one.target_soc for one in (auto, manual) if one is not None and one.target_soc is not None]
        return PreconditioningWish(
            kind=None if auto is None else auto.preconditioning_request,
            ambient_celsius=None if auto is None else auto.ambient_temperature,
            begins_at=None if auto is None else auto.requested_start_time,
            ends_at=None if auto is None else auto.requested_finish_time,
            target_soc_percent=max(targets, default=None),
            hvac=None if manual is None else _load(manual.hvac_preconditioning_start_time, manual.hvac_auxiliary_consumer_power),
            system=None if manual is None else _load(manual.system_preconditioning_start_time, manual.system_auxiliary_consumer_power),
        )


class ProvideChargingRequestsRequest(WireModel):
    charging_request_list: list[ChargingRequest]

    @property
    def statements(self) -> list[Statement]:
        """What is asked for."""
        return [request.statement for request in self.charging_request_list]


class ChargingRequestVersion1(ChargingRequest):
    charging_instruction: ChargingInstruction | None = None


class ProvideChargingRequestsRequestVersion1(WireModel):
    charging_request_list: list[ChargingRequestVersion1]

    @property
    def statements(self) -> list[Statement]:
        """What is asked for; what is listed to be terminated is as good as missing."""
        return [request.statement for request in self.charging_request_list if request.charging_instruction != "Terminate"]


def _load(begins_at: Moment, kw: int | None) -> PreconditioningLoad:
    return PreconditioningLoad(begins_at, None if kw is None else float(kw))


def read(model: type[M], payload: dict[str, Any]) -> M:
    """Return a payload as what it should be.

    Raises:
        InvalidInputError: it is not; each fault with its place.
    """
    try:
        return model.model_validate_json(json.dumps(payload), strict=True)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        told = [f"{'.'.join(str(part) for part in fault['loc']) or 'payload'}: {fault['msg']}" for fault in faults]
        more = f"; and {len(told) - _MOST_FLAWS} more" if len(told) > _MOST_FLAWS else ""
        raise InvalidInputError("; ".join(told[:_MOST_FLAWS]) + more) from error
