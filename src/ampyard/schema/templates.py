from datetime import datetime
from enum import Enum

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.domain import layouts as domain
from ampyard.domain.access import Scope
from ampyard.engine import list_size
from ampyard.repositories.templates import Templates
from ampyard.resolvers import templates as resolvers
from ampyard.resolvers.changes import mutation
from ampyard.resolvers.edges import by_id, references_to
from ampyard.resolvers.lists import Listing
from ampyard.schema.charge_point_setup import ChargePointsPayload
from ampyard.schema.errors import Change, Payload
from ampyard.schema.layouts import EvseInput, EvseLayout
from ampyard.schema.node import Node, shows
from ampyard.schema.paging import Connection, OrderDirection, connection

TEMPLATES = Listing("chargePointTemplates", Templates, "NAME")


@strawberry.enum(description="What charge point templates can be ordered by.")
class ChargePointTemplateOrderField(Enum):
    NAME = "NAME"
    CREATED_AT = "CREATED_AT"


@strawberry.input(description="The order of a list of charge point templates.")
class ChargePointTemplateOrder:
    field: ChargePointTemplateOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which way.")


@strawberry.federation.type(
    keys=["id"], directives=[Authenticated()], description="EVSEs and connectors that many charge points have in common, under a name."
)
class ChargePointTemplate(Node):
    name: str = strawberry.field(description="Its name, unique in the tenant.")
    vendor: str | None = strawberry.field(description="The vendor of such charge points.")
    model: str | None = strawberry.field(description="The model of such charge points.")
    evses: list[EvseLayout] = strawberry.field(description="Their EVSEs, by number.", directives=[list_size(2)])
    created_at: datetime = strawberry.field(description="When it was made.")
    updated_at: datetime = strawberry.field(description="When it was last changed.")
    is_type_of = staticmethod(shows(domain.ChargePointTemplate))
    resolve_references = staticmethod(references_to(domain.ChargePointTemplate))


@strawberry.input(description="Keep a template.")
class CreateChargePointTemplateInput(Change):
    name: str = strawberry.field(description="Its name, unique in the tenant; 100 characters at most.")
    evses: list[EvseInput] = strawberry.field(description="The EVSEs; 32 at most.")
    vendor: str | None = strawberry.field(default=None, description="The vendor; 50 characters at most.")
    model: str | None = strawberry.field(default=None, description="The model; 20 characters at most.")


@strawberry.input(description="Change a template; what is left out stays. Charge points made from it stay as they are.")
class EditChargePointTemplateInput(Change):
    template_id: strawberry.ID = strawberry.field(description="The template.")
    name: str | None = strawberry.field(default=strawberry.UNSET, description="Its name, unique in the tenant; 100 characters at most.")
    evses: list[EvseInput] | None = strawberry.field(default=strawberry.UNSET, description="All its EVSEs, as they are to be.")
    vendor: str | None = strawberry.field(default=strawberry.UNSET, description="The vendor; null for none.")
    model: str | None = strawberry.field(default=strawberry.UNSET, description="The model; null for none.")


@strawberry.input(description="Delete a template. Charge points made from it stay.")
class DeleteChargePointTemplateInput(Change):
    template_id: strawberry.ID = strawberry.field(description="The template.")


@strawberry.input(description="One of the charge points to be created from a template.")
class FromTemplateInput:
    identity: str = strawberry.field(description="Its OCPP identity, unique in the tenant.")
    name: str | None = strawberry.field(default=None, description="Its name for people; its identity unless told.")
    password: str | None = strawberry.field(default=None, description="What it logs in with: 16 to 40 characters; it can be set later.")


@strawberry.input(description="Create charge points from a template: all of them, or none.")
class CreateChargePointsFromTemplateInput(Change):
    template_id: strawberry.ID = strawberry.field(description="The template.")
    power_node_id: strawberry.ID = strawberry.field(description="The power node that supplies them.")
    charge_points: list[FromTemplateInput] = strawberry.field(description="The charge points; 200 at most.")


@strawberry.federation.type(directives=[Authenticated()], description="A template that was kept or changed.")
class ChargePointTemplatePayload(Payload):
    template: ChargePointTemplate | None = strawberry.field(description="The template as it now is; null where the change was refused.")


@strawberry.federation.type(directives=[Authenticated()], description="A template that was deleted.")
class DeleteChargePointTemplatePayload(Payload):
    removed: bool | None = strawberry.field(description="True; null where the change was refused.")


@strawberry.type
class TemplateQueries:
    charge_point_template: ChargePointTemplate | None = by_id(
        domain.ChargePointTemplate, description="One charge point template; null when it does not exist."
    )
    charge_point_templates: Connection[ChargePointTemplate] = connection(
        TEMPLATES,
        description="All charge point templates.",
        filter_type=None,
        order_type=ChargePointTemplateOrder,
        scope=Scope.FLEET_READ,
    )


@strawberry.type
class TemplateMutations:
    create_charge_point_template: ChargePointTemplatePayload = mutation(
        ChargePointTemplatePayload,
        resolvers.create_template,
        CreateChargePointTemplateInput,
        Scope.CHARGE_POINTS_WRITE,
        description="Keep a template of charge points.",
    )
    edit_charge_point_template: ChargePointTemplatePayload = mutation(
        ChargePointTemplatePayload,
        resolvers.edit_template,
        EditChargePointTemplateInput,
        Scope.CHARGE_POINTS_WRITE,
        description="Change a template of charge points.",
    )
    delete_charge_point_template: DeleteChargePointTemplatePayload = mutation(
        DeleteChargePointTemplatePayload,
        resolvers.delete_template,
        DeleteChargePointTemplateInput,
        Scope.CHARGE_POINTS_WRITE,
        description="Delete a template of charge points.",
    )
    create_charge_points_from_template: ChargePointsPayload = mutation(
        ChargePointsPayload,
        resolvers.create_from_template,
        CreateChargePointsFromTemplateInput,
        Scope.CHARGE_POINTS_WRITE,
        description="Create charge points, PLANNED, as a template says.",
    )
