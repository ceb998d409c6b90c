from datetime import datetime

import strawberry
from strawberry.federation.schema_directives import Authenticated


@strawberry.federation.type(
    directives=[Authenticated()],
    description="The energy of a transaction within a quarter-hour or hour. The sum of all is the transaction's energy, exactly.",
)
class EnergyInterval:
    starts_at: datetime = strawberry.field(description="When it begins.")
    ends_at: datetime = strawberry.field(description="When it ends.")
    energy_wh: float = strawberry.field(
        description="The energy, in Wh: the difference of the registers; between two of them it is taken to flow evenly."
    )
    peak_kw: float = strawberry.field(description="The highest power measured in it, in kW; where none was, the mean.")
    gap: bool = strawberry.field(description="Whether some of its energy lies between two registers more than 20 minutes apart.")
