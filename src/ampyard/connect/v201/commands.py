"""Commands in the words of OCPP 2.0.1."""

from typing import Any

from ocpp.v201 import call
from ocpp.v201.datatypes import (
    ChargingProfileType,
    ChargingSchedulePeriodType,
    ChargingScheduleType,
    IdTokenType,
)
from ocpp.v201.enums import (
    ChargingProfileKindEnumType,
    ChargingProfilePurposeEnumType,
    ChargingRateUnitEnumType,
    IdTokenEnumType,
)

from ampyard.connect.v201.orders import order_message
from ampyard.connect.values import default_profile_id, tx_profile_id, whole_watts
from ampyard.domain.commands import Command, CommandKind
from ampyard.domain.orders import ORDERS


def message(command: Command) -> Any:
    """Return the `call` that a command is."""
    payload = command.payload
    match command.kind:
        case CommandKind.START_TRANSACTION:
            token = IdTokenType(payload["id_tag"], IdTokenEnumType.central)
            return call.RequestStartTransaction(token, payload["remote_start_id"], payload["evse_no"])
        case CommandKind.STOP_TRANSACTION:
            return call.RequestStopTransaction(payload["ocpp_transaction_id"])
        case CommandKind.SET_LIMIT:
            return call.SetChargingProfile(
                payload["evse_no"],
                _profile(
                    tx_profile_id(payload["evse_no"]),
                    ChargingProfilePurposeEnumType.tx_profile,
                    payload["limit_kw"],
                    transaction_id=payload["ocpp_transaction_id"],
                ),
            )
        case CommandKind.SET_DEFAULT_LIMIT:
            profile_id = default_profile_id(payload["evse_no"])
            profile = _profile(profile_id, ChargingProfilePurposeEnumType.tx_default_profile, payload["limit_kw"])
            return call.SetChargingProfile(payload["evse_no"], profile)
        case _:
            return order_message(ORDERS[command.kind].from_payload(payload))


def _profile(
    profile_id: int, purpose: ChargingProfilePurposeEnumType, limit_kw: float, *, transaction_id: str | None = None
) -> ChargingProfileType:
    """Return one constant limit from the start of the transaction on: relative, so that a charge point's clock does not matter."""
    schedule = ChargingScheduleType(
        id=profile_id,
        charging_rate_unit=ChargingRateUnitEnumType.watts,
        charging_schedule_period=[ChargingSchedulePeriodType(start_period=0, limit=whole_watts(limit_kw))],
    )
    return ChargingProfileType(
        id=profile_id,
        stack_level=0,
        charging_profile_purpose=purpose,
        charging_profile_kind=ChargingProfileKindEnumType.relative,
        charging_schedule=[schedule],
        transaction_id=transaction_id,
    )
