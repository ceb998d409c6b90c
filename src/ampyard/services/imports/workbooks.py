"""Workbooks: the values of an XLSX file's first sheet (ECMA-376), never its formulas."""

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time
from typing import Any

import openpyxl

from ampyard.domain.errors import InvalidInputError
from ampyard.domain.imports import Cell, Row

_MAX_UNPACKED_BYTES = 50_000_000
_MAX_PARTS = 500
_MAX_COLUMNS = 100


def is_workbook(data: bytes) -> bool:
    """Tell whether this is a ZIP archive, as XLSX workbooks are."""
    return data.startswith(b"PK\x03\x04")


def workbook_rows(name: str, data: bytes) -> Iterator[Row]:
    """Yield the rows of the first sheet with their numbers, of each its first hundred cells; of a formula, the value it had when saved.

    Raises:
        InvalidInputError: it is not an XLSX workbook, has no sheet, or unpacks to too much.
    """
    _check_archive(name, data)
    with _reading(name):
        workbook = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
    if not workbook.worksheets:
        raise InvalidInputError(f"{name!r} has no sheet; give a workbook whose first sheet has the lines.")
    with _reading(name):
        sheet: Any = workbook.worksheets[0]
        # The size a sheet tells is whatever its writer wanted it to be.
        sheet.reset_dimensions()
        for number, cells in enumerate(sheet.iter_rows(max_col=_MAX_COLUMNS, values_only=True), start=1):
            yield Row(number, [_value(cell) for cell in cells])


@contextmanager
def _reading(name: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # whatever a damaged or crafted file makes the reader stumble over
        raise InvalidInputError(f"{name!r} cannot be read as an XLSX workbook; open it in a spreadsheet and save it anew.") from error


def _check_archive(name: str, data: bytes) -> None:
    """Refuse what would unpack to much more than a list of this size has; the reader unpacks no part beyond the size it tells."""
    try:
        parts = zipfile.ZipFile(io.BytesIO(data)).infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise InvalidInputError(f"{name!r} is a damaged archive; save the workbook anew as XLSX.") from error
    unpacked = sum(part.file_size for part in parts)
    if unpacked > _MAX_UNPACKED_BYTES or len(parts) > _MAX_PARTS:
        raise InvalidInputError(
            f"{name!r} unpacks to {len(parts)} parts of {unpacked} bytes in all; at most {_MAX_PARTS} parts of {_MAX_UNPACKED_BYTES} are "
            "read. Save the lines alone as a workbook of their own, or as CSV."
        )


def _value(cell: object) -> Cell:
    return cell if cell is None or isinstance(cell, str | int | float | bool | datetime | date | time) else str(cell)
