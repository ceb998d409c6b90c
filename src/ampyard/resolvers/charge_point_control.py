"""Orders to charge points: decode the ids, call the service."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from ampyard.domain.charge_points import ChargePoint, Connector, Evse
from ampyard.domain.orders import ResetKind, TriggeredMessage
from ampyard.domain.variables import VariableName
from ampyard.resolvers.changes import Caller
from ampyard.resolvers.ids import decode_id, optional_id
from ampyard.services import charge_point_control


class Named(Protocol):
    """A variable as an input names it."""

    def name(self) -> VariableName: ...


async def reset_charge_point(caller: Caller, *, charge_point_id: str, kind: ResetKind, evse_id: str | None) -> dict[str, Any]:
    """Have a charge point start anew."""
    point, evse = _point(charge_point_id), optional_id("input.evseId", evse_id, Evse)
    return {"command": await charge_point_control.reset_charge_point(caller.backend, caller.principal, point, kind, evse_id=evse)}


async def change_availability(caller: Caller, *, charge_point_id: str, operative: bool, evse_id: str | None) -> dict[str, Any]:
    """Have a charge point take vehicles, or none."""
    point, evse = _point(charge_point_id), optional_id("input.evseId", evse_id, Evse)
    change = charge_point_control.change_availability
    return {"command": await change(caller.backend, caller.principal, point, operative=operative, evse_id=evse)}


async def unlock_connector(caller: Caller, *, connector_id: str) -> dict[str, Any]:
    """Have a plug let go."""
    connector = decode_id("input.connectorId", connector_id, Connector)
    return {"command": await charge_point_control.unlock_connector(caller.backend, caller.principal, connector)}


async def refresh_configuration(caller: Caller, *, charge_point_id: str, variables: Sequence[Named]) -> dict[str, Any]:
    """Have a charge point tell its variables."""
    names = [variable.name() for variable in variables]
    return {"command": await charge_point_control.read_variables(caller.backend, caller.principal, _point(charge_point_id), names)}


async def set_variable(caller: Caller, *, charge_point_id: str, variable: Named, value: str) -> dict[str, Any]:
    """Have a charge point change a variable."""
    point = _point(charge_point_id)
    return {"command": await charge_point_control.set_variable(caller.backend, caller.principal, point, variable.name(), value)}


async def update_firmware(
    caller: Caller, *, charge_point_id: str, location: str, retrieve_at: datetime | None, retries: int | None
) -> dict[str, Any]:
    """Have a charge point fetch and install firmware."""
    command = await charge_point_control.update_firmware(
        caller.backend, caller.principal, _point(charge_point_id), location, retrieve_at=retrieve_at, retries=retries
    )
    return {"command": command}


async def trigger_message(caller: Caller, *, charge_point_id: str, message: TriggeredMessage, evse_id: str | None) -> dict[str, Any]:
    """Have a charge point send a message."""
    point, evse = _point(charge_point_id), optional_id("input.evseId", evse_id, Evse)
    return {"command": await charge_point_control.trigger_message(caller.backend, caller.principal, point, message, evse_id=evse)}


def _point(charge_point_id: str) -> uuid.UUID:
    return decode_id("input.chargePointId", charge_point_id, ChargePoint)
