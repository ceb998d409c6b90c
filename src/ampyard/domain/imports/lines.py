"""Rows of a file to lines of an import: the header names the columns, in any order and case; every cell is read by its column."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ampyard.domain.imports.cells import Cell, Parser, shown

# What a cell holds whose formula failed (ECMA-376 part 1, 18.18.11 ST_CellType "e").
_FORMULA_ERRORS = frozenset({"#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A"})


@dataclass(frozen=True, slots=True)
class Row:
    """A row as it stands in the file; `number` is the one a person sees beside it."""

    number: int
    cells: Sequence[Cell]

    @property
    def is_empty(self) -> bool:
        """Whether nothing is written in it."""
        return all(is_empty(cell) for cell in self.cells)


@dataclass(frozen=True, slots=True)
class Column:
    """A column that an import knows.

    Args:
        name: its heading.
        parse: what makes values of its cells.
        required: the file must have it, and no cell of it may be empty.
        unique: no value may come twice, whatever its case.
    """

    name: str
    parse: Parser[Any]
    required: bool = False
    unique: bool = False


@dataclass(frozen=True, slots=True)
class LineError:
    """What is wrong with a line, and what would be right. `column` is None where it is about the line as a whole."""

    line: int
    column: str | None
    message: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line all of whose cells can be read."""

    number: int
    values: Mapping[str, Any]

    def __getitem__(self, column: str) -> Any:
        """Return the value of a column; None where the cell is empty or the file does not have the column."""
        return self.values.get(column)

    def __contains__(self, column: str) -> bool:
        """Tell whether the file has this column: an empty cell of it clears, an absent column leaves."""
        return column in self.values

    def error(self, column: str | None, message: str) -> LineError:
        """Return what is wrong with this line."""
        return LineError(self.number, column, message)


@dataclass(frozen=True, slots=True)
class Lines:
    """What a file holds: the lines that can be read, everything that cannot, and how many lines there are."""

    good: tuple[Line, ...]
    errors: tuple[LineError, ...]
    count: int


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did, or, of a dry run, would have done. With any error nothing is changed, and both counts are 0."""

    dry_run: bool
    lines: int
    created: int
    updated: int
    errors: tuple[LineError, ...]


@dataclass(slots=True)
class _Reader:
    """Reads the lines under one header."""

    columns: Mapping[int, Column]
    width: int
    errors: list[LineError]
    seen: dict[tuple[str, Any], int] = field(default_factory=dict)

    def read(self, row: Row) -> Line | None:
        values: dict[str, Any] = {}
        known = len(self.errors)
        for index, column in self.columns.items():
            cell = row.cells[index] if index < len(row.cells) else None
            try:
                values[column.name] = value = self._value(column, cell)
            except ValueError as error:
                self.errors.append(LineError(row.number, column.name, str(error)))
                continue
            if column.unique and value is not None:
                self._check_unique(row, column, value)
        if any(not is_empty(cell) for cell in row.cells[self.width :]):
            self.errors.append(LineError(row.number, None, "It has more cells than there are headings; give each column its heading."))
        return Line(row.number, values) if len(self.errors) == known else None

    def _value(self, column: Column, cell: Cell) -> Any:
        if cell in _FORMULA_ERRORS:
            raise ValueError(f"The cell holds {cell}, which its formula gave; write the value itself.")
        if not is_empty(cell):
            return column.parse(cell)
        if column.required:
            raise ValueError("The cell is empty; it needs a value.")
        return None

    def _check_unique(self, row: Row, column: Column, value: Any) -> None:
        key = (column.name, value.casefold() if isinstance(value, str) else value)
        first = self.seen.setdefault(key, row.number)
        if first != row.number:
            self.errors.append(LineError(row.number, column.name, f"{shown(value)} is in line {first} already; name each once."))


def read_lines(rows: Iterable[Row], columns: Sequence[Column]) -> Lines:
    """Read all lines of a file; the first row with something in it is the header. Empty rows are passed over."""
    remaining = iter(rows)
    header = next((row for row in remaining if not row.is_empty), None)
    if header is None:
        return Lines((), (LineError(1, None, f"The file is empty; give a header with {_names(columns)}, and a line each."),), 0)
    errors: list[LineError] = []
    width = 1 + max(index for index, cell in enumerate(header.cells) if not is_empty(cell))
    reader = _Reader(_columns_of(header, columns, errors), width, errors)
    good, count = [], 0
    for row in _filled(remaining):
        count += 1
        line = reader.read(row)
        if line is not None:
            good.append(line)
    if not count and not errors:
        errors.append(LineError(header.number, None, "There is nothing below the header; give a line each."))
    return Lines(tuple(good), tuple(errors), count)


def _filled(rows: Iterator[Row]) -> Iterator[Row]:
    return (row for row in rows if not row.is_empty)


def _columns_of(header: Row, columns: Sequence[Column], errors: list[LineError]) -> dict[int, Column]:
    """Return the columns by their place; says what is wrong with the headings."""
    known = {_heading(column.name): column for column in columns}
    found: dict[int, Column] = {}
    for index, cell in enumerate(header.cells):
        if is_empty(cell):
            continue
        column = known.get(_heading(str(cell)))
        if column is None:
            errors.append(LineError(header.number, str(cell).strip(), f"There is no such column; the columns are {_names(columns)}."))
        elif column in found.values():
            errors.append(LineError(header.number, column.name, "There are two columns with this heading; keep one of them."))
        else:
            found[index] = column
    missing = (column for column in columns if column.required and column not in found.values())
    errors.extend(LineError(header.number, column.name, "This column is missing; every line needs it.") for column in missing)
    return found


def is_empty(cell: Cell) -> bool:
    """Tell whether nothing is written in a cell."""
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _heading(name: str) -> str:
    return "".join(name.casefold().split()).replace("_", "")


def _names(columns: Sequence[Column]) -> str:
    return ", ".join(f"{column.name!r}" for column in columns)
