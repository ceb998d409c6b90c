"""One socket: what comes in is answered in order, what is to be asked is asked one after another."""

import asyncio
import logging
import uuid
from contextlib import suppress

from ocpp.messages import Call, CallResult
from starlette.websockets import WebSocket, WebSocketDisconnect

from ampyard.connect.commands import carry_out
from ampyard.connect.endpoint import Endpoint
from ampyard.connect.framing import MalformedFrameError, parse
from ampyard.services import charge_points, equipment
from ampyard.services.charge_points import Station

_log = logging.getLogger(__name__)

# A charge point has one CALL under way (OCPP-J 1.6, 4.1.1); one that has more waits here, and then in its own send buffer.
_WAITING_CALLS = 16
_RETRY_S = 5.0


class Link:
    """A charge point's accepted socket. `run` returns when it has closed."""

    def __init__(self, websocket: WebSocket, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._websocket = websocket
        self._calls: asyncio.Queue[Call | None] = asyncio.Queue(_WAITING_CALLS)
        self._commands: asyncio.Queue[uuid.UUID | None] = asyncio.Queue()
        self._offered: set[uuid.UUID] = set()
        self._greeted = asyncio.Event()
        self._ready = asyncio.Event()
        self._next_read_at = 0.0
        self._closed = False
        self._closing: asyncio.Task[None] | None = None

    @property
    def station(self) -> Station:
        """Which charge point this is, and over which socket."""
        return self.endpoint.station

    def offer(self, command_id: uuid.UUID) -> None:
        """Have a command sent, after those that were offered before; offering it again changes nothing."""
        if command_id not in self._offered:
            self._offered.add(command_id)
            self._commands.put_nowait(command_id)

    def close(self, code: int, reason: str) -> None:
        """Have the socket closed; never waits for the other side."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(code, reason), name=f"close {self.station.identity}")

    async def run(self) -> None:
        """Serve the socket until either side closes it. What was received by then is still carried out."""
        async with asyncio.TaskGroup() as group:
            greeting = group.create_task(self._greet(), name=f"greet {self.station.identity}")
            group.create_task(self._answer_calls(), name=f"answer {self.station.identity}")
            group.create_task(self._send_commands(), name=f"command {self.station.identity}")
            try:
                await self._read()
            finally:
                self._closed = True
                self.endpoint.hang_up()
                greeting.cancel()
                self._ready.set()
                self._commands.put_nowait(None)
                await self._calls.put(None)

    async def _read(self) -> None:
        while True:
            event = await self._websocket.receive()
            if event["type"] == "websocket.disconnect":
                return
            await self._throttle()
            text = event.get("text")
            try:
                message = parse(event["bytes"] if text is None else text, self.endpoint.version)
            except MalformedFrameError as error:
                _log.warning("%s: malformed message: %s", self.station.identity, error)
                if error.reply is not None:
                    await self._send(error.reply.to_json())
                continue
            if isinstance(message, Call):
                await self._calls.put(message)
            else:
                self.endpoint.deliver(message)

    async def _throttle(self) -> None:
        """Read a fast socket more slowly: its own TCP connection then holds it back (a virtual-scheduling leaky bucket)."""
        options = self.endpoint.options
        now = asyncio.get_running_loop().time()
        burst_s = options.message_burst / options.messages_per_s
        self._next_read_at = max(self._next_read_at, now - burst_s) + 1 / options.messages_per_s
        if self._next_read_at > now:
            await asyncio.sleep(self._next_read_at - now)

    async def _answer_calls(self) -> None:
        while (call := await self._calls.get()) is not None:
            answer = await self.endpoint.answer(call)
            await self._send(answer.to_json())  # type: ignore[no-untyped-call]  # the package has no annotations there
            boots = call.action == "BootNotification"
            if isinstance(answer, CallResult) if boots else not self._ready.is_set():
                self._greeted.set()

    async def _greet(self) -> None:
        """Have the default profiles set after each boot; without one, once the charge point has spoken or had time to.

        A charge point that only lost the link does not boot again (OCPP-J 1.6, 5.4), and one that does takes no orders
        before its boot is accepted (OCPP 1.6, 4.2): commands wait until then.
        """
        with suppress(TimeoutError):
            await asyncio.wait_for(self._greeted.wait(), self.endpoint.options.boot_grace_s)
        while True:
            self._greeted.clear()
            try:
                await charge_points.install_defaults(self.endpoint.backend, self.station)
                await equipment.ask(self.endpoint.backend, self.station)
            except Exception:  # noqa: BLE001 - without its default profiles a charge point is not safe: tried until it works
                _log.exception("%s: its default profiles could not be ordered; trying again.", self.station.identity)
                await asyncio.sleep(_RETRY_S)
                self._greeted.set()
            self._ready.set()
            await self._greeted.wait()

    async def _send_commands(self) -> None:
        await self._ready.wait()
        while (command_id := await self._commands.get()) is not None and not self._closed:
            try:
                await carry_out(self.endpoint, command_id, self._send)
            except Exception:  # noqa: BLE001 - one command's failure, whatever it is, must not stop the next
                _log.exception("%s: the outcome of command %s could not be recorded; it will expire.", self.station.identity, command_id)
            finally:
                self._offered.discard(command_id)

    async def _send(self, text: str) -> None:
        # Starlette raises either, depending on who was first to close; the reader hears of it as well.
        with suppress(WebSocketDisconnect, RuntimeError):
            await self._websocket.send_text(text)

    async def _close(self, code: int, reason: str) -> None:
        with suppress(WebSocketDisconnect, RuntimeError):
            await self._websocket.close(code, reason)
