"""What happens that day at the edge to the grid: limits that were told from outside."""

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ampyard.domain.grid_links import GridLink, LinkKind
from ampyard.domain.grid_messages import GridMessage, MessageDirection
from ampyard.domain.grid_prices import GridPrice
from ampyard.domain.grid_signals import GridSignal, SignalKind, SignalOrigin
from ampyard.domain.ids import new_id
from ampyard.domain.supply import PowerNode
from ampyard.repositories.depots import Depots
from ampyard.repositories.grid_links import GridLinks, GridMessages
from ampyard.repositories.grid_prices import replace_prices
from ampyard.repositories.grid_signals import GridSignals
from ampyard.resolvers.ids import encode_id
from ampyard.services import grid_signals
from ampyard.services.grid_signals import NewGridSignal, Told
from tests.days.supply import spare_of
from tests.fleet import user

if TYPE_CHECKING:
    from tests.busy import Busy

UNSET: set[str] = {"GridSignal.toldAt"}


async def happen(busy: "Busy") -> None:
    """Limit the spare panel of both depots from outside: now, and tomorrow below its fall-back."""
    who, now = user(busy.tenant_id), busy.backend.clock()
    for depot in await busy.all(Depots):
        panel = await spare_of(busy, depot)
        for hours, limit_kw in ((0, 12.0), (24, 4.0)):
            begin = now + timedelta(hours=hours)
            told = NewGridSignal(panel.id, begin, begin + timedelta(hours=2), limit_kw, 30.0, "Works in the substation.")
            await grid_signals.set_grid_signal(busy.backend, who, told)
        await _connect(busy, panel)


async def _connect(busy: "Busy", panel: PowerNode) -> None:
    """Let the grid operator tell prices on a link."""
    async with busy.backend.unit_of_work(user(busy.tenant_id)) as work:
        link = GridLink(
            id=new_id(),
            tenant_id=busy.tenant_id,
            depot_id=panel.depot_id,
            power_node_id=panel.id,
            kind=LinkKind.OPENADR,
            name="Utility",
            enabled=True,
            interval_s=60,
            lost_after_s=600,
            fallback_kw=10.0,
            fallback_a=None,
            lost_at=work.now + timedelta(hours=1),
            due_at=work.now + timedelta(hours=1),
            created_at=work.now,
            updated_at=work.now,
        )
        await work.add(GridLinks, link)
        soon = Told(work.now, work.now + timedelta(hours=1), 20.0, None)
        await grid_signals.replace_forecast(work, link, panel, SignalKind.CONSUMPTION, [soon], message_id="event-1")
        said = GridMessage(new_id(), busy.tenant_id, panel.depot_id, link.id, work.now, MessageDirection.OUT, "GET /events", *_ANSWERED)
        await work.add(GridMessages, said)
        begin = work.now.replace(minute=0)
        price = GridPrice(
            new_id(), busy.tenant_id, panel.depot_id, link.id, "event-1", begin, begin + timedelta(hours=1), 0.21, "EUR", work.now
        )
        await replace_prices(work.session, link.id, "event-1", [price])
        await work.commit()


_ANSWERED = (None, None, 200, None, {"events": 1})


async def valid_inputs(busy: "Busy") -> Mapping[str, dict[str, Any]]:
    """Return arguments with which each root field of the grid would do something."""
    return {name: {"input": given} for (name, _), given in (await _inputs(busy, busy)).items()}


async def foreign_inputs(busy: "Busy", twin: "Busy") -> dict[tuple[str, str], dict[str, Any]]:
    """Return, for each id that a change takes, an input that would do something if only that id were not the other's."""
    return await _inputs(busy, twin)


async def _inputs(own: "Busy", other: "Busy") -> dict[tuple[str, str], dict[str, Any]]:
    """Return inputs whose one id, that of the key, is of `other`."""
    elsewhere = (await other.all(Depots))[0]
    panel = await spare_of(other, elsewhere)
    manual = next(it for it in await other.all(GridSignals) if it.depot_id == elsewhere.id and it.origin is SignalOrigin.MANUAL)
    later = (own.backend.clock() + timedelta(hours=2)).isoformat()
    return {
        ("setGridSignal", "powerNodeId"): {
            "powerNodeId": encode_id(PowerNode, panel.id),
            "endsAt": later,
            "limitKw": 12.0,
            "reason": "The grid operator called.",
        },
        ("withdrawGridSignal", "gridSignalId"): {"gridSignalId": encode_id(GridSignal, manual.id)},
    }
