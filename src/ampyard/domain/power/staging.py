"""What may be sent now on the way to the shares, so that no lost or late message can overload a node."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from ampyard.domain.power.demands import Demand, Share
from ampyard.domain.power.sharing import by_rank, reserved_offline
from ampyard.domain.power.steps import Steps
from ampyard.domain.power.supply import Path, Supply
from ampyard.domain.power.tree import Node, Reserved


@dataclass(frozen=True, slots=True)
class SetPoint:
    """A limit to send to an EVSE now."""

    evse_id: uuid.UUID
    limit_kw: float


def stage(
    nodes: Iterable[Node],
    demands: Iterable[Demand],
    shares: Iterable[Share],
    reserved: Iterable[Reserved] = (),
    *,
    step_kw: float = 0.1,
    min_change_kw: float | None = None,
) -> list[SetPoint]:
    """Return what to send now: all reductions first, then as much of the raises as is safe before these are confirmed.

    Every EVSE counts at the highest limit that may be in force there, before and after. The rest of a raise is sent by
    a later call, once confirmations have lowered `Demand.current_kw`. A change of less than `min_change_kw` (default:
    the greater of 0.5 kW and 2 % of the limit in force) is not sent, unless it starts or stops a vehicle or a node
    needs the reduction; it is measured against the limit in force, so that unsent changes cannot add up.

    A reduction is returned again until it is confirmed; whether to repeat a message under way is the sender's choice.

    Raises:
        ValueError: as `share_power`.
        KeyError: an online EVSE has no share.
    """
    ranked = by_rank(demands)
    steps = Steps(step_kw)
    supply = Supply(nodes, [*reserved, *reserved_offline(ranked)], steps)
    target_kw = {share.evse_id: share.target_kw for share in shares}
    moves = [_move(demand, target_kw[demand.evse_id], supply, steps, min_change_kw) for demand in ranked if demand.online]
    _unsuppress_needed_reductions(moves, supply)
    _grant_raises(moves, supply)
    reductions = [move for move in moves if move.planned < move.in_force]
    raises = [move for move in moves if move.planned > move.in_force]
    return [SetPoint(move.evse_id, steps.kw(move.planned)) for move in [*reductions, *raises]]


@dataclass(slots=True)
class _Move:
    """An EVSE on the way from its limit in force to its target; powers in steps."""

    evse_id: uuid.UUID
    path: Path
    minimum: int
    min_change: int
    in_force: int
    target: int
    planned: int = 0

    def is_worth_sending(self, limit: int) -> bool:
        charges, would_charge = self._can_charge_with(self.in_force), self._can_charge_with(limit)
        return charges != would_charge or abs(limit - self.in_force) >= self.min_change

    def _can_charge_with(self, limit: int) -> bool:
        return limit > 0 and limit >= self.minimum


def _move(demand: Demand, target_kw: float, supply: Supply, steps: Steps, min_change_kw: float | None) -> _Move:
    move = _Move(
        evse_id=demand.evse_id,
        path=supply.path(demand.node_id),
        minimum=steps.up(demand.minimum_kw),
        min_change=steps.up(max(0.5, demand.current_kw / 50) if min_change_kw is None else min_change_kw),
        in_force=steps.up(demand.current_kw),
        target=steps.down(target_kw),
    )
    move.planned = move.target if move.is_worth_sending(move.target) else move.in_force
    return move


def _unsuppress_needed_reductions(moves: Iterable[_Move], supply: Supply) -> None:
    for node_id, members in supply.deepest_first(moves):
        if sum(move.planned for move in members) > supply.room[node_id]:
            for move in members:
                move.planned = min(move.planned, move.target)


def _grant_raises(moves: Iterable[_Move], supply: Supply) -> None:
    """Cut every planned raise to the room that is left while all count at their limits in force.

    A cut raise that would be too small to matter, or not start its vehicle, waits and leaves its room to others.
    """
    for move in moves:
        supply.take(move.path, move.in_force)
    for move in moves:
        wanted = move.planned - move.in_force
        if wanted <= 0:
            continue
        granted = min([wanted, *(supply.room[node_id] for node_id in move.path)])
        limit = move.in_force + granted
        helps = granted == wanted or (limit >= move.minimum and move.is_worth_sending(limit))
        move.planned = limit if granted > 0 and helps else move.in_force
        supply.take(move.path, move.planned - move.in_force)
