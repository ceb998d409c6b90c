"""The WebSocket of a charge point: connect, register, talk, and connect again for ever."""

import asyncio
import base64
import logging
import random
from http import HTTPStatus
from urllib.parse import quote

from ocpp.exceptions import OCPPError
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.typing import Subprotocol

from ampyard.simulator.charge_point import SimulatedChargePoint
from ampyard.simulator.dialect import BootReason
from ampyard.simulator.endpoint import Endpoint

LOG = logging.getLogger(__name__)
DRAIN_S = 5.0
CLOSE_TIMEOUT_S = 1.0
REGISTRATION_RETRY_S = 1.0  # the least pause between two BootNotifications, whatever interval is given

EXPLANATIONS: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: "the password is refused",
    HTTPStatus.NOT_FOUND: "the central system does not know this identity",
}


class _RebootError(Exception):
    """A reset was ordered: the link is closed and opened again."""


async def keep_connected(point: SimulatedChargePoint, dice: random.Random) -> None:
    """Hold the link of one charge point until cancelled; then the socket is closed and nothing else happens.

    The pause between attempts doubles from the first to the longest of ``backoff_s``, with jitter from ``dice``.
    """
    first_s, longest_s = point.options.backoff_s
    pause_s = first_s
    while True:
        try:
            await _talk(point)
        except* _RebootError:
            point.reboot.clear()
            LOG.info("%s: rebooting", point.spec.identity)
        except* (OSError, WebSocketException, TimeoutError, OCPPError) as group:
            LOG.warning("%s: no link: %s", point.spec.identity, _explain(group))
        if point.online:
            pause_s = first_s
            point.link_down()
        await asyncio.sleep(pause_s * dice.uniform(0.5, 1.0))
        pause_s = min(longest_s, pause_s * 2)


def _explain(error: BaseException) -> str:
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(dict.fromkeys(_explain(part) for part in error.exceptions))
    if isinstance(error, InvalidStatus):
        status = error.response.status_code
        return f"HTTP {status}: {EXPLANATIONS.get(status, 'refused')}"
    return str(error) or type(error).__name__


async def _talk(point: SimulatedChargePoint) -> None:
    spec, options = point.spec, point.options
    password = options.password if spec.password is None else spec.password
    credentials = base64.b64encode(f"{spec.identity}:{password}".encode()).decode()
    async with connect(
        f"{options.url.rstrip('/')}/{quote(spec.identity, safe='')}",
        subprotocols=[Subprotocol(point.dialect.subprotocol)],
        additional_headers={"Authorization": f"Basic {credentials}"},
        compression=None,
        proxy=None,
        close_timeout=CLOSE_TIMEOUT_S,
    ) as connection:
        if connection.subprotocol != point.dialect.subprotocol:
            raise WebSocketException(f"the central system does not speak {point.dialect.subprotocol}")
        LOG.info("%s: connected", spec.identity)
        endpoint = point.dialect.endpoint(point, connection)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_listen(point, endpoint, connection))
            tasks.create_task(_register_and_report(point, endpoint))
            tasks.create_task(_watch_for_reboot(point))


async def _listen(point: SimulatedChargePoint, endpoint: Endpoint, connection: ClientConnection) -> None:
    while True:
        frame = await connection.recv(decode=True)
        await endpoint.route_message(frame)
        if frame.lstrip("[ \t\r\n")[:1] in {"3", "4"}:  # CALLRESULT and CALLERROR, OCPP-J 1.6 section 4.2
            await point.outbox.answer_taken()


async def _register_and_report(point: SimulatedChargePoint, endpoint: Endpoint) -> None:
    if point.boot_reason is not None:
        await _register(point, endpoint, point.boot_reason)
    point.link_up()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(point.outbox.deliver(endpoint))
        tasks.create_task(_beat(point))


async def _register(point: SimulatedChargePoint, endpoint: Endpoint, reason: BootReason) -> None:
    """Send BootNotification until it is accepted, at the interval the answers give or when triggered (1.6 section 4.2, 2.0.1 B01-B03)."""
    while True:
        answer = await endpoint.call(point.dialect.boot(point.spec, point.firmware_version, reason))
        if answer.status == "Accepted":
            if answer.interval > 0:
                point.set("heartbeat_interval_s", answer.interval)
            return
        LOG.info("%s: registration %s, again in %d s", point.spec.identity, answer.status, answer.interval)
        point.boot_now.clear()
        try:
            async with asyncio.timeout(max(REGISTRATION_RETRY_S, answer.interval)):
                await point.boot_now.wait()
        except TimeoutError:
            continue


async def _beat(point: SimulatedChargePoint) -> None:
    while True:
        await asyncio.sleep(max(1, point.heartbeat_interval_s))
        point.outbox.post(point.dialect.heartbeat())


async def _watch_for_reboot(point: SimulatedChargePoint) -> None:
    await point.reboot.wait()
    try:
        async with asyncio.timeout(DRAIN_S):
            await point.outbox.all_answered()
    except TimeoutError:
        LOG.warning("%s: rebooting with messages unanswered", point.spec.identity)
    raise _RebootError
