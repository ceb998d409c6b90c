"""What may be sent now on the way to the shares, so that no lost or late message can overload a node."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ampyard.domain.power.allotting import supply_for
from ampyard.domain.power.claims import Claims
from ampyard.domain.power.contenders import Bools, Floats, Ints
from ampyard.domain.power.demands import Demand, Share
from ampyard.domain.power.supply import Tree
from ampyard.domain.power.tree import Node, Reserved
from ampyard.domain.power.units import MW_PER_KW, milliwatts_down, milliwatts_up

# A change matters from the greater of this and this part of the limit in force on.
_MIN_CHANGE_KW = 0.5
_MIN_CHANGE_PART = 0.02


@dataclass(frozen=True, slots=True)
class SetPoint:
    """A limit to send to an EVSE now."""

    evse_id: uuid.UUID
    limit_kw: float


def stage(
    nodes: Iterable[Node] | Tree,
    demands: Iterable[Demand],
    shares: Iterable[Share],
    reserved: Iterable[Reserved] = (),
    *,
    step_kw: float = 0.1,
    min_change_kw: float | None = None,
    reserve_fallbacks: bool = False,
) -> list[SetPoint]:
    """Return what to send now: all reductions first, then as much of the raises as is safe before these are confirmed.

    Every EVSE counts at the highest limit that may be in force there, before and after, on every node and each of its lines; with
    `reserve_fallbacks` at its fall-back at least, so that no link that drops and no transaction that ends overloads a node. The rest of
    a raise is sent by a later call, once confirmations have lowered `Demand.current_kw`. A change of less than `min_change_kw` (default:
    the greater of 0.5 kW and 2 % of the limit in force) is not sent, unless it starts or stops a vehicle or a node
    needs the reduction; it is measured against the limit in force, so that unsent changes cannot add up.

    A reduction is returned again until it is confirmed; whether to repeat a message under way is the sender's choice.

    Raises:
        ValueError: as `share_power`.
        KeyError: an online EVSE has no share.
    """
    claims = Claims(demands, step_kw)
    tree = nodes if isinstance(nodes, Tree) else Tree(nodes)
    moves = _Moves(tree, claims, shares, reserved, min_change_kw, reserve_fallbacks=reserve_fallbacks)
    moves.make_needed_reductions()
    moves.grant_raises()
    return moves.set_points()


class _Moves:
    """The way of every online EVSE from its limit in force to its target, in order of class and rank; powers in whole mW."""

    def __init__(
        self,
        tree: Tree,
        claims: Claims,
        shares: Iterable[Share],
        reserved: Iterable[Reserved],
        min_change_kw: float | None,
        *,
        reserve_fallbacks: bool,
    ) -> None:
        given = {share.evse_id: share for share in shares}
        online = np.flatnonzero(claims.is_online)
        mine = [given[claims.evse_ids[place]] for place in online.tolist()]
        ranks = np.array([share.rank for share in mine], dtype=np.int64)
        order = np.lexsort((ranks, -claims.priority[online]))
        self._claims, self._evses = claims, online[order]
        self._supply = supply_for(tree, claims, reserved)
        self._paths = tree.above[claims.nodes_in(tree)][self._evses]
        self._wirings = claims.wiring[self._evses]
        self._free = claims.fallback[self._evses] * reserve_fallbacks
        self._minimum, self._in_force = claims.minimum[self._evses], claims.current[self._evses]
        self._target = milliwatts_down([mine[place].target_kw for place in order.tolist()])
        least = np.maximum(_MIN_CHANGE_KW * MW_PER_KW, self._in_force * _MIN_CHANGE_PART)
        self._min_change = least if min_change_kw is None else np.full(len(order), milliwatts_up(min_change_kw))
        self._planned = np.where(self._is_worth_sending(self._target), self._target, self._in_force)

    def make_needed_reductions(self) -> None:
        """Send reductions that do not matter by themselves where a node, or a line of it, needs them; from the leaves up."""
        if not self._supply.over(self._supply.taken + self._sums(self._planned)).any():
            return
        for nodes in self._paths.T[::-1]:
            measured = self._supply.loading.measure(self._supply.taken + self._sums(self._planned))
            over = (measured > self._supply.limits)[nodes] & (self._supply.loading.reach[self._wirings] > 0)
            self._planned = np.where(over.any(axis=1), np.minimum(self._planned, self._target), self._planned)

    def grant_raises(self) -> None:
        """Cut every planned raise to the room that is left while all count at their limits in force.

        A cut raise that would be too small to matter, or not start its vehicle, waits and leaves its room to others.
        """
        supply = self._supply
        supply.take(self._paths, self._columns(self._in_force))
        highest = np.maximum(self._planned, self._in_force)
        # Only below nodes that could not bear all raises at once does it matter who comes first.
        tight = supply.over(supply.taken + supply.sums(self._paths, self._columns(highest) - self._columns(self._in_force)))
        for place in np.flatnonzero((self._planned > self._in_force) & tight[self._paths].any(axis=1)):
            one = np.array([place])
            limit = self._highest_safe(one)
            is_whole = limit == self._planned[place]
            helps = is_whole or (limit >= self._minimum[place] and self._is_worth_sending(limit, one)[0])
            self._planned[place] = limit if limit > self._in_force[place] and helps else self._in_force[place]
            supply.take(self._paths[one], self._columns(self._planned[one], one) - self._columns(self._in_force[one], one))

    def set_points(self) -> list[SetPoint]:
        """Return what to send."""
        order = np.append(np.flatnonzero(self._planned < self._in_force), np.flatnonzero(self._planned > self._in_force))
        limits_kw = (self._planned[order] / MW_PER_KW).tolist()
        evses = self._evses[order].tolist()
        return [SetPoint(self._claims.evse_ids[evse], limit_kw) for evse, limit_kw in zip(evses, limits_kw, strict=True)]

    def _highest_safe(self, one: Ints) -> float:
        """Return the highest set-point up to what is planned that fits beside the limits in force of all others."""
        place = int(one[0])
        planned, counted = self._planned[place], max(self._in_force[place], self._free[place])
        if self._supply.over(self._supply.taken)[self._paths[place]].any():
            # What is kept for it anyway is no room as long as a node above still has to come down.
            return float(self._in_force[place])
        if planned <= counted:
            return float(planned)
        safe = counted + self._supply.room_for(self._paths[place], self._wirings[place], planned - counted)
        return float(planned if safe >= planned else self._claims.set_points.down(self._evses[one], np.array([safe]))[0])

    def _is_worth_sending(self, limits: Floats | float, places: Ints | slice = slice(None)) -> Bools:
        minimum, in_force = self._minimum[places], self._in_force[places]
        charges = (in_force > 0) & (in_force >= minimum)
        would_charge = (limits > 0) & (limits >= minimum)
        return np.asarray((charges != would_charge) | (np.abs(limits - in_force) >= self._min_change[places]))

    def _columns(self, limits: Floats, places: Ints | slice = slice(None)) -> Floats:
        return self._supply.columns(self._wirings[places], np.maximum(limits, self._free[places]))

    def _sums(self, limits: Floats) -> Floats:
        return self._supply.sums(self._paths, self._columns(limits))
