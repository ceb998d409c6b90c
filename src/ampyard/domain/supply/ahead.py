"""What a power node may supply in the hours to come, as far as it is known now."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from ampyard.domain.grid_signals import NO_GRID_LIMITS
from ampyard.domain.supply.limits import EffectiveLimit
from ampyard.domain.supply.state import NodeState

_MINUTE = timedelta(minutes=1)


def limits_ahead(state: NodeState, since: datetime, until: datetime) -> dict[datetime, EffectiveLimit]:
    """Return the limit of a node from each moment on at which it may change.

    Windows, exceptions and signals begin and end at whole minutes of the clock, so these are looked at one by one; a node that
    has none of them is looked at once.
    """
    return {moment: state.limit(moment) for moment in _moments(state, since, until)}


def _moments(state: NodeState, since: datetime, until: datetime) -> Iterator[datetime]:
    yield since
    if not (state.node.weekly_limits or state.exceptions or state.grid is not NO_GRID_LIMITS):
        return
    moment = since.replace(second=0, microsecond=0) + _MINUTE
    while moment < until:
        yield moment
        moment += _MINUTE
