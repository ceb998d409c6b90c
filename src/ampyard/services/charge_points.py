"""What charge points tell of themselves: who they are, that they are there, and the state of their connectors."""

import logging
import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from ampyard.domain.access import system_principal
from ampyard.domain.charge_points import ChargePoint, Connector, ConnectorStatus, Evse, OcppVersion, evse_status
from ampyard.domain.errors import NotFoundError
from ampyard.domain.events import Event, EventKind
from ampyard.domain.faults import FaultScope, FaultSource, ReportedFault
from ampyard.domain.life_cycle import ChargePointState
from ampyard.domain.transactions import ChargingState, Transaction
from ampyard.repositories.charge_points import ChargePoints, Connectors, Evses, forget_limits, mark_disconnected, note_presence
from ampyard.repositories.directory import ChargePointLogin, Directory
from ampyard.repositories.transactions import Transactions
from ampyard.repositories.unit_of_work import SOCKET_CHANNEL, UnitOfWork
from ampyard.services import faults
from ampyard.services.availability import note_availability
from ampyard.services.backend import Backend
from ampyard.services.limits import give_default, open_desk
from ampyard.services.secrets import NO_PASSWORD, verify_password

_log = logging.getLogger(__name__)

# A charge point is taken for lost when neither a message nor its socket's process has been heard of for this long.
SILENCE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Station:
    """A charge point on the line: which one, and over which socket."""

    tenant_id: uuid.UUID
    charge_point_id: uuid.UUID
    identity: str
    socket_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class BootInfo:
    """What a boot notification says of the hardware."""

    vendor: str
    model: str
    serial_number: str | None
    firmware_version: str | None
    iccid: str | None = None
    imsi: str | None = None
    meter_type: str | None = None
    meter_serial_number: str | None = None


@dataclass(frozen=True, slots=True)
class Presence:
    """Of sockets that are open: those whose charge point a newer socket has, and those whose charge point was taken for lost."""

    replaced: frozenset[Station]
    lost: frozenset[Station]


def station_work(backend: Backend, station: Station) -> UnitOfWork:
    """Return a unit of work for what a charge point reports."""
    return backend.unit_of_work(system_principal(station.tenant_id, station.identity))


async def log_in(backend: Backend, identity: str, password: str) -> ChargePointLogin | None:
    """Return whose charge point this is, or `None`.

    Identities are unique within a tenant; where several tenants use the same one, the password decides. Should it fit
    more than one, none is let in: guessing would hand one tenant's data to another. An identity that nobody has takes as
    long to refuse as a wrong password.
    """
    async with backend.database.system_snapshot() as snapshot:
        logins = await Directory(snapshot).charge_point_logins(identity)
    if not any(login.password_hash for login in logins):
        await verify_password(password, NO_PASSWORD)
    fitting = [login for login in logins if login.password_hash and await verify_password(password, login.password_hash)]
    if len(fitting) > 1:
        _log.error(
            "Charge point %s: identity and password fit %d tenants; refused. Give one of them a new password.", identity, len(fitting)
        )
    return fitting[0] if len(fitting) == 1 else None


async def connected(backend: Backend, station: Station, version: OcppVersion) -> None:
    """Record that a charge point is on the line; an older socket of the same charge point is told to close."""
    async with station_work(backend, station) as work:
        charge_point = await locked_charge_point(work, station)
        await work.change(
            ChargePoints,
            charge_point.id,
            connected=True,
            connected_at=work.now,
            last_seen_at=work.now,
            socket_id=station.socket_id,
            ocpp_version=version,
            updated_at=work.now,
        )
        # What it obeys after a time away is not known: limits are sent anew (its default profile holds until then).
        await forget_limits(work.session, charge_point.id)
        await note_availability(work, charge_point.id)
        work.notify(SOCKET_CHANNEL, f"{station.charge_point_id}:{station.socket_id}")
        publish_change(work, charge_point)
        work.wake_planner(charge_point.depot_id)
        await work.commit()


async def disconnected(backend: Backend, station: Station) -> None:
    """Record that a socket has closed, unless a newer one has taken its place."""
    async with station_work(backend, station) as work:
        await _note_loss(work, await mark_disconnected(work.session, station.charge_point_id, at=work.now, socket_id=station.socket_id))
        await work.commit()


