"""Commands in the words of OCPP 1.6."""

from typing import Any

from ocpp.v16 import call
from ocpp.v16.datatypes import ChargingProfile, ChargingSchedule, ChargingSchedulePeriod
from ocpp.v16.enums import ChargingProfileKindType, ChargingProfilePurposeType, ChargingRateUnitType

from ampyard.connect.v16.orders import order_message
from ampyard.connect.values import default_profile_id, tx_profile_id, whole_watts
from ampyard.domain.commands import Command, CommandKind
from ampyard.domain.orders import ORDERS


def message(command: Command) -> Any:
    """Return the `call` that a command is."""
    payload = command.payload
    match command.kind:
        case CommandKind.START_TRANSACTION:
            return call.RemoteStartTransaction(payload["id_tag"], payload["evse_no"])
        case CommandKind.STOP_TRANSACTION:
            return call.RemoteStopTransaction(int(payload["ocpp_transaction_id"]))
        case CommandKind.SET_LIMIT:
            return call.SetChargingProfile(
                payload["evse_no"],
                _profile(
                    tx_profile_id(payload["evse_no"]),
                    ChargingProfilePurposeType.tx_profile,
                    payload["limit_kw"],
                    transaction_id=int(payload["ocpp_transaction_id"]),
                ),
            )
        case CommandKind.SET_DEFAULT_LIMIT:
            profile_id = default_profile_id(payload["evse_no"])
            profile = _profile(profile_id, ChargingProfilePurposeType.tx_default_profile, payload["limit_kw"])
            return call.SetChargingProfile(payload["evse_no"], profile)
        case _:
            return order_message(ORDERS[command.kind].from_payload(payload))


def _profile(
    profile_id: int, purpose: ChargingProfilePurposeType, limit_kw: float, *, transaction_id: int | None = None
) -> ChargingProfile:
    """Return one constant limit from the start of the transaction on: relative, so that a charge point's clock does not matter."""
    period = ChargingSchedulePeriod(start_period=0, limit=whole_watts(limit_kw))
    return ChargingProfile(
        charging_profile_id=profile_id,
        stack_level=0,
        charging_profile_purpose=purpose,
        charging_profile_kind=ChargingProfileKindType.relative,
        charging_schedule=ChargingSchedule(charging_rate_unit=ChargingRateUnitType.watts, charging_schedule_period=[period]),
        transaction_id=transaction_id,
    )
