"""Meter values of OCPP 1.6: text that is a number most of the time."""

from collections.abc import Sequence
from typing import Any

from ampyard.connect.values import make_reading, parse_timestamp
from ampyard.domain.transactions import Reading


def readings_of(meter_value: Sequence[dict[str, Any]]) -> list[Reading]:
    """Return the values of a `meterValue` list in snake case; signed data (7.43, `format`) and other texts are left out."""
    readings = [
        make_reading(
            parse_timestamp(entry["timestamp"]),
            sampled["value"],
            multiplier=0,
            measurand=sampled.get("measurand"),
            unit=sampled.get("unit"),
            phase=sampled.get("phase"),
            location=sampled.get("location"),
            context=sampled.get("context"),
        )
        for entry in meter_value
        for sampled in entry["sampled_value"]
        if sampled.get("format") != "SignedData"
    ]
    return [reading for reading in readings if reading is not None]