async def seen(backend: Backend, stations: Iterable[Station]) -> Presence:
    """Record that these charge points are still on the line; returns the sockets of which something else is recorded."""
    by_tenant: dict[uuid.UUID, list[Station]] = defaultdict(list)
    for station in stations:
        by_tenant[station.tenant_id].append(station)
    replaced: set[Station] = set()
    lost: set[Station] = set()
    for tenant_id, here in by_tenant.items():
        async with backend.unit_of_work(system_principal(tenant_id, "connect")) as work:
            holders = await note_presence(
                work.session, [station.charge_point_id for station in here], [station.socket_id for station in here], at=work.now
            )
            await work.commit()
        lost |= {station for station in here if holders.get(station.charge_point_id, station) is None}
        replaced |= {station for station in here if holders.get(station.charge_point_id) not in {None, station.socket_id}}
        # One that has been deleted has nobody to speak to any more.
        replaced |= {station for station in here if station.charge_point_id not in holders}
    return Presence(frozenset(replaced), frozenset(lost))


async def sweep_silent(backend: Backend) -> int:
    """Mark charge points as disconnected whose process died without a goodbye; returns how many."""
    async with backend.database.system_snapshot() as snapshot:
        silent = await Directory(snapshot).silent_since(backend.clock() - SILENCE)
    for tenant_id, charge_point_id in silent:
        async with backend.unit_of_work(system_principal(tenant_id, "sweeper")) as work:
            await _note_loss(work, await mark_disconnected(work.session, charge_point_id, at=work.now, silent_since=work.now - SILENCE))
            await work.commit()
    return len(silent)


async def booted(backend: Backend, station: Station, info: BootInfo) -> None:
    """Record a boot notification. The first one of a planned charge point commissions it."""
    async with station_work(backend, station) as work:
        charge_point = await locked_charge_point(work, station)
        if charge_point.state is ChargePointState.PLANNED:
            reason = "It has booted for the first time."
            await work.change(ChargePoints, charge_point.id, state=ChargePointState.COMMISSIONED, state_at=work.now, state_reason=reason)
            await work.audit("charge_point.state", "charge_point", charge_point.id, state=ChargePointState.COMMISSIONED, reason=reason)
        await work.change(
            ChargePoints,
            charge_point.id,
            vendor=info.vendor,
            model=info.model,
            serial_number=info.serial_number,
            firmware_version=info.firmware_version,
            iccid=info.iccid,
            imsi=info.imsi,
            meter_type=info.meter_type,
            meter_serial_number=info.meter_serial_number,
            booted_at=work.now,
            last_seen_at=work.now,
            updated_at=work.now,
        )
        publish_change(work, charge_point)
        await work.commit()


async def install_defaults(backend: Backend, station: Station) -> None:
    """Order the default profile of each EVSE: what it draws at most while no limit of ours is in force."""
    async with station_work(backend, station) as work:
        charge_point = await locked_charge_point(work, station)
        desk = await open_desk(work, [charge_point])
        evses = [evse for evse, _ in await Evses(work.session).locked_of([charge_point.id], at=work.now)]
        for evse in sorted(evses, key=lambda it: it.evse_no):
            await give_default(work, charge_point, evse, evse.fallback_kw, desk)
        await work.commit()


async def status_changed(
    backend: Backend,
    station: Station,
    evse_no: int,
    connector_no: int,
    status: ConnectorStatus,
    *,
    error_code: str | None,
    at: datetime,
    vendor_id: str | None = None,
    vendor_error_code: str | None = None,
    info: str | None = None,
) -> None:
    """Record the status of a connector, and what is wrong with it. EVSE 0 is the charge point as a whole (OCPP 1.6, 4.9).

    A status older than the one that is known (a queued message) is ignored. Raises `NotFoundError` for an EVSE or
    connector that is not configured.
    """
    # A connector of OCPP 2.0.1 that is Faulted names no error here; its events do.
    code = error_code or (status.value if status is ConnectorStatus.FAULTED else None)
    reported = None if code is None else ReportedFault(code, vendor_id, vendor_error_code, info)
    async with station_work(backend, station) as work:
        charge_point = await locked_charge_point(work, station)
        if evse_no == 0:
            await work.change(ChargePoints, charge_point.id, status=status)
            await faults.note(work, charge_point, FaultScope(FaultSource.STATUS, None, None), reported, at=at)
        else:
            evse, connectors, connector = await _place(work, charge_point, evse_no, connector_no)
            if connector.status_at is not None and at < connector.status_at:
                return
            await work.change(Connectors, connector.id, status=status, error_code=error_code, status_at=at, updated_at=work.now)
            shown = evse_status([status if c.id == connector.id else c.status for c in connectors])
            await work.change(Evses, evse.id, status=shown, updated_at=work.now)
            await faults.note(work, charge_point, FaultScope(FaultSource.STATUS, evse.id, connector.id), reported, at=at)
            await _derive_charging_state(work, evse, status)
            if shown != evse.status:
                work.wake_planner(charge_point.depot_id)
        await work.change(ChargePoints, charge_point.id, last_seen_at=work.now, updated_at=work.now)
        await note_availability(work, charge_point.id)
        publish_change(work, charge_point)
        await work.commit()


