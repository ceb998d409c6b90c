"""What EVSEs were told, and can be told; limits from outside; checks of what charge points obey."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from ampyard.domain.access import Scope
from ampyard.domain.charge_points import Evse
from ampyard.domain.charging_limits import ChargingLimit
from ampyard.domain.equipment import SetPointKind
from ampyard.domain.limit_schedules import Step
from ampyard.domain.transactions import Transaction
from ampyard.engine import computed, list_size
from ampyard.resolvers.changes import Caller
from ampyard.resolvers.context import Info
from ampyard.resolvers.ids import decode_id
from ampyard.services import charging_limits, schedule_checks


def set_point_kind() -> Any:
    """Return a field with the kind of an EVSE's set-points."""

    def resolve(root: Any) -> SetPointKind:
        kind: SetPointKind = root.set_points.kind
        return kind

    return computed(resolve, reads=["set_points"], description="Which limits it can regulate to.")


def listed_set_points() -> Any:
    """Return a field with the set-points that an EVSE knows."""

    def resolve(root: Any) -> list[float]:
        return list(root.set_points.listed_a)

    description = "The limits it can regulate to, in A of each phase; empty where these are not listed."
    return computed(resolve, reads=["set_points"], description=description, directives=[list_size(5)])


def told_steps() -> Any:
    """Return a field with the schedule that an EVSE has confirmed, from now on."""

    def resolve(root: Evse, info: Info) -> Sequence[Step]:
        info.context.principal.require(Scope.FLEET_READ)
        return () if root.told is None else root.told.from_(info.context.now).steps

    description = "The limits it has confirmed, from the one that holds now on; the last holds for good. Empty when its fall-back holds."
    return computed(resolve, reads=["told"], description=description, directives=[list_size(8)])


def limit_steps() -> Any:
    """Return a field with the steps of a limit from outside."""

    def resolve(root: ChargingLimit) -> Sequence[Step]:
        return root.schedule.steps

    description = "What the transaction may use at most, over time; the last step holds for good."
    return computed(resolve, reads=["schedule"], description=description, directives=[list_size(4)])


def measured_phases() -> Any:
    """Return a field with the phases that a transaction was seen to use."""

    def resolve(root: Transaction) -> list[int]:
        return sorted(root.measured_phases or ())

    description = "The phases of the EVSE (1 to 3) that were seen to carry current; empty where none were told of."
    return computed(resolve, reads=["measured_phases"], description=description, directives=[list_size(3)])


async def limit_transaction(
    caller: Caller, *, transaction_id: str, limit_kw: float, valid_until: datetime | None, reason: str
) -> dict[str, Any]:
    """Cap a transaction by hand."""
    wanted = decode_id("input.transactionId", transaction_id, Transaction)
    limit = charging_limits.limit_transaction
    return {"charging_limit": await limit(caller.backend, caller.principal, wanted, limit_kw, valid_until=valid_until, reason=reason)}


async def clear_charging_limit(caller: Caller, *, charging_limit_id: str) -> dict[str, Any]:
    """Let a limit from outside count no more."""
    wanted = decode_id("input.chargingLimitId", charging_limit_id, ChargingLimit)
    return {"charging_limit": await charging_limits.clear_charging_limit(caller.backend, caller.principal, wanted)}


async def check_schedule(caller: Caller, *, evse_id: str) -> dict[str, Any]:
    """Ask an EVSE which limits it will obey."""
    wanted = decode_id("input.evseId", evse_id, Evse)
    checked = await schedule_checks.check_schedule(caller.backend, caller.principal, wanted)
    return {"command": checked.command, "check": checked.check}


async def clear_profiles(caller: Caller, *, evse_id: str) -> dict[str, Any]:
    """Have an EVSE forget the limits of its transaction."""
    wanted = decode_id("input.evseId", evse_id, Evse)
    return {"command": await schedule_checks.clear_profiles(caller.backend, caller.principal, wanted)}
