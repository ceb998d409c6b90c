"""The rule that makes a lost link safe: the fall-back profiles of all charge points fit the supply they hang on."""

import uuid

from ampyard.domain.errors import InvalidInputError
from ampyard.domain.power import Node, Reserved, fallback_excess
from ampyard.repositories.charge_points import ChargePoints, Evses
from ampyard.repositories.depots import PowerNodes
from ampyard.repositories.unit_of_work import UnitOfWork


async def check_fallbacks(work: UnitOfWork, depot_id: uuid.UUID, path: tuple[str, ...] = ()) -> None:
    """Refuse a depot whose charge points could overload a node when all links are lost; call it after the change was written.

    Every charge point that is not retired counts, a planned one too: it may boot at any time.

    Raises:
        InvalidInputError: at `path`, naming the node.
    """
    async with work.whole_tenant():
        nodes = {node.id: node for node in (await PowerNodes(work.session).of_depots([depot_id])).get(depot_id, [])}
        feeds = {cp.id: cp.power_node_id for cp in await ChargePoints(work.session).of_depot(depot_id)}
        evses = await Evses(work.session).of_charge_points(list(feeds))
    fallbacks = [Reserved(feeds[evse.charge_point_id], evse.fallback_kw) for of_one in evses.values() for evse in of_one]
    for excess in fallback_excess([Node(node.id, node.parent_id, node.limit_kw) for node in nodes.values()], fallbacks):
        raise InvalidInputError(
            f"The fall-back profiles below {nodes[excess.node_id].name} would add up to {excess.fallback_kw:g} kW, "
            f"but it can supply {excess.limit_kw:g} kW. Lower the fall-backs or raise the limit.",
            path=path,
        )
