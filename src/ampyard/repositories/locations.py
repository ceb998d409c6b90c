import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, DateTime, Subquery, Uuid, func, literal, select, true, tuple_

from ampyard.domain.locations import Location, LocationEvse, Party
from ampyard.domain.paging import ChangedPage, ChangedRequest, Keyset
from ampyard.repositories import tables
from ampyard.repositories.charge_points import ChargePoints, Connectors, Evses
from ampyard.repositories.database import Session
from ampyard.repositories.depots import Depots
from ampyard.repositories.statements import AnyRow


class Locations:
    """Depots with what roaming partners are shown of them. Each method takes a constant number of statements.

    A depot without any connector is no Location (OCPI, 8.2 GET List: Locations with valid EVSEs), and a tenant without a
    party has none.
    """

    def __init__(self, session: Session) -> None:
        self.session = session

    async def page(self, request: ChangedRequest) -> ChangedPage[Location]:
        """Return one slice of the Locations that changed in a period, and how many there are in all."""
        location = _locations()
        column = location.c
        conditions: list[ColumnElement[bool]] = [
            *([column.last_updated >= request.since] if request.since is not None else []),
            *([column.last_updated < request.until] if request.until is not None else []),
        ]
        total = await self.session.fetch(select(func.count()).select_from(location).where(*conditions))
        statement = select(location).where(*conditions).order_by(column.last_updated, column.id).limit(literal(request.limit + 1))
        if request.after is not None:
            there = tuple_(literal(request.after.value, DateTime(timezone=True)), literal(request.after.id, Uuid()))
            statement = statement.where(tuple_(column.last_updated, column.id) > there)
        else:
            statement = statement.offset(literal(request.offset))
        rows = await self.session.fetch(statement)
        items = await self._assemble(rows[: request.limit])
        more = len(rows) > request.limit
        return ChangedPage(
            items=tuple(items),
            total=int(total[0][0]),
            next_after=Keyset(items[-1].last_updated, items[-1].depot.id) if more else None,
        )

    async def by_id(self, location_id: uuid.UUID) -> Location | None:
        """Return the Location that is this depot, or `None`."""
        location = _locations()
        found = await self._assemble(await self.session.fetch(select(location).where(location.c.id == location_id)))
        return found[0] if found else None

    async def _assemble(self, rows: Sequence[AnyRow]) -> list[Location]:
        of_depots = await ChargePoints(self.session).grouped(
            tables.charge_point.c.depot_id, [row.id for row in rows], tables.charge_point.c.identity
        )
        charge_points = [charge_point for group in of_depots.values() for charge_point in group]
        of_charge_points = await Evses(self.session).of_charge_points([charge_point.id for charge_point in charge_points])
        of_evses = await Connectors(self.session).of_evses([evse.id for group in of_charge_points.values() for evse in group])
        return [
            Location(
                depot=Depots.entity(*row[:-4]),
                party=Party(*row[-4:-1]),
                evses=tuple(
                    LocationEvse(charge_point, evse, tuple(of_evses[evse.id]))
                    for charge_point in of_depots[row.id]
                    for evse in of_charge_points.get(charge_point.id, [])
                    if evse.id in of_evses
                ),
                last_updated=row.last_updated,
            )
            for row in rows
        ]


def _locations() -> Subquery:
    """Return depots as Locations: the depot's columns, the party's three and `last_updated`, cut to the milliseconds shown.

    A partner filters by what it was shown; compared with the microseconds behind it, a change could fall out of two
    adjoining periods.
    """
    depot, charge_point, evse, connector, owner = tables.depot, tables.charge_point, tables.evse, tables.connector, tables.ocpi_party
    newest: ColumnElement[Any] = func.greatest(charge_point.c.updated_at, evse.c.created_at, connector.c.updated_at)
    changed = (
        select(charge_point.c.depot_id, func.max(newest).label("changed_at"))
        .join(evse, evse.c.charge_point_id == charge_point.c.id)
        .join(connector, connector.c.evse_id == evse.c.id)
        .group_by(charge_point.c.depot_id)
        .subquery("changed")
    )
    # One party a tenant; should there be more, the first stays the owner, because an object's owner never changes.
    party = select(owner.c.country_code, owner.c.party_id, owner.c.name).order_by(owner.c.created_at, owner.c.id).limit(1).subquery("party")
    last_updated = func.date_trunc("milliseconds", func.greatest(depot.c.updated_at, changed.c.changed_at), type_=DateTime(timezone=True))
    return (
        select(
            *Depots.columns(),
            party.c.country_code.label("party_country_code"),
            party.c.party_id,
            party.c.name.label("party_name"),
            last_updated.label("last_updated"),
        )
        .join(changed, changed.c.depot_id == depot.c.id)
        .join(party, true())
        .subquery("location")
    )
