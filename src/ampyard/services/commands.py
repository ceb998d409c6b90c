"""Commands: from whoever gives them to the process that holds the charge point's socket, and back with the outcome.

A command is a row. Its id travels by NOTIFY to the connect processes; the one that holds the socket claims the row,
speaks to the charge point and records the outcome, which whoever waits hears of as an event.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from typing import Any, TypeVar

from ampyard.domain.access import Principal, system_principal
from ampyard.domain.charge_points import ChargePoint
from ampyard.domain.commands import Command, CommandKind, CommandState
from ampyard.domain.errors import ConflictError, NotFoundError
from ampyard.domain.events import Event, EventKind
from ampyard.domain.ids import new_id
from ampyard.domain.limit_schedules import Schedule
from ampyard.domain.orders import SetVariable
from ampyard.domain.variables import ReportedVariable
from ampyard.repositories import commands as store
from ampyard.repositories.charge_points import ChargePoints, Evses
from ampyard.repositories.commands import Commands
from ampyard.repositories.database import Snapshot
from ampyard.repositories.transactions import Transactions
from ampyard.repositories.unit_of_work import COMMAND_CHANNEL, UnitOfWork
from ampyard.repositories.variables import keep
from ampyard.services import reservation_states
from ampyard.services.backend import Backend
from ampyard.services.events import EventQueue

T = TypeVar("T")

# How long a command may wait for its charge point, and a charge point may take to answer.
LIFETIME = timedelta(seconds=30)
LIMIT_LIFETIME = timedelta(seconds=10)
# How long a caller waits for a charge point's answer: until the command is over, and that has been noticed.
_ANSWER_S = LIFETIME.total_seconds() + 2
# These come by the hundred at each step; that they have ended is told, that they begin is not.
_OF_POWER_SHARING = frozenset({CommandKind.SET_LIMIT, CommandKind.SET_DEFAULT_LIMIT})
# What a charge point says to a variable that holds from now on, and not only from its next start.
_IN_FORCE = "Accepted"
# How often one looks who waits for an outcome, without being told of any event.
_LOOK_S = 1.0


async def give(
    work: UnitOfWork, charge_point_id: uuid.UUID, kind: CommandKind, payload: dict[str, Any], *, lifetime: timedelta = LIFETIME
) -> Command:
    """Write a command; it is sent once the unit of work has been committed."""
    command = Command(
        id=new_id(),
        tenant_id=work.tenant_id,
        charge_point_id=charge_point_id,
        kind=kind,
        payload=payload,
        state=CommandState.PENDING,
        outcome=None,
        author=work.principal.author,
        created_at=work.now,
        sent_at=None,
        finished_at=None,
        expires_at=work.now + lifetime,
    )
    await work.add(Commands, command)
    work.notify(COMMAND_CHANNEL, f"{work.tenant_id}:{charge_point_id}:{command.id}")
    if kind not in _OF_POWER_SHARING:
        _publish(work, command, command.state)
    return command


async def withdraw_limits(work: UnitOfWork, evse_ids: list[uuid.UUID]) -> None:
    """End the limits of EVSEs that still wait to be sent, because a lower one is given.

    What may be in force stays as it is: the higher counts until the lower is confirmed.
    """
    await store.withdraw_pending_limits(work.session, evse_ids, at=work.now, outcome="A lower limit has taken its place.")


def _publish(work: UnitOfWork, command: Command, state: CommandState) -> None:
    payload = {"state": state.value, "charge_point_id": str(command.charge_point_id)}
    work.publish(Event(EventKind.COMMAND_UPDATED, command.id, payload=payload))


async def pending(backend: Backend, charge_point_ids: list[uuid.UUID]) -> list[tuple[uuid.UUID, uuid.UUID, uuid.UUID]]:
    """Return (tenant, charge point, command) ids that wait to be sent to one of these charge points, oldest first."""
    async with backend.database.system_snapshot() as snapshot:
        return await store.pending_for(snapshot, charge_point_ids, at=backend.clock())


async def claim(backend: Backend, tenant_id: uuid.UUID, command_id: uuid.UUID) -> Command | None:
    """Take a pending command for sending; `None` when it is taken or no longer wanted."""
    async with backend.unit_of_work(system_principal(tenant_id, "connect")) as work:
        command = await store.claim(work.session, command_id, at=work.now)
        await work.commit()
    return command


async def finish(backend: Backend, tenant_id: uuid.UUID, command_id: uuid.UUID, state: CommandState, outcome: str) -> Command | None:
    """Record how a command ended; one that has ended already stays as it is (`None`)."""
    async with backend.unit_of_work(system_principal(tenant_id, "connect")) as work:
        command = await work.lock(Commands, command_id)
        if command is None or command.state.final:
            return None
        await work.change(Commands, command_id, state=state, outcome=outcome, finished_at=work.now)
        if command.kind is CommandKind.SET_LIMIT:
            await _limit_answered(work, command, state)
        elif command.kind is CommandKind.CLEAR_PROFILES and state is CommandState.ACCEPTED:
            # Its fall-back holds now; what may be in force is lowered once it is told again.
            await work.change(Evses, uuid.UUID(command.payload["evse_id"]), limit_kw=None, limit_at=None, told=None)
        elif command.kind is CommandKind.SET_DEFAULT_LIMIT:
            await _default_answered(work, command, state)
        elif command.kind is CommandKind.SET_VARIABLE and outcome == _IN_FORCE:
            setting = SetVariable.from_payload(command.payload)
            taken = ReportedVariable(setting.variable, setting.value)
            await keep(work.session, work.tenant_id, command.charge_point_id, [taken], at=work.now)
        elif command.kind in {CommandKind.RESERVE, CommandKind.CANCEL_RESERVATION}:
            await reservation_states.answered(work, command, state, outcome)
        _publish(work, command, state)
        await work.commit()
    return command


async def _limit_answered(work: UnitOfWork, command: Command, state: CommandState) -> None:
    """Keep what may be in force: an accepted limit alone, what was before a refused one, and else the higher of the two."""
    payload = command.payload
    evse_id = uuid.UUID(payload["evse_id"])
    evse = await work.lock(Evses, evse_id)
    if evse is not None and await _still_open(work, evse_id, uuid.UUID(payload["transaction_id"])):
        if state is CommandState.ACCEPTED:
            limit_kw, told = float(payload["limit_kw"]), _schedule(payload, "schedule")
            changes = {"limit_kw": limit_kw, "told": told, "in_force_kw": limit_kw, "in_force": told}
            await work.change(Evses, evse_id, **changes, limit_at=work.now, updated_at=work.now)
        elif state is CommandState.REJECTED:
            await work.change(Evses, evse_id, in_force_kw=float(payload["before_kw"]), in_force=_schedule(payload, "before"))
    work.wake_planner(uuid.UUID(payload["depot_id"]))


async def _default_answered(work: UnitOfWork, command: Command, state: CommandState) -> None:
    """Keep which default profile may be in force: an accepted one alone, what was before a refused one, and else the higher of the two.

    Where none has ever been accepted, none is known.
    """
    payload = command.payload
    if "evse_id" not in payload:
        return  # given by a release that did not keep what became of it
    evse = await work.lock(Evses, uuid.UUID(payload["evse_id"]))
    if evse is None or state not in {CommandState.ACCEPTED, CommandState.REJECTED}:
        return
    held_kw = payload["limit_kw"] if state is CommandState.ACCEPTED else payload["before_kw"]
    if held_kw != evse.fallback_in_force_kw:
        await work.change(Evses, evse.id, fallback_in_force_kw=held_kw, updated_at=work.now)
        work.wake_planner(uuid.UUID(payload["depot_id"]))


def _schedule(payload: dict[str, Any], name: str) -> Schedule | None:
    """Return a schedule of a limit; `None` for one that a process of the last release gave, which was a constant."""
    return Schedule.from_json(payload[name]) if name in payload else None


async def _still_open(work: UnitOfWork, evse_id: uuid.UUID, transaction_id: uuid.UUID) -> bool:
    active = (await Transactions(work.session).active_of_evses([evse_id])).get(evse_id)
    return active is not None and active.id == transaction_id


async def expire_overdue(backend: Backend) -> int:
    """End commands whose time is over, so that nobody waits for ever; returns how many."""
    async with backend.database.system_snapshot() as snapshot:
        overdue = await store.overdue(snapshot, at=backend.clock())
    for tenant_id, command_id in overdue:
        await finish(backend, tenant_id, command_id, CommandState.EXPIRED, "The charge point did not answer in time.")
    return len(overdue)


async def reachable(work: UnitOfWork, charge_point_id: uuid.UUID) -> ChargePoint:
    """Return a charge point that can be asked now.

    Raises:
        NotFoundError: there is no such charge point.
        ConflictError: it is offline.
    """
    charge_point = await ChargePoints(work.session).by_id(charge_point_id)
    if charge_point is None:
        raise NotFoundError("There is no such charge point.")
    if not charge_point.connected:
        since = charge_point.disconnected_at.isoformat() if charge_point.disconnected_at else "ever"
        raise ConflictError(f"Charge point {charge_point.identity} is offline since {since}; it cannot be asked.")
    return charge_point


async def see_through(backend: Backend, principal: Principal, command: Command, *, give: Callable[[], Awaitable[Any]]) -> Command:
    """Give a command, and return it as it has ended; as it was given, should even its end be late."""

    async def ended(snapshot: Snapshot) -> Command | None:
        now = await Commands(snapshot).by_id(command.id)
        return now if now is not None and now.state.final else None

    return await wait_for(backend, principal, ended, give=give, timeout_s=_ANSWER_S) or command


async def wait_for(
    backend: Backend,
    principal: Principal,
    look: Callable[[Snapshot], Awaitable[T | None]],
    *,
    give: Callable[[], Awaitable[Any]],
    timeout_s: float,
) -> T | None:
    """Do something, then wait until `look` finds what it is to bring about; `None` when the time is over.

    Looks at once and after each event of the tenant, each time in a new snapshot; and every second, should events be
    late or not come at all.
    """
    async with AsyncExitStack() as stack:
        try:
            async with asyncio.timeout(_LOOK_S):
                queue = await stack.enter_async_context(backend.events.subscribe(principal.tenant_id))
        except TimeoutError:
            queue = EventQueue()  # the streams are away
        await give()
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    async with backend.database.snapshot(principal.tenant_id) as snapshot:
                        found = await look(snapshot)
                    if found is not None:
                        return found
                    # Not `wait_for`: up to Python 3.11 it may swallow the outer time-out.
                    with suppress(TimeoutError):
                        async with asyncio.timeout(_LOOK_S):
                            await queue.get()
        except TimeoutError:
            return None
