"""Configuration variables of charge points: what they have told of them."""

import uuid
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class VariableName:
    """Which variable of a charge point is meant.

    OCPP 2.0.1 names a component (with an instance, an EVSE and a connector of it) and a variable (with an instance); OCPP 1.6
    has configuration keys alone, which are variables without a component. What is not named is empty or 0, never `None`.
    """

    component: str
    variable: str
    component_instance: str = ""
    evse_no: int = 0
    connector_no: int = 0
    variable_instance: str = ""

    def __str__(self) -> str:
        place = "".join(f"[{number}]" for number in (self.evse_no, self.connector_no) if number)
        component = self.component + (f"({self.component_instance})" if self.component_instance else "") + place
        variable = self.variable + (f"({self.variable_instance})" if self.variable_instance else "")
        return f"{component}.{variable}" if component else variable


@dataclass(frozen=True, slots=True)
class ReportedVariable:
    """A variable as a charge point tells of it. A value of `None` may not be read (a password), or has never been set.

    `read_only` is `None` where it tells the value alone: what else is known of the variable stays known.
    """

    name: VariableName
    value: str | None
    read_only: bool | None = None
    unit: str | None = None
    data_type: str | None = None
    allowed_values: str | None = None


@dataclass(frozen=True, slots=True)
class ConfigurationVariable:
    """A variable as it was last reported. `reported_at` is its age: what is no longer reported stays as it was."""

    id: uuid.UUID
    tenant_id: uuid.UUID
    charge_point_id: uuid.UUID
    component: str
    component_instance: str
    evse_no: int
    connector_no: int
    variable: str
    variable_instance: str
    value: str | None
    read_only: bool
    unit: str | None
    data_type: str | None
    allowed_values: str | None
    reported_at: datetime
    created_at: datetime
