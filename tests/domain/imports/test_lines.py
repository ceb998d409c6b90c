from typing import Any

from ampyard.domain.imports import Column, LineError, Row, number, read_lines, text

NAME = Column("name", text(20), required=True, unique=True)
BATTERY = Column("battery kWh", number(above=0, unit="kWh"))
COLUMNS = (NAME, BATTERY)


def read(*rows: list[Any]) -> Any:
    return read_lines([Row(number, cells) for number, cells in enumerate(rows, start=1)], COLUMNS)


def test_the_header_names_the_columns_in_any_order_and_case() -> None:
    found = read(["Battery_KWH ", "NAME"], ["300", "Bus 1"], [None, "Bus 2"])
    assert [(line.number, dict(line.values)) for line in found.good] == [
        (2, {"battery kWh": 300.0, "name": "Bus 1"}),
        (3, {"battery kWh": None, "name": "Bus 2"}),
    ]
    assert (found.errors, found.count) == ((), 2)


def test_an_absent_column_is_none_but_not_in_the_line() -> None:
    (line,) = read(["name"], ["Bus 1"]).good
    assert (line["battery kWh"], "battery kWh" in line, "name" in line) == (None, False, True)


def test_every_bad_cell_is_told_with_the_line_a_person_sees() -> None:
    found = read(["", ""], ["name", "battery kWh"], ["", ""], ["Bus 1", "many"], ["", "0"], ["Bus 2", "300", "more"], ["bus 1", "#REF!"])
    assert found.errors == (
        LineError(4, "battery kWh", "'many' is not a number in kWh, more than 0, without unit or thousands separators."),
        LineError(5, "name", "The cell is empty; it needs a value."),
        LineError(5, "battery kWh", "'0' is out of bounds; give a number in kWh, more than 0."),
        LineError(6, None, "It has more cells than there are headings; give each column its heading."),
        LineError(7, "name", "'bus 1' is in line 4 already; name each once."),
        LineError(7, "battery kWh", "The cell holds #REF!, which its formula gave; write the value itself."),
    )
    assert (found.good, found.count) == ((), 4)


def test_what_is_wrong_with_the_headings_is_told_once() -> None:
    found = read(["battery kWh", "colour", "BATTERY KWH"], ["300", "red", "200"], ["200", "blue", "100"])
    assert found.errors == (
        LineError(1, "colour", "There is no such column; the columns are 'name', 'battery kWh'."),
        LineError(1, "battery kWh", "There are two columns with this heading; keep one of them."),
        LineError(1, "name", "This column is missing; every line needs it."),
    )


def test_a_file_without_lines_is_told_what_belongs_in_it() -> None:
    assert read().errors == (LineError(1, None, "The file is empty; give a header with 'name', 'battery kWh', and a line each."),)
    assert read(["name"], [" "]).errors == (LineError(1, None, "There is nothing below the header; give a line each."),)
