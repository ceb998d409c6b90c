"""Orders of people in the words of OCPP 1.6, and what the answers mean."""

from functools import singledispatch
from typing import Any

from ocpp.v16 import call
from ocpp.v16.enums import AvailabilityType, ChargingProfilePurposeType, ChargingRateUnitType, MessageTrigger, ResetType

from ampyard.connect.answers import Answer
from ampyard.connect.schedules import composite_schedule
from ampyard.connect.values import format_timestamp
from ampyard.domain.commands import Command, CommandKind
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
    TriggerMessage,
    UnlockConnector,
    UpdateFirmware,
)
from ampyard.domain.variables import ReportedVariable, VariableName

# Connector 0 stands for the charge point with all its connectors (ChangeAvailability.req, 6.7).
_WHOLE = 0


@singledispatch
def order_message(order: Order) -> Any:
    """Return the `call` that an order is."""
    raise TypeError(f"There is no message for {order}.")


@order_message.register
def _(order: Reset) -> call.Reset:
    return call.Reset(ResetType.hard if order.reset is ResetKind.HARD else ResetType.soft)


@order_message.register
def _(order: ChangeAvailability) -> call.ChangeAvailability:
    wanted = AvailabilityType.operative if order.operative else AvailabilityType.inoperative
    return call.ChangeAvailability(order.evse_no or _WHOLE, wanted)


@order_message.register
def _(order: UnlockConnector) -> call.UnlockConnector:
    return call.UnlockConnector(order.evse_no)


@order_message.register
def _(order: ReadVariables) -> call.GetConfiguration:
    return call.GetConfiguration([name.variable for name in order.variables] or None)


@order_message.register
def _(order: SetVariable) -> call.ChangeConfiguration:
    return call.ChangeConfiguration(order.variable.variable, order.value)


@order_message.register
def _(order: UpdateFirmware) -> call.UpdateFirmware:
    return call.UpdateFirmware(order.location, format_timestamp(order.retrieve_at), order.retries)


@order_message.register
def _(order: TriggerMessage) -> call.TriggerMessage:
    return call.TriggerMessage(MessageTrigger(order.message.value), order.evse_no)


@order_message.register
def _(order: ReadSchedule) -> call.GetCompositeSchedule:
    return call.GetCompositeSchedule(order.evse_no, order.duration_s, ChargingRateUnitType(order.unit.value))


@order_message.register
def _(order: ClearProfiles) -> call.ClearChargingProfile:
    return call.ClearChargingProfile(connector_id=order.evse_no, charging_profile_purpose=ChargingProfilePurposeType.tx_profile)


@order_message.register
def _(order: Reserve) -> call.ReserveNow:
    expiry = format_timestamp(order.expires_at)
    return call.ReserveNow(order.evse_no, expiry, order.id_tag, order.number, parent_id_tag=order.group_id)


@order_message.register
def _(order: CancelReservation) -> call.CancelReservation:
    return call.CancelReservation(order.number)


def understand(command: Command, answer: dict[str, Any]) -> Answer:
    """Return what an answer means."""
    match command.kind:
        case CommandKind.UPDATE_FIRMWARE:
            return Answer("Accepted")  # UpdateFirmware.conf (6.56) has no fields: that it was answered is all there is to know
        case CommandKind.READ_VARIABLES:
            told = [
                ReportedVariable(VariableName("", entry["key"]), entry.get("value"), read_only=entry["readonly"])
                for entry in answer.get("configuration_key") or []
            ]
            unknown = answer.get("unknown_key") or []
            if unknown and not told:
                return Answer("Unknown", ", ".join(unknown))
            return Answer("Accepted", f"not known: {', '.join(unknown)}" if unknown else "", told)
        case CommandKind.READ_SCHEDULE:
            return Answer(str(answer["status"]), schedule=composite_schedule(answer.get("schedule_start"), answer.get("charging_schedule")))
        case _:
            return Answer(str(answer["status"]))
