"""Signals from outside: what state they are in, and changes of those entered by hand."""

from datetime import datetime
from typing import Any

from ampyard.domain.grid_signals import GridSignal, SignalState
from ampyard.domain.supply import PowerNode
from ampyard.resolvers.changes import Caller
from ampyard.resolvers.context import Info
from ampyard.resolvers.ids import SCOPES, decode_id
from ampyard.services import grid_signals
from ampyard.services.grid_signals import NewGridSignal


def resolve_state(root: GridSignal, info: Info) -> SignalState:
    """Resolve where in its life a signal is."""
    info.context.principal.require(SCOPES[GridSignal])
    return root.state(info.context.now)


async def set_grid_signal(
    caller: Caller,
    *,
    power_node_id: str,
    ends_at: datetime,
    reason: str,
    begins_at: datetime | None = None,
    limit_kw: float | None = None,
    limit_a: float | None = None,
) -> dict[str, Any]:
    """Enter a limit from outside by hand."""
    node_id = decode_id("input.powerNodeId", power_node_id, PowerNode)
    wanted = NewGridSignal(node_id, begins_at, ends_at, limit_kw, limit_a, reason)
    return {"grid_signal": await grid_signals.set_grid_signal(caller.backend, caller.principal, wanted)}


async def withdraw_grid_signal(caller: Caller, *, grid_signal_id: str) -> dict[str, Any]:
    """Take back a limit that was entered by hand."""
    signal_id = decode_id("input.gridSignalId", grid_signal_id, GridSignal)
    return {"grid_signal": await grid_signals.withdraw_grid_signal(caller.backend, caller.principal, signal_id)}
