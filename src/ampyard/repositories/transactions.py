import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from sqlalchemy import ARRAY, ColumnElement, Text, bindparam, func, select
from sqlalchemy.dialects.postgresql import insert

from ampyard.domain.paging import PageRequest
from ampyard.domain.transactions import MeterSample, Transaction, TransactionState
from ampyard.repositories import tables
from ampyard.repositories.database import WriteSession
from ampyard.repositories.repository import Repository, array


@dataclass(frozen=True, slots=True)
class TransactionFilter:
    """Which transactions to list; a field that is `None` does not narrow. Times bound `started_at`: from inclusive, to exclusive."""

    depot_id: uuid.UUID | None = None
    charge_point_id: uuid.UUID | None = None
    vehicle_id: uuid.UUID | None = None
    state: TransactionState | None = None
    started_from: datetime | None = None
    started_to: datetime | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filter as SQL conditions."""
        column = tables.transaction.c
        return [
            *([column.depot_id == self.depot_id] if self.depot_id is not None else []),
            *([column.charge_point_id == self.charge_point_id] if self.charge_point_id is not None else []),
            *([column.vehicle_id == self.vehicle_id] if self.vehicle_id is not None else []),
            *([column.state == self.state] if self.state is not None else []),
            *([column.started_at >= self.started_from] if self.started_from is not None else []),
            *([column.started_at < self.started_to] if self.started_to is not None else []),
        ]


class Transactions(Repository[Transaction]):
    entity = Transaction
    table = tables.transaction
    orders = MappingProxyType({"STARTED_AT": table.c.started_at, "ENERGY": table.c.energy_wh})

    async def by_ocpp_id(self, charge_point_id: uuid.UUID, ocpp_transaction_id: str) -> Transaction | None:
        """Return the transaction a charge point knows by this id."""
        found = await self.where(self.table.c.charge_point_id == charge_point_id, self.table.c.ocpp_transaction_id == ocpp_transaction_id)
        return found[0] if found else None

    async def active_of_evses(self, evse_ids: Sequence[uuid.UUID], *, reads: frozenset[str] | None = None) -> dict[uuid.UUID, Transaction]:
        """Return the open transaction of each EVSE that has one; the newest, should a charge point have left an older one open."""
        column = self.table.c
        open_ones = await self.where(
            column.evse_id == func.any(array(evse_ids)),
            column.state == TransactionState.ACTIVE,
            order_by=[column.started_at, column.id],
            reads=None if reads is None else reads | {"evse_id"},
        )
        return {transaction.evse_id: transaction for transaction in open_ones}

    async def last_of_evse(self, evse_id: uuid.UUID) -> Transaction | None:
        """Return the transaction that began last on an EVSE."""
        order = PageRequest(size=1, order="STARTED_AT", descending=True)
        page = await self.page(order, self.table.c.evse_id == evse_id, ends=False)
        return page.items[0] if page.items else None

    async def unspread(self, *, limit: int) -> list[Transaction]:
        """Return some of the transactions with energy that no intervals have been made of, locked; those that others hold are left out."""
        column = self.table.c
        rows = await self.session.fetch(
            select(*self.columns())
            .where(column.register_at.is_(None), column.energy_wh > 0)
            .order_by(column.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        return [Transaction(*row) for row in rows]

    async def next_ocpp_id(self) -> int:
        """Return a new OCPP 1.6 transaction id."""
        rows = await self.session.fetch(select(tables.ocpp_transaction_seq.next_value()))
        return int(rows[0][0])


@dataclass(frozen=True, slots=True)
class MeterSampleFilter:
    """Which samples to list; a field that is `None` does not narrow."""

    measurands: frozenset[str] | None = None
    sampled_from: datetime | None = None
    sampled_to: datetime | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filter as SQL conditions."""
        column = tables.meter_sample.c
        # One array, whatever its length: the text of the statement stays the same.
        return [
            *(
                [column.measurand == func.any(bindparam(None, sorted(self.measurands), type_=ARRAY(Text()), unique=True))]
                if self.measurands is not None
                else []
            ),
            *([column.sampled_at >= self.sampled_from] if self.sampled_from is not None else []),
            *([column.sampled_at < self.sampled_to] if self.sampled_to is not None else []),
        ]


class MeterSamples(Repository[MeterSample]):
    entity = MeterSample
    table = tables.meter_sample
    orders = MappingProxyType({"SAMPLED_AT": table.c.sampled_at})


async def add_samples(session: WriteSession, samples: Sequence[MeterSample]) -> int:
    """Insert samples and return how many were new: one that is there already is left as it is."""
    if not samples:
        return 0
    names = [column.name for column in MeterSamples.columns()]
    rows = [{name: getattr(sample, name) for name in names} for sample in samples]
    statement = insert(tables.meter_sample).values(rows).on_conflict_do_nothing()
    return await session.execute(statement)
