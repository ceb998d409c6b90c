"""Imports of spreadsheets: what each column holds, and every cell that does not hold it.

An import declares its columns once, each with the parser of its cells (`cells`), and gets lines or errors::

    COLUMNS = (
        Column("name", text(100), required=True, unique=True),
        Column("kind", choice(VehicleKind), required=True),
        Column("battery kWh", number(above=0, at_most=2_000, unit="kWh")),
    )
    found = read_lines(rows, COLUMNS)       # rows: of a file, see services/imports
    for line in found.good:
        line["battery kWh"]                  # float, or None where the cell is empty or the file has no such column

What only the fleet can tell (there is no such depot) the service adds as further `LineError`s with `line.error(…)`.
"""

from ampyard.domain.imports.cells import Cell, boolean, choice, day, local_time, many, moment, number, text, weekdays, whole, zone
from ampyard.domain.imports.lines import Column, ImportReport, Line, LineError, Lines, Row, read_lines

__all__ = [
    "Cell",
    "Column",
    "ImportReport",
    "Line",
    "LineError",
    "Lines",
    "Row",
    "boolean",
    "choice",
    "day",
    "local_time",
    "many",
    "moment",
    "number",
    "read_lines",
    "text",
    "weekdays",
    "whole",
    "zone",
]
