"""Components and variables of OCPP 2.0.1, in the payloads' snake case."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ocpp.v201.datatypes import ComponentType, EVSEType, VariableType

from ampyard.connect.answers import Answer
from ampyard.connect.values import parse_timestamp
from ampyard.domain.variables import ReportedVariable, VariableName
from ampyard.services.station_events import StationEvent


def component_variable(name: VariableName) -> tuple[ComponentType, VariableType]:
    """Return a name as the protocol has it."""
    evse = EVSEType(name.evse_no, name.connector_no or None) if name.evse_no else None
    component = ComponentType(name.component, name.component_instance or None, evse)
    return component, VariableType(name.variable, name.variable_instance or None)


def variable_name(holder: Mapping[str, Any]) -> VariableName:
    """Return the name that the `component` and `variable` of a payload are."""
    component, variable = holder["component"], holder["variable"]
    evse = component.get("evse") or {}
    return VariableName(
        component=component["name"],
        variable=variable["name"],
        component_instance=component.get("instance") or "",
        evse_no=evse.get("id", 0),
        connector_no=evse.get("connector_id") or 0,
        variable_instance=variable.get("instance") or "",
    )


def variables_answer(results: Sequence[Mapping[str, Any]]) -> Answer:
    """Return what the results of GetVariables mean (part 2, B06): those that were told, and which were not and why."""
    told = [
        ReportedVariable(variable_name(result), result.get("attribute_value"))
        for result in results
        if result["attribute_status"] == "Accepted"
    ]
    refused = [f"{variable_name(result)} {result['attribute_status']}" for result in results if result["attribute_status"] != "Accepted"]
    return Answer("Accepted" if told else "Rejected", ", ".join(refused), told)


def reported_variables(report_data: Iterable[Mapping[str, Any]]) -> Iterator[ReportedVariable]:
    """Yield the actual values of a report (part 2, B07); attributes such as MinSet are bounds, not values."""
    for data in report_data:
        characteristics = data.get("variable_characteristics") or {}
        for attribute in data["variable_attribute"]:
            if attribute.get("type", "Actual") == "Actual":
                yield ReportedVariable(
                    name=variable_name(data),
                    value=attribute.get("value"),
                    read_only=attribute.get("mutability") == "ReadOnly",
                    unit=characteristics.get("unit"),
                    data_type=characteristics.get("data_type"),
                    allowed_values=characteristics.get("values_list"),
                )


def station_event(event: Mapping[str, Any]) -> StationEvent:
    """Return an `EventDataType`."""
    return StationEvent(
        at=parse_timestamp(event["timestamp"]),
        name=variable_name(event),
        value=event["actual_value"],
        alerting=event["trigger"] == "Alerting",
        cleared=bool(event.get("cleared")),
        tech_code=event.get("tech_code"),
        tech_info=event.get("tech_info"),
    )
