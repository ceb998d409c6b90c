"""A small central system of any protocol version, to see a simulated fleet from the other end of the wire."""

import asyncio
import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from types import TracebackType
from typing import Any, ClassVar, Self

from ocpp import v16, v21, v201
from ocpp.messages import Call
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

NOW = "2026-01-01T00:00:00Z"
TIMEOUT_S = 8.0
ACTIONS = ["Authorize", "BootNotification", "FirmwareStatusNotification", "Heartbeat", "MeterValues", "StatusNotification"]
PURPOSES = {"max": "ChargePointMaxProfile", "default": "TxDefaultProfile", "tx": "TxProfile"}


@dataclass(frozen=True, slots=True)
class Frame:
    """A request as it came: its id on the wire, and the payload in snake case."""

    action: str
    unique_id: str
    payload: dict[str, Any]


@dataclass(slots=True)
class Csms:
    """Speaks the version of its subclass, accepts everything, and keeps every request in ``frames``.

    ``refused_tags`` fail authorisation; answers to ``mute`` actions are withheld; ``closed_with`` refuses connections.
    """

    refused_tags: set[str] = field(default_factory=set)
    mute: set[str] = field(default_factory=set)
    errors: list[str] = field(default_factory=list)
    closed_with: HTTPStatus | None = None
    registrations: list[str] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    answered: set[str] = field(default_factory=set)
    credentials: list[str] = field(default_factory=list)
    connection_count: int = 0
    profile_count: int = 0
    port: int = 0
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)
    _server: Any = None
    _connection: ServerConnection | None = None
    endpoint: Any = None

    subprotocol: ClassVar[str]
    endpoint_class: ClassVar[Any]

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ocpp"

    async def __aenter__(self) -> Self:
        self._server = await serve(
            self._serve,
            "127.0.0.1",
            0,
            subprotocols=[Subprotocol(self.subprotocol)],
            process_request=self._admit,
            compression=None,
            close_timeout=0.2,
        )
        self.port = next(iter(self._server.sockets)).getsockname()[1]
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.close()
        await self._server.wait_closed()

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        self.credentials.append(base64.b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode())
        return None if self.closed_with is None else connection.respond(self.closed_with, "")

    async def _serve(self, connection: ServerConnection) -> None:
        self.connection_count += 1
        endpoint = self.endpoint_class("test", connection, 3)
        endpoint.route_map = {
            action: {"_on_action": self._handler(action, connection), "_after_action": self._note_answer} for action in self.actions()
        }
        self._connection, self.endpoint = connection, endpoint
        try:
            await endpoint.start()
        except ConnectionClosed:
            return

    def _handler(self, action: str, connection: ServerConnection) -> Callable[..., Any]:
        async def handle(call_unique_id: str, **payload: Any) -> Any:
            frame = Frame(action, call_unique_id, payload)
            self.frames.append(frame)
            self._arrived.set()
            if action in self.mute:
                await connection.wait_closed()
            if action in self.errors:
                self.errors.remove(action)
                raise RuntimeError("told to fail")
            return self.answer(frame)

        return handle

    def _note_answer(self, call_unique_id: str, **_: Any) -> None:
        self.answered.add(call_unique_id)
        self._arrived.set()

    async def sent_answer(self, frame: Frame) -> None:
        """Wait until the answer to a request is on the wire: what is sent from then on comes after it."""
        async with asyncio.timeout(TIMEOUT_S):
            while frame.unique_id not in self.answered:
                self._arrived.clear()
                await self._arrived.wait()

    async def drop(self, closed_with: HTTPStatus | None = None) -> None:
        """Cut the link as a dead network does; refuse new connections with ``closed_with`` until it is cleared."""
        self.closed_with = closed_with
        assert self._connection is not None
        self._connection.transport.abort()
        await self._connection.wait_closed()

    async def expect(self, action: str, accepts: Callable[[dict[str, Any]], bool] = lambda _: True, *, after: int = 0) -> Frame:
        """Return the first request of that action, from frame number ``after`` on, that is accepted; wait for it if need be."""
        async with asyncio.timeout(TIMEOUT_S):
            while True:
                for frame in self.frames[after:]:
                    if frame.action == action and accepts(frame.payload):
                        return frame
                self._arrived.clear()
                await self._arrived.wait()

    async def raw(self, action: str, payload: dict[str, Any]) -> Any:
        """Send an order as it stands on the wire; return the answer or error message object."""
        async with asyncio.timeout(TIMEOUT_S):
            async with self.endpoint._call_lock:
                await self._connection.send(Call("raw", action, payload).to_json())  # type: ignore[union-attr]  # a connection is open
                return await self.endpoint._get_specific_response("raw", 3)

    async def order(self, action: str, **payload: Any) -> str:
        """Send an order and return the status of the answer."""
        return str((await self.raw(action, payload)).payload["status"])

    def actions(self) -> list[str]:
        raise NotImplementedError

    def answer(self, frame: Frame) -> Any:
        """Answer a request as a central system that accepts all but ``refused_tags``."""
        raise NotImplementedError

    def _status(self, id_tag: str) -> dict[str, str]:
        return {"status": "Invalid" if id_tag in self.refused_tags else "Accepted"}

    def _boot_answer(self) -> dict[str, Any]:
        status = self.registrations.pop(0) if self.registrations else "Accepted"
        return {"current_time": NOW, "interval": 300 if status == "Accepted" else 0, "status": status}


