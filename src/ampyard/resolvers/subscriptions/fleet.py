"""Live updates of charge points, their faults and commands, and of vehicles."""

from collections.abc import AsyncGenerator
from typing import Annotated

import strawberry

from ampyard.domain.charge_points import ChargePoint
from ampyard.domain.commands import Command
from ampyard.domain.depots import Depot
from ampyard.domain.events import EventKind, PublishedEvent
from ampyard.domain.faults import Fault
from ampyard.domain.reservations import Reservation
from ampyard.domain.vehicles import Vehicle
from ampyard.repositories.charge_points import ChargePoints
from ampyard.repositories.commands import Commands
from ampyard.repositories.faults import Faults
from ampyard.repositories.reservations import Reservations
from ampyard.repositories.vehicles import Vehicles
from ampyard.resolvers.context import Info
from ampyard.resolvers.ids import optional_id
from ampyard.resolvers.subscriptions.feeds import entities


def charge_point_updated(
    info: Info,
    depot_id: Annotated[strawberry.ID | None, strawberry.argument(description="Only those of this depot.")] = None,
    charge_point_id: Annotated[strawberry.ID | None, strawberry.argument(description="Only this one.")] = None,
) -> AsyncGenerator[ChargePoint, None]:
    """Return charge points as they connect, report a status, or disconnect."""
    of_depot = optional_id("depotId", depot_id, Depot)
    only = optional_id("chargePointId", charge_point_id, ChargePoint)

    def fits(event: PublishedEvent) -> bool:
        return event.kind is EventKind.CHARGE_POINT_UPDATED and of_depot in {None, event.depot_id} and only in {None, event.aggregate_id}

    return entities(info.context, ChargePoints, fits)


def vehicle_updated(
    info: Info,
    depot_id: Annotated[strawberry.ID | None, strawberry.argument(description="Only those at home in this depot.")] = None,
    vehicle_id: Annotated[strawberry.ID | None, strawberry.argument(description="Only this one.")] = None,
) -> AsyncGenerator[Vehicle, None]:
    """Return vehicles as they change, or their state of charge."""
    of_depot = optional_id("depotId", depot_id, Depot)
    only = optional_id("vehicleId", vehicle_id, Vehicle)

    def fits(event: PublishedEvent) -> bool:
        return event.kind is EventKind.VEHICLE_UPDATED and of_depot in {None, event.depot_id} and only in {None, event.aggregate_id}

    return entities(info.context, Vehicles, fits)


def fault_updated(
    info: Info,
    depot_id: Annotated[strawberry.ID | None, strawberry.argument(description="Only those of this depot.")] = None,
    charge_point_id: Annotated[strawberry.ID | None, strawberry.argument(description="Only those of this charge point.")] = None,
) -> AsyncGenerator[Fault, None]:
    """Return faults as they are raised, told more of, and cleared."""
    of_depot = optional_id("depotId", depot_id, Depot)
    of_point = optional_id("chargePointId", charge_point_id, ChargePoint)

    def fits(event: PublishedEvent) -> bool:
        return (
            event.kind is EventKind.CHARGE_POINT_FAULT_UPDATED
            and of_depot in {None, event.depot_id}
            and (of_point is None or event.payload.get("charge_point_id") == str(of_point))
        )

    return entities(info.context, Faults, fits)


def command_updated(
    info: Info,
    charge_point_id: Annotated[strawberry.ID | None, strawberry.argument(description="Only those to this charge point.")] = None,
    command_id: Annotated[strawberry.ID | None, strawberry.argument(description="Only this one.")] = None,
) -> AsyncGenerator[Command, None]:
    """Return commands as they are given and as they end."""
    of_point = optional_id("chargePointId", charge_point_id, ChargePoint)
    only = optional_id("commandId", command_id, Command)

    def fits(event: PublishedEvent) -> bool:
        return (
            event.kind is EventKind.COMMAND_UPDATED
            and only in {None, event.aggregate_id}
            and (of_point is None or event.payload.get("charge_point_id") == str(of_point))
        )

    return entities(info.context, Commands, fits)


def reservation_changed(
    info: Info,
    depot_id: Annotated[strawberry.ID | None, strawberry.argument(description="Only those in this depot.")] = None,
) -> AsyncGenerator[Reservation, None]:
    """Return reservations as they are asked for, taken and ended."""
    of_depot = optional_id("depotId", depot_id, Depot)

    def fits(event: PublishedEvent) -> bool:
        return event.kind is EventKind.RESERVATION_CHANGED and of_depot in {None, event.depot_id}

    return entities(info.context, Reservations, fits)
