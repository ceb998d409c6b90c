"""What happens that day at the edge to the grid: limits that were told from outside, by word and by links."""

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ampyard.domain.depots import Depot
from ampyard.domain.grid_links import GridLink, LinkKind, MeasurementStyle
from ampyard.domain.grid_messages import MessageDirection
from ampyard.domain.grid_prices import GridPrice
from ampyard.domain.grid_signals import GridSignal, SignalOrigin
from ampyard.domain.ids import new_id
from ampyard.domain.supply import PowerNode
from ampyard.repositories.depots import Depots
from ampyard.repositories.grid_links import GridLinks
from ampyard.repositories.grid_prices import replace_prices
from ampyard.repositories.grid_signals import GridSignals
from ampyard.resolvers.ids import encode_id
from ampyard.services import grid_links, grid_signals, site_limits
from ampyard.services.grid_links import NewGridLink
from ampyard.services.grid_signals import NewGridSignal
from ampyard.services.grid_traffic import Said, keep
from ampyard.services.site_limits import PushedLimit
from tests.days.supply import spare_of
from tests.fleet import user

if TYPE_CHECKING:
    from tests.busy import Busy

UNSET: set[str] = {"GridSignal.toldAt"}


async def happen(busy: "Busy") -> None:
    """Limit the spare panel of both depots from outside: now, and tomorrow below its fall-back; and connect it in two ways."""
    who, now = user(busy.tenant_id), busy.backend.clock()
    for depot in await busy.all(Depots):
        panel = await spare_of(busy, depot)
        for hours, limit_kw in ((0, 12.0), (24, 4.0)):
            begin = now + timedelta(hours=hours)
            told = NewGridSignal(panel.id, begin, begin + timedelta(hours=2), limit_kw, 30.0, "Works in the substation.")
            await grid_signals.set_grid_signal(busy.backend, who, told)
        site = NewGridLink(panel.id, LinkKind.SITE_CONTROLLER, "Building", fallback_kw=10.0, fallback_a=20.0)
        link, _ = await grid_links.create_grid_link(busy.backend, who, site)
        pushed = PushedLimit("battery-low", now + timedelta(hours=1), limit_kw=10.0)
        await site_limits.push_limits(busy.backend, who, link.id, [pushed], replaces=False)
        await _price(busy, await _utility(busy, panel))
        await _operator(busy, panel)


async def _utility(busy: "Busy", panel: PowerNode) -> GridLink:
    """Connect the panel with a utility, which has been reached before and is not now."""
    wanted = NewGridLink(
        panel.id,
        LinkKind.OPENADR,
        "Utility",
        fallback_kw=10.0,
        group_id="tariff",
        url="https://vtn.example/openadr3/3.0.1",
        token_url="https://vtn.example/token",
        client_id="depot",
        client_secret="open sesame",
        ven_name="depot",
    )
    who = user(busy.tenant_id)
    link, _ = await grid_links.create_grid_link(busy.backend, who, wanted)
    async with busy.backend.unit_of_work(who) as work:
        seen = {name: work.now - timedelta(minutes=1) for name in ("registered_at", "called_at", "measured_until", "heard_at")}
        wants = {"peer_interval_s": 30.0, "peer_measurements": [MeasurementStyle.CONTINUOUS.value]}
        # Other tests have workers that call whom they find due.
        await work.change(GridLinks, link.id, error="The VTN answered 503", due_at=work.now + timedelta(days=36500), **seen, **wants)
        answered = Said(MessageDirection.IN, "events", 503, "The VTN answered 503", {"events": 0}, "request-1", "exchange-1")
        await keep(work, link, answered)
        await work.commit()
    return link


async def _operator(busy: "Busy", panel: PowerNode) -> None:
    """Connect the panel with a grid operator, who has registered."""
    who = user(busy.tenant_id)
    wanted = NewGridLink(panel.id, LinkKind.OSCP, "Grid operator", fallback_kw=10.0, group_id="feeder-7")
    link, _ = await grid_links.create_grid_link(busy.backend, who, wanted)
    async with busy.backend.unit_of_work(who) as work:
        due_at = work.now + timedelta(days=36500)
        await work.change(GridLinks, link.id, url="https://dso.example/oscp/cp/2.0", registered_at=work.now, due_at=due_at)
        await work.commit()


async def _price(busy: "Busy", link: GridLink) -> None:
    async with busy.backend.unit_of_work(user(busy.tenant_id)) as work:
        begin = work.now.replace(minute=0)
        end = begin + timedelta(hours=1)
        price = GridPrice(new_id(), busy.tenant_id, link.depot_id, link.id, "event-1", begin, end, 0.21, "EUR", work.now)
        await replace_prices(work.session, link.id, "event-1", [price])
        await work.commit()


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
    site = await _link(other, elsewhere, LinkKind.SITE_CONTROLLER)
    operator = await _link(other, elsewhere, LinkKind.OSCP)
    later = (own.backend.clock() + timedelta(hours=2)).isoformat()
    node_id, link_id = encode_id(PowerNode, panel.id), encode_id(GridLink, site.id)
    connect = {"kind": "OSCP", "name": "DSO", "groupId": "feeder-7", "fallbackKw": 11.0}
    return {
        ("setGridSignal", "powerNodeId"): {"powerNodeId": node_id, "endsAt": later, "limitKw": 12.0, "reason": "The DSO called."},
        ("withdrawGridSignal", "gridSignalId"): {"gridSignalId": encode_id(GridSignal, manual.id)},
        ("createGridLink", "powerNodeId"): connect | {"powerNodeId": node_id},
        ("editGridLink", "gridLinkId"): {"gridLinkId": link_id, "name": "Energy management"},
        ("renewGridLinkToken", "gridLinkId"): {"gridLinkId": link_id},
        ("removeGridLink", "gridLinkId"): {"gridLinkId": link_id},
        ("requestGridCapacity", "gridLinkId"): {
            "gridLinkId": encode_id(GridLink, operator.id),
            "beginsAt": own.backend.clock().isoformat(),
            "endsAt": later,
            "limitKw": 20.0,
        },
        ("pushGridLimits", "gridLinkId"): {"gridLinkId": link_id, "limits": [{"externalId": "pv", "endsAt": later, "limitKw": 9.0}]},
    }


async def _link(busy: "Busy", depot: Depot, kind: LinkKind) -> GridLink:
    return next(it for it in await busy.all(GridLinks) if it.depot_id == depot.id and it.kind is kind)
