"""What people planned in the yards of the large fleet, how it came out, and what went wrong."""

import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from ampyard.domain.alerts import Alert, AlertKind, AlertSeverity, AlertState
from ampyard.domain.assignments import Assignment
from ampyard.domain.blocks import Block
from ampyard.domain.faults import Fault, FaultSource
from ampyard.domain.local_time import Weekday
from ampyard.domain.priorities import Priority, PriorityLevel
from ampyard.domain.readiness import Risk
from ampyard.domain.readiness_records import ReadinessRecord
from ampyard.domain.resource_groups import ResourceGroup, ResourceGroupMember
from ampyard.services.large_fleet.plan import LargeFleet, Yard

_AUTHOR = "system:seed"
_BLOCKS = 6  # of a depot
# Each assignment is held against all others of its vehicle, which takes some milliseconds.
_PLANNED = timedelta(days=90)
_YARDS_OF_A_REGION = 5
_CHANCE_OF_READY = 0.96
_CHANCE_OF_FAULT = 0.02  # of a charge point on a day
_CHANCE_OF_OPEN = 0.03  # of a fault of the last two days


@dataclass(frozen=True, slots=True)
class YardHistory:
    """All that was planned and went wrong in one yard."""

    blocks: list[Block]
    assignments: list[Assignment]
    readiness: list[ReadinessRecord]
    priorities: list[Priority]
    faults: list[Fault]
    alerts: list[Alert]


def history_of(fleet: LargeFleet, yard: Yard) -> YardHistory:
    """Return the history of a yard; the same for the same fleet."""
    draw = fleet.draw("history", yard.number)
    blocks = [_block(fleet, draw, yard, number) for number in range(min(_BLOCKS, len(yard.vehicles)))]
    assignments = [it for number, block in enumerate(blocks) for it in _assignments(fleet, draw, yard, block, number)]
    left = [it for it in assignments if it.departs_at < fleet.now]
    records = [_record(fleet, draw, it) for it in left]
    faults = list(_faults(fleet, draw, yard))
    alerts = [_of_fault(fleet, draw, yard, fault) for fault in faults] + [
        _of_departure(fleet, draw, yard, record) for record in records if not record.ready
    ]
    return YardHistory(blocks, assignments, records, list(_priorities(fleet, draw, yard)), faults, alerts)


def groups_of(fleet: LargeFleet) -> tuple[list[ResourceGroup], list[ResourceGroupMember]]:
    """Return regions of five depots each, below one that has them all, and what is in them."""
    draw = fleet.draw("groups")

    def group(name: str, parent_id: uuid.UUID | None) -> ResourceGroup:
        return ResourceGroup(fleet.id(draw), fleet.tenant_id, parent_id, name, None, fleet.made_at, fleet.made_at)

    def member(group_id: uuid.UUID, depot_id: uuid.UUID) -> ResourceGroupMember:
        return ResourceGroupMember(fleet.id(draw), fleet.tenant_id, group_id, depot_id, None, None, fleet.made_at)

    whole = group("All regions", None)
    groups, members = [whole], []
    for begin in range(0, len(fleet.yards), _YARDS_OF_A_REGION):
        region = group(f"Region {begin // _YARDS_OF_A_REGION + 1}", whole.id)
        groups.append(region)
        members += [member(region.id, yard.depot.id) for yard in fleet.yards[begin : begin + _YARDS_OF_A_REGION]]
    return groups, members


def _block(fleet: LargeFleet, draw: random.Random, yard: Yard, number: int) -> Block:
    zone = yard.depot.time_zone
    return Block(
        id=fleet.id(draw),
        tenant_id=fleet.tenant_id,
        name=f"{yard.number + 1:02d}-{number + 1:03d}",
        external_id=None,
        note=None,
        distance_km=float(draw.randrange(60, 220)),
        energy_kwh=None,
        departure_depot_id=yard.depot.id,
        departure_time=time(5, number * 5 % 60),
        departure_zone=zone,
        return_depot_id=yard.depot.id,
        return_time=time(9 if number % 2 else 14, number * 5 % 60),
        return_zone=zone,
        return_days_later=0,
        weekdays=frozenset(Weekday),
        first_day=fleet.first_day,
        last_day=None,
        enabled=True,
        removed_at=None,
        created_at=fleet.made_at,
        updated_at=fleet.made_at,
    )


def _assignments(fleet: LargeFleet, draw: random.Random, yard: Yard, block: Block, number: int) -> Iterator[Assignment]:
    last = fleet.now.date() + timedelta(days=3)
    day = max(fleet.first_day, last - _PLANNED)
    while day <= last:
        run = block.run_on(day)
        yield Assignment(
            id=fleet.id(draw, run.departs_at),
            tenant_id=fleet.tenant_id,
            block_id=block.id,
            # Vehicles take turns, so that none is on two runs of a day.
            vehicle_id=yard.vehicles[(number + day.toordinal() * _BLOCKS) % len(yard.vehicles)].id,
            depot_id=yard.depot.id,
            day=day,
            departs_at=run.departs_at,
            returns_at=run.returns_at,
            author=_AUTHOR,
            removed_at=None,
            created_at=min(run.departs_at - timedelta(days=2), fleet.now),
            updated_at=min(run.departs_at - timedelta(days=2), fleet.now),
        )
        day += timedelta(days=1)


