"""Orders of people in the words of OCPP 2.0.1, and what the answers mean."""

from functools import singledispatch
from typing import Any

from ocpp.v201 import call
from ocpp.v201.datatypes import ClearChargingProfileType, EVSEType, FirmwareType, GetVariableDataType, IdTokenType, SetVariableDataType
from ocpp.v201.enums import (
    ChargingProfilePurposeEnumType,
    ChargingRateUnitEnumType,
    IdTokenEnumType,
    MessageTriggerEnumType,
    OperationalStatusEnumType,
    ReportBaseEnumType,
    ResetEnumType,
)

from ampyard.connect.answers import Answer
from ampyard.connect.schedules import composite_schedule
from ampyard.connect.v201.variables import component_variable, variables_answer
from ampyard.connect.values import format_timestamp
from ampyard.domain.commands import Command, CommandKind
from ampyard.domain.id_tags import IdTagKind
from ampyard.domain.orders import (
    CancelReservation,
    ChangeAvailability,
    ClearProfiles,
    Order,
    ReadSchedule,
    ReadVariables,
    Reserve,
    Reset,
    ResetKind,
    SetVariable,
    TriggeredMessage,
    TriggerMessage,
    UnlockConnector,
    UpdateFirmware,
)

# An EVSE with several connectors tells the status of each by itself; asked for is that of the first.
_FIRST_CONNECTOR = 1
# What a station reads for itself must be of the type it reads it as, to be the same (IdTokenEnumType); what an app has it never reads.
_TYPE_OF_KIND = {
    IdTagKind.RFID: IdTokenEnumType.iso14443,
    IdTagKind.MAC: IdTokenEnumType.mac_address,
    IdTagKind.CONTRACT: IdTokenEnumType.e_maid,
    IdTagKind.APP: IdTokenEnumType.central,
}


@singledispatch
def order_message(order: Order) -> Any:
    """Return the `call` that an order is."""
    raise TypeError(f"There is no message for {order}.")


@order_message.register
def _(order: Reset) -> call.Reset:
    return call.Reset(ResetEnumType.immediate if order.reset is ResetKind.HARD else ResetEnumType.on_idle, order.evse_no)


@order_message.register
def _(order: ChangeAvailability) -> call.ChangeAvailability:
    wanted = OperationalStatusEnumType.operative if order.operative else OperationalStatusEnumType.inoperative
    return call.ChangeAvailability(wanted, _evse(order.evse_no))


@order_message.register
def _(order: UnlockConnector) -> call.UnlockConnector:
    return call.UnlockConnector(order.evse_no, order.connector_no)


@order_message.register
def _(order: ReadVariables) -> call.GetBaseReport | call.GetVariables:
    if not order.variables:
        return call.GetBaseReport(order.request_id, ReportBaseEnumType.full_inventory)
    return call.GetVariables([GetVariableDataType(*component_variable(name)) for name in order.variables])


@order_message.register
def _(order: SetVariable) -> call.SetVariables:
    return call.SetVariables([SetVariableDataType(order.value, *component_variable(order.variable))])


@order_message.register
def _(order: UpdateFirmware) -> call.UpdateFirmware:
    firmware = FirmwareType(order.location, format_timestamp(order.retrieve_at))
    return call.UpdateFirmware(order.request_id, firmware, order.retries)


@order_message.register
def _(order: TriggerMessage) -> call.TriggerMessage:
    # F06.FR.05: the status of a connector is asked for with the connector's number.
    connector_no = _FIRST_CONNECTOR if order.message is TriggeredMessage.STATUS_NOTIFICATION else None
    return call.TriggerMessage(MessageTriggerEnumType(order.message.value), _evse(order.evse_no, connector_no))


@order_message.register
def _(order: ReadSchedule) -> call.GetCompositeSchedule:
    return call.GetCompositeSchedule(order.duration_s, order.evse_no, ChargingRateUnitEnumType(order.unit.value))


@order_message.register
def _(order: ClearProfiles) -> call.ClearChargingProfile:
    purpose = ChargingProfilePurposeEnumType.tx_profile
    return call.ClearChargingProfile(charging_profile_criteria=ClearChargingProfileType(order.evse_no, purpose))


@order_message.register
def _(order: Reserve) -> call.ReserveNow:
    group = None if order.group_id is None else IdTokenType(order.group_id, IdTokenEnumType.central)
    token = IdTokenType(order.id_tag, _TYPE_OF_KIND[order.id_tag_kind])
    return call.ReserveNow(order.number, format_timestamp(order.expires_at), token, evse_id=order.evse_no, group_id_token=group)


@order_message.register
def _(order: CancelReservation) -> call.CancelReservation:
    return call.CancelReservation(order.number)


def understand(command: Command, answer: dict[str, Any]) -> Answer:
    """Return what an answer means."""
    match command.kind:
        case CommandKind.READ_VARIABLES if "get_variable_result" in answer:
            return variables_answer(answer["get_variable_result"])
        case CommandKind.SET_VARIABLE:
            (result,) = answer["set_variable_result"]
            return Answer(str(result["attribute_status"]), _words(result.get("attribute_status_info")))
        case CommandKind.READ_SCHEDULE:
            schedule = answer.get("schedule")
            start = None if schedule is None else schedule["schedule_start"]
            return Answer(str(answer["status"]), _words(answer.get("status_info")), schedule=composite_schedule(start, schedule))
        case _:
            return Answer(str(answer["status"]), _words(answer.get("status_info")))


def _evse(evse_no: int | None, connector_no: int | None = None) -> EVSEType | None:
    return None if evse_no is None else EVSEType(evse_no, connector_no)


def _words(info: dict[str, Any] | None) -> str:
    return "" if info is None else f"{info['reason_code']} {info.get('additional_info', '')}".rstrip()
