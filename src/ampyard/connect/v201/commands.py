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
from ampyard.connect.values import default_profile_id, format_timestamp, profile_of, tx_profile_id
from ampyard.domain.charging_profiles import Profile, RateUnit
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
                    profile_of(payload),
                    transaction_id=payload["ocpp_transaction_id"],
                ),
            )
        case CommandKind.SET_DEFAULT_LIMIT:
            profile_id = default_profile_id(payload["evse_no"])
            profile = _profile(profile_id, ChargingProfilePurposeEnumType.tx_default_profile, profile_of(payload))
            return call.SetChargingProfile(payload["evse_no"], profile)
        case _:
            return order_message(ORDERS[command.kind].from_payload(payload))


_UNITS = {RateUnit.A: ChargingRateUnitEnumType.amps, RateUnit.W: ChargingRateUnitEnumType.watts}


def _profile(
    profile_id: int, purpose: ChargingProfilePurposeEnumType, profile: Profile, *, transaction_id: str | None = None
) -> ChargingProfileType:
    """Return a profile: absolute, or from the start of the transaction on, so that a charge point's clock does not matter.

    A schedule ends by its last period, or by its duration. The phase to use is named for one phase alone, where the station can
    choose it (ChargingSchedulePeriodType.phaseToUse).
    """
    periods = [ChargingSchedulePeriodType(start_s, limit, profile.phases, profile.phase) for start_s, limit in profile.periods]
    schedule = ChargingScheduleType(
        id=profile_id,
        charging_rate_unit=_UNITS[profile.unit],
        charging_schedule_period=periods,
        duration=profile.duration_s,
        start_schedule=None if profile.start_at is None else format_timestamp(profile.start_at),
    )
    absolute = profile.start_at is not None
    return ChargingProfileType(
        id=profile_id,
        stack_level=profile.stack_level,
        charging_profile_purpose=purpose,
        charging_profile_kind=ChargingProfileKindEnumType.absolute if absolute else ChargingProfileKindEnumType.relative,
        charging_schedule=[schedule],
        transaction_id=transaction_id,
    )
