from collections.abc import AsyncIterator
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.domain import charge_points
from ampyard.domain import faults as domain
from ampyard.domain.access import Scope
from ampyard.domain.depots import Depot as DomainDepot
from ampyard.repositories import faults as repository
from ampyard.repositories.charge_points import ChargePoints, Connectors, Evses
from ampyard.repositories.faults import Faults
from ampyard.resolvers import subscriptions
from ampyard.resolvers.edges import by_id, references_to, to_one
from ampyard.resolvers.ids import optional_id
from ampyard.resolvers.lists import Listing
from ampyard.resolvers.scopes import scoped_subscription
from ampyard.schema.enums import FaultSource
from ampyard.schema.node import Node, shows
from ampyard.schema.paging import Connection, OrderDirection, connection

if TYPE_CHECKING:
    from ampyard.schema.charge_points import ChargePoint, Connector, Evse

FAULTS = Listing("faults", Faults, "RAISED_AT", default_descending=True)
CHARGE_POINT_FAULTS = Listing("chargePoint.faults", Faults, "RAISED_AT", default_descending=True, parent=Faults.table.c.charge_point_id)


@strawberry.enum(description="What faults can be ordered by.")
class FaultOrderField(Enum):
    RAISED_AT = "RAISED_AT"


@strawberry.input(description="The order of a list of faults.")
class FaultOrder:
    field: FaultOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description="Which way.")


@strawberry.input(description="Which faults to list.")
class FaultFilter:
    open: bool | None = strawberry.field(default=None, description="Only those that are open, or those that are over.")
    code: str | None = strawberry.field(default=None, description="Only those with this code.")
    vendor_code: str | None = strawberry.field(default=None, description="Only those with this code of the vendor's own.")
    charge_point_id: strawberry.ID | None = strawberry.field(default=None, description="Only those of this charge point.")
    depot_id: strawberry.ID | None = strawberry.field(default=None, description="Only those of charge points of this depot.")

    def narrowing(self) -> repository.FaultFilter:
        """Return the filter as the repository takes it."""
        return repository.FaultFilter(
            is_open=self.open,
            code=self.code,
            vendor_code=self.vendor_code,
            charge_point_id=optional_id("filter.chargePointId", self.charge_point_id, charge_points.ChargePoint),
            depot_id=optional_id("filter.depotId", self.depot_id, DomainDepot),
        )


@strawberry.federation.type(
    keys=["id"], directives=[Authenticated()], description="Something that is or was wrong with a charge point, by its own word."
)
class Fault(Node):
    source: FaultSource = strawberry.field(description="How it was told.")
    code: str = strawberry.field(description="What is wrong: OCPP's error code, or the component and variable that an event is about.")
    vendor_id: str | None = strawberry.field(description="Whose own code it is.")
    vendor_code: str | None = strawberry.field(description="The vendor's own code.")
    info: str | None = strawberry.field(description="What the charge point adds in words.")
    component: str | None = strawberry.field(description="The component of an event (OCPP 2.0.1).")
    variable: str | None = strawberry.field(description="The variable of an event (OCPP 2.0.1).")
    raised_at: datetime = strawberry.field(description="Since when, by the charge point's clock.")
    cleared_at: datetime | None = strawberry.field(description="Until when; null while it is open.")
    charge_point: Annotated["ChargePoint", strawberry.lazy("ampyard.schema.charge_points")] = to_one(
        ChargePoints, "charge_point_id", description="Its charge point."
    )
    evse: Annotated["Evse", strawberry.lazy("ampyard.schema.charge_points")] | None = to_one(
        Evses, "evse_id", description="Its EVSE; null where the whole charge point is concerned."
    )
    connector: Annotated["Connector", strawberry.lazy("ampyard.schema.charge_points")] | None = to_one(
        Connectors, "connector_id", description="Its connector, if it is about one."
    )
    is_type_of = staticmethod(shows(domain.Fault))
    resolve_references = staticmethod(references_to(domain.Fault))


@strawberry.type
class FaultQueries:
    fault: Fault | None = by_id(domain.Fault, description="One fault; null when it does not exist.")
    faults: Connection[Fault] = connection(
        FAULTS,
        description="All faults of charge points, newest first unless told.",
        filter_type=FaultFilter,
        order_type=FaultOrder,
        scope=Scope.FLEET_READ,
    )


@strawberry.type
class FaultSubscriptions:
    fault_updated: AsyncIterator[Fault] = scoped_subscription(
        subscriptions.fault_updated,
        Scope.FLEET_READ,
        description="Faults as they are raised, told more of, and cleared; of one depot or one charge point where named.",
    )
