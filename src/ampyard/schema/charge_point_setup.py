"""Setting up charge points: created, edited one by one or many at once, taken through their life, given passwords."""

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.domain.access import Scope
from ampyard.engine import list_size
from ampyard.resolvers import charge_points as resolvers
from ampyard.resolvers.changes import mutation
from ampyard.schema.charge_points import ChargePoint
from ampyard.schema.enums import ChargePointState
from ampyard.schema.errors import Change, Payload
from ampyard.schema.imports import DRY_RUN, FILE_CONTENT, FILE_NAME, ImportReport
from ampyard.schema.layouts import EvseInput


@strawberry.input(description="Create a charge point. It is PLANNED until it boots for the first time.")
class CreateChargePointInput(Change):
    power_node_id: strawberry.ID = strawberry.field(description="The power node that supplies it; its depot is the node's.")
    identity: str = strawberry.field(
        description="Its OCPP identity, unique in the tenant: 1 to 48 letters, digits and * - _ = + | @ and the full stop."
    )
    evses: list[EvseInput] = strawberry.field(description="Its EVSEs, one at least.")
    name: str | None = strawberry.field(default=None, description="Its name for people, 100 characters at most; its identity unless told.")
    vendor: str | None = strawberry.field(default=None, description="The vendor that is expected; its first boot says who it is.")
    model: str | None = strawberry.field(default=None, description="The model that is expected; its first boot says what it is.")
    password: str | None = strawberry.field(
        default=None, description="What it logs in with: 16 to 40 printable ASCII characters; without one it cannot log in yet."
    )


@strawberry.input(description="Change a charge point; what is left out stays.")
class EditChargePointInput(Change):
    charge_point_id: strawberry.ID = strawberry.field(description="The charge point.")
    name: str | None = strawberry.field(default=strawberry.UNSET, description="Its name for people.")
    identity: str | None = strawberry.field(default=strawberry.UNSET, description="Its OCPP identity; only while it is offline.")
    power_node_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="The power node that supplies it; to one of another depot only while no vehicle charges."
    )
    vendor: str | None = strawberry.field(default=strawberry.UNSET, description="Its vendor; null where it is not known.")
    model: str | None = strawberry.field(default=strawberry.UNSET, description="Its model; null where it is not known.")
    evses: list[EvseInput] | None = strawberry.field(
        default=strawberry.UNSET,
        description="All its EVSEs, as they are to be. Those whose number is not named are removed, unless they have transactions.",
    )


@strawberry.input(description="What many charge points are to have in common; what is left out stays. Powers are of each of their EVSEs.")
class ChargePointPatch:
    power_node_id: strawberry.ID | None = strawberry.field(default=None, description="The power node that supplies them.")
    vendor: str | None = strawberry.field(default=None, description="Their vendor.")
    model: str | None = strawberry.field(default=None, description="Their model.")
    max_power_kw: float | None = strawberry.field(default=None, description="The most each EVSE can deliver, in kW.")
    min_power_kw: float | None = strawberry.field(default=None, description="The least each EVSE can charge with, in kW.")
    fallback_kw: float | None = strawberry.field(
        default=None, description="What each EVSE may draw when no limit of ours is in force, in kW."
    )


@strawberry.input(description="Change many charge points in the same way: all of them, or none where anything is wrong with any.")
class EditChargePointsInput(Change):
    charge_point_ids: list[strawberry.ID] = strawberry.field(description="The charge points; 200 at most.")
    patch: ChargePointPatch = strawberry.field(description="What they are to have in common.")


@strawberry.input(description="Take charge points to a state of their life: all of them, or none.")
class ChangeChargePointStateInput(Change):
    charge_point_ids: list[strawberry.ID] = strawberry.field(description="The charge points; 200 at most.")
    state: ChargePointState = strawberry.field(
        description="PLANNED → COMMISSIONED → IN_SERVICE ⇄ OUT_OF_SERVICE → RETIRED; what is not in service yet can be retired, too."
    )
    reason: str = strawberry.field(description="Why; 500 characters at most.")


