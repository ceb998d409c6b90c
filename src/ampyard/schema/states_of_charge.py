from datetime import datetime
from enum import Enum

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.domain import state_of_charge as domain
from ampyard.repositories import states_of_charge as repository
from ampyard.resolvers.edges import references_to
from ampyard.schema.enums import SocSource
from ampyard.schema.node import Node, shows
from ampyard.schema.paging import OrderDirection


@strawberry.enum(description="What readings of a state of charge can be ordered by.")
class SocReadingOrderField(Enum):
    AT = "AT"


@strawberry.input(description="The order of a list of readings.")
class SocReadingOrder:
    field: SocReadingOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description="Which way.")


@strawberry.input(description="Which readings to list.")
class SocReadingFilter:
    source: SocSource | None = strawberry.field(default=None, description="Only those of this source.")
    since: datetime | None = strawberry.field(default=None, description="Only those of this time or later.")
    until: datetime | None = strawberry.field(default=None, description="Only those from before this time.")

    def narrowing(self) -> repository.SocReadingFilter:
        """Return the filter as the repository takes it."""
        return repository.SocReadingFilter(self.source, self.since, self.until)


@strawberry.federation.type(
    keys=["id"], directives=[Authenticated()], description="What was told of a vehicle's state of charge. Readings are kept for 90 days."
)
class SocReading(Node):
    percent: float = strawberry.field(description="The state of charge, in percent.")
    source: SocSource = strawberry.field(description="Who told it.")
    confidence: float = strawberry.field(description="How far it was believed when it was told, from 0 to 1.")
    at: datetime = strawberry.field(description="When it was so.")
    is_type_of = staticmethod(shows(domain.SocReading))
    resolve_references = staticmethod(references_to(domain.SocReading))
