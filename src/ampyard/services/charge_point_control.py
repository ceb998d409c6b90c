"""Orders to charge points: given by a person, seen through to the charge point's answer, and audited."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from ampyard.domain.access import Principal, Scope
from ampyard.domain.charge_points import ChargePoint, OcppVersion
from ampyard.domain.commands import Command
from ampyard.domain.errors import InvalidInputError
from ampyard.domain.orders import (
    ChangeAvailability,
    Order,
    ReadVariables,
    Reset,
    ResetKind,
    SetVariable,
    TriggeredMessage,
    TriggerMessage,
    UnlockConnector,
    UpdateFirmware,
    new_request_id,
)
from ampyard.domain.variables import VariableName
from ampyard.repositories.charge_points import ChargePoints, Connectors, Evses
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.repositories.variables import Variables
from ampyard.services import commands
from ampyard.services.backend import Backend

# Variables that hold a charge point's password: commands are kept, and read by many.
_SECRET: Final = frozenset({"authorizationkey", "basicauthpassword"})
# ChangeConfiguration.req (OCPP 1.6, 6.9) and KeyValue (7.29): CiString50Type and CiString500Type.
_KEY_LENGTH_16 = 50
_VALUE_LENGTH_16 = 500


async def reset_charge_point(
    backend: Backend, principal: Principal, charge_point_id: uuid.UUID, kind: ResetKind, *, evse_id: uuid.UUID | None = None
) -> Command:
    """Have a charge point, or one of its EVSEs (OCPP 2.0.1), start anew.

    All functions here raise:
        ForbiddenError: the principal lacks `charge_points:control`, or may only see the charge point.
        NotFoundError: there is no such charge point, EVSE or connector.
        ConflictError: the charge point is offline.
        InvalidInputError: what is asked is impossible, or impossible in the charge point's protocol version.
    """
    async with _ordering(backend, principal) as work:
        charge_point = await _asked(work, charge_point_id)
        evse_no = await _evse_no(work, charge_point, evse_id)
        if evse_no is not None and charge_point.ocpp_version is OcppVersion.V16:
            message = f"{charge_point.identity} speaks OCPP 1.6, in which only a whole charge point can be reset; leave the EVSE out."
            raise InvalidInputError(message, path=("input", "evseId"))
        return await _see_through(backend, work, charge_point, Reset(kind, evse_no))


async def change_availability(
    backend: Backend, principal: Principal, charge_point_id: uuid.UUID, *, operative: bool, evse_id: uuid.UUID | None = None
) -> Command:
    """Have a charge point, or one of its EVSEs, take vehicles or take none. Raises as `reset_charge_point`."""
    async with _ordering(backend, principal) as work:
        charge_point = await _asked(work, charge_point_id)
        order = ChangeAvailability(operative, await _evse_no(work, charge_point, evse_id))
        return await _see_through(backend, work, charge_point, order)


async def unlock_connector(backend: Backend, principal: Principal, connector_id: uuid.UUID) -> Command:
    """Have a plug let go. Raises as `reset_charge_point`."""
    async with _ordering(backend, principal) as work:
        connector = await work.require(Connectors, connector_id, "connector")
        evse = await work.require(Evses, connector.evse_id, "EVSE")
        charge_point = await _asked(work, evse.charge_point_id)
        return await _see_through(backend, work, charge_point, UnlockConnector(evse.evse_no, connector.connector_no))


async def read_variables(
    backend: Backend, principal: Principal, charge_point_id: uuid.UUID, variables: Sequence[VariableName] = ()
) -> Command:
    """Have a charge point tell variables, or all it has. Raises as `reset_charge_point`.

    An OCPP 1.6 charge point tells them with its answer; a 2.0.1 station that is asked for all reports them afterwards.
    """
    async with _ordering(backend, principal) as work:
        charge_point = await _asked(work, charge_point_id)
        for n, name in enumerate(variables):
            _check_name(charge_point, name, ("input", "variables", str(n)))
        return await _see_through(backend, work, charge_point, ReadVariables(tuple(variables), new_request_id()))


async def set_variable(backend: Backend, principal: Principal, charge_point_id: uuid.UUID, name: VariableName, value: str) -> Command:
    """Have a charge point change a variable. Raises as `reset_charge_point`.

    InvalidInputError also for a variable that it has told is read-only, and for the one that holds its password.
    """
    async with _ordering(backend, principal) as work:
        charge_point = await _asked(work, charge_point_id)
        _check_name(charge_point, name, ("input", "variable"))
        if name.variable.lower() in _SECRET:
            message = (
                f"{name} is a password, and what is ordered is kept; set it at the charge point, and here with setChargePointPassword."
            )
            raise InvalidInputError(message, path=("input", "variable"))
        if charge_point.ocpp_version is OcppVersion.V16 and len(value) > _VALUE_LENGTH_16:
            message = f"The value has {len(value)} characters; OCPP 1.6 allows {_VALUE_LENGTH_16}."
            raise InvalidInputError(message, path=("input", "value"))
        if await Variables(work.session).is_read_only(charge_point.id, name):
            raise InvalidInputError(f"{name} is read-only at {charge_point.identity}.", path=("input", "variable"))
        return await _see_through(backend, work, charge_point, SetVariable(name, value))


async def update_firmware(
    backend: Backend,
    principal: Principal,
    charge_point_id: uuid.UUID,
    location: str,
    *,
    retrieve_at: datetime | None = None,
    retries: int | None = None,
) -> Command:
    """Have a charge point fetch firmware, now unless told, and install it; its steps are kept as they are told.

    Raises as `reset_charge_point`.
    """
    async with _ordering(backend, principal) as work:
        charge_point = await _asked(work, charge_point_id)
        return await _see_through(backend, work, charge_point, UpdateFirmware(location, retrieve_at or work.now, new_request_id(), retries))


async def trigger_message(
    backend: Backend, principal: Principal, charge_point_id: uuid.UUID, message: TriggeredMessage, *, evse_id: uuid.UUID | None = None
) -> Command:
    """Have a charge point send a message now. Raises as `reset_charge_point`."""
    async with _ordering(backend, principal) as work:
        charge_point = await _asked(work, charge_point_id)
        return await _see_through(backend, work, charge_point, TriggerMessage(message, await _evse_no(work, charge_point, evse_id)))


def _ordering(backend: Backend, principal: Principal) -> UnitOfWork:
    principal.require(Scope.CHARGE_POINTS_CONTROL)
    return backend.unit_of_work(principal, Scope.CHARGE_POINTS_CONTROL)


async def _asked(work: UnitOfWork, charge_point_id: uuid.UUID) -> ChargePoint:
    """Return the charge point that is to be asked: one the principal may control, and that is online."""
    await work.require(ChargePoints, charge_point_id, "charge point")
    return await commands.reachable(work, charge_point_id)


async def _evse_no(work: UnitOfWork, charge_point: ChargePoint, evse_id: uuid.UUID | None) -> int | None:
    if evse_id is None:
        return None
    evse = await work.require(Evses, evse_id, "EVSE")
    if evse.charge_point_id != charge_point.id:
        message = f"This EVSE is not one of {charge_point.identity}; name one of its own, or none for all."
        raise InvalidInputError(message, path=("input", "evseId"))
    return evse.evse_no


def _check_name(charge_point: ChargePoint, name: VariableName, path: tuple[str, ...]) -> None:
    """Refuse a name that the charge point's protocol version cannot say."""
    if charge_point.ocpp_version is not OcppVersion.V16:
        if not name.component:
            raise InvalidInputError(f"{name} has no component; OCPP 2 needs one, such as OCPPCommCtrlr.", path=path)
        return
    if name != VariableName("", name.variable):
        raise InvalidInputError(f"{name} has a component; OCPP 1.6 has keys alone, such as HeartbeatInterval.", path=path)
    if not 0 < len(name.variable) <= _KEY_LENGTH_16:
        raise InvalidInputError(f"{name.variable!r} has {len(name.variable)} characters; give 1 to {_KEY_LENGTH_16}.", path=path)


async def _see_through(backend: Backend, work: UnitOfWork, charge_point: ChargePoint, order: Order) -> Command:
    command = await commands.give(work, charge_point.id, order.kind, order.payload())
    detail: dict[str, Any] = {"command_id": str(command.id), **order.payload()}
    await work.audit(f"charge_point.{order.kind.value.lower()}", "charge_point", charge_point.id, **detail)
    work.answers(command=command)
    return await commands.see_through(backend, work.principal, command, give=work.commit)
