from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.domain import firmware
from ampyard.domain import variables as domain
from ampyard.repositories import variables as repository
from ampyard.repositories.charge_points import ChargePoints
from ampyard.repositories.firmware import FirmwareStatuses
from ampyard.repositories.variables import Variables
from ampyard.resolvers.edges import references_to, to_one
from ampyard.resolvers.lists import Listing
from ampyard.schema.node import Node, shows
from ampyard.schema.paging import OrderDirection

if TYPE_CHECKING:
    from ampyard.schema.charge_points import ChargePoint

CHARGE_POINT_VARIABLES = Listing("chargePoint.variables", Variables, "NAME", parent=Variables.table.c.charge_point_id)
CHARGE_POINT_FIRMWARE = Listing(
    "chargePoint.firmwareStatuses",
    FirmwareStatuses,
    "REPORTED_AT",
    default_descending=True,
    parent=FirmwareStatuses.table.c.charge_point_id,
)


@strawberry.enum(description="What configuration variables can be ordered by.")
class VariableOrderField(Enum):
    NAME = "NAME"
    REPORTED_AT = "REPORTED_AT"


@strawberry.input(description="The order of a list of configuration variables.")
class VariableOrder:
    field: VariableOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which way.")


@strawberry.input(description="Which configuration variables to list.")
class VariableFilter:
    name_contains: str | None = strawberry.field(
        default=None, description="Only those whose variable or component has this in it, in any case."
    )
    component: str | None = strawberry.field(default=None, description="Only those of this component.")
    read_only: bool | None = strawberry.field(default=None, description="Only those that can, or cannot, be changed.")

    def narrowing(self) -> repository.VariableFilter:
        """Return the filter as the repository takes it."""
        return repository.VariableFilter(self.name_contains, self.component, self.read_only)


@strawberry.federation.type(
    keys=["id"], directives=[Authenticated()], description="A configuration variable of a charge point, as it was last told."
)
class ConfigurationVariable(Node):
    component: str = strawberry.field(description="The component it is of; empty for a configuration key of OCPP 1.6.")
    component_instance: str = strawberry.field(description="Which of several such components; empty where there is one.")
    evse_no: int = strawberry.field(name="evseNumber", description="The EVSE its component is of; 0: the whole charge point.")
    connector_no: int = strawberry.field(name="connectorNumber", description="The connector its component is of; 0: none.")
    variable: str = strawberry.field(description="Its name.")
    variable_instance: str = strawberry.field(description="Which of several such variables; empty where there is one.")
    value: str | None = strawberry.field(description="Its value; null where it may not be read or has none.")
    read_only: bool = strawberry.field(description="Whether it cannot be changed.")
    unit: str | None = strawberry.field(description="The unit of its value.")
    data_type: str | None = strawberry.field(description="What kind of value it has, in OCPP's words.")
    allowed_values: str | None = strawberry.field(description="The values it may have, between commas.")
    reported_at: datetime = strawberry.field(description="When it was told; it may have changed since.")
    charge_point: Annotated["ChargePoint", strawberry.lazy("ampyard.schema.charge_points")] = to_one(
        ChargePoints, "charge_point_id", description="Its charge point."
    )
    is_type_of = staticmethod(shows(domain.ConfigurationVariable))
    resolve_references = staticmethod(references_to(domain.ConfigurationVariable))


@strawberry.enum(description="What steps of firmware updates can be ordered by.")
class FirmwareStatusOrderField(Enum):
    REPORTED_AT = "REPORTED_AT"


@strawberry.input(description="The order of a list of steps of firmware updates.")
class FirmwareStatusOrder:
    field: FirmwareStatusOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description="Which way.")


@strawberry.federation.type(keys=["id"], directives=[Authenticated()], description="A step of a firmware update, as it was told.")
class FirmwareStatus(Node):
    status: str = strawberry.field(description="The step, in OCPP's words, such as Downloading or Installed.")
    request_id: int | None = strawberry.field(description="The number of the update it is about, where the charge point tells.")
    reported_at: datetime = strawberry.field(description="When it was told.")
    charge_point: Annotated["ChargePoint", strawberry.lazy("ampyard.schema.charge_points")] = to_one(
        ChargePoints, "charge_point_id", description="Its charge point."
    )
    is_type_of = staticmethod(shows(firmware.FirmwareStatus))
    resolve_references = staticmethod(references_to(firmware.FirmwareStatus))
