"""What integrators are shown of plans."""

from datetime import datetime

import strawberry

from ampyard.domain import plans
from ampyard.schema.node import shows


@strawberry.type(description="What becomes of a vehicle at its plug, by the newest plan.")
class Prediction:
    made_at: datetime = strawberry.field(description="When it was foreseen.")
    departs_at: datetime | None = strawberry.field(description="When it leaves; null where that is not known.")
    minimum_at: datetime | None = strawberry.field(description="When it holds what it needs; null where it will not.")
    final_kwh: float = strawberry.field(description="What is in its battery as it leaves, in kWh.")
    final_soc_percent: float = strawberry.field(description="The same as state of charge, in percent.")
    final_at: datetime = strawberry.field(description="When it stops charging.")
    expected_kwh: float = strawberry.field(description="What will flow at its plug until then, in kWh.")
    lacks_minimum_kwh: float = strawberry.field(description="What it will lack of what it needs as it leaves, in kWh.")
    is_type_of = staticmethod(shows(plans.PlannedStay))