class Csms16(Csms):
    subprotocol = "ocpp1.6"
    endpoint_class = v16.ChargePoint

    def actions(self) -> list[str]:
        return [*ACTIONS, "StartTransaction", "StopTransaction"]

    def answer(self, frame: Frame) -> Any:
        results = v16.call_result
        match frame.action:
            case "BootNotification":
                return results.BootNotification(**self._boot_answer())
            case "Heartbeat":
                return results.Heartbeat(NOW)
            case "Authorize":
                return results.Authorize(self._status(frame.payload["id_tag"]))  # type: ignore[arg-type]  # as on the wire
            case "StartTransaction":
                return results.StartTransaction(self._transaction_id(frame), self._status(frame.payload["id_tag"]))  # type: ignore[arg-type]  # same
            case other:
                return getattr(results, other)()

    async def status(self, status: str, *, after: int = 0) -> Frame:
        return await self.expect(
            "StatusNotification", lambda payload: (payload["connector_id"], payload["status"]) == (1, status), after=after
        )

    async def started(self, *, after: int = 0) -> tuple[Frame, str]:
        frame = await self.expect("StartTransaction", after=after)
        await self.sent_answer(frame)
        return frame, str(self._transaction_id(frame))

    def _transaction_id(self, start: Frame) -> int:
        """Number transactions from 7 on; the same message sent again is the same transaction."""
        starts = dict.fromkeys(frame.unique_id for frame in self.frames if frame.action == "StartTransaction")
        return 7 + list(starts).index(start.unique_id)

    async def ended(self, transaction_id: str, *, after: int = 0) -> tuple[Frame, str]:
        frame = await self.expect("StopTransaction", lambda payload: payload["transaction_id"] == int(transaction_id), after=after)
        return frame, frame.payload["reason"]

    async def power(self, transaction_id: str, accepts: Callable[[int], bool], *, after: int = 0) -> Frame:
        """Return the first sample of the transaction whose power in W is accepted."""
        return await self.expect(
            "MeterValues",
            lambda payload: payload.get("transaction_id") == int(transaction_id) and accepts(self.values(payload)["Power.Active.Import"]),
            after=after,
        )

    def values(self, payload: dict[str, Any]) -> dict[str, int]:
        return {sample["measurand"]: round(float(sample["value"])) for sample in payload["meter_value"][0]["sampled_value"]}

    async def limit(
        self, limit_kw: float, purpose: str = "tx", *, evse_no: int = 1, transaction_id: str | None = None, stack_level: int = 0
    ) -> str:
        """Install an absolute profile of one period that began a minute ago; return the status of the answer."""
        self.profile_count += 1
        named = {} if transaction_id is None else {"transactionId": int(transaction_id)}
        profile = {
            "chargingProfileId": self.profile_count,
            "stackLevel": stack_level,
            "chargingProfilePurpose": PURPOSES[purpose],
            "chargingProfileKind": "Absolute",
            "chargingSchedule": {
                "chargingRateUnit": "W",
                "startSchedule": NOW,
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit_kw * 1000}],
            },
        }
        return await self.order("SetChargingProfile", connectorId=evse_no, csChargingProfiles=profile | named)

    async def clear(self) -> str:
        return await self.order("ClearChargingProfile")

    async def remote_start(self, id_tag: str, evse_no: int = 1) -> str:
        return await self.order("RemoteStartTransaction", idTag=id_tag, connectorId=evse_no)

    async def remote_stop(self, transaction_id: str) -> str:
        return await self.order("RemoteStopTransaction", transactionId=int(transaction_id))


