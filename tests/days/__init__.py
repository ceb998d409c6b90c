"""What happens in the busy tenant (`tests/busy.py`), by domain, in this order; each adds what the walking tests need to know of it.

A module has `happen(busy)`, and where its fields or mutations need arguments, `valid_inputs(busy)`: by root field the arguments with which
it would do something, and `foreign_inputs(busy, twin)`: by mutation and input field the input that would do something if only that id
were not the other tenant's. `UNSET` names fields, as Type.field, that nothing sets, `CONTRADICTED` mutations that the day leaves nothing
to do for.
"""

from types import ModuleType
from typing import TYPE_CHECKING, Any

from tests.days import (
    access,
    administration,
    alerts,
    allocations,
    charge_points,
    charging_profiles,
    charging_requests,
    charts,
    dispatch,
    grid,
    planning,
    reservations,
    supply,
    transactions,
    vehicles,
)

if TYPE_CHECKING:
    from tests.busy import Busy

# Charts are drawn from all that others let happen.
DAYS: tuple[ModuleType, ...] = (
    access,
    supply,
    grid,
    charge_points,
    vehicles,
    dispatch,
    charging_requests,
    administration,
    transactions,
    charging_profiles,
    reservations,
    planning,
    allocations,
    alerts,
    charts,
)


# What nothing sets in the morning that all days have in common.
_UNSET = {
    "ChargePoint.vendor",
    "ChargePoint.model",
    "ChargePoint.serialNumber",
    "ChargePoint.firmwareVersion",
    "ChargePoint.bootedAt",
    "ChargePoint.disconnectedAt",
    "Command.finishedAt",
    "Command.sentAt",
    "Command.outcome",
    "Connector.errorCode",
    "MeterSample.phase",
    "Priority.validUntil",
}


def unset() -> set[str]:
    """Return the fields, as Type.field, that have a value nowhere in the busy tenant; `UNSET` of each day adds to them."""
    return _UNSET.union(*(getattr(day, "UNSET", set()) for day in DAYS))


def contradicted() -> set[str]:
    """Return the mutations that are refused whoever asks, as the day contradicts them; `CONTRADICTED` of each day adds to them."""
    return set().union(*(getattr(day, "CONTRADICTED", set()) for day in DAYS))


async def valid_inputs(busy: "Busy") -> dict[str, dict[str, Any]]:
    """Return what all days know of valid arguments."""
    found: dict[str, dict[str, Any]] = {}
    for day in DAYS:
        if hasattr(day, "valid_inputs"):
            found |= await day.valid_inputs(busy)
    return found


async def foreign_inputs(busy: "Busy", twin: "Busy") -> dict[tuple[str, str], dict[str, Any]]:
    """Return what all days know of inputs with an id of the other tenant's."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for day in DAYS:
        if hasattr(day, "foreign_inputs"):
            found |= await day.foreign_inputs(busy, twin)
    return found
