"""One socket: the presystem boots and sends its lists, and is told what becomes of them."""

import asyncio
import logging
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from ampyard.domain.depot_links import DepotLink, MessageDirection
from ampyard.domain.errors import DomainError, NotFoundError
from ampyard.domain.events import EventKind, PublishedEvent
from ampyard.services import charging_requests, depot_link_sockets, tenants
from ampyard.services.backend import Backend
from ampyard.services.charging_information import charging_information
from ampyard.services.depot_link_sockets import LinkedSystem
from ampyard.vdv463.message_log import MessageLog
from ampyard.vdv463.options import LinkOptions
from ampyard.vdv463.telling import told
from ampyard.vdv463.wire import version_1
from ampyard.vdv463.wire.framing import BOOT, INFORMATION, REQUESTS, SOURCE, MalformedMessageError, Message, MessageType, parse
from ampyard.vdv463.wire.information import ProvideChargingInformationRequest
from ampyard.vdv463.wire.requests import (
    BootNotificationRequest,
    ProvideChargingRequestsRequest,
    ProvideChargingRequestsRequestVersion1,
    read,
)

_log = logging.getLogger(__name__)

# RFC 6455, 7.4.1.
NORMAL_CLOSURE = 1000
PROTOCOL_ERROR = 1002
POLICY_VIOLATION = 1008
TOO_BIG = 1009

_RETRY_S = 5.0
_CHANGES = frozenset(
    {
        EventKind.TRANSACTION_STARTED,
        EventKind.TRANSACTION_UPDATED,
        EventKind.TRANSACTION_ENDED,
        EventKind.CHARGE_POINT_UPDATED,
        EventKind.CHARGE_POINT_FAULT_UPDATED,
        EventKind.CHARGING_REQUEST_CHANGED,
    }
)


@dataclass(frozen=True, slots=True)
class Version:
    """What is said otherwise in one version of the standard: how lists are read, and how information is written."""

    requests: type[ProvideChargingRequestsRequest | ProvideChargingRequestsRequestVersion1]
    information: Callable[[ProvideChargingInformationRequest], dict[str, Any]]


def _version_2(information: ProvideChargingInformationRequest) -> dict[str, Any]:
    return information.model_dump(mode="json", by_alias=True, exclude_none=True)


# By WebSocket subprotocol, the newest first.
VERSIONS: Mapping[str, Version] = {
    "v2.463.vdv.de": Version(ProvideChargingRequestsRequest, _version_2),
    "v1.463.vdv.de": Version(ProvideChargingRequestsRequestVersion1, version_1.information),
}


