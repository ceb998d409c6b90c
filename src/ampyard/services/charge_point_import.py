"""Import of charge points from a CSV file or a workbook: a line for each connector, by identity and EVSE.

Those whose identity is known are changed, the others are new and PLANNED.
"""

import math
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from ampyard.domain.access import Principal, Scope
from ampyard.domain.charge_points import ChargePoint, CurrentType
from ampyard.domain.depots import Depot
from ampyard.domain.equipment import PhaseRotation
from ampyard.domain.errors import ConflictError, InvalidInputError
from ampyard.domain.imports import Column, ImportReport, Line, LineError, choice, number, text, whole
from ampyard.domain.layouts import (
    ConnectorFormat,
    ConnectorLayout,
    ConnectorStandard,
    EvseLayout,
    PowerType,
    layout_flaws,
    least_power_kw,
)
from ampyard.domain.supply import PowerNode
from ampyard.repositories.charge_points import ChargePoints
from ampyard.repositories.depots import Depots, PowerNodes
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.services import evse_layouts
from ampyard.services.backend import Backend
from ampyard.services.charge_point_setup import NewChargePoint, Placed, flaws_of, refit, write_new
from ampyard.services.charge_point_setup.checks import locked
from ampyard.services.fallbacks import check_fallbacks
from ampyard.services.imports import ImportFile, read_file, report

_OF_POINT = ("name", "depot", "power node", "vendor", "model", "password")
_OF_EVSE = ("current type", "max power kW", "min power kW", "phases", "fall-back kW")
COLUMNS = (
    Column("identity", text(48), required=True),
    Column("depot", text(200), required=True),
    Column("power node", text(200), required=True),
    Column("name", text(100)),
    Column("vendor", text(50)),
    Column("model", text(20)),
    Column("password", text(40)),
    Column("EVSE", whole(at_least=1, at_most=32)),
    Column("current type", choice(CurrentType), required=True),
    Column("max power kW", number(above=0, at_most=10_000, unit="kW"), required=True),
    Column("min power kW", number(at_least=0, at_most=10_000, unit="kW")),
    Column("phases", whole(at_least=1, at_most=3)),
    Column("fall-back kW", number(at_least=0, at_most=10_000, unit="kW"), required=True),
    Column("connector", whole(at_least=1, at_most=8)),
    Column("standard", choice(ConnectorStandard), required=True),
    Column("format", choice(ConnectorFormat)),
    Column("power type", choice(PowerType)),
    Column("max voltage V", whole(at_least=1, at_most=2_000)),
    Column("max amperage A", whole(at_least=1, at_most=5_000)),
)
# By the input's field that an error is about: the column.
_COLUMN_OF_FIELD: Final[Mapping[str, str]] = {
    "identity": "identity",
    "name": "name",
    "vendor": "vendor",
    "model": "model",
    "password": "password",
    "maxPowerKw": "max power kW",
    "minPowerKw": "min power kW",
    "fallbackKw": "fall-back kW",
    "phases": "phases",
    "connectors": "connector",
    "powerType": "power type",
    "maxVoltageV": "max voltage V",
    "maxAmperageA": "max amperage A",
}
# Each takes a core a moment to hash.
_MOST_PASSWORDS = 200
# What is taken for granted where a file does not say: mains, and what DC chargers commonly reach at their highest current.
_MAINS_V, _DC_V, _DC_RATED_V = 230, 920, 400
_AC_POWER_TYPE = {1: PowerType.AC_1_PHASE, 2: PowerType.AC_2_PHASE, 3: PowerType.AC_3_PHASE}


@dataclass(frozen=True, slots=True)
class _Group:
    """The lines of one charge point, and what they describe. `lines` are by EVSE and connector, as in the layout."""

    lines: tuple[tuple[Line, ...], ...]
    node: PowerNode
    evses: tuple[EvseLayout, ...]

    @property
    def first(self) -> Line:
        """The first line of its first EVSE."""
        return self.lines[0][0]

    def value(self, column: str) -> Any:
        """Return what its lines say of the charge point; the first that says something counts."""
        return next((line[column] for of_evse in self.lines for line in of_evse if line[column] is not None), None)

    def error(self, path: Sequence[str], message: str) -> LineError:
        """Return an error of the layout, or of the charge point, at the line and column that it is about."""
        numbers = [int(part) for part in path if part.isdecimal()]
        evse = self.lines[numbers[0]] if numbers else self.lines[0]
        line = evse[numbers[1]] if len(numbers) > 1 else evse[0]
        column = next((_COLUMN_OF_FIELD[part] for part in reversed(path) if part in _COLUMN_OF_FIELD), None)
        return line.error(column, message)


