from datetime import date, datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.domain import reports as domain
from ampyard.domain.access import Scope
from ampyard.engine import computed
from ampyard.repositories.depots import Depots
from ampyard.repositories.reports import Reports
from ampyard.resolvers.edges import by_id, references_to, to_one
from ampyard.resolvers.lists import Listing
from ampyard.resolvers.reports import resolve_download_url
from ampyard.resolvers.scopes import requires
from ampyard.schema.enums import ReportKind
from ampyard.schema.node import Node, shows
from ampyard.schema.paging import Connection, OrderDirection, connection

if TYPE_CHECKING:
    from ampyard.schema.depots import Depot

REPORTS = Listing("reports", Reports, "DAY", default_descending=True)


@strawberry.enum(description="What reports can be ordered by.")
class ReportOrderField(Enum):
    DAY = "DAY"
    CREATED_AT = "CREATED_AT"


@strawberry.input(description="The order of a list of reports.")
class ReportOrder:
    field: ReportOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description="Which way.")


@strawberry.federation.type(keys=["id"], directives=[Authenticated()], description="A written document about a depot.")
class Report(Node):
    kind: ReportKind = strawberry.field(description="What it is about.")
    day: date = strawberry.field(description="The depot's local day it covers.")
    file_name: str = strawberry.field(description="What its file is called when downloaded.")
    content_type: str = strawberry.field(description="The media type of its file.")
    size_bytes: int = strawberry.field(description="The size of its file, in bytes.")
    energy_wh: float = strawberry.field(description="The energy it accounts for, in Wh.")
    download_url: str = computed(
        resolve_download_url,
        reads=["id", "tenant_id"],
        description="A link to its file that works for 15 minutes, without a further credential.",
        directives=requires(Scope.REPORTS_READ),
    )
    depot: Annotated["Depot", strawberry.lazy("ampyard.schema.depots")] = to_one(Depots, "depot_id", description="The depot it is about.")
    created_at: datetime = strawberry.field(description="When it was first written.")
    updated_at: datetime = strawberry.field(description="When it was last written.")
    is_type_of = staticmethod(shows(domain.Report))
    resolve_references = staticmethod(references_to(domain.Report))


@strawberry.type
class ReportQueries:
    report: Report | None = by_id(domain.Report, description="One report; null when it does not exist.")
    reports: Connection[Report] = connection(
        REPORTS,
        description="All reports, newest first unless told.",
        filter_type=None,
        order_type=ReportOrder,
        scope=Scope.REPORTS_READ,
    )
