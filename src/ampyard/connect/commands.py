"""Carrying out a command: claimed, put to the charge point, its outcome recorded."""

import logging
import uuid
from collections.abc import Awaitable, Callable

from ocpp.exceptions import OCPPError

from ampyard.connect.answers import Answer
from ampyard.connect.endpoint import CallRefusedError, Endpoint, SocketClosedError
from ampyard.domain.commands import Command, CommandKind, CommandState
from ampyard.services import commands, schedule_checks, variables

_log = logging.getLogger(__name__)


async def carry_out(endpoint: Endpoint, command_id: uuid.UUID, send: Callable[[str], Awaitable[None]]) -> None:
    """Take a command that still waits and see it through; does nothing where it has been taken or has expired.

    REJECTED is what the charge point itself said: it holds what it held before. FAILED is everything that leaves open what
    it holds now: an error, no answer in time, a lost socket.
    """
    tenant_id = endpoint.station.tenant_id
    command = await commands.claim(endpoint.backend, tenant_id, command_id)
    if command is None:
        return
    answer = await _ask(endpoint, command, send)
    if isinstance(answer, Answer):
        if answer.variables:
            await variables.reported(endpoint.backend, endpoint.station, answer.variables)
        if answer.schedule is not None:
            await schedule_checks.reported(endpoint.backend, endpoint.station, command, answer.schedule)
        state, outcome = answer.state, answer.outcome
    else:
        state, outcome = CommandState.FAILED, answer
    if state is not CommandState.ACCEPTED:
        _log.warning("%s: %s %s: %s", endpoint.station.identity, command.kind, state, outcome)
    await commands.finish(endpoint.backend, tenant_id, command_id, state, outcome)


async def _ask(endpoint: Endpoint, command: Command, send: Callable[[str], Awaitable[None]]) -> Answer | str:
    """Return the charge point's answer, or why there is none."""
    options = endpoint.options
    timeout_s = options.limit_timeout_s if command.kind is CommandKind.SET_LIMIT else options.command_timeout_s
    try:
        return endpoint.understand(command, await endpoint.ask(endpoint.message(command), send, timeout_s=timeout_s))
    except TimeoutError:
        return f"No answer within {timeout_s:g} s."
    except SocketClosedError:
        return "The connection was lost before the charge point answered."
    except CallRefusedError as error:
        return str(error)
    except OCPPError as error:
        return f"The message or its answer breaks the schema: {error.details.get('cause', error.description)}"
    except Exception:  # noqa: BLE001 - whatever it is, the command ends and the next one is sent; logged here
        reference = uuid.uuid4()
        _log.exception("%s: command %s failed, reference %s.", endpoint.station.identity, command.id, reference)
        return f"Internal error, reference {reference}."