async def _place(work: UnitOfWork, charge_point: ChargePoint, evse_no: int, connector_no: int) -> tuple[Evse, list[Connector], Connector]:
    """Return an EVSE, its connectors, and the one with this number."""
    evse = await evse_by_no(work, charge_point, evse_no)
    connectors = (await Connectors(work.session).of_evses([evse.id])).get(evse.id, [])
    for connector in connectors:
        if connector.connector_no == connector_no:
            return evse, connectors, connector
    known = _numbers(connectors)
    raise NotFoundError(f"{charge_point.identity}: EVSE {evse_no} has no connector {connector_no}; known: {known}.")


async def locked_charge_point(work: UnitOfWork, station: Station) -> ChargePoint:
    """Return the charge point, locked: what it reports is applied one message after another, whatever socket it came by."""
    charge_point = await work.lock(ChargePoints, station.charge_point_id)
    if charge_point is None:
        raise NotFoundError(f"Charge point {station.identity} does not exist any more.")
    if charge_point.state is ChargePointState.RETIRED:
        raise NotFoundError(f"Charge point {station.identity} has been retired.")
    return charge_point


async def evse_by_no(work: UnitOfWork, charge_point: ChargePoint, evse_no: int) -> Evse:
    """Return a charge point's EVSE by its number; raises `NotFoundError` naming the numbers there are."""
    evses = (await Evses(work.session).of_charge_points([charge_point.id])).get(charge_point.id, [])
    for evse in evses:
        if evse.evse_no == evse_no:
            return evse
    known = ", ".join(str(evse.evse_no) for evse in evses) or "none"
    raise NotFoundError(f"{charge_point.identity} has no EVSE {evse_no}; known: {known}.")


def publish_change(work: UnitOfWork, charge_point: ChargePoint) -> None:
    """Tell subscribers that the charge point, one of its EVSEs or connectors has changed."""
    work.publish(Event(EventKind.CHARGE_POINT_UPDATED, charge_point.id, charge_point.depot_id))


# In OCPP 1.6 a transaction's charging state is told by its connector's status alone.
CHARGING_STATE_OF_STATUS = {
    ConnectorStatus.CHARGING: ChargingState.CHARGING,
    ConnectorStatus.SUSPENDED_EV: ChargingState.SUSPENDED_EV,
    ConnectorStatus.SUSPENDED_EVSE: ChargingState.SUSPENDED_EVSE,
}


async def _derive_charging_state(work: UnitOfWork, evse: Evse, status: ConnectorStatus) -> None:
    state = CHARGING_STATE_OF_STATUS.get(status)
    transaction: Transaction | None = (await Transactions(work.session).active_of_evses([evse.id])).get(evse.id)
    if state is None or transaction is None or transaction.charging_state == state:
        return
    await work.change(Transactions, transaction.id, charging_state=state, updated_at=work.now)
    work.publish(Event(EventKind.TRANSACTION_UPDATED, transaction.id, transaction.depot_id))


async def _note_loss(work: UnitOfWork, charge_point: ChargePoint | None) -> None:
    if charge_point is not None:
        await note_availability(work, charge_point.id)
        publish_change(work, charge_point)
        work.wake_planner(charge_point.depot_id)


def _numbers(connectors: list[Connector]) -> str:
    return ", ".join(str(connector.connector_no) for connector in connectors) or "none"
