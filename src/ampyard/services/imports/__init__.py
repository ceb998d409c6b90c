"""Files that are imported: from what a client sends to rows, whatever the format.

A service reads its file in one step and answers with an `ImportReport`::

    found = read_file(file, COLUMNS)                       # domain/imports says how columns are declared
    errors = [*found.errors, *await _unknown_depots(work, found.good)]
    if errors or dry_run: ...                              # all or nothing: with any error nothing is changed

`report(found, errors, …)` makes the report of both a dry run and a real one.
"""

from ampyard.services.imports.files import MAX_BYTES, MAX_LINES, ImportFile, read_file, report

__all__ = ["MAX_BYTES", "MAX_LINES", "ImportFile", "read_file", "report"]