class Conversation:
    """What is said over one accepted socket. `run` returns when it has closed."""

    def __init__(self, websocket: WebSocket, backend: Backend, system: LinkedSystem, subprotocol: str, options: LinkOptions) -> None:
        self.system = system
        self.subprotocol = subprotocol
        self._websocket = websocket
        self._backend = backend
        self._version = VERSIONS[subprotocol]
        self._options = options
        self._log = MessageLog(backend, system, kept_characters=options.kept_characters, clock=backend.clock)
        self._link: DepotLink | None = None
        self._booted = asyncio.Event()
        self._confirmed: asyncio.Future[None] | None = None
        self._asked_id = ""
        self._changed = asyncio.Event()
        self._next_read_at = 0.0
        self._closing: asyncio.Task[None] | None = None

    def close(self, code: int, reason: str) -> None:
        """Have the socket closed; never waits for the other side."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(code, reason), name=f"close {self.system.identity}")

    async def run(self) -> None:
        """Serve the socket until either side closes it."""
        beside = [
            asyncio.create_task(work(), name=f"{name} {self.system.identity}")
            for name, work in (("tell", self._tell), ("hear of", self._hear), ("watch", self._watch), ("log", self._log.run))
        ]
        try:
            await self._read()
        finally:
            for task in beside:
                task.cancel()
            await asyncio.wait(beside)

    async def _read(self) -> None:
        while True:
            event = await self._websocket.receive()
            if event["type"] == "websocket.disconnect":
                return
            await self._throttle()
            text = event.get("text")
            frame = event["bytes"] if text is None else text
            if len(frame) > self._options.max_message_bytes:
                self.close(TOO_BIG, "too long")
                return
            try:
                message = parse(frame)
            except MalformedMessageError as error:
                await self._refuse(frame, error)
                continue
            self._log.note(MessageDirection.IN, str(text), message)
            if message.type is MessageType.REQUEST:
                await self._send(await self._answer(message))
            else:
                self._hear_answer(message)

    async def _refuse(self, frame: str | bytes, error: MalformedMessageError) -> None:
        _log.warning("%s: malformed message: %s", self.system.identity, error)
        self._log.note(MessageDirection.IN, frame if isinstance(frame, str) else repr(frame), error.about)
        if error.about is not None:
            await self._send(error.about.refused(str(error), at=self._backend.clock()))

    async def _answer(self, request: Message) -> Message:
        now = self._backend.clock()
        try:
            return request.answered(await self._carry_out(request), at=now)
        except DomainError as error:
            _log.warning("%s: %s is refused: %s", self.system.identity, request.action, error)
            return request.refused(str(error), at=now)
        except Exception:  # noqa: BLE001 - the outermost edge: logged here, and masked
            reference = uuid.uuid4()
            _log.exception("%s: %s failed, reference %s.", self.system.identity, request.action, reference)
            return request.refused(f"Internal error, reference {reference}.", at=now)

    async def _carry_out(self, request: Message) -> dict[str, Any]:
        if request.action == BOOT:
            boot = read(BootNotificationRequest, request.payload)
            self._link = await depot_link_sockets.booted(self._backend, self.system, boot.presystem, request.presystem_id)
            self._booted.set()
            self._changed.set()
            return {"status": "Accepted"}
        if not self._booted.is_set():
            raise NotFoundError(f"Nothing has booted yet; send a {BOOT} first.")
        if request.action == INFORMATION:
            raise NotFoundError(f"{INFORMATION} is what the charging management system sends; send {REQUESTS}.")
        listed = read(self._version.requests, request.payload)
        await charging_requests.take_list(self._backend, self.system.tenant_id, self.system.link_id, listed.statements)
        self._changed.set()
        return {}

    def _hear_answer(self, answer: Message) -> None:
        if answer.type is MessageType.ERROR:
            _log.warning("%s answers %s with an error: %.500s", self.system.identity, answer.action, answer.payload)
        if self._confirmed is not None and not self._confirmed.done() and answer.message_id == self._asked_id:
            self._confirmed.set_result(None)

    async def _tell(self) -> None:
        """Send charging information once booted, again and again, and soon after a change; one at a time."""
        options = self._options
        with suppress(TimeoutError):
            await asyncio.wait_for(self._booted.wait(), options.boot_timeout_s)
        if not self._booted.is_set():
            self.close(POLICY_VIOLATION, "no boot notification")
            return
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), options.tell_every_s)
            self._changed.clear()
            try:
                await self._tell_once()
            except NotFoundError:
                self.close(POLICY_VIOLATION, "removed")
                return
            except Exception:  # noqa: BLE001 - one failure, whatever it is, must not end the telling
                _log.exception("%s could not be told; trying again.", self.system.identity)
                await asyncio.sleep(_RETRY_S)
            await asyncio.sleep(options.tell_at_most_every_s)

    async def _tell_once(self) -> None:
        information = await charging_information(self._backend, self.system.tenant_id, self.system.link_id)
        self._asked_id = str(uuid.uuid4())
        self._confirmed = asyncio.get_running_loop().create_future()
        presystem_id = information.link.presystem_id or information.link.identity
        payload = self._version.information(told(information))
        await self._send(Message(MessageType.REQUEST, SOURCE, presystem_id, self._backend.clock(), self._asked_id, INFORMATION, payload))
        try:
            await asyncio.wait_for(self._confirmed, self._options.confirm_timeout_s)
        except TimeoutError:
            _log.warning("%s has not confirmed %s within %g s.", self.system.identity, INFORMATION, self._options.confirm_timeout_s)

    async def _hear(self) -> None:
        """Wake the telling when something has changed in the depot, and look at the link when something has happened to it."""
        await self._booted.wait()
        assert self._link is not None
        depot_id, link_id = self._link.depot_id, self._link.id

        def wanted(event: PublishedEvent) -> bool:
            return (event.kind in _CHANGES and event.depot_id == depot_id) or event.aggregate_id == link_id

        while True:
            try:
                async with self._backend.events.subscribe(self.system.tenant_id, wanted) as queue:
                    while True:
                        event = await queue.get()
                        if event.aggregate_id == link_id:
                            await self._look()
                        else:
                            self._changed.set()
            except DomainError:
                # More has happened than waits: all of it is told with the present state.
                self._changed.set()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._options.presence_interval_s)
            try:
                await self._look()
            except Exception:  # noqa: BLE001 - the next look may do better
                _log.exception("%s: whether its link is still its own could not be told.", self.system.identity)

    async def _look(self) -> None:
        """Let go of a socket whose link another one holds, that was disabled or removed, or whose tenant is suspended."""
        if await tenants.suspended_among(self._backend, {self.system.tenant_id}):
            self.close(POLICY_VIOLATION, "suspended")
        elif await depot_link_sockets.seen(self._backend, [self.system]):
            self.close(NORMAL_CLOSURE, "replaced or disabled")

    async def _throttle(self) -> None:
        """Read a fast socket more slowly: its own TCP connection then holds it back (a virtual-scheduling leaky bucket)."""
        now = asyncio.get_running_loop().time()
        burst_s = self._options.message_burst / self._options.messages_per_s
        self._next_read_at = max(self._next_read_at, now - burst_s) + 1 / self._options.messages_per_s
        if self._next_read_at > now:
            await asyncio.sleep(self._next_read_at - now)

    async def _send(self, message: Message) -> None:
        text = message.to_text()
        self._log.note(MessageDirection.OUT, text, message)
        # Starlette raises either, depending on who was first to close; the reader hears of it as well.
        with suppress(WebSocketDisconnect, RuntimeError):
            await self._websocket.send_text(text)

    async def _close(self, code: int, reason: str) -> None:
        with suppress(WebSocketDisconnect, RuntimeError):
            await self._websocket.close(code, reason)
