"""Changes of vehicles."""

from datetime import datetime

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.domain.access import Scope
from ampyard.engine import list_size
from ampyard.resolvers import vehicles as resolvers
from ampyard.resolvers.changes import mutation
from ampyard.schema.enums import VehicleKind
from ampyard.schema.errors import Change, Payload
from ampyard.schema.imports import DRY_RUN, FILE_CONTENT, FILE_NAME, ImportReport
from ampyard.schema.vehicles import Vehicle


@strawberry.input(description="Values of a vehicle's own; what is left out, or null, is as its type has it.")
class _OwnValues(Change):
    battery_kwh: float | None = strawberry.field(default=strawberry.UNSET, description="Its own battery capacity, in kWh.")
    max_ac_kw: float | None = strawberry.field(default=strawberry.UNSET, description="Its own highest AC power, in kW; 0 where it cannot.")
    max_dc_kw: float | None = strawberry.field(default=strawberry.UNSET, description="Its own highest DC power, in kW; 0 where it cannot.")
    consumption_kwh_per_km: float | None = strawberry.field(default=strawberry.UNSET, description="Its own consumption, in kWh/km.")
    min_soc_percent: float | None = strawberry.field(default=strawberry.UNSET, description="Its own reserve on return, in percent.")
    target_soc_percent: float | None = strawberry.field(default=strawberry.UNSET, description="What it is charged to, in percent.")
    ac_phases: int | None = strawberry.field(default=strawberry.UNSET, description="On how many phases it charges with AC, 1 to 3.")


@strawberry.input(description="Take a vehicle into the fleet. Without a type, kind, battery and both powers are needed.")
class CreateVehicleInput(_OwnValues):
    name: str = strawberry.field(description="Its name or number for people; 100 characters at most.")
    depot_id: strawberry.ID = strawberry.field(description="Its home depot.")
    vin: str = strawberry.field(description="Vehicle identification number (ISO 3779), unique in the tenant.")
    license_plate: str = strawberry.field(description="Licence plate, 20 characters at most; empty where it has none.")
    kind: VehicleKind | None = strawberry.field(default=strawberry.UNSET, description="What kind of vehicle it is; leave it to the type.")
    vehicle_type_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="Its type.")


@strawberry.input(
    description="Change a vehicle; what is left out stays. A value that is set to null is taken from the type. A vehicle that is given a "
    "type keeps its values as its own; one whose type is taken away keeps those that count."
)
class EditVehicleInput(_OwnValues):
    vehicle_id: strawberry.ID = strawberry.field(description="The vehicle.")
    name: str | None = strawberry.field(default=strawberry.UNSET, description="Its name or number for people; 100 characters at most.")
    vin: str | None = strawberry.field(default=strawberry.UNSET, description="Vehicle identification number, unique in the tenant.")
    license_plate: str | None = strawberry.field(default=strawberry.UNSET, description="Licence plate, 20 characters at most.")
    kind: VehicleKind | None = strawberry.field(default=strawberry.UNSET, description="What kind of vehicle it is; leave it to the type.")
    vehicle_type_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="Its type; null for none.")


@strawberry.input(description="Give a vehicle another home depot.")
class MoveVehicleInput(Change):
    vehicle_id: strawberry.ID = strawberry.field(description="The vehicle.")
    depot_id: strawberry.ID = strawberry.field(description="Its new home.")


@strawberry.input(description="Take a vehicle out of the fleet, or back into it.")
class VehicleInput(Change):
    vehicle_id: strawberry.ID = strawberry.field(description="The vehicle.")


@strawberry.input(
    description="A file of vehicles. Its columns are vin, name and depot, and, where wanted, license plate, type, kind, battery kWh, "
    "max AC kW, max DC kW, kWh per km, min SoC, target SoC, RFID, MAC and contract (several tags between spaces). A vehicle whose VIN is "
    "known is changed: an absent column leaves, an empty cell clears; tags are only added."
)
class ImportVehiclesInput(Change):
    file_name: str = strawberry.field(description=FILE_NAME)
    content: str = strawberry.field(description=FILE_CONTENT)
    dry_run: bool = strawberry.field(default=True, description=DRY_RUN)


@strawberry.input(description="What telematics tells of one vehicle, named by its id or by its VIN.")
class SocReadingInput:
    vehicle_id: strawberry.ID | None = strawberry.field(default=None, description="The vehicle.")
    vin: str | None = strawberry.field(default=None, description="The vehicle's VIN.")
    percent: float = strawberry.field(description="Its state of charge, 0 to 100 percent.")
    at: datetime = strawberry.field(description="When it was so: not to come, and no older than 30 days.")
    confidence: float | None = strawberry.field(default=None, description="How far it can be believed, 0 to 1; 0.94 unless told.")


@strawberry.input(description="What telematics tells.")
class ReportStateOfChargeInput(Change):
    readings: list[SocReadingInput] = strawberry.field(description="Of each vehicle what is told; 1,000 at most.")


@strawberry.federation.type(directives=[Authenticated()], description="A vehicle that was changed.")
class VehiclePayload(Payload):
    vehicle: Vehicle | None = strawberry.field(description="The vehicle as it now is; null where the change was refused.")


@strawberry.federation.type(directives=[Authenticated()], description="Vehicles that were reported on.")
class ReportStateOfChargePayload(Payload):
    vehicles: list[Vehicle] | None = strawberry.field(
        description="The vehicles as they now are, in the order of the readings; null where these were refused.",
        directives=[list_size(50)],
    )


@strawberry.federation.type(directives=[Authenticated()], description="What became of an import of vehicles.")
class ImportVehiclesPayload(Payload):
    report: ImportReport | None = strawberry.field(description="What was or would be done; null where the file could not be read at all.")


@strawberry.type
class VehicleMutations:
    create_vehicle: VehiclePayload = mutation(
        VehiclePayload, resolvers.create_vehicle, CreateVehicleInput, Scope.VEHICLES_WRITE, description="Take a vehicle into the fleet."
    )
    edit_vehicle: VehiclePayload = mutation(
        VehiclePayload, resolvers.edit_vehicle, EditVehicleInput, Scope.VEHICLES_WRITE, description="Change a vehicle."
    )
    move_vehicle: VehiclePayload = mutation(
        VehiclePayload, resolvers.move_vehicle, MoveVehicleInput, Scope.VEHICLES_WRITE, description="Give a vehicle another home depot."
    )
    archive_vehicle: VehiclePayload = mutation(
        VehiclePayload,
        resolvers.archive_vehicle,
        VehicleInput,
        Scope.VEHICLES_WRITE,
        description="Take a vehicle that is not charging out of the fleet: its history stays, its id tags are blocked.",
    )
    restore_vehicle: VehiclePayload = mutation(
        VehiclePayload,
        resolvers.restore_vehicle,
        VehicleInput,
        Scope.VEHICLES_WRITE,
        description="Take an archived vehicle back into the fleet; its id tags stay blocked.",
    )
    import_vehicles: ImportVehiclesPayload = mutation(
        ImportVehiclesPayload,
        resolvers.import_vehicles,
        ImportVehiclesInput,
        Scope.VEHICLES_WRITE,
        description="Take in a file of vehicles, all of it or nothing; a dry run unless told.",
    )
    report_state_of_charge: ReportStateOfChargePayload = mutation(
        ReportStateOfChargePayload,
        resolvers.report_state_of_charge,
        ReportStateOfChargeInput,
        Scope.TELEMETRY_WRITE,
        description="Tell the states of charge of vehicles, all of them or none. What is older than what is known changes nothing.",
    )
