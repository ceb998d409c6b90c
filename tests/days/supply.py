"""What happens that day to the supply: limits by the week and for a time, site meters that tell, loads that are recorded."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ampyard.domain.depots import Depot
from ampyard.domain.local_time import Weekday
from ampyard.domain.opening_hours import ExceptionalPeriod, Hours, RegularHours
from ampyard.domain.supply import BUCKET, LimitException, MeterReading, NodeLoad, PowerNode, WeeklyLimit, bucket_of
from ampyard.repositories.depots import Depots, PowerNodes
from ampyard.repositories.supply import LimitExceptions, record_loads
from ampyard.resolvers.ids import encode_id
from ampyard.services import depots, power_nodes, site_meters
from ampyard.services.power_nodes import NewLimitException, NewPowerNode
from tests.fleet import user

if TYPE_CHECKING:
    from tests.busy import Busy

# Transactions run at both depots.
CONTRADICTED = {"archiveDepot"}
UNSET = {"Depot.archivedAt"}
# Charge points hang on the feeders; on this panel nothing does.
SPARE = "Spare panel"


async def happen(busy: "Busy") -> None:
    """Give both depots opening times, a panel to spare, limits by the week and for a time, a meter, and loads of an hour."""
    who, now = user(busy.tenant_id), busy.backend.clock()
    for depot in await busy.all(Depots):
        await _open(busy, depot)
        root = await _node(busy, depot, parent_id=None)
        await power_nodes.create_power_node(
            busy.backend, who, NewPowerNode(depot.id, root.id, root.kind, f"{depot.name} {SPARE}", limit_a=32.0, unmanaged_fallback_kw=5.0)
        )
        await power_nodes.edit_power_node(busy.backend, who, root.id, limit_a=300.0, unmanaged_fallback_kw=12.0)
        monday = WeeklyLimit(Weekday.MONDAY, 17 * 60, 20 * 60, 120.0, None)
        await power_nodes.set_weekly_limits(busy.backend, who, root.id, [monday, replace(monday, weekday=Weekday.TUESDAY, limit_a=150.0)])
        for hours, limit_kw in ((1, 150.0), (48, 100.0)):
            lowered = NewLimitException(root.id, now, now + timedelta(hours=hours), limit_kw, 250.0, "The grid operator asks for it.")
            await power_nodes.add_limit_exception(busy.backend, who, lowered)
        readings = [(root.id, MeterReading(now - timedelta(minutes=n), 10.0 + n, 15.0, 16.0, 17.0)) for n in (2, 1)]
        await site_meters.report_site_meter(busy.backend, who, readings)
        async with busy.backend.unit_of_work(who) as work:
            for n in range(12):
                bucket_at = bucket_of(now) - (12 - n) * BUCKET
                load = NodeLoad(busy.tenant_id, depot.id, root.id, bucket_at, 10, 40.0 + n, 50.0 + n, 11.0, 60.0 + n, 150.0)
                await record_loads(work.session, [load], sampled_at=bucket_at)
            await work.commit()


async def valid_inputs(busy: "Busy") -> Mapping[str, dict[str, Any]]:
    """Return arguments with which each root field of the supply would do something."""
    return {name: {"input": given} for (name, _), given in (await _inputs(busy, busy)).items()} | {
        "createDepot": {"input": _NEW_DEPOT},
        "restoreDepot": {"input": {"depotId": encode_id(Depot, (await busy.all(Depots))[0].id)}},
    }


async def foreign_inputs(busy: "Busy", twin: "Busy") -> dict[tuple[str, str], dict[str, Any]]:
    """Return, for each id that a change of the supply takes, an input that would do something if only that id were not the other's."""
    return await _inputs(busy, twin)


_NEW_DEPOT = {
    "name": "South",
    "timeZone": "Europe/Madrid",
    "address": "Calle 1",
    "postalCode": "28001",
    "city": "Madrid",
    "countryCode": "ESP",
    "latitude": 40.4,
    "longitude": -3.7,
}


_SUNDAYS = {"weekdays": ["SUNDAY"], "begin": "08:00", "end": "12:00", "limitKw": 20.0}


