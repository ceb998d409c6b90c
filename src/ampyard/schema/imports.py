"""What imports are told, and what they tell."""

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.domain import imports as domain
from ampyard.engine import list_size
from ampyard.schema.node import shows

# The fields by which every import takes its file are described alike.
FILE_NAME = "What to call the file in messages, such as fleet.csv; its content tells the format."
FILE_CONTENT = (
    "The file in base64 (RFC 4648, section 4): CSV in UTF-8, or an XLSX workbook, whose first sheet is read. The first line names the "
    "columns. At most 700,000 bytes and 5,000 lines."
)
DRY_RUN = "Tell what would be done, and everything wrong with the file, and change nothing."


@strawberry.federation.type(directives=[Authenticated()], description="Something wrong with a line of an imported file.")
class ImportLineError:
    line: int = strawberry.field(description="The line, as a spreadsheet or an editor numbers it.")
    column: str | None = strawberry.field(description="The column; null where it is about the line as a whole.")
    message: str = strawberry.field(description="What is wrong, and what would be right.")
    is_type_of = staticmethod(shows(domain.LineError))


@strawberry.federation.type(directives=[Authenticated()], description="What an import did, or, of a dry run, would have done.")
class ImportReport:
    dry_run: bool = strawberry.field(description="Whether it was a dry run, which changes nothing.")
    lines: int = strawberry.field(description="How many lines the file has below its header, empty ones aside.")
    created: int = strawberry.field(description="How many were or would be created; 0 where there are errors.")
    updated: int = strawberry.field(description="How many were or would be changed; 0 where there are errors.")
    errors: list[ImportLineError] = strawberry.field(
        description="Everything wrong with the file, by line. Where there is anything, nothing of the file was taken.",
        directives=[list_size(20)],
    )
    is_type_of = staticmethod(shows(domain.ImportReport))
