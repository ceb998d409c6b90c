"""Commands in the words of OCPP 1.6."""

from typing import Any

from ocpp.v16 import call
from ocpp.v16.datatypes import ChargingProfile, ChargingSchedule, ChargingSchedulePeriod
from ocpp.v16.enums import ChargingProfileKindType, ChargingProfilePurposeType, ChargingRateUnitType

from ampyard.connect.v16.orders import order_message
from ampyard.connect.values import default_profile_id, format_timestamp, profile_of, tx_profile_id
from ampyard.domain.charging_profiles import Profile, RateUnit
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
                    profile_of(payload),
                    transaction_id=int(payload["ocpp_transaction_id"]),
                ),
            )
        case CommandKind.SET_DEFAULT_LIMIT:
            profile_id = default_profile_id(payload["evse_no"])
            profile = _profile(profile_id, ChargingProfilePurposeType.tx_default_profile, profile_of(payload))
            return call.SetChargingProfile(payload["evse_no"], profile)
        case _:
            return order_message(ORDERS[command.kind].from_payload(payload))


_UNITS = {RateUnit.A: ChargingRateUnitType.amps, RateUnit.W: ChargingRateUnitType.watts}


def _profile(
    profile_id: int, purpose: ChargingProfilePurposeType, profile: Profile, *, transaction_id: int | None = None
) -> ChargingProfile:
    """Return a profile: absolute, or from the start of the transaction on, so that a charge point's clock does not matter.

    A schedule ends by its last period, or by its duration.
    """
    schedule = ChargingSchedule(
        charging_rate_unit=_UNITS[profile.unit],
        charging_schedule_period=[ChargingSchedulePeriod(start_s, limit, profile.phases) for start_s, limit in profile.periods],
        duration=profile.duration_s,
        start_schedule=None if profile.start_at is None else format_timestamp(profile.start_at),
    )
    return ChargingProfile(
        charging_profile_id=profile_id,
        stack_level=profile.stack_level,
        charging_profile_purpose=purpose,
        charging_profile_kind=ChargingProfileKindType.relative if profile.start_at is None else ChargingProfileKindType.absolute,
        charging_schedule=schedule,
        transaction_id=transaction_id,
    )