async def import_charge_points(backend: Backend, principal: Principal, file: ImportFile, *, dry_run: bool) -> ImportReport:
    """Import charge points: all lines, or none where anything is wrong with one; a dry run tells and changes nothing.

    A dry run does all that a real one does but commit, so that it finds what only the whole finds: fall-backs that do not fit a
    supply, EVSEs that are gone from the file and have transactions.

    Raises:
        ForbiddenError: the principal lacks `charge_points:write`.
        InvalidInputError: the file cannot be read at all, or is too large.
    """
    principal.require(Scope.CHARGE_POINTS_WRITE)
    found = await read_file(file, COLUMNS)
    errors = list(found.errors)
    async with backend.unit_of_work(principal, Scope.CHARGE_POINTS_WRITE) as work:
        groups = await _groups(work, found.good, errors)
        known = await _known(work, groups)
        new = [group for group in groups if group.first["identity"] not in known]
        if not errors:
            errors += await _change(work, [(known[g.first["identity"]], g) for g in groups if g.first["identity"] in known])
        errors += await _create(work, new, write=not errors, hashing=not dry_run)
        if not errors:
            errors += await _overloads(work, groups, known.values())
        told = report(found, errors, dry_run=dry_run, created=len(new), updated=len(groups) - len(new))
        if not errors and not dry_run:
            work.answers(report=told)
            await work.commit()
    return told


async def _groups(work: UnitOfWork, lines: Sequence[Line], errors: list[LineError]) -> list[_Group]:
    """Return the charge points that a file describes; says what contradicts itself, and which depots and nodes there are not."""
    depots = {depot.name: depot for depot in await Depots(work.session).where()}
    nodes = await PowerNodes(work.session).of_depots([depot.id for depot in depots.values()])
    by_identity: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        by_identity[line["identity"]].append(line)
    groups: list[_Group] = []
    for of_point in by_identity.values():
        wrong = [*_contradictions(of_point, _OF_POINT), *_arranged_wrong(of_point)]
        node = _node(of_point[0], depots, nodes, wrong)
        errors += wrong
        if node is not None and not wrong:
            evses = _by_evse(of_point)
            groups.append(_Group(evses, node, tuple(_evse(of_evse) for of_evse in evses)))
    return groups


def _contradictions(lines: Sequence[Line], columns: Iterable[str]) -> list[LineError]:
    """Return what later lines say otherwise than the first that says it; an empty cell says nothing."""
    wrong = []
    for column in columns:
        said: Line | None = None
        for line in lines:
            if line[column] is None:
                continue
            if said is None:
                said = line
            elif line[column] != said[column]:
                wrong.append(line.error(column, f"Line {said.number} says {said[column]!s} of the same one; say it once, or alike."))
    return wrong


def _arranged_wrong(lines: Sequence[Line]) -> list[LineError]:
    wrong = []
    places: dict[tuple[int, int], Line] = {}
    for line in lines:
        place = (line["EVSE"] or 1, line["connector"] or 1)
        if place in places:
            what = f"Connector {place[1]} of EVSE {place[0]} is in line {places[place].number} already; give each its own number."
            wrong.append(line.error("connector" if line["connector"] is not None else "EVSE", what))
        places.setdefault(place, line)
    for of_evse in _by_evse(lines):
        wrong += _contradictions(of_evse, _OF_EVSE)
    return wrong


def _by_evse(lines: Iterable[Line]) -> tuple[tuple[Line, ...], ...]:
    ordered = sorted(lines, key=lambda line: (line["EVSE"] or 1, line["connector"] or 1))
    by_evse: dict[int, list[Line]] = defaultdict(list)
    for line in ordered:
        by_evse[line["EVSE"] or 1].append(line)
    return tuple(tuple(of_evse) for of_evse in by_evse.values())


def _node(
    line: Line, depots: Mapping[str, Depot], nodes: Mapping[uuid.UUID, Sequence[PowerNode]], wrong: list[LineError]
) -> PowerNode | None:
    depot = depots.get(line["depot"])
    if depot is None:
        wrong.append(line.error("depot", f"There is no depot {line['depot']!r} that you may put charge points into; give the name of one."))
        return None
    if depot.archived_at is not None:
        wrong.append(line.error("depot", f"{depot.name} is archived and takes in nothing new; restore it first."))
        return None
    named = [node for node in nodes.get(depot.id, ()) if node.name == line["power node"]]
    if len(named) == 1:
        return named[0]
    known = ", ".join(sorted({node.name for node in nodes.get(depot.id, ())})) or "none"
    what = f"{len(named)} power nodes of {depot.name} are called" if named else f"{depot.name} has no power node"
    wrong.append(line.error("power node", f"{what} {line['power node']!r}; known: {known}."))
    return None


