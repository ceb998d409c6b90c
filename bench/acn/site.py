"""A site of acnportal as the engine sees it: a supply tree, EVSEs between two lines, and limits that vehicles share."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from acnportal.acnsim.interface import InfrastructureInfo

from ampyard.domain.power import Line, Lines, Node, Tree

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]

_NAMESPACE = uuid.UUID("6f1e3c1e-54a1-4b0e-9d0b-0c5c1d1e8a30")
# Angles of the currents between two lines, in degrees, as the sites of acnportal have them.
_WIRINGS = {30: Lines.L1_TO_L2, -90: Lines.L2_TO_L3, 150: Lines.L3_TO_L1}
_LINES = {"A": Line.L1, "B": Line.L2, "C": Line.L3}


def id_of(name: str) -> uuid.UUID:
    """Return the id of a node or EVSE of this name."""
    return uuid.uuid5(_NAMESPACE, name)


@dataclass(frozen=True, slots=True)
class _Member:
    """A node before it has a parent: which stations are below it, and its limits: of power, or the rows of those of its lines."""

    name: str
    stations: frozenset[int]
    limit_kw: float | None
    line_rows: tuple[int, int, int] | None


class Site:
    """The tree of a site, and what every current limit counts of each station.

    Limits of acnportal are magnitudes of sums of currents. Those of one pair of lines are limits of power; three of the same name, for the
    lines A, B and C, are the lines of one node. What is left are the lines on the delta side of a transformer, whose currents are
    differences of two windings' currents: a node has no such limit, so they are kept apart beside it, as phasors in amperes per kW.
    """

    def __init__(self, info: InfrastructureInfo) -> None:
        self.stations: list[str] = list(info.station_ids)
        self.number = {station: number for number, station in enumerate(self.stations)}
        self.kw_of_ampere: Floats = info.voltages / 1000
        self.wirings = [_WIRINGS[round(float(angle))] for angle in info.phases]
        # A hair below, as powers are counted in whole milliwatts.
        self.most: Floats = info.constraint_limits * (1 - 1e-6)
        # Where a line has no station, the matrix comes as objects.
        matrix = np.asarray(info.constraint_matrix, dtype=np.float64)
        self.parts: npt.NDArray[np.complex128] = matrix * np.exp(1j * np.deg2rad(info.phases)) / self.kw_of_ampere
        whole = np.isin(matrix, (-1.0, 0.0, 1.0)).all(axis=1)
        self._beyond = np.flatnonzero(~whole)
        self.voltage_v = float(info.voltages[0]) / 3**0.5
        self._members = list(self._limited(info.constraint_ids, np.flatnonzero(whole)))
        self._nodes_of = [self._lowest_above(station) for station in range(len(self.stations))]
        self.tree = Tree(self._nodes())

    def node_of(self, station: int) -> uuid.UUID:
        """Return the lowest node above a station."""
        return self._nodes_of[station]

    def exceeded(self, power_kw: Floats) -> tuple[float, int]:
        """Return how much of its limit the current beyond the tree reaches that reaches most, and which it is."""
        if not len(self._beyond):
            return 0.0, 0
        shares = np.abs(self.parts[self._beyond] @ power_kw) / self.most[self._beyond]
        return float(shares.max()), int(self._beyond[shares.argmax()])

    def _nodes(self) -> list[Node]:
        nodes = []
        for member in self._members:
            above = [other for other in self._members if other.stations > member.stations]
            parent = min(above, key=lambda other: len(other.stations), default=None)
            limits = None if member.line_rows is None else tuple(self.most[list(member.line_rows)].tolist())
            nodes.append(Node(id_of(member.name), None if parent is None else id_of(parent.name), member.limit_kw, limits, self.voltage_v))
        return nodes

    def _lowest_above(self, station: int) -> uuid.UUID:
        above = [member for member in self._members if station in member.stations]
        return id_of(min(above, key=lambda member: len(member.stations)).name)

    def _limited(self, names: list[str], rows: Ints) -> Iterable[_Member]:
        lines: dict[str, dict[Line, int]] = {}
        for row in rows.tolist():
            prefix, _, last = names[row].rpartition(" ")
            line = _LINES.get(last.removeprefix("I_").upper())
            if line is None:
                below = frozenset(np.flatnonzero(self.parts[row]).tolist())
                yield _Member(names[row], below, float(self.most[row] * self.kw_of_ampere[next(iter(below))]), None)
            else:
                lines.setdefault(prefix, {})[line] = row
        for prefix, row_of in lines.items():
            below = frozenset(np.flatnonzero(self.parts[list(row_of.values())].any(axis=0)).tolist())
            yield _Member(prefix, below, None, (row_of[Line.L1], row_of[Line.L2], row_of[Line.L3]))