def _record(fleet: LargeFleet, draw: random.Random, assignment: Assignment) -> ReadinessRecord:
    ready = draw.random() < _CHANCE_OF_READY
    return ReadinessRecord(
        id=fleet.id(draw, assignment.departs_at),
        tenant_id=fleet.tenant_id,
        assignment_id=assignment.id,
        vehicle_id=assignment.vehicle_id,
        depot_id=assignment.depot_id,
        departs_at=assignment.departs_at,
        recorded_at=assignment.departs_at,
        at_departure=True,
        risk=Risk.ON_TRACK if ready else Risk.NOT_READY,
        reason="It has what it needs." if ready else "It lacks energy.",
        needed_kwh=120.0,
        reserve_kwh=20.0,
        expected_soc_percent=90.0 if ready else 40.0,
        actual_soc_percent=90.0 if ready else 40.0,
        ready=ready,
        ready_at=assignment.departs_at - timedelta(hours=1) if ready else None,
        shortfall_kwh=0.0 if ready else 35.0,
    )


def _priorities(fleet: LargeFleet, draw: random.Random, yard: Yard) -> Iterator[Priority]:
    for place, vehicle in enumerate(yard.vehicles):
        for back in range(0, 360, 60):
            begun = fleet.now - timedelta(days=back, hours=draw.uniform(1, 12))
            if place % 5 == 0 and begun > fleet.made_at:
                yield Priority(
                    id=fleet.id(draw, begun),
                    tenant_id=fleet.tenant_id,
                    level=draw.choice([PriorityLevel.LOW, PriorityLevel.HIGH]),
                    vehicle_id=vehicle.id,
                    charge_point_id=None,
                    transaction_id=None,
                    reason="It leaves early.",
                    author=_AUTHOR,
                    valid_from=begun,
                    valid_until=None,
                    cleared_at=None if back == 0 else begun + timedelta(days=2),
                    created_at=begun,
                )


def _faults(fleet: LargeFleet, draw: random.Random, yard: Yard) -> Iterator[Fault]:
    for point in yard.charge_points:
        for back in range(1, fleet.size.days):
            if draw.random() < _CHANCE_OF_FAULT:
                raised = fleet.now - timedelta(days=back, hours=draw.uniform(0, 20))
                still = back == 1 and draw.random() < _CHANCE_OF_OPEN
                yield Fault(
                    id=fleet.id(draw, raised),
                    tenant_id=fleet.tenant_id,
                    charge_point_id=point.id,
                    evse_id=None,
                    connector_id=None,
                    source=FaultSource.STATUS,
                    code=draw.choice(["GroundFailure", "HighTemperature", "OverVoltage", "InternalError"]),
                    vendor_id=None,
                    vendor_code=f"E{draw.randrange(100):02d}",
                    info=None,
                    component=None,
                    variable=None,
                    raised_at=raised,
                    cleared_at=None if still else raised + timedelta(hours=draw.uniform(0.1, 3)),
                )


def _of_fault(fleet: LargeFleet, draw: random.Random, yard: Yard, fault: Fault) -> Alert:
    return _alert(
        fleet,
        draw,
        yard,
        AlertKind.FAULTED,
        fault.charge_point_id,
        fault.raised_at,
        fault.cleared_at,
        summary=f"A charge point reports {fault.code}.",
        charge_point_id=fault.charge_point_id,
    )


def _of_departure(fleet: LargeFleet, draw: random.Random, yard: Yard, record: ReadinessRecord) -> Alert:
    begun = record.departs_at - timedelta(hours=1)
    return _alert(
        fleet,
        draw,
        yard,
        AlertKind.NOT_READY,
        record.assignment_id,
        begun,
        record.departs_at,
        summary="A vehicle will not be ready for its departure.",
        vehicle_id=record.vehicle_id,
        assignment_id=record.assignment_id,
    )


def _alert(
    fleet: LargeFleet,
    draw: random.Random,
    yard: Yard,
    kind: AlertKind,
    target_id: uuid.UUID,
    opened: datetime,
    resolved: datetime | None,
    *,
    summary: str,
    charge_point_id: uuid.UUID | None = None,
    vehicle_id: uuid.UUID | None = None,
    assignment_id: uuid.UUID | None = None,
) -> Alert:
    return Alert(
        id=fleet.id(draw, opened),
        tenant_id=fleet.tenant_id,
        rule_id=None,
        kind=kind,
        severity=draw.choice(list(AlertSeverity)),
        state=AlertState.OPEN if resolved is None else AlertState.RESOLVED,
        target_id=target_id,
        depot_id=yard.depot.id,
        charge_point_id=charge_point_id,
        power_node_id=None,
        vehicle_id=vehicle_id,
        transaction_id=None,
        assignment_id=assignment_id,
        summary=summary,
        facts={},
        since=opened,
        opened_at=opened,
        acknowledged_at=None,
        acknowledged_by=None,
        resolved_at=resolved,
        resolved_by=None,
        note=None,
        updated_at=resolved or opened,
    )
