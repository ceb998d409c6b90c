"""Meter values of OCPP 2.0.1: numbers with a unit and a multiplier."""

from collections.abc import Sequence
from typing import Any

from ampyard.connect.values import make_reading, parse_timestamp
from ampyard.domain.transactions import Reading


def readings_of(meter_value: Sequence[dict[str, Any]]) -> list[Reading]:
    """Return the values of a `meterValue` list in snake case."""
    readings = [
        make_reading(
            parse_timestamp(entry["timestamp"]),
            sampled["value"],
            multiplier=sampled.get("unit_of_measure", {}).get("multiplier", 0),
            measurand=sampled.get("measurand"),
            unit=sampled.get("unit_of_measure", {}).get("unit"),
            phase=sampled.get("phase"),
            location=sampled.get("location"),
            context=sampled.get("context"),
        )
        for entry in meter_value
        for sampled in entry["sampled_value"]
    ]
    return [reading for reading in readings if reading is not None]
