"""GraphQL over WebSocket: the graphql-transport-ws subprotocol (graphql-ws PROTOCOL.md)."""

import asyncio
from collections.abc import Mapping
from contextlib import aclosing, suppress
from typing import Generic

import orjson
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState
from strawberry.types.execution import PreExecutionError

from ampyard.engine import wire
from ampyard.engine.endpoint import Endpoint, P, remaining_s
from ampyard.engine.errors import PublicError, UnauthenticatedError, internal_error

SUBPROTOCOL = "graphql-transport-ws"

_MAX_REASON_BYTES = 123  # RFC 6455, section 5.5.1
_MAX_CLOSE_S = 5.0


class _CloseError(Exception):
    """The protocol, or its breach, demands that the server close the socket."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason.encode()[:_MAX_REASON_BYTES].decode(errors="ignore")


class Socket(Generic[P]):
    """One socket: a reader, and a task for each operation that runs.

    Nothing is queued: an operation goes on when its last message has been taken over by the transport, so a slow client slows its own
    subscriptions; one that takes nothing for `send_timeout_s` is dropped.
    """

    def __init__(self, endpoint: Endpoint[P], websocket: WebSocket) -> None:
        self._endpoint = endpoint
        self._websocket = websocket
        self._initialised = False
        self._principal: P | None = None
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()  # the operations, and those cancelled but not yet over
        self._deadline = asyncio.timeout(endpoint.connection_init_timeout_s)
        self._at_deadline = _CloseError(4408, "Connection initialisation timeout")

    async def serve(self) -> None:
        """Run the socket until it closes; every operation has ended when this returns."""
        if SUBPROTOCOL not in self._websocket.scope["subprotocols"]:
            await self._websocket.accept()
            await self._close(_CloseError(4406, "Subprotocol not acceptable"))
            return
        await self._websocket.accept(SUBPROTOCOL)
        close: _CloseError | None = None
        try:
            async with self._deadline:
                while True:
                    await self._handle(await self._receive())
        except TimeoutError:
            close = self._at_deadline
        except _CloseError as error:
            close = error
        except WebSocketDisconnect:
            pass
        except Exception as error:  # noqa: BLE001 - the outermost edge: logged here, and masked
            internal_error(error)
            close = _CloseError(4500, "Internal server error")
        finally:
            for task in self._tasks:
                task.cancel()
            if close:
                await self._close(close)
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _close(self, close: _CloseError) -> None:
        with suppress(TimeoutError, WebSocketDisconnect, RuntimeError):  # the client stalled, or left
            async with asyncio.timeout(_MAX_CLOSE_S):
                await self._websocket.close(close.code, close.reason)

    async def _receive(self) -> Mapping[str, object]:
        message = await self._websocket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message["code"])
        text = message.get("text")
        if text is None:
            raise _CloseError(4400, "Messages must be text")
        if len(text) > self._endpoint.max_body_bytes:
            raise _CloseError(1009, f"A message may have {self._endpoint.max_body_bytes} bytes")
        try:
            decoded = orjson.loads(text)
        except orjson.JSONDecodeError:
            raise _CloseError(4400, "Messages must be JSON") from None
        if not isinstance(decoded, dict):
            raise _CloseError(4400, "Messages must be JSON objects")
        return decoded

    async def _handle(self, message: Mapping[str, object]) -> None:
        match message.get("type"):
            case "connection_init":
                await self._initialise(message.get("payload"))
            case "ping":
                await self._send({"type": "pong"})
            case "pong":
                pass
            case "subscribe":
                await self._subscribe(message)
            case "complete":
                task = self._operations.pop(_id(message), None)
                if task:
                    task.cancel()
            case unknown:
                raise _CloseError(4400, f"Unknown message type {unknown!r}")

    async def _initialise(self, payload: object) -> None:
        if self._initialised:
            raise _CloseError(4429, "Too many initialisation requests")
        self._initialised = True
        if payload is not None and not isinstance(payload, dict):
            raise _CloseError(4400, "The payload of connection_init must be an object")
        credential = next((value for key, value in (payload or {}).items() if key.lower() == "authorization"), None)
        if credential is not None and not isinstance(credential, str):
            raise _CloseError(4400, "The authorization must be a string")
        try:
            self._principal = await self._endpoint.authenticate(self._websocket, credential)
        except UnauthenticatedError:
            raise _CloseError(4403, "Forbidden") from None
        expires_in_s = remaining_s(self._principal)
        self._at_deadline = _CloseError(4403, "Token expired")
        self._deadline.reschedule(None if expires_in_s is None else asyncio.get_running_loop().time() + expires_in_s)
        await self._send({"type": "connection_ack"})

    async def _subscribe(self, message: Mapping[str, object]) -> None:
        id_ = _id(message)
        try:
            parameters = wire.parameters(message.get("payload"))
        except ValueError as error:
            raise _CloseError(4400, str(error)) from None
        if self._principal is None:
            raise _CloseError(4401, "Unauthorized")
        if id_ in self._operations:
            raise _CloseError(4409, f"Subscriber for {id_} already exists")
        if len(self._operations) >= self._endpoint.max_operations_per_socket:
            limit = self._endpoint.max_operations_per_socket
            await self._send_error(id_, wire.refusal(PublicError(f"A socket may run {limit} operations.", code="TOO_MANY_OPERATIONS")))
            return
        task = asyncio.create_task(self._run(id_, parameters, self._principal))
        self._operations[id_] = task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, id_: str, parameters: wire.Parameters, principal: P) -> None:
        try:
            try:
                error = await self._send_results(id_, parameters, principal)
            except WebSocketDisconnect:
                raise
            except Exception as unforeseen:  # noqa: BLE001 - the outermost edge: logged here, and masked
                error = wire.refusal(internal_error(unforeseen))
            finally:
                # Before the last message is sent, for with that the client may use the id again.
                if self._operations.get(id_) is asyncio.current_task():
                    del self._operations[id_]
            if error:
                await self._send_error(id_, error)
            else:
                await self._send({"id": id_, "type": "complete"})
        except WebSocketDisconnect:
            pass  # the reader sees it, too, and ends the socket

    async def _send_results(self, id_: str, parameters: wire.Parameters, principal: P) -> PreExecutionError | None:
        operation = self._endpoint.schema.prepare(parameters.query, parameters.operation_name)
        if isinstance(operation, PreExecutionError):
            return operation
        context = self._endpoint.context(principal, self._websocket)
        async with aclosing(self._endpoint.schema.run(operation, context=context, variables=parameters.variables)) as results:
            async for result in results:
                if isinstance(result, PreExecutionError):
                    return result
                await self._send({"id": id_, "type": "next", "payload": orjson.Fragment(wire.response(result))})
        return None

    async def _send_error(self, id_: str, error: PreExecutionError) -> None:
        await self._send({"id": id_, "type": "error", "payload": wire.formatted(error.errors or [])})

    async def _send(self, message: Mapping[str, object]) -> None:
        if self._websocket.application_state is not WebSocketState.CONNECTED:
            raise WebSocketDisconnect(1006)
        try:
            async with asyncio.timeout(self._endpoint.send_timeout_s):
                await self._websocket.send_text(orjson.dumps(message).decode())
        except TimeoutError:
            self._at_deadline = _CloseError(1008, "The client takes no messages")
            self._deadline.reschedule(asyncio.get_running_loop().time())
            raise WebSocketDisconnect(1006) from None


def _id(message: Mapping[str, object]) -> str:
    match message.get("id"):
        case str(id_) if id_:
            return id_
    raise _CloseError(4400, "The message needs an id")
