"""Changes of depots: decode ids and opening times, call the service."""

from typing import Any

from ampyard.domain.depots import Depot
from ampyard.domain.local_time import minute_of_day
from ampyard.domain.opening_hours import ExceptionalPeriod, Hours, RegularHours
from ampyard.resolvers.changes import Caller
from ampyard.resolvers.context import Info
from ampyard.resolvers.ids import SCOPES, decode_id
from ampyard.services import depots
from ampyard.services.depots import NewDepot
from ampyard.services.edits import at_path

_HOURS = ("input", "openingTimes")


async def create_depot(caller: Caller, *, opening_times: Any = None, **wanted: Any) -> dict[str, Any]:
    """Make a depot."""
    new = NewDepot(**wanted, opening_times=None if opening_times is None else _hours(opening_times))
    return {"depot": await depots.create_depot(caller.backend, caller.principal, new)}


async def edit_depot(caller: Caller, *, depot_id: str, **changes: Any) -> dict[str, Any]:
    """Change fields of a depot."""
    if changes.get("opening_times") is not None:
        changes["opening_times"] = _hours(changes["opening_times"])
    wanted = decode_id("input.depotId", depot_id, Depot)
    return {"depot": await depots.edit_depot(caller.backend, caller.principal, wanted, **changes)}


async def archive_depot(caller: Caller, *, depot_id: str) -> dict[str, Any]:
    """Archive a depot."""
    return {"depot": await depots.archive_depot(caller.backend, caller.principal, decode_id("input.depotId", depot_id, Depot))}


async def restore_depot(caller: Caller, *, depot_id: str) -> dict[str, Any]:
    """Take an archived depot back into service."""
    return {"depot": await depots.restore_depot(caller.backend, caller.principal, decode_id("input.depotId", depot_id, Depot))}


def is_open(root: Depot, info: Info) -> bool | None:
    """Resolve whether a depot is open now."""
    info.context.principal.require(SCOPES[Depot])
    return root.is_open(info.context.now)


def _hours(given: Any) -> Hours:
    regular = []
    for number, hours in enumerate(given.regular_hours):
        here = (*_HOURS, "regularHours", str(number))
        with at_path(*here, "periodBegin"):
            begin = minute_of_day(hours.period_begin)
        with at_path(*here, "periodEnd"):
            end = minute_of_day(hours.period_end)
        with at_path(*here):
            regular.append(RegularHours(hours.weekday, begin, end))
    openings = _periods("exceptionalOpenings", given.exceptional_openings)
    closings = _periods("exceptionalClosings", given.exceptional_closings)
    with at_path(*_HOURS):
        return Hours(given.twentyfourseven, tuple(regular), openings, closings)


def _periods(name: str, given: list[Any]) -> tuple[ExceptionalPeriod, ...]:
    periods = []
    for number, period in enumerate(given):
        with at_path(*_HOURS, name, str(number)):
            periods.append(ExceptionalPeriod(period.period_begin, period.period_end))
    return tuple(periods)
