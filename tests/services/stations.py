"""Charge points of a test fleet, as the connect process would name them."""

import uuid

from ampyard.domain.charge_points import OcppVersion
from ampyard.domain.commands import CommandKind, CommandState
from ampyard.repositories.charge_points import ChargePoints
from ampyard.repositories.commands import Commands
from ampyard.services import charge_points, commands
from ampyard.services.backend import Backend
from ampyard.services.charge_points import Station


async def online(backend: Backend, tenant_id: uuid.UUID) -> dict[str, Station]:
    """Connect every charge point of a tenant, and have each confirm its default profiles; returns them by identity."""
    async with backend.database.snapshot(tenant_id) as snapshot:
        known = await ChargePoints(snapshot).where()
    stations = {cp.identity: Station(tenant_id, cp.id, cp.identity, uuid.uuid4()) for cp in known}
    for charge_point in known:
        version = charge_point.ocpp_version or OcppVersion.V16
        await charge_points.connected(backend, stations[charge_point.identity], version)
        await confirm_defaults(backend, stations[charge_point.identity])
    return stations


async def confirm_defaults(backend: Backend, station: Station, state: CommandState = CommandState.ACCEPTED) -> None:
    """Have the default profiles of a charge point's EVSEs ordered, and answer so."""
    await charge_points.install_defaults(backend, station)
    async with backend.database.snapshot(station.tenant_id) as snapshot:
        column = Commands.table.c
        ordered = await Commands(snapshot).where(
            column.charge_point_id == station.charge_point_id,
            column.kind == CommandKind.SET_DEFAULT_LIMIT,
            column.state == CommandState.PENDING,
        )
    for command in ordered:
        await commands.claim(backend, station.tenant_id, command.id)
        await commands.finish(backend, station.tenant_id, command.id, state, state.value)
