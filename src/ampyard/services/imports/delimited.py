"""CSV files (RFC 4180), as spreadsheets of any language write them: between commas or semicolons."""

import csv
import io
from collections.abc import Iterator

from ampyard.domain.errors import InvalidInputError
from ampyard.domain.imports import Row

_DELIMITERS = ",;"
# Excel's own way of saying what the delimiter is, in a line before the header.
_TOLD = "sep="


def delimited_rows(name: str, data: bytes) -> Iterator[Row]:
    """Yield the rows of a CSV file in UTF-8, with or without a byte order mark, each with the number of its first line.

    Raises:
        InvalidInputError: it is not UTF-8, or a quoted cell is not closed or followed by text.
    """
    text = _text(name, data)
    delimiter = _delimiter(text)
    lines = io.StringIO(text, newline="")
    number = 1
    if text[: len(_TOLD)].lower() == _TOLD:
        lines.readline()
        number = 2
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    first = number
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            message = f"Line {first} of {name!r} cannot be read ({error}); put cells with {delimiter!r}, quotes or line breaks in quotes"
            raise InvalidInputError(f"{message}, and double the quotes in them.") from None
        if cells is None:
            return
        yield Row(first, cells)
        first = number + reader.line_num


def _text(name: str, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"{name!r} is neither an XLSX workbook nor UTF-8 text (line {line}); save it as “CSV UTF-8” or as XLSX."
        raise InvalidInputError(message) from None


def _delimiter(text: str) -> str:
    """Return what stands between cells: what the file tells, or what its first written line has most of outside quotes."""
    line = next((line for line in text.splitlines() if line.strip()), "")
    if line[: len(_TOLD)].lower() == _TOLD and line[len(_TOLD) :] in _DELIMITERS:
        return line[len(_TOLD) :] or ","
    unquoted = "".join(line.split('"')[::2])
    return max(_DELIMITERS, key=unquoted.count)