def _evse(lines: Sequence[Line], present: EvseLayout | None = None) -> EvseLayout:
    """Return the EVSE that lines describe, with what is taken for granted where they do not say it.

    How the `present` one is connected, and what it can regulate to, stays: a file cannot say it, or leaves its phases out. With another
    number of phases it is not known which lines they are.
    """

    def said(column: str) -> Any:
        return next((line[column] for line in lines if line[column] is not None), None)

    current_type, max_power_kw, min_power_kw = said("current type"), said("max power kW"), said("min power kW")
    known = present if present is not None and present.current_type is current_type else None
    phases = said("phases") or (3 if known is None else known.phases)
    least_kw = min(least_power_kw(current_type, phases), max_power_kw) if min_power_kw is None else min_power_kw
    layout = EvseLayout(
        number=lines[0]["EVSE"] or 1,
        current_type=current_type,
        max_power_kw=max_power_kw,
        min_power_kw=least_kw,
        phases=phases,
        fallback_kw=said("fall-back kW"),
        connectors=tuple(_connector(line, current_type, phases, max_power_kw) for line in lines),
    )
    if known is None:
        return layout
    rotation = known.phase_rotation if known.phases == phases else PhaseRotation.UNKNOWN
    return replace(layout, phase_rotation=rotation, voltage_v=known.voltage_v, line_to_line=known.line_to_line, set_points=known.set_points)


def _connector(line: Line, current_type: CurrentType, phases: int, max_power_kw: float) -> ConnectorLayout:
    dc = current_type is CurrentType.DC
    rated_v = _DC_RATED_V if dc else _MAINS_V * phases
    return ConnectorLayout(
        number=line["connector"] or 1,
        standard=line["standard"],
        format=line["format"] or (ConnectorFormat.CABLE if dc else ConnectorFormat.SOCKET),
        power_type=line["power type"] or (PowerType.DC if dc else _AC_POWER_TYPE[phases]),
        max_voltage_v=line["max voltage V"] or (_DC_V if dc else _MAINS_V),
        max_amperage_a=line["max amperage A"] or math.ceil(max_power_kw * 1000 / rated_v),
    )


async def _known(work: UnitOfWork, groups: Sequence[_Group]) -> dict[str, ChargePoint]:
    """Return the charge points that a file is about, of those there are, locked in the order of their ids."""
    found = await ChargePoints(work.session).with_identities([group.first["identity"] for group in groups])
    return {charge_point.identity: charge_point for charge_point in await locked(work, [one.id for one in found])}


async def _change(work: UnitOfWork, pairs: Sequence[tuple[ChargePoint, _Group]]) -> list[LineError]:
    """Change charge points that are known; an empty cell, or none, leaves what it is about."""
    errors: list[LineError] = []
    layouts = await evse_layouts.of_charge_points(work, [charge_point.id for charge_point, _ in pairs])
    for charge_point, described in pairs:
        present = {evse.number: evse for evse in layouts.get(charge_point.id, ())}
        group = replace(described, evses=tuple(_evse(lines, present.get(lines[0]["EVSE"] or 1)) for lines in described.lines))
        wrong = [group.error(path, message) for path, message in layout_flaws(group.evses)]
        if group.value("password") is not None:
            wrong.append(
                group.first.error("password", f"{charge_point.identity} has a password; set a new one by itself, not by an import.")
            )
        errors += wrong
        if wrong:
            continue
        told = {column: group.value(column) for column in ("name", "vendor", "model")}
        changes = {column: value for column, value in told.items() if value is not None} | {"power_node_id": group.node.id}
        try:
            await refit(work, charge_point, group.evses, changes)
        except ConflictError as error:
            errors.append(group.first.error("identity", str(error)))
    return errors


async def _create(work: UnitOfWork, groups: Sequence[_Group], *, write: bool, hashing: bool) -> list[LineError]:
    """Tell what is wrong with new charge points; where nothing is, and `write`, write them. A dry run needs no hashes."""
    placed = [Placed(_new(group), path=(str(n),), layout_path=(str(n), "evses")) for n, group in enumerate(groups)]
    if not placed:
        return []
    problems = (await flaws_of(work, placed)).found
    errors = [groups[int(problem.path[0])].error(problem.path[1:], str(problem)) for problem in problems]
    with_password = [group for group in groups if group.value("password") is not None]
    if len(with_password) > _MOST_PASSWORDS:
        many = f"{len(with_password)} charge points have a password; {_MOST_PASSWORDS} at most in one file."
        errors.append(with_password[_MOST_PASSWORDS].first.error("password", many))
    if write and not errors:
        if not hashing:
            placed = [replace(one, wanted=replace(one.wanted, password=None)) for one in placed]
        await write_new(work, placed, {group.node.id: group.node for group in groups})
    return errors


def _new(group: _Group) -> NewChargePoint:
    return NewChargePoint(
        power_node_id=group.node.id,
        identity=group.first["identity"],
        name=group.value("name"),
        evses=group.evses,
        vendor=group.value("vendor"),
        model=group.value("model"),
        password=group.value("password"),
    )


async def _overloads(work: UnitOfWork, groups: Sequence[_Group], before: Iterable[ChargePoint]) -> list[LineError]:
    """Return, of each depot whose supply the fall-backs no longer fit, that they do not; and wake the planner for all of them."""
    errors = []
    for depot_id in sorted({group.node.depot_id for group in groups} | {charge_point.depot_id for charge_point in before}):
        there = next((group for group in groups if group.node.depot_id == depot_id), groups[0])
        try:
            await check_fallbacks(work, depot_id)
        except InvalidInputError as error:
            errors.append(there.first.error("fall-back kW", str(error)))
        work.wake_planner(depot_id)
    return errors
