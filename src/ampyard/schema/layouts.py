"""EVSEs and connectors as they are described: in inputs, and in templates."""

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.domain import layouts as domain
from ampyard.domain.equipment import SetPoints
from ampyard.domain.layouts import least_power_kw
from ampyard.engine import list_size
from ampyard.resolvers.charging_profiles import listed_set_points, set_point_kind
from ampyard.schema.enums import ConnectorFormat, ConnectorStandard, CurrentType, PhaseRotation, PowerType, SetPointKind


@strawberry.input(description="A connector, as it is to be.")
class ConnectorInput:
    number: int = strawberry.field(default=1, description="Its number within the EVSE, from 1.")
    standard: ConnectorStandard = strawberry.field(description="The standard of its plug.")
    format: ConnectorFormat = strawberry.field(description="Socket or cable.")
    power_type: PowerType = strawberry.field(description="AC or DC and phases.")
    max_voltage_v: int = strawberry.field(description="Highest voltage, in V.")
    max_amperage_a: int = strawberry.field(description="Highest current, in A.")

    def layout(self) -> domain.ConnectorLayout:
        """Return it as the domain has it."""
        return domain.ConnectorLayout(
            number=self.number,
            standard=self.standard,
            format=self.format,
            power_type=self.power_type,
            max_voltage_v=self.max_voltage_v,
            max_amperage_a=self.max_amperage_a,
        )


@strawberry.input(description="An EVSE with its connectors, as it is to be.")
class EvseInput:
    number: int = strawberry.field(description="Its number within the charge point, from 1.")
    current_type: CurrentType = strawberry.field(description="AC or DC.")
    max_power_kw: float = strawberry.field(description="The most it can deliver, in kW.")
    fallback_kw: float = strawberry.field(
        description="What it may draw when no limit of ours is in force, in kW; all fall-backs of a depot must fit its supply."
    )
    connectors: list[ConnectorInput] = strawberry.field(description="Its connectors, one at least.")
    phases: int = strawberry.field(default=3, description="Phases of its supply.")
    min_power_kw: float | None = strawberry.field(
        default=None, description="The least it can charge with, in kW; unless told, 6 A on each phase at 230 V, or 5 kW of direct current."
    )

    phase_rotation: PhaseRotation = strawberry.field(
        default=PhaseRotation.UNKNOWN, description="Which lines of the supply its phases are connected to, one for each phase."
    )
    voltage_v: float = strawberry.field(
        default=230.0, description="Voltage of its supply, in V: between phase and neutral, unless lineToLine."
    )
    line_to_line: bool = strawberry.field(default=False, description="Whether it charges between two lines, as with 208 V.")
    set_points: SetPointKind = strawberry.field(default=SetPointKind.CONTINUOUS, description="Which limits it can regulate to.")
    listed_set_points_a: list[float] = strawberry.field(
        default_factory=list, description="The limits it can regulate to, in A of each phase, ascending; where setPoints is LISTED."
    )

    def layout(self) -> domain.EvseLayout:
        """Return it as the domain has it."""
        least_kw = min(least_power_kw(self.current_type, self.phases), self.max_power_kw)
        return domain.EvseLayout(
            number=self.number,
            current_type=self.current_type,
            max_power_kw=self.max_power_kw,
            min_power_kw=least_kw if self.min_power_kw is None else self.min_power_kw,
            phases=self.phases,
            fallback_kw=self.fallback_kw,
            phase_rotation=self.phase_rotation,
            voltage_v=self.voltage_v,
            line_to_line=self.line_to_line,
            set_points=SetPoints(self.set_points, tuple(self.listed_set_points_a)),
            connectors=tuple(connector.layout() for connector in self.connectors),
        )


@strawberry.federation.type(directives=[Authenticated()], description="A connector of a template.")
class ConnectorLayout:
    number: int = strawberry.field(description="Its number within the EVSE, from 1.")
    standard: ConnectorStandard = strawberry.field(description="The standard of its plug.")
    format: ConnectorFormat = strawberry.field(description="Socket or cable.")
    power_type: PowerType = strawberry.field(description="AC or DC and phases.")
    max_voltage_v: int = strawberry.field(description="Highest voltage, in V.")
    max_amperage_a: int = strawberry.field(description="Highest current, in A.")


@strawberry.federation.type(directives=[Authenticated()], description="An EVSE of a template.")
class EvseLayout:
    number: int = strawberry.field(description="Its number within the charge point, from 1.")
    current_type: CurrentType = strawberry.field(description="AC or DC.")
    max_power_kw: float = strawberry.field(description="The most it can deliver, in kW.")
    min_power_kw: float = strawberry.field(description="The least it can charge with, in kW.")
    phases: int = strawberry.field(description="Phases of its supply.")
    fallback_kw: float = strawberry.field(description="What it may draw when no limit of ours is in force, in kW.")
    phase_rotation: PhaseRotation = strawberry.field(description="Which lines of the supply its phases are connected to.")
    voltage_v: float = strawberry.field(description="Voltage of its supply, in V: between phase and neutral, unless lineToLine.")
    line_to_line: bool = strawberry.field(description="Whether it charges between two lines.")
    set_points: SetPointKind = set_point_kind()
    listed_set_points_a: list[float] = listed_set_points()
    connectors: list[ConnectorLayout] = strawberry.field(description="Its connectors, by number.", directives=[list_size(2)])