async def _inputs(own: "Busy", other: "Busy") -> dict[tuple[str, str], dict[str, Any]]:
    """Return inputs whose one id, that of the key, is of `other`, and all others of `own`."""
    depot = (await own.all(Depots))[0]
    elsewhere = (await other.all(Depots))[0]
    root, spare = await _node(own, depot, parent_id=None), await spare_of(own, depot)
    their_root, their_spare = await _node(other, elsewhere, parent_id=None), await spare_of(other, elsewhere)
    feeder = next(
        node for node in await own.all(PowerNodes) if node.depot_id == depot.id and node.parent_id == root.id and node.id != spare.id
    )
    rule = next(rule for rule in await other.all(LimitExceptions) if rule.depot_id == elsewhere.id)
    now = own.backend.clock()
    new = {"kind": "PANEL", "name": "Panel", "limitKw": 10.0}
    node_id = encode_id(PowerNode, their_spare.id)
    later = {"validUntil": (now + timedelta(hours=2)).isoformat(), "limitKw": 100.0, "reason": "Works"}
    reading = {"measuredAt": now.isoformat(), "kw": 30.0}
    return {
        ("createPowerNode", "depotId"): new | {"depotId": encode_id(Depot, elsewhere.id), "parentId": encode_id(PowerNode, root.id)},
        ("createPowerNode", "parentId"): new | {"depotId": encode_id(Depot, depot.id), "parentId": encode_id(PowerNode, their_root.id)},
        ("editDepot", "depotId"): {"depotId": encode_id(Depot, elsewhere.id), "city": "Elsewhere"},
        ("archiveDepot", "depotId"): {"depotId": encode_id(Depot, elsewhere.id)},
        ("restoreDepot", "depotId"): {"depotId": encode_id(Depot, elsewhere.id)},
        ("editPowerNode", "powerNodeId"): {"powerNodeId": node_id, "name": "Another"},
        ("movePowerNode", "parentId"): {"powerNodeId": encode_id(PowerNode, spare.id), "parentId": encode_id(PowerNode, their_root.id)},
        # The last of these is the valid input, and changes something: the spare panel hangs on the root.
        ("movePowerNode", "powerNodeId"): {"powerNodeId": node_id, "parentId": encode_id(PowerNode, feeder.id)},
        ("removePowerNode", "powerNodeId"): {"powerNodeId": node_id},
        ("setWeeklyLimits", "powerNodeId"): {"powerNodeId": node_id, "weeklyLimits": [_SUNDAYS]},
        ("addLimitException", "powerNodeId"): later | {"powerNodeId": node_id},
        ("removeLimitException", "limitExceptionId"): {"limitExceptionId": encode_id(LimitException, rule.id)},
        ("reportSiteMeter", "powerNodeId"): {"readings": [reading | {"powerNodeId": node_id}]},
    }


async def _open(busy: "Busy", depot: Depot) -> None:
    begin = busy.backend.clock() + timedelta(days=30)
    hours = Hours(
        twentyfourseven=False,
        regular_hours=(RegularHours(Weekday.MONDAY, 5 * 60, 24 * 60), RegularHours(Weekday.SUNDAY, 8 * 60, 12 * 60)),
        exceptional_openings=(ExceptionalPeriod(begin, begin + timedelta(hours=3)),),
        exceptional_closings=(ExceptionalPeriod(begin + timedelta(days=1), begin + timedelta(days=2)),),
    )
    await depots.edit_depot(busy.backend, user(busy.tenant_id), depot.id, opening_times=hours)


async def _node(busy: "Busy", depot: Depot, *, parent_id: None) -> PowerNode:
    return next(node for node in await busy.all(PowerNodes) if node.depot_id == depot.id and node.parent_id is parent_id)


async def spare_of(busy: "Busy", depot: Depot) -> PowerNode:
    """Return the panel of a depot on which nothing hangs."""
    return next(node for node in await busy.all(PowerNodes) if node.depot_id == depot.id and node.name.endswith(SPARE))
