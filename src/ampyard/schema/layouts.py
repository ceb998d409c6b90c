"""EVSEs and connectors as they are described: in inputs, and in templates."""

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.domain import layouts as domain
from ampyard.domain.layouts import least_power_kw
from ampyard.engine import list_size
from ampyard.schema.enums import ConnectorFormat, ConnectorStandard, CurrentType, PowerType


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
    connectors: list[ConnectorLayout] = strawberry.field(description="Its connectors, by number.", directives=[list_size(2)])
