from datetime import datetime, time
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.domain import depots
from ampyard.domain import pricing as domain
from ampyard.domain.access import Scope
from ampyard.engine import list_size
from ampyard.repositories import energy_prices as repository
from ampyard.repositories.depots import Depots
from ampyard.repositories.energy_prices import EnergyPrices
from ampyard.resolvers import energy_prices as resolvers
from ampyard.resolvers.changes import mutation
from ampyard.resolvers.edges import by_id, references_to, to_one
from ampyard.resolvers.ids import optional_id
from ampyard.resolvers.lists import Listing
from ampyard.schema.enums import CostUnknown, Weekday
from ampyard.schema.errors import Change, Payload
from ampyard.schema.node import Node, shows
from ampyard.schema.paging import Connection, OrderDirection, connection

if TYPE_CHECKING:
    from ampyard.schema.depots import Depot

ENERGY_PRICES = Listing("energyPrices", EnergyPrices, "VALID_FROM", default_descending=True)


@strawberry.enum(description="What energy prices can be ordered by.")
class EnergyPriceOrderField(Enum):
    VALID_FROM = "VALID_FROM"


@strawberry.input(description="The order of a list of energy prices.")
class EnergyPriceOrder:
    field: EnergyPriceOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description="Which way.")


@strawberry.input(description="Which energy prices to list.")
class EnergyPriceFilter:
    depot_id: strawberry.ID | None = strawberry.field(default=None, description="Only those of this depot.")

    def narrowing(self) -> repository.EnergyPriceFilter:
        """Return the filter as the repository takes it."""
        return repository.EnergyPriceFilter(optional_id("filter.depotId", self.depot_id, depots.Depot))


@strawberry.federation.type(directives=[Authenticated()], description="A price for part of the week, on the depot's clock.")
class PriceWindow:
    weekdays: list[Weekday] = strawberry.field(description="The days it begins on.", directives=[list_size(7)])
    starts_at: time = strawberry.field(description="When it begins, on the depot's clock.")
    ends_at: time = strawberry.field(description="When it ends; on the next day where that is not after its begin.")
    price_per_kwh: Decimal = strawberry.field(description="What a kWh costs in it.")


@strawberry.federation.type(
    keys=["id"], directives=[Authenticated()], description="What energy costs in a depot from a time on, until a later price begins."
)
class EnergyPrice(Node):
    currency: str = strawberry.field(description="The currency, ISO 4217.")
    price_per_kwh: Decimal = strawberry.field(description="What a kWh costs outside the windows.")
    windows: list[PriceWindow] = strawberry.field(description="Other prices for parts of the week.", directives=[list_size(5)])
    valid_from: datetime = strawberry.field(description="From when it counts.")
    author: str = strawberry.field(description="Who set it.")
    created_at: datetime = strawberry.field(description="When it was set.")
    depot: Annotated["Depot", strawberry.lazy("ampyard.schema.depots")] | None = to_one(
        Depots, "depot_id", description="The depot; null where the caller may not see that."
    )
    is_type_of = staticmethod(shows(domain.EnergyPrice))
    resolve_references = staticmethod(references_to(domain.EnergyPrice))


@strawberry.federation.type(directives=[Authenticated()], description="Energy that flowed at one price, without a break.")
class CostLine:
    starts_at: datetime = strawberry.field(description="When its first quarter-hour begins.")
    ends_at: datetime = strawberry.field(description="When its last quarter-hour ends.")
    energy_wh: float = strawberry.field(description="The energy, in Wh.")
    price_per_kwh: Decimal = strawberry.field(description="What a kWh cost.")
    amount: Decimal = strawberry.field(description="Energy times price, exactly: not rounded.")


@strawberry.federation.type(
    directives=[Authenticated()], description="What a transaction costs: the sum of its lines, rounded once, half to even."
)
class TransactionCost:
    amount: Decimal | None = strawberry.field(description="The amount, in whole minor units of the currency; null where it is not known.")
    currency: str | None = strawberry.field(description="The currency, ISO 4217.")
    unknown: CostUnknown | None = strawberry.field(description="Why it is not known; null where it is.")
    lines: list[CostLine] = strawberry.field(description="How it comes about.", directives=[list_size(5)])


@strawberry.input(description="A price for part of the week, on the depot's clock, from quarter-hour to quarter-hour.")
class PriceWindowInput:
    weekdays: list[Weekday] = strawberry.field(description="The days it begins on.")
    starts_at: time = strawberry.field(description="When it begins, on the depot's clock.")
    ends_at: time = strawberry.field(description="When it ends; on the next day where that is not after its begin.")
    price_per_kwh: Decimal = strawberry.field(description="What a kWh costs in it; six decimals at most.")


@strawberry.input(description="What energy costs in a depot from a time on.")
class SetEnergyPriceInput(Change):
    depot_id: strawberry.ID = strawberry.field(description="The depot.")
    currency: str = strawberry.field(description="The currency, ISO 4217.")
    price_per_kwh: Decimal = strawberry.field(description="What a kWh costs outside the windows; six decimals at most.")
    windows: list[PriceWindowInput] = strawberry.field(
        default_factory=list, description="Other prices for parts of the week, which do not overlap."
    )
    valid_from: datetime | None = strawberry.field(
        default=None, description="From which quarter-hour it counts, also in the past; the present one unless told."
    )


@strawberry.federation.type(directives=[Authenticated()], description="An energy price that was set.")
class EnergyPricePayload(Payload):
    energy_price: EnergyPrice | None = strawberry.field(description="The price; null where the change was refused.")


@strawberry.type
class EnergyPriceQueries:
    energy_price: EnergyPrice | None = by_id(domain.EnergyPrice, description="One energy price; null when it does not exist.")
    energy_prices: Connection[EnergyPrice] = connection(
        ENERGY_PRICES,
        description="All energy prices, those that begin last first unless told.",
        filter_type=EnergyPriceFilter,
        order_type=EnergyPriceOrder,
        scope=Scope.FLEET_READ,
    )


@strawberry.type
class EnergyPriceMutations:
    set_energy_price: EnergyPricePayload = mutation(
        EnergyPricePayload,
        resolvers.set_energy_price,
        SetEnergyPriceInput,
        Scope.DEPOTS_WRITE,
        description="Set what energy costs in a depot from a time on; earlier prices stay for what was charged before.",
    )
