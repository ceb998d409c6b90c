"""Commands in the words of OCPP 2.1: those of 2.0.1, which it takes as they are, and profiles that mind the link."""

from typing import Any

from ocpp.v21.datatypes import ChargingProfileType

from ampyard.connect.v201 import commands as v201
from ampyard.connect.values import profile_of
from ampyard.domain.commands import Command, CommandKind


def message(command: Command) -> Any:
    """Return the `call` that a command is.

    A profile that ends some time after the link is lost (OCPP 2.1 part 2, ChargingProfileType.maxOfflineDuration) ends for good: what
    was decided long ago must not come back into force with the link, before the limit of today.
    """
    said = v201.message(command)
    if command.kind is CommandKind.SET_LIMIT and (max_offline_s := profile_of(command.payload).max_offline_s) is not None:
        said.charging_profile = ChargingProfileType(
            **vars(said.charging_profile), max_offline_duration=max_offline_s, invalid_after_offline_duration=True
        )
    return said
