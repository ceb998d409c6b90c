"""Charts: a point for each bucket of time, null where nothing is known."""

from datetime import datetime

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.engine import list_size
from ampyard.schema.enums import ChartBucket

# Of most charts: a day by quarter-hour, a week by hour, a year by day are 96 to 366.
_ASSUMED_POINTS = 100

_STARTS_AT = "When the bucket begins."
_ENDS_AT = "When the bucket ends, and the next one begins."
_BUCKET = "How long the buckets are."
_TIME_ZONE = "The zone whose clocks the buckets follow (IANA name)."
_POINTS = "A point for each bucket, in order, without a gap between them."


@strawberry.federation.type(directives=[Authenticated()], description="Power over a bucket.")
class PowerPoint:
    starts_at: datetime = strawberry.field(description=_STARTS_AT)
    ends_at: datetime = strawberry.field(description=_ENDS_AT)
    mean_kw: float | None = strawberry.field(description="The mean power, in kW; null where nothing was measured.")
    peak_kw: float | None = strawberry.field(description="The highest power measured at one of its EVSEs, in kW.")


@strawberry.federation.type(directives=[Authenticated()], description="The power of a charge point or transaction over time.")
class PowerChart:
    bucket: ChartBucket = strawberry.field(description=_BUCKET)
    time_zone: str = strawberry.field(description=_TIME_ZONE)
    points: list[PowerPoint] = strawberry.field(description=_POINTS, directives=[list_size(_ASSUMED_POINTS)])


@strawberry.federation.type(directives=[Authenticated()], description="The load of a power node over a bucket.")
class NodePowerPoint:
    starts_at: datetime = strawberry.field(description=_STARTS_AT)
    ends_at: datetime = strawberry.field(description=_ENDS_AT)
    mean_kw: float | None = strawberry.field(description="The mean of the charging power below it, in kW; null where it was not looked at.")
    peak_kw: float | None = strawberry.field(description="The highest charging power below it, in kW.")
    unmanaged_kw: float | None = strawberry.field(description="The mean of what flows through it besides, in kW.")
    allocated_kw: float | None = strawberry.field(description="The mean of the limits confirmed below it, in kW.")
    limit_kw: float | None = strawberry.field(description="The strictest limit that counted, in kW.")


@strawberry.federation.type(directives=[Authenticated()], description="The load of a power node, or of a depot's first one, over time.")
class NodePowerChart:
    bucket: ChartBucket = strawberry.field(description=_BUCKET)
    time_zone: str = strawberry.field(description=_TIME_ZONE)
    points: list[NodePowerPoint] = strawberry.field(description=_POINTS, directives=[list_size(_ASSUMED_POINTS)])


@strawberry.federation.type(directives=[Authenticated()], description="Energy in a bucket.")
class EnergyPoint:
    starts_at: datetime = strawberry.field(description=_STARTS_AT)
    ends_at: datetime = strawberry.field(description=_ENDS_AT)
    energy_wh: float | None = strawberry.field(description="The energy charged, in Wh; null where none was measured.")


@strawberry.federation.type(directives=[Authenticated()], description="Energy over time.")
class EnergyChart:
    bucket: ChartBucket = strawberry.field(description=_BUCKET)
    time_zone: str = strawberry.field(description=_TIME_ZONE)
    points: list[EnergyPoint] = strawberry.field(description=_POINTS, directives=[list_size(_ASSUMED_POINTS)])


@strawberry.federation.type(
    directives=[Authenticated()],
    description="How much EVSEs were used in a bucket, against what the EVSEs there are now could do in the part of it that is over.",
)
class UtilisationPoint:
    starts_at: datetime = strawberry.field(description=_STARTS_AT)
    ends_at: datetime = strawberry.field(description=_ENDS_AT)
    energy_wh: float | None = strawberry.field(description="The energy delivered, in Wh; null before there were EVSEs, and in the future.")
    possible_wh: float = strawberry.field(description="What they could have delivered at their highest power, in Wh.")
    utilisation: float | None = strawberry.field(description="The first as a share of the second, from 0 to 1.")
    plugged_s: float | None = strawberry.field(description="How long vehicles were plugged in, added up over the EVSEs, in seconds.")
    possible_s: float = strawberry.field(description="How long the EVSEs were there, added up, in seconds.")
    occupancy: float | None = strawberry.field(description="The first as a share of the second, from 0 to 1.")


@strawberry.federation.type(directives=[Authenticated()], description="How much EVSEs were used over time.")
class UtilisationChart:
    bucket: ChartBucket = strawberry.field(description=_BUCKET)
    time_zone: str = strawberry.field(description=_TIME_ZONE)
    points: list[UtilisationPoint] = strawberry.field(description=_POINTS, directives=[list_size(_ASSUMED_POINTS)])


@strawberry.federation.type(directives=[Authenticated()], description="How ready vehicles were for their departures in a bucket.")
class ReadinessPoint:
    starts_at: datetime = strawberry.field(description=_STARTS_AT)
    ends_at: datetime = strawberry.field(description=_ENDS_AT)
    departures: int = strawberry.field(description="How many assigned vehicles were to depart.")
    ready: int = strawberry.field(description="How many of them had the energy for what they were assigned to.")
    share: float | None = strawberry.field(description="The second as a share of the first, from 0 to 1; null without departures.")


@strawberry.federation.type(directives=[Authenticated()], description="How ready vehicles were for their departures, over time.")
class ReadinessChart:
    bucket: ChartBucket = strawberry.field(description=_BUCKET)
    time_zone: str = strawberry.field(description=_TIME_ZONE)
    points: list[ReadinessPoint] = strawberry.field(description=_POINTS, directives=[list_size(_ASSUMED_POINTS)])
