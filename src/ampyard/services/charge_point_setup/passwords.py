"""The password with which a charge point logs in."""

import asyncio
import uuid

from ampyard.domain.access import Principal, Scope
from ampyard.domain.charge_points import ChargePoint
from ampyard.domain.errors import InvalidInputError
from ampyard.repositories.charge_points import ChargePoints
from ampyard.services.backend import Backend
from ampyard.services.charge_point_setup.checks import INPUT, password_flaw, refuse_retired
from ampyard.services.charge_points import publish_change
from ampyard.services.secrets import hash_password, new_charge_point_password


async def set_password(backend: Backend, principal: Principal, charge_point_id: uuid.UUID, password: str | None) -> tuple[ChargePoint, str]:
    """Give a charge point a new password for its next login; returns it: it is kept as a hash alone. An open socket stays open.

    Args:
        backend: the ports of this process.
        principal: who sets it.
        charge_point_id: whose.
        password: the one to set; `None`: make one.

    Raises:
        ForbiddenError: the principal lacks `charge_points:write`, or may only see it.
        NotFoundError: there is no such charge point.
        InvalidInputError: the password is too short, too long, or has other characters than printable ASCII ones.
        ConflictError: the charge point is retired.
    """
    principal.require(Scope.CHARGE_POINTS_WRITE)
    flaw = password_flaw(password) if password is not None else None
    if flaw is not None:
        raise InvalidInputError(flaw, path=(*INPUT, "password"))
    chosen = password or new_charge_point_password()
    password_hash = await asyncio.to_thread(hash_password, chosen)
    async with backend.unit_of_work(principal, Scope.CHARGE_POINTS_WRITE) as work:
        charge_point = await work.require(ChargePoints, charge_point_id, "charge point")
        refuse_retired(charge_point)
        await work.change(ChargePoints, charge_point.id, password_hash=password_hash, updated_at=work.now)
        await work.audit("charge_point.set_password", "charge_point", charge_point.id)
        publish_change(work, charge_point)
        # Not the password: whoever repeats the request is not told it again.
        work.answers(charge_point=charge_point)
        await work.commit()
    return charge_point, chosen
