"""What if: decode what is proposed, have both plans made."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import strawberry

from ampyard.domain.access import Scope
from ampyard.domain.assignments import Assignment
from ampyard.domain.blocks import Block
from ampyard.domain.depots import Depot
from ampyard.domain.supply import PowerNode
from ampyard.domain.vehicles import Vehicle
from ampyard.engine import Load, cost, edge
from ampyard.repositories.database import Session
from ampyard.resolvers.context import Info
from ampyard.resolvers.ids import decode_id, optional_id
from ampyard.resolvers.loading import ALL
from ampyard.resolvers.scopes import requires
from ampyard.services.planning.outlook import SupposedLimit
from ampyard.services.planning.proposals import Assign, Leave, Move, Proposal, Rank
from ampyard.services.planning.solving import Solver
from ampyard.services.planning.whatif import WhatIf, what_if

# Two plans are made for one answer.
_WEIGHT = 200


def what_if_field(proposal_type: Any, *, description: str) -> Any:
    """Return the root field that compares a depot's plan with the one after a proposed change."""
    wanted: Any = Annotated[proposal_type, strawberry.argument(description="What may be changed, all of it together.")]

    def plan(
        info: Info,
        depot_id: Annotated[strawberry.ID, strawberry.argument(description="The depot.")],
        proposal: wanted,
    ) -> Load:
        context = info.context
        context.principal.require(Scope.DISPATCH_WRITE)
        depot = decode_id("depotId", depot_id, Depot)
        return Load(_compared, (context.backend.solver, depot, _decoded(proposal), context.now), key=ALL)

    return edge(plan, description=description, directives=[*requires(Scope.DISPATCH_WRITE), cost(_WEIGHT)])


def _decoded(given: Any) -> Proposal:
    assign, move, leave, rank, limit = (given.assign, given.move, given.departure, given.priority, given.limit)
    return Proposal(
        assign=None
        if assign is None
        else Assign(
            decode_id("proposal.assign.blockId", assign.block_id, Block),
            decode_id("proposal.assign.vehicleId", assign.vehicle_id, Vehicle),
            assign.day,
        ),
        unassign=optional_id("proposal.unassign", given.unassign, Assignment),
        move=None
        if move is None
        else Move(
            decode_id("proposal.move.assignmentId", move.assignment_id, Assignment),
            decode_id("proposal.move.vehicleId", move.vehicle_id, Vehicle),
        ),
        leave=None if leave is None else Leave(decode_id("proposal.departure.vehicleId", leave.vehicle_id, Vehicle), leave.departs_at),
        rank=None if rank is None else Rank(decode_id("proposal.priority.vehicleId", rank.vehicle_id, Vehicle), rank.level),
        limit=None
        if limit is None
        else SupposedLimit(
            decode_id("proposal.limit.powerNodeId", limit.power_node_id, PowerNode), limit.limit_kw, limit.valid_from, limit.valid_until
        ),
    )


async def _compared(
    session: Session, _keys: Sequence[object], solver: Solver | None, depot_id: uuid.UUID, proposal: Proposal, now: datetime
) -> Mapping[Any, WhatIf]:
    return {ALL: await what_if(session, solver, depot_id, proposal, at=now)}
