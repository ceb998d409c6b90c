"""A stand-in for the connect process: takes the commands of one tenant and answers them, as charge points would."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from ampyard.domain.commands import Command, CommandState
from ampyard.repositories.unit_of_work import COMMAND_CHANNEL
from ampyard.services import commands
from ampyard.services.backend import Backend

# What a charge point says to a command, and does about it before anyone hears of its answer.
Answer = Callable[[Command], Awaitable[tuple[CommandState, str]]]


async def accept(command: Command) -> tuple[CommandState, str]:
    """Accept every command and do nothing."""
    del command
    return CommandState.ACCEPTED, "Accepted"


@asynccontextmanager
async def charge_points(backend: Backend, tenant_id: uuid.UUID, answer: Answer = accept) -> AsyncIterator[list[Command]]:
    """Answer a tenant's commands; yields those that have been taken."""
    taken: list[Command] = []
    async with backend.database.listen(COMMAND_CHANNEL) as notifications:

        async def serve() -> None:
            while True:
                _, payload = await notifications.get()
                tenant, _, command_id = payload.split(":")
                command = await commands.claim(backend, tenant_id, uuid.UUID(command_id)) if tenant == str(tenant_id) else None
                if command is not None:
                    taken.append(command)
                    state, outcome = await answer(command)
                    await commands.finish(backend, tenant_id, command.id, state, outcome)

        serving = asyncio.create_task(serve())
        try:
            yield taken
        finally:
            serving.cancel()
            await asyncio.wait([serving])
            if not serving.cancelled():
                serving.result()
