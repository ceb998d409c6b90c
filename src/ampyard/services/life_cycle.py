"""The life of charge points: put into service, taken out of it, retired. Each step has a reason and leaves an audit record."""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from ampyard.domain.access import Principal, Scope
from ampyard.domain.charge_points import ChargePoint
from ampyard.domain.errors import ConflictError, InvalidInputError
from ampyard.domain.life_cycle import ChargePointState, check_transition
from ampyard.domain.orders import ChangeAvailability
from ampyard.repositories.charge_points import ChargePoints, Evses
from ampyard.repositories.transactions import Transactions
from ampyard.repositories.unit_of_work import SOCKET_CHANNEL, UnitOfWork
from ampyard.services import commands, faults
from ampyard.services.availability import note_availability
from ampyard.services.backend import Backend
from ampyard.services.charge_points import publish_change

_REASON_LENGTH = 500
_MOST_AT_ONCE = 200
# A charge point that is offline is told when it is back.
_AVAILABILITY_LIFETIME = timedelta(days=7)


async def change_states(
    backend: Backend, principal: Principal, charge_point_ids: Sequence[uuid.UUID], state: ChargePointState, *, reason: str
) -> list[ChargePoint]:
    """Take charge points to a state of their life: all of them, or none.

    Taken out of service, a charge point is told to take no vehicles, and back in service to take them again; one that is offline
    is told when it is back. A retired one loses its socket, and what was wrong with it no longer is.

    Raises:
        ForbiddenError: the principal lacks `charge_points:write`.
        InvalidInputError: no reason or too long a one, no charge points or too many.
        NotFoundError: one of the charge points does not exist.
        ConflictError: one cannot go to that state, or is to be retired while vehicles charge at it.
    """
    principal.require(Scope.CHARGE_POINTS_WRITE)
    if not 0 < len(reason.strip()) <= _REASON_LENGTH:
        raise InvalidInputError(f"The reason has {len(reason.strip())} characters; give 1 to {_REASON_LENGTH}.", path=("input", "reason"))
    chosen = list(dict.fromkeys(charge_point_ids))
    if not 0 < len(chosen) <= _MOST_AT_ONCE:
        message = f"{len(chosen)} charge points are named; name 1 to {_MOST_AT_ONCE}."
        raise InvalidInputError(message, path=("input", "chargePointIds"))
    async with backend.unit_of_work(principal, Scope.CHARGE_POINTS_WRITE) as work:
        # In the order of their ids, so that two who change the same do not wait for each other.
        changed = {charge_point_id: await _change_state(work, charge_point_id, state, reason.strip()) for charge_point_id in sorted(chosen)}
        result = [changed[charge_point_id] for charge_point_id in chosen]
        work.answers(charge_points=result)
        await work.commit()
    return result


async def _change_state(work: UnitOfWork, charge_point_id: uuid.UUID, state: ChargePointState, reason: str) -> ChargePoint:
    charge_point = await work.require(ChargePoints, charge_point_id, "charge point")
    check_transition(charge_point.identity, charge_point.state, state)
    changed = replace(charge_point, state=state, state_at=work.now, state_reason=reason, updated_at=work.now)
    await work.change(ChargePoints, charge_point.id, state=state, state_at=work.now, state_reason=reason, updated_at=work.now)
    if state is ChargePointState.RETIRED:
        changed = await _retire(work, changed)
    elif state.operated and charge_point.state.operated:
        order = ChangeAvailability(operative=state is ChargePointState.IN_SERVICE)
        await commands.give(work, charge_point.id, order.kind, order.payload(), lifetime=_AVAILABILITY_LIFETIME)
    await note_availability(work, charge_point.id)
    await work.audit("charge_point.state", "charge_point", charge_point.id, state=state, before=charge_point.state, reason=reason)
    publish_change(work, changed)
    work.wake_planner(charge_point.depot_id)
    return changed


async def _retire(work: UnitOfWork, charge_point: ChargePoint) -> ChargePoint:
    evses = (await Evses(work.session).of_charge_points([charge_point.id])).get(charge_point.id, [])
    if await Transactions(work.session).active_of_evses([evse.id for evse in evses]):
        raise ConflictError(f"Vehicles charge at {charge_point.identity}; stop their transactions before it is retired.")
    await faults.clear_all(work, charge_point)
    if not charge_point.connected:
        return charge_point
    # Nobody's socket: whichever it has now is taken for replaced, and closed.
    nobody = uuid.uuid4()
    await work.change(ChargePoints, charge_point.id, connected=False, disconnected_at=work.now, socket_id=nobody)
    work.notify(SOCKET_CHANNEL, f"{charge_point.id}:{nobody}")
    return replace(charge_point, connected=False, disconnected_at=work.now)
