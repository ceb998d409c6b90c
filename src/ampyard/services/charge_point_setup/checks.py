"""What must be true of a charge point as it is set up."""

import re
import uuid
from collections.abc import Iterable

from ampyard.domain.charge_points import ChargePoint
from ampyard.domain.errors import ConflictError, Problems
from ampyard.domain.life_cycle import ChargePointState
from ampyard.repositories.charge_points import ChargePoints
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.services.fallbacks import check_fallbacks

# identifierString (OCPP 2.0.1 part 2, 3), without the colon: it ends the user name of HTTP basic authentication (RFC 7617, 2).
_IDENTITY = re.compile(r"[A-Za-z0-9*\-_=+|@.]{1,48}")
_NAME_LENGTH = 100
# ChargingStationType (OCPP 2.0.1 part 2): vendorName 50, model 20.
_VENDOR_LENGTH = 50
_MODEL_LENGTH = 20
# BasicAuthPassword (OCPP 2.0.1 part 2, A00.FR.205): 16 to 40 characters; an AuthorizationKey of OCPP 1.6 has 16 to 20 bytes.
_PASSWORD = re.compile(r"[\x21-\x7e]{16,40}")
MOST_AT_ONCE = 200
INPUT = ("input",)


def identity_flaw(identity: str) -> str | None:
    """Return what is wrong with an identity and what would be right; `None` where it is sound."""
    if _IDENTITY.fullmatch(identity):
        return None
    return f"{identity[:60]!r} is no identity; give 1 to 48 letters, digits and any of * - _ = + | @ and the full stop."


def text_flaw(text: str, at_most: int) -> str | None:
    """Return what is wrong with a name, vendor or model; `None` where it is sound."""
    if 0 < len(text.strip()) <= at_most and text.isprintable():
        return None
    return f"{text[:60]!r} has {len(text.strip())} characters; give 1 to {at_most} printable ones."


def password_flaw(password: str) -> str | None:
    """Return what is wrong with a password, without repeating it; `None` where it is sound."""
    if _PASSWORD.fullmatch(password):
        return None
    return f"The password has {len(password)} characters; give 16 to 40 printable ASCII ones without spaces (20 at most for OCPP 1.6)."


def check_texts(
    problems: Problems, path: tuple[str, ...], *, identity: str | None, name: str | None, vendor: str | None, model: str | None
) -> None:
    """Note what is wrong with the texts that are given."""
    flaws = {
        "identity": identity_flaw(identity) if identity is not None else None,
        "name": text_flaw(name, _NAME_LENGTH) if name is not None else None,
        "vendor": text_flaw(vendor, _VENDOR_LENGTH) if vendor is not None else None,
        "model": text_flaw(model, _MODEL_LENGTH) if model is not None else None,
    }
    for field, flaw in flaws.items():
        if flaw is not None:
            problems.add(flaw, *path, field)


def refuse_retired(charge_point: ChargePoint) -> None:
    """Raise `ConflictError` for a charge point that is gone for good."""
    if charge_point.state is ChargePointState.RETIRED:
        raise ConflictError(f"{charge_point.identity} is retired; nothing of it changes any more.")


async def locked(work: UnitOfWork, charge_point_ids: Iterable[uuid.UUID]) -> list[ChargePoint]:
    """Lock charge points, in the order of their ids: so two who change the same do not wait for each other."""
    found: list[ChargePoint] = []
    for charge_point_id in sorted(charge_point_ids):
        charge_point = await work.lock(ChargePoints, charge_point_id)
        if charge_point is not None:
            found.append(charge_point)
    return found


async def settle(work: UnitOfWork, depot_ids: Iterable[uuid.UUID], path: tuple[str, ...]) -> None:
    """Check the fall-backs of depots whose charge points have changed, and have their power shared anew.

    Raises:
        InvalidInputError: at `path`: they do not fit the supply.
    """
    for depot_id in sorted(depot_ids):
        await check_fallbacks(work, depot_id, path)
        work.wake_planner(depot_id)
