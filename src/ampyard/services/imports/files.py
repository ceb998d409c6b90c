"""A file as a client sends it, its format, and its bounds."""

import asyncio
import base64
import binascii
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ampyard.domain.errors import InvalidInputError
from ampyard.domain.imports import Column, ImportReport, LineError, Lines, Row, read_lines
from ampyard.services.imports.delimited import delimited_rows
from ampyard.services.imports.workbooks import is_workbook, workbook_rows

# A request of the internal graph may have 1,000,000 bytes of variables, and base64 makes four bytes of three.
MAX_BYTES = 700_000
MAX_LINES = 5_000


@dataclass(frozen=True, slots=True)
class ImportFile:
    """A file: its name, and its content in base64 (RFC 4648, 4)."""

    name: str
    content: str


async def read_file(file: ImportFile, columns: Sequence[Column]) -> Lines:
    """Return the lines of a CSV file or of a workbook's first sheet; the content, not the name, tells which it is.

    Reading a large workbook takes a second or two; it is done beside the event loop.

    Raises:
        InvalidInputError: it is not base64, too large, has too many lines, or is neither UTF-8 text nor an XLSX workbook.
    """
    return await asyncio.to_thread(_read, file, columns)


def _read(file: ImportFile, columns: Sequence[Column]) -> Lines:
    data = _decoded(file)
    rows = workbook_rows(file.name, data) if is_workbook(data) else delimited_rows(file.name, data)
    return read_lines(_bounded(file, rows), columns)


def report(found: Lines, errors: Iterable[LineError], *, dry_run: bool, created: int, updated: int) -> ImportReport:
    """Return what to tell of an import, errors by line; where there are any, nothing was or would be created or updated."""
    by_line = tuple(sorted(errors, key=lambda error: error.line))
    if by_line:
        created = updated = 0
    return ImportReport(dry_run=dry_run, lines=found.count, created=created, updated=updated, errors=by_line)


def _decoded(file: ImportFile) -> bytes:
    try:
        data = base64.b64decode(file.content, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidInputError(f"The content of {file.name!r} is not base64 (RFC 4648, section 4): {error}.") from None
    if len(data) > MAX_BYTES:
        raise InvalidInputError(f"{file.name!r} has {len(data)} bytes; give at most {MAX_BYTES}, in several files if need be.")
    return data


def _bounded(file: ImportFile, rows: Iterable[Row]) -> Iterator[Row]:
    # The header is none of the lines.
    for count, row in enumerate(row for row in rows if not row.is_empty):
        if count > MAX_LINES:
            raise InvalidInputError(f"{file.name!r} has more than {MAX_LINES} lines; give several files.")
        yield row
