"""Charts as edges: what is asked for is checked once for a field, and all parents of a level are charted by one statement."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Annotated, Any

import strawberry

from ampyard.domain.access import Scope
from ampyard.domain.charts import ChartBucket, chart_span
from ampyard.engine import Load, edge
from ampyard.resolvers.context import Info

# For many parents by id, their charts: of a span, as things stand at a time.
Charting = Callable[..., Awaitable[Mapping[Any, Any]]]

_FROM = strawberry.argument(name="from", description="From when; a day before `to` unless told. The bucket it is in is shown as a whole.")
_TO = strawberry.argument(name="to", description="Until when, which is not shown itself; now unless told.")
_BUCKET = strawberry.argument(description="How long the buckets are; what suits the span unless told. 1,000 of them at most.")
_TIME_ZONE = strawberry.argument(description="IANA name of the zone whose clocks the buckets follow; that of the depot unless told.")


def chart(charting: Charting, *, finest: ChartBucket = ChartBucket.QUARTER_HOUR, description: str) -> Any:
    """Return an edge to a parent's chart; `finest` is the shortest bucket there are values for."""

    def plan(
        info: Info,
        from_at: Annotated[datetime | None, _FROM] = strawberry.UNSET,
        to_at: Annotated[datetime | None, _TO] = strawberry.UNSET,
        bucket: Annotated[ChartBucket | None, _BUCKET] = strawberry.UNSET,
        time_zone: Annotated[str | None, _TIME_ZONE] = strawberry.UNSET,
    ) -> Load:
        context = info.context
        context.principal.require(Scope.FLEET_READ)
        span = chart_span(from_at or None, to_at or None, bucket or None, time_zone or None, now=context.now, finest=finest)
        return Load(charting, (span, context.now))

    return edge(plan, key="id", description=description)
