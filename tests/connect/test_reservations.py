"""Reservations from end to end: through the connect process to a charge point, and back what comes of them."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ampyard.connect.server import ConnectServer
from ampyard.domain.access import Principal
from ampyard.domain.charge_points import ConnectorStatus, OcppVersion
from ampyard.domain.clock import utc_now
from ampyard.domain.commands import CommandState
from ampyard.domain.errors import ConflictError
from ampyard.domain.id_tags import Authorization
from ampyard.domain.reservations import Reservation, ReservationState
from ampyard.repositories.reservations import Reservations
from ampyard.services.backend import Backend
from ampyard.services.remote_control import start_transaction
from ampyard.services.reservation_states import expire_overdue
from ampyard.services.reservations import cancel_reservation, reserve_evse
from tests.connect.points import Point, eventually, new_point, wired
from tests.connect.test_simulated_orders import fleet_of
from tests.fleet import user
from tests.simulator.conftest import fast_options, running


async def reservations(point: Point) -> list[Reservation]:
    async with point.backend.database.snapshot(point.tenant_id) as snapshot:
        return await Reservations(snapshot).where(order_by=[Reservations.table.c.id])


def operator(point: Point) -> Principal:
    return user(point.tenant_id)


def soon(seconds: float = 3600) -> datetime:
    return utc_now() + timedelta(seconds=seconds)


async def shows(point: Point, status: ConnectorStatus) -> None:
    async def shown() -> bool:
        return [evse.status for evse in await point.evses()] == [status]

    await eventually(shown)


@pytest.mark.parametrize("version", OcppVersion)
async def test_an_evse_is_kept_for_one_tag_and_given_up_again(
    server: ConnectServer, backend: Backend, tmp_path: Path, version: OcppVersion
) -> None:
    point = await new_point(backend, version)
    async with running(fast_options(f"ws://127.0.0.1:{server.port}/ocpp", fleet_of(point, tmp_path))):
        await shows(point, ConnectorStatus.AVAILABLE)
        (evse,) = await point.evses()
        kept = await reserve_evse(backend, operator(point), evse.id, id_tag="TAG-1", expires_at=soon())
        assert (kept.command.state, kept.reservation.state) == (CommandState.ACCEPTED, ReservationState.ACTIVE)
        await shows(point, ConnectorStatus.RESERVED)

        with pytest.raises(ConflictError, match="is kept for somebody until"):
            await reserve_evse(backend, operator(point), evse.id, id_tag="TAG-2", expires_at=soon())
        with pytest.raises(ConflictError, match="is kept for another until"):
            await start_transaction(backend, operator(point), evse.id, id_tag="TAG-2")
        assert [one.state for one in await reservations(point)] == [ReservationState.ACTIVE]

        ended = await cancel_reservation(backend, operator(point), kept.reservation.id)
        assert (ended.command.state, ended.reservation.state) == (CommandState.ACCEPTED, ReservationState.CANCELED)
        await shows(point, ConnectorStatus.AVAILABLE)
        with pytest.raises(ConflictError, match="has ended: canceled"):
            await cancel_reservation(backend, operator(point), kept.reservation.id)


async def test_a_station_tells_that_nobody_came(server: ConnectServer, backend: Backend, tmp_path: Path) -> None:
    point = await new_point(backend, OcppVersion.V201)
    async with running(fast_options(f"ws://127.0.0.1:{server.port}/ocpp", fleet_of(point, tmp_path))):
        await shows(point, ConnectorStatus.AVAILABLE)
        (evse,) = await point.evses()
        await reserve_evse(backend, operator(point), evse.id, id_tag="TAG-1", expires_at=soon(1.0))

        async def over() -> bool:
            return [one.state for one in await reservations(point)] == [ReservationState.EXPIRED]

        await eventually(over)
        await shows(point, ConnectorStatus.AVAILABLE)


def start16(tag: str, **more: Any) -> dict[str, Any]:
    return {"connectorId": 1, "idTag": tag, "meterStart": 0, "timestamp": utc_now().isoformat(), **more}


async def test_who_has_reserved_may_start_and_nobody_else(server: ConnectServer, backend: Backend) -> None:
    point = await new_point(backend)
    (evse,) = await point.evses()
    async with wired(server, point) as wire:
        outcome = await reserve_evse(backend, operator(point), evse.id, id_tag="TAG-1", expires_at=soon())
        assert outcome.reservation.state is ReservationState.ACTIVE
        ((_, order),) = [one for one in wire.orders if one[0] == "ReserveNow"]
        assert (order["connectorId"], order["idTag"], order["reservationId"]) == (1, "TAG-1", outcome.reservation.number)

        refused = await wire.call("StartTransaction", **start16("TAG-2"))
        assert refused["idTagInfo"] == {"status": "Blocked"}
        assert [one.state for one in await reservations(point)] == [ReservationState.ACTIVE]
        await wire.call("StopTransaction", transactionId=refused["transactionId"], meterStop=0, timestamp=utc_now().isoformat())

        begun = await wire.call("StartTransaction", **start16("tag-1", reservationId=outcome.reservation.number))
        assert begun["idTagInfo"] == {"status": "Accepted"}
    (used,) = await reservations(point)
    first, second = await point.transactions()
    assert (used.state, used.transaction_id, used.ended_at is not None) == (ReservationState.USED, second.id, True)
    assert (first.authorization, second.authorization) == (Authorization.NOT_AT_THIS_TIME, Authorization.ACCEPTED)
    assert second.reservation_id == used.number


async def test_a_reservation_ends_with_its_time(server: ConnectServer, backend: Backend) -> None:
    point = await new_point(backend)
    (evse,) = await point.evses()
    async with wired(server, point) as wire:
        await reserve_evse(backend, operator(point), evse.id, id_tag="TAG-1", expires_at=soon(0.5))
        await asyncio.sleep(0.6)
        assert (await wire.call("StartTransaction", **start16("TAG-2")))["idTagInfo"] == {"status": "Accepted"}
    assert await expire_overdue(backend) >= 1
    assert [one.state for one in await reservations(point)] == [ReservationState.EXPIRED]
