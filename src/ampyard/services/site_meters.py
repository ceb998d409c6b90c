"""Site meters: what flows through power nodes that is not ours, as somebody's meters tell it."""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta

from ampyard.domain.access import Principal, Scope
from ampyard.domain.errors import InvalidInputError, Problems
from ampyard.domain.supply import MeterReading, PowerNode
from ampyard.repositories.depots import PowerNodes
from ampyard.repositories.supply import add_readings
from ampyard.services.backend import Backend

MAX_READINGS = 1000
# Clocks differ; a reading from further ahead would pass for fresh too long, and no later one for newer.
_MOST_AHEAD = timedelta(minutes=2)
_HIGHEST = 1e6


async def report_site_meter(
    backend: Backend, principal: Principal, readings: Sequence[tuple[uuid.UUID, MeterReading]]
) -> tuple[list[PowerNode], int]:
    """Take in readings of site meters, each with its power node; returns the nodes and how many readings were new.

    All are taken or none. Late and repeated ones do no harm: what counts is the newest of each node, and a second reading of
    the same moment is left out.

    Raises:
        ForbiddenError: the principal lacks `telemetry:write`, or has it elsewhere.
        NotFoundError: there is no such power node.
        InvalidInputError: no or too many readings, or one that no meter could tell.
    """
    principal.require(Scope.TELEMETRY_WRITE)
    if not 1 <= len(readings) <= MAX_READINGS:
        raise InvalidInputError(f"There are {len(readings)} readings; give 1 to {MAX_READINGS} at once.", ("input", "readings"))
    async with backend.unit_of_work(principal, Scope.TELEMETRY_WRITE) as work:
        problems = Problems()
        for number, (_, reading) in enumerate(readings):
            latest = work.now + _MOST_AHEAD
            _check(problems, str(number), reading, is_past=reading.measured_at <= latest)
        problems.raise_any()
        nodes = await PowerNodes(work.session).by_ids({node_id for node_id, _ in readings})
        by_node: dict[tuple[uuid.UUID, uuid.UUID], list[MeterReading]] = defaultdict(list)
        for node_id, reading in readings:
            if node_id not in nodes:
                # Says whether there is none, or none that the principal may tell of.
                await work.require(PowerNodes, node_id, "power node")
            node = nodes[node_id]
            by_node[node.depot_id, node.id].append(reading)
        added = await add_readings(work.session, work.tenant_id, by_node)
        told = list(nodes.values())
        work.answers(power_nodes=told, added=added)
        await work.commit()
    return told, added


def _check(problems: Problems, number: str, reading: MeterReading, *, is_past: bool) -> None:
    path = ("input", "readings", number)
    problems.check(is_past, f"{reading.measured_at.isoformat()} is in the future.", *path, "measuredAt")
    problems.check(-_HIGHEST <= reading.kw <= _HIGHEST, f"{reading.kw:g} kW is out of range.", *path, "kw")
    for name in ("l1_a", "l2_a", "l3_a"):
        current = getattr(reading, name)
        fits = current is None or -_HIGHEST <= current <= _HIGHEST
        problems.check(fits, f"{current} A is out of range.", *path, name.replace("_a", "A"))