@strawberry.input(description="Give a charge point a new password for its next login.")
class SetChargePointPasswordInput(Change):
    charge_point_id: strawberry.ID = strawberry.field(description="The charge point.")
    password: str | None = strawberry.field(
        default=None, description="16 to 40 printable ASCII characters, 20 at most for OCPP 1.6; one is made unless told."
    )


@strawberry.input(description="Import charge points from a file: a line for each connector, by identity and EVSE.")
class ImportChargePointsInput(Change):
    content: str = strawberry.field(
        description=f"{FILE_CONTENT} Columns: identity, depot, power node, current type, max power kW, fall-back kW and standard, which "
        "every file needs; name, vendor, model, password, EVSE, min power kW, phases, connector, format, power type, max voltage V and "
        "max amperage A."
    )
    file_name: str = strawberry.field(default="charge points", description=FILE_NAME)
    dry_run: bool = strawberry.field(default=False, description=DRY_RUN)


@strawberry.federation.type(directives=[Authenticated()], description="What became of an import of charge points.")
class ImportChargePointsPayload(Payload):
    report: ImportReport | None = strawberry.field(description="What was or would be done; null where the file could not be read at all.")


@strawberry.federation.type(directives=[Authenticated()], description="A charge point that was created or changed.")
class ChargePointPayload(Payload):
    charge_point: ChargePoint | None = strawberry.field(description="The charge point as it now is; null where the change was refused.")


@strawberry.federation.type(directives=[Authenticated()], description="Charge points that were created or changed.")
class ChargePointsPayload(Payload):
    charge_points: list[ChargePoint] | None = strawberry.field(
        description="The charge points as they now are, in the order of the request; null where it was refused.",
        directives=[list_size(10)],
    )


@strawberry.federation.type(directives=[Authenticated()], description="A charge point with a new password.")
class ChargePointPasswordPayload(Payload):
    charge_point: ChargePoint | None = strawberry.field(description="The charge point; null where the change was refused.")
    password: str | None = strawberry.field(
        description="The password: shown this once, never again, and not to whoever repeats the request with its idempotency key."
    )


@strawberry.type
class ChargePointMutations:
    create_charge_point: ChargePointPayload = mutation(
        ChargePointPayload,
        resolvers.create_charge_point,
        CreateChargePointInput,
        Scope.CHARGE_POINTS_WRITE,
        description="Create a charge point with its EVSEs and connectors; refused where its fall-backs would not fit the supply.",
    )
    edit_charge_point: ChargePointPayload = mutation(
        ChargePointPayload,
        resolvers.edit_charge_point,
        EditChargePointInput,
        Scope.CHARGE_POINTS_WRITE,
        description="Change a charge point; refused where its fall-backs would not fit the supply.",
    )
    edit_charge_points: ChargePointsPayload = mutation(
        ChargePointsPayload,
        resolvers.edit_charge_points,
        EditChargePointsInput,
        Scope.CHARGE_POINTS_WRITE,
        description="Change many charge points in the same way.",
    )
    change_charge_point_state: ChargePointsPayload = mutation(
        ChargePointsPayload,
        resolvers.change_states,
        ChangeChargePointStateInput,
        Scope.CHARGE_POINTS_WRITE,
        description="Put charge points into service, take them out of it, or retire them.",
    )
    import_charge_points: ImportChargePointsPayload = mutation(
        ImportChargePointsPayload,
        resolvers.import_charge_points,
        ImportChargePointsInput,
        Scope.CHARGE_POINTS_WRITE,
        description="Import charge points: those whose identity is known are changed, the others created. All lines, or none.",
    )
    set_charge_point_password: ChargePointPasswordPayload = mutation(
        ChargePointPasswordPayload,
        resolvers.set_password,
        SetChargePointPasswordInput,
        Scope.CHARGE_POINTS_WRITE,
        description="Give a charge point a new password; its open socket stays open, its next login needs it.",
    )
