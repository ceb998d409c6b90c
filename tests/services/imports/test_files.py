import base64
import io
import zipfile
from datetime import date, time
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ampyard.domain.errors import InvalidInputError
from ampyard.domain.imports import Column, LineError, Lines, day, local_time, number, text
from ampyard.services.imports import MAX_BYTES, MAX_LINES, ImportFile, read_file, report

NAME = Column("name", text(100), required=True)
COLUMNS = (NAME, Column("kWh", number()), Column("day", day), Column("at", local_time))


def file(content: str | bytes, name: str = "fleet.csv") -> ImportFile:
    return ImportFile(name, base64.b64encode(content.encode() if isinstance(content, str) else content).decode())


def workbook(*rows: list[Any]) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def seen(found: Lines) -> list[tuple[int, dict[str, Any]]]:
    return [(line.number, dict(line.values)) for line in found.good]


@pytest.mark.parametrize(
    "content",
    [
        'name,kWh\r\n"Bus, 1",12.5\r\nBus 2,7\r\n',
        "name;kWh\nBus, 1;12,5\nBus 2;7",
        '\ufeffname;kWh\n"Bus, 1";12,5\n"Bus 2";7',
        "sep=;\nname;kWh\nBus, 1;12,5\nBus 2;7\n",
        '"name","kWh"\n"Bus, 1",12.5\nBus 2,7\n',
    ],
)
async def test_csv_of_any_language_is_read(content: str) -> None:
    found = await read_file(file(content), COLUMNS)
    first = 3 if content.startswith("sep") else 2
    assert found.errors == ()
    assert seen(found) == [(first, {"name": "Bus, 1", "kWh": 12.5}), (first + 1, {"name": "Bus 2", "kWh": 7.0})]


async def test_a_line_is_named_by_where_it_begins_in_the_file() -> None:
    found = await read_file(file('\nname,kWh\n"Bus\n1",1\n\nBus 2,x\n'), COLUMNS)
    assert [(error.line, error.column) for error in found.errors] == [(3, "name"), (6, "kWh")]


async def test_a_workbook_gives_its_values_as_they_are_typed() -> None:
    data = workbook(["Name", "KWH", "Day", "At"], ["Bus 1", 12.5, date(2026, 11, 30), time(6, 30)], [], [4711, "7", "2026-12-01", "6:45"])
    found = await read_file(file(data, "fleet.xlsx"), COLUMNS)
    assert found.errors == ()
    assert seen(found) == [
        (2, {"name": "Bus 1", "kWh": 12.5, "day": date(2026, 11, 30), "at": time(6, 30)}),
        (4, {"name": "4711", "kWh": 7.0, "day": date(2026, 12, 1), "at": time(6, 45)}),
    ]


async def test_of_a_formula_only_the_saved_value_counts() -> None:
    # This file's formulas were never calculated by a spreadsheet: they have none.
    found = await read_file(file(workbook(["name", "kWh"], ["Bus 1", "=1+1"], ["=CONCAT(A2,B2)", 1])), COLUMNS)
    assert seen(found) == [(2, {"name": "Bus 1", "kWh": None})]
    assert found.errors == (LineError(3, "name", "The cell is empty; it needs a value."),)


async def test_the_content_and_not_the_name_tells_the_format() -> None:
    data = workbook(["name", "kWh"], ["Bus 1", 1])
    assert seen(await read_file(file(data, "fleet.csv"), COLUMNS)) == [(2, {"name": "Bus 1", "kWh": 1.0})]
    assert seen(await read_file(file("name\nBus 1", "fleet.xlsx"), COLUMNS)) == [(2, {"name": "Bus 1"})]


def archive(parts: dict[str, bytes]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in parts.items():
            made.writestr(name, content)
    return written.getvalue()


@pytest.mark.parametrize(
    ("given_file", "message"),
    [
        (ImportFile("f.csv", "no base64!"), "The content of 'f.csv' is not base64 (RFC 4648, section 4): "),
        (file(b"x" * (MAX_BYTES + 1)), f"'fleet.csv' has {MAX_BYTES + 1} bytes; give at most {MAX_BYTES}, in several files if need be."),
        (file("name\n" + "a\n" * (MAX_LINES + 1)), f"'fleet.csv' has more than {MAX_LINES} lines; give several files."),
        (
            file("name\nBüs".encode("cp1252")),
            "'fleet.csv' is neither an XLSX workbook nor UTF-8 text (line 2); save it as “CSV UTF-8” or as XLSX.",
        ),
        (file('name\n"Bus"1\n'), "Line 2 of 'fleet.csv' cannot be read "),
        (file('name\n\n"Bus 1\n'), "Line 3 of 'fleet.csv' cannot be read "),
        (file(b"PK\x03\x04 and no more"), "'fleet.csv' is a damaged archive; save the workbook anew as XLSX."),
        (
            file(archive({"a.txt": b"no workbook"})),
            "'fleet.csv' cannot be read as an XLSX workbook; open it in a spreadsheet and save it anew.",
        ),
        (file(archive({"bomb.xml": b"\0" * 60_000_000})), "'fleet.csv' unpacks to 1 parts of 60000000 bytes in all; "),
    ],
)
async def test_what_is_no_file_of_ours_is_refused(given_file: ImportFile, message: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        await read_file(given_file, COLUMNS)
    assert str(refused.value).startswith(message)


async def test_as_many_lines_as_allowed_are_read() -> None:
    assert (await read_file(file("name\n" + "a\n" * MAX_LINES), COLUMNS)).count == MAX_LINES


def test_with_any_error_nothing_counts_as_changed() -> None:
    found = Lines((), (), 3)
    assert report(found, [], dry_run=True, created=2, updated=1).created == 2
    later, earlier = LineError(7, "name", "b"), LineError(2, "name", "a")
    told = report(found, [later, earlier], dry_run=False, created=2, updated=1)
    assert (told.lines, told.created, told.updated, told.errors) == (3, 0, 0, (earlier, later))


@given(st.binary(max_size=400))
async def test_no_bytes_break_the_reader(data: bytes) -> None:
    for content in (data, b"PK\x03\x04" + data):
        try:
            found = await read_file(file(content), COLUMNS)
        except InvalidInputError:
            continue
        assert found.errors or found.good
