"""The promise that no node is overloaded when every link is lost: whatever changes limits, nodes or fall-backs is held against it."""

import math
import uuid
from collections.abc import Sequence
from datetime import datetime

from ampyard.domain.couplings import fallback_load
from ampyard.domain.errors import InvalidInputError, NotFoundError
from ampyard.domain.power import FallbackExcess, Node, Reserved, fallback_excess
from ampyard.domain.supply import (
    Limit,
    LimitException,
    PowerNode,
    constant_limit_kw,
    lowest_limit_a,
    lowest_limit_kw,
    unmanaged_load,
)
from ampyard.repositories.charge_points import ChargePoints, Evses
from ampyard.repositories.depots import Depots, PowerNodes
from ampyard.repositories.grid_links import fallbacks_of_links
from ampyard.repositories.supply import LimitExceptions
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.services.limits import takes_amperes

# The limit of a line is held in whole milliwatts.
_ROUNDING = 1e-6


async def check_fallbacks(work: UnitOfWork, depot_id: uuid.UUID, path: Sequence[str] = ()) -> None:
    """Refuse what a unit of work has done to a depot if a node could then be overloaded while no charge point can be reached.

    The fall-back profiles below each node, and the configured fall-backs of what is not ours there, must fit the lowest limit that can come
    into force, that of a lost grid link included: in kW, and in A on each line. An EVSE counts on the lines that it is wired to, and on
    each where that is not known; one that is told watts with all of them on each, up to its rated current. What a grid operator sends
    cannot be refused (`fallbacks_below`). Call it after the changes; the depot stays locked until the commit, so that two changes, each of
    which would fit by itself, are looked at one after the other.

    Args:
        work: with the changes.
        depot_id: whose supply it is about.
        path: the part of the input to name in the error.

    Raises:
        NotFoundError: there is no such depot.
        InvalidInputError: they do not fit; it names the first such node, and where it is one, the line.
    """
    # All of the depot, whatever of it the principal reaches.
    async with work.whole_tenant():
        depot = await work.lock(Depots, depot_id)
        nodes = {node.id: node for node in (await PowerNodes(work.session).of_depots([depot_id])).get(depot_id, [])}
        exceptions = await LimitExceptions(work.session).ahead_of_depot(depot_id, at=work.now)
        of_links = await fallbacks_of_links(work.session, depot_id)
        feeds = {cp.id: cp.power_node_id for cp in await ChargePoints(work.session).of_depot(depot_id)}
        evses = await Evses(work.session).of_charge_points(list(feeds))
        in_amperes = await takes_amperes(work.session, list(feeds))
    if depot is None:
        raise NotFoundError("There is no such depot.")
    fallbacks = [
        fallback_load(evse, feeds[point_id], nodes[feeds[point_id]].voltage_v, in_amperes=in_amperes[point_id])
        for point_id, of_one in evses.items()
        for evse in of_one
    ]
    assumed = {node.id: unmanaged_load(node, None, work.now) for node in nodes.values() if node.unmanaged_fallback_kw}
    unmanaged = [Reserved(node_id, load.power_kw, line_a=load.line_a) for node_id, load in assumed.items()]
    lowest = [_lowest(node, exceptions.get(node.id, []), work.now, of_links.get(node.id, [])) for node in nodes.values()]
    for excess in fallback_excess(lowest, [*fallbacks, *unmanaged]):
        what = "the fall-back profiles and unmanaged loads" if unmanaged else "the fall-back profiles"
        told = _told if excess.line is None else _told_of_line
        raise InvalidInputError(f"{depot.name}: {told(nodes[excess.node_id], excess, what)}", path)


def _lowest(node: PowerNode, exceptions: Sequence[LimitException], at: datetime, of_links: Sequence[Limit]) -> Node:
    limit_kw, limit_a = lowest_limit_kw(node, exceptions, at, of_links), lowest_limit_a(node, exceptions, at, of_links)
    return Node(node.id, node.parent_id, limit_kw, limit_a, node.voltage_v)


def _told(node: PowerNode, excess: FallbackExcess, what: str) -> str:
    at_times = "" if excess.limit_kw == constant_limit_kw(node) else " at times"
    return (
        f"{what} below {node.name} add up to {excess.fallback_kw:g} kW, "
        f"but it can supply {excess.limit_kw:g} kW{at_times}. Lower the fall-backs or raise the limit."
    )


def _told_of_line(node: PowerNode, excess: FallbackExcess, what: str) -> str:
    fallback_a, limit_a = (kw * 1000 / node.voltage_v for kw in (excess.fallback_kw, excess.limit_kw))
    at_times = "" if node.limit_a is not None and math.isclose(limit_a, node.limit_a, rel_tol=_ROUNDING) else " at times"
    return (
        f"{what} below {node.name} add up to {fallback_a:.6g} A on {excess.line}, "
        f"but it can supply {limit_a:.6g} A on each line{at_times}. Spread EVSEs with one or two phases evenly over the lines, and give "
        "the phase rotation of each (where it is UNKNOWN it counts on every line); or lower the fall-backs or raise limitA."
    )