class Csms201(Csms):
    subprotocol = "ocpp2.0.1"
    endpoint_class: ClassVar[Any] = v201.ChargePoint

    def actions(self) -> list[str]:
        return [*ACTIONS, "NotifyReport", "TransactionEvent"]

    def answer(self, frame: Frame) -> Any:
        results = v201.call_result
        match frame.action:
            case "BootNotification":
                return results.BootNotification(**self._boot_answer())
            case "Heartbeat":
                return results.Heartbeat(NOW)
            case "Authorize":
                return results.Authorize(self._status(frame.payload["id_token"]["id_token"]))  # type: ignore[arg-type]  # as on the wire
            case "TransactionEvent":
                token = frame.payload.get("id_token")
                return results.TransactionEvent(id_token_info=None if token is None else self._status(token["id_token"]))  # type: ignore[arg-type]  # same
            case other:
                return getattr(results, other)()

    async def status(self, status: str, *, after: int = 0) -> Frame:
        """Wait for a connector status, named as in 1.6."""
        plain = status if status in {"Available", "Unavailable"} else "Occupied"
        return await self.expect("StatusNotification", lambda payload: payload["connector_status"] == plain, after=after)

    async def started(self, *, after: int = 0) -> tuple[Frame, str]:
        frame = await self.expect("TransactionEvent", lambda payload: payload["event_type"] == "Started", after=after)
        return frame, frame.payload["transaction_info"]["transaction_id"]

    async def ended(self, transaction_id: str, *, after: int = 0) -> tuple[Frame, str]:
        def is_end(payload: dict[str, Any]) -> bool:
            return (payload["event_type"], payload["transaction_info"]["transaction_id"]) == ("Ended", transaction_id)

        frame = await self.expect("TransactionEvent", is_end, after=after)
        return frame, frame.payload["transaction_info"]["stopped_reason"]

    async def power(self, transaction_id: str, accepts: Callable[[int], bool], *, after: int = 0) -> Frame:
        """Return the first periodic sample of the transaction whose power in W is accepted."""
        return await self.expect(
            "TransactionEvent",
            lambda payload: (
                payload["trigger_reason"] == "MeterValuePeriodic"
                and payload["transaction_info"]["transaction_id"] == transaction_id
                and accepts(self.values(payload)["Power.Active.Import"])
            ),
            after=after,
        )

    def values(self, payload: dict[str, Any]) -> dict[str, int]:
        return {sample["measurand"]: round(sample["value"]) for sample in payload["meter_value"][0]["sampled_value"]}

    async def limit(
        self, limit_kw: float, purpose: str = "tx", *, evse_no: int = 1, transaction_id: str | None = None, stack_level: int = 0
    ) -> str:
        """Install an absolute profile of one period that began long ago; return the status of the answer."""
        named = {} if transaction_id is None else {"transactionId": transaction_id}
        profile = {
            "id": 10 * stack_level + list(PURPOSES).index(purpose),
            "stackLevel": stack_level,
            "chargingProfilePurpose": "ChargingStationMaxProfile" if purpose == "max" else PURPOSES[purpose],
            "chargingProfileKind": "Absolute",
            "chargingSchedule": [
                {
                    "id": 1,
                    "chargingRateUnit": "W",
                    "startSchedule": NOW,
                    "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit_kw * 1000}],
                }
            ],
        }
        return await self.order("SetChargingProfile", evseId=evse_no, chargingProfile=profile | named)

    async def clear(self) -> str:
        """Clear what is installed at stack level 0."""
        return await self.order("ClearChargingProfile", chargingProfileCriteria={"stackLevel": 0})

    async def remote_start(self, id_tag: str, evse_no: int = 1) -> str:
        token = {"idToken": id_tag, "type": "Central"}
        return await self.order("RequestStartTransaction", idToken=token, remoteStartId=99, evseId=evse_no)

    async def remote_stop(self, transaction_id: str) -> str:
        return await self.order("RequestStopTransaction", transactionId=transaction_id)


class Csms21(Csms201):
    subprotocol = "ocpp2.1"
    endpoint_class = v21.ChargePoint
