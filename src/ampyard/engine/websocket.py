"""GraphQL over WebSocket: the graphql-transport-ws subprotocol (graphql-ws PROTOCOL.md)."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, suppress
from typing import Any, Final, Generic

import orjson
from graphql import OperationType
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState
from strawberry.types.execution import ExecutionResult, PreExecutionError

from ampyard.engine import wire
from ampyard.engine.endpoint import Endpoint, P, remaining_s
from ampyard.engine.errors import PublicError, UnauthenticatedError, internal_error
from ampyard.engine.observing import Client
from ampyard.engine.subscriptions import Take

SUBPROTOCOL = "graphql-transport-ws"
SEND_NOW: Final = "ampyard.websocket.send_now"  # an ASGI extension, see `engine.send_now`

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

    An operation goes on when its last message has been taken over by the transport, so a slow client slows its own operations; what is
    shared with others does not wait for it, but is queued, in bounds. A client that takes nothing for `send_timeout_s` is dropped.
    """

    def __init__(self, endpoint: Endpoint[P], websocket: WebSocket) -> None:
        self._endpoint = endpoint
        self._websocket = websocket
        self._initialised = False
        self._received_bytes = 0
        self._principal: P | None = None
        self._credential: str | None = None
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
        self._endpoint.activity.sockets += 1
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
            self._endpoint.activity.sockets -= 1
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
        self._received_bytes = wire.MAX_BYTES_A_CHARACTER * len(text)
        return decoded

    async def _handle(self, message: Mapping[str, object]) -> None:
        match message.get("type"):
            case "connection_init":
                await self._initialise(message.get("payload"))
            case "ping":
                await self._send({"type": "pong", **_details(message)})
            case "pong":
                _details(message)
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
        Client.initialise(self._websocket, payload or {})
        credential = next((value for key, value in (payload or {}).items() if key.lower() == "authorization"), None)
        if credential is not None and not isinstance(credential, str):
            raise _CloseError(4400, "The authorization must be a string")
        self._credential = credential
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
            parameters = wire.parameters(message.get("payload"), self._received_bytes)
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
        if self._endpoint.standing.asks:
            try:
                # Sockets live long: who asks now may do what the credential stands for now.
                principal = await self._endpoint.authenticate(self._websocket, self._credential)
            except UnauthenticatedError as error:
                return wire.refusal(error)
        operation = await self._endpoint.prepare(parameters, principal, self._websocket)
        if isinstance(operation, PreExecutionError):
            return operation
        head = b'{"id":' + orjson.dumps(id_) + b',"type":"next","payload":'
        sender = self._websocket.scope.get("extensions", {}).get(SEND_NOW, {}).get("sender")
        take: Take | None = None if sender is None else sender(head, b"}")
        results = self._endpoint.run(operation, parameters, principal, self._websocket, take)
        if operation.type is not OperationType.SUBSCRIPTION:
            return await self._send_each(head, results)
        sending = asyncio.create_task(self._send_each(head, results))
        async with self._endpoint.standing.watch(self._endpoint.authenticate, self._websocket, self._credential, principal) as lapsed:
            try:
                first: list[asyncio.Future[Any]] = [sending, lapsed]
                await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
                if sending.done():
                    return sending.result()
                return wire.refusal(lapsed.result())
            finally:
                # Whatever ends this: when it has ended, nothing more of the subscription is sent.
                sending.cancel()
                await asyncio.wait([sending])

    async def _send_each(self, head: bytes, results: AsyncGenerator[ExecutionResult, None]) -> PreExecutionError | None:
        async with aclosing(results):
            async for result in results:
                if isinstance(result, PreExecutionError):
                    return result
                response = wire.response(result, self._endpoint.max_response_bytes)
                await self._send_text(b"".join((head, response, b"}")))
        return None

    async def _send_error(self, id_: str, error: PreExecutionError) -> None:
        await self._send({"id": id_, "type": "error", "payload": wire.formatted(error.errors or [])})

    async def _send(self, message: Mapping[str, object]) -> None:
        await self._send_text(orjson.dumps(message))

    async def _send_text(self, text: bytes) -> None:
        if self._websocket.application_state is not WebSocketState.CONNECTED:
            raise WebSocketDisconnect(1006)
        try:
            async with asyncio.timeout(self._endpoint.send_timeout_s):
                await self._websocket.send_text(text.decode())
        except TimeoutError:
            self._at_deadline = _CloseError(1008, "The client takes no messages")
            self._deadline.reschedule(asyncio.get_running_loop().time())
            raise WebSocketDisconnect(1006) from None


def _id(message: Mapping[str, object]) -> str:
    match message.get("id"):
        case str(id_) if id_:
            return id_
    raise _CloseError(4400, "The message needs an id")


def _details(message: Mapping[str, object]) -> Mapping[str, object]:
    """The payload of a ping, which its pong gives back, as the reference server does; nothing where there is none."""
    match message.get("payload"):
        case None:
            return {}
        case dict() as payload:
            return {"payload": payload}
    raise _CloseError(4400, f"The payload of {message['type']} must be an object")
