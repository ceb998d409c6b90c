"""The promise that no node is overloaded when every link is lost: whatever changes limits, nodes or fall-backs is held against it."""

import uuid
from collections.abc import Sequence

from ampyard.domain.errors import InvalidInputError, NotFoundError
from ampyard.domain.power import FallbackExcess, Node, Reserved, fallback_excess
from ampyard.domain.supply import PowerNode, constant_limit_kw, lowest_limit_kw
from ampyard.repositories.charge_points import ChargePoints, Evses
from ampyard.repositories.depots import Depots, PowerNodes
from ampyard.repositories.grid_links import fallbacks_of_links
from ampyard.repositories.supply import LimitExceptions
from ampyard.repositories.unit_of_work import UnitOfWork


async def check_fallbacks(work: UnitOfWork, depot_id: uuid.UUID, path: Sequence[str] = ()) -> None:
    """Refuse what a unit of work has done to a depot if a node could then be overloaded while no charge point can be reached.

    The fall-back profiles below each node, and the configured fall-backs of what is not ours there, must fit the lowest
    limit that can come into force, that of a lost grid link included; what a grid operator sends cannot be refused
    (`fallbacks_below`). Call it after the changes; the depot stays locked until the commit, so that two changes,
    each of which would fit by itself, are looked at one after the other.

    Args:
        work: with the changes.
        depot_id: whose supply it is about.
        path: the part of the input to name in the error.

    Raises:
        NotFoundError: there is no such depot.
        InvalidInputError: they do not fit; it names the first such node.
    """
    # All of the depot, whatever of it the principal reaches.
    async with work.whole_tenant():
        depot = await work.lock(Depots, depot_id)
        nodes = {node.id: node for node in (await PowerNodes(work.session).of_depots([depot_id])).get(depot_id, [])}
        exceptions = await LimitExceptions(work.session).ahead_of_depot(depot_id, at=work.now)
        of_links = await fallbacks_of_links(work.session, depot_id)
        feeds = {cp.id: cp.power_node_id for cp in await ChargePoints(work.session).of_depot(depot_id)}
        evses = await Evses(work.session).of_charge_points(list(feeds))
    if depot is None:
        raise NotFoundError("There is no such depot.")
    fallbacks = [Reserved(feeds[evse.charge_point_id], evse.fallback_kw) for of_one in evses.values() for evse in of_one]
    unmanaged = [Reserved(node.id, node.unmanaged_fallback_kw) for node in nodes.values() if node.unmanaged_fallback_kw]
    lowest = [
        Node(node.id, node.parent_id, lowest_limit_kw(node, exceptions.get(node.id, []), work.now, of_links.get(node.id, [])))
        for node in nodes.values()
    ]
    for excess in fallback_excess(lowest, [*fallbacks, *unmanaged]):
        raise InvalidInputError(f"{depot.name}: {_told(nodes[excess.node_id], excess, with_unmanaged=bool(unmanaged))}", path)


def _told(node: PowerNode, excess: FallbackExcess, *, with_unmanaged: bool) -> str:
    what = "the fall-back profiles and unmanaged loads" if with_unmanaged else "the fall-back profiles"
    at_times = "" if excess.limit_kw == constant_limit_kw(node) else " at times"
    return (
        f"{what} below {node.name} add up to {excess.fallback_kw:g} kW, "
        f"but it can supply {excess.limit_kw:g} kW{at_times}. Lower the fall-backs or raise the limit."
    )
