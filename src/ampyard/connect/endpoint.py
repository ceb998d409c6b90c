"""What the protocol versions share: a CALL is answered, a command is asked."""

import asyncio
import logging
import uuid
from abc import abstractmethod
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, TypeVar, cast

from ocpp.charge_point import ChargePoint, camel_to_snake_case, remove_nones, serialize_as_dict, snake_to_camel_case
from ocpp.exceptions import OCPPError
from ocpp.messages import Call, CallError, CallResult, validate_payload
from ocpp.routing import on

from ampyard.connect.answers import Answer
from ampyard.connect.framing import call_error
from ampyard.connect.options import ConnectOptions
from ampyard.domain.charge_points import OcppVersion
from ampyard.domain.commands import Command
from ampyard.domain.errors import DomainError
from ampyard.services.backend import Backend
from ampyard.services.charge_points import Station

_log = logging.getLogger(__name__)

Handler = TypeVar("Handler", bound=Callable[..., Any])


class CallRefusedError(Exception):
    """The charge point answered a CALL of ours with a CALLERROR."""


class SocketClosedError(Exception):
    """The socket closed before the charge point answered."""


def handles(action: str) -> Callable[[Handler], Handler]:
    """Mark a coroutine method as the handler of an action: it takes the payload in snake case and returns a `call_result`."""
    return cast("Callable[[Handler], Handler]", on(action))


class Endpoint(ChargePoint):
    """One charge point in the words of one protocol version; subclasses add the handlers.

    Routes, schemas and conversions are the package's. Its receive loop is not used: it leaves malformed messages
    unanswered, keeps answers that nobody waits for, swaps NotImplemented and NotSupported, and cannot be told that the
    socket has closed.
    """

    version: ClassVar[OcppVersion]
    actions: ClassVar[frozenset[str]]
    _ocpp_version: ClassVar[str]

    def __init__(self, backend: Backend, station: Station, options: ConnectOptions) -> None:
        super().__init__(station.identity, None)  # type: ignore[no-untyped-call]  # the package has no annotations there
        self.backend = backend
        self.station = station
        self.options = options
        self._asked: tuple[str, asyncio.Future[CallResult | CallError]] | None = None
        self._closed = False

    @abstractmethod
    def message(self, command: Command) -> Any:
        """Return a command as this version's `call`."""

    @abstractmethod
    def understand(self, command: Command, answer: dict[str, Any]) -> Answer:
        """Return what the charge point's answer to a command means; its fields are in snake case."""

    async def answer(self, call: Call) -> CallResult | CallError:
        """Carry out what a CALL says and return its answer. What it reports is durable once this returns."""
        try:
            return await self._handle(call)
        except OCPPError as error:
            code, text = call.create_call_error(error).error_code, _cause(error)
        except DomainError as error:
            code, text = "PropertyConstraintViolation", str(error)
        except Exception:  # noqa: BLE001 - the outermost edge: logged here, and masked
            reference = uuid.uuid4()
            _log.exception("%s: %s failed, reference %s.", self.station.identity, call.action, reference)
            return call_error(call.unique_id, "InternalError", f"Internal error, reference {reference}.", self.version)
        _log.warning("%s: %r is answered with %s: %s", self.station.identity, call.action, code, text)
        return call_error(call.unique_id, code, text, self.version)

    async def _handle(self, call: Call) -> CallResult | CallError:
        handler = self.route_map.get(call.action, {}).get("_on_action")
        if handler is None:
            # OCPP-J 1.6, table 7; 2.0.1 part 4, table 8.
            code, text = ("NotSupported", "not supported") if call.action in self.actions else ("NotImplemented", "unknown")
            _log.warning("%s: action %r is %s here.", self.station.identity, call.action, text)
            return call_error(call.unique_id, code, f"Action {call.action} is {text} here.", self.version)
        await validate_payload(call, self._ocpp_version)
        response = await handler(**camel_to_snake_case(call.payload))
        return CallResult(call.unique_id, snake_to_camel_case(remove_nones(serialize_as_dict(response))), call.action)

    async def ask(self, payload: Any, send: Callable[[str], Awaitable[None]], *, timeout_s: float) -> dict[str, Any]:
        """Send a CALL through `send` and return the answer's fields in snake case. One at a time (OCPP-J 1.6, 4.1.1).

        Raises:
            TimeoutError: there was no answer in time.
            CallRefusedError: it was a CALLERROR; the text says which.
            SocketClosedError: there will be none.
            OCPPError: the CALL or its answer breaks the schema.
        """
        call = Call(str(uuid.uuid4()), type(payload).__name__, remove_nones(snake_to_camel_case(serialize_as_dict(payload))))
        await validate_payload(call, self._ocpp_version)
        if self._closed:
            raise SocketClosedError
        future: asyncio.Future[CallResult | CallError] = asyncio.get_running_loop().create_future()
        self._asked = (call.unique_id, future)
        try:
            async with asyncio.timeout(timeout_s):
                await send(call.to_json())
                response = await future
        finally:
            self._asked = None
        if isinstance(response, CallError):
            raise CallRefusedError(f"{response.error_code}: {response.error_description}")
        response.action = call.action
        await validate_payload(response, self._ocpp_version)
        return cast("dict[str, Any]", camel_to_snake_case(response.payload))

    def deliver(self, answer: CallResult | CallError) -> None:
        """Hand an answer to who asked; one that nobody waits for (any more) is ignored."""
        if self._asked is None or self._asked[0] != answer.unique_id:
            _log.warning("%s: an answer to unknown message %r is ignored.", self.station.identity, answer.unique_id)
        elif not self._asked[1].done():
            self._asked[1].set_result(answer)

    def hang_up(self) -> None:
        """Say that the socket has closed: nobody need wait for an answer."""
        self._closed = True
        if self._asked is not None and not self._asked[1].done():
            self._asked[1].set_exception(SocketClosedError())


def _cause(error: OCPPError) -> str:
    """Return what is wrong, and where, without the payload that the package likes to repeat."""
    violation = error.__context__
    path = "/".join(str(part) for part in getattr(violation, "absolute_path", ()))
    text = getattr(violation, "message", None) or error.details.get("cause") or error.description
    return f"{path}: {text}" if path else str(text)
