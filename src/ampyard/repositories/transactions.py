import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Exists, Select, Text, bindparam, exists, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from ampyard.domain.anomalies import Resolution
from ampyard.domain.authorization import AuthorizedBy
from ampyard.domain.paging import Keyset, PageRequest
from ampyard.domain.transactions import ChargingState, MeterSample, StopReason, Transaction, TransactionState
from ampyard.repositories import tables
from ampyard.repositories.database import WriteSession
from ampyard.repositories.repository import Repository, array, present


@dataclass(frozen=True, slots=True)
class TransactionFilter:
    """Which transactions to list; a field that is `None` does not narrow.

    All of it is about what was measured. An id tag is found as it is given, in capitals and in small letters: an index does not serve a
    function of it below row-level security. Bounds are from inclusive, to exclusive; those of cost leave out what has no cost yet.
    `anomalous`: has an anomaly that nobody has resolved. `billable`: has none, nor one resolved as not billed.
    """

    depot_id: uuid.UUID | None = None
    charge_point_id: uuid.UUID | None = None
    evse_id: uuid.UUID | None = None
    vehicle_id: uuid.UUID | None = None
    vehicle_group_id: uuid.UUID | None = None
    id_tag: str | None = None
    state: TransactionState | None = None
    charging_state: ChargingState | None = None
    stop_reason: StopReason | None = None
    authorized_by: AuthorizedBy | None = None
    started_from: datetime | None = None
    started_to: datetime | None = None
    ended_from: datetime | None = None
    ended_to: datetime | None = None
    energy_from_wh: float | None = None
    energy_to_wh: float | None = None
    cost_from: Decimal | None = None
    cost_to: Decimal | None = None
    anomalous: bool | None = None
    billable: bool | None = None
    corrected: bool | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filter as SQL conditions. Each is served by an index that begins with the column, see `tables.transaction`."""
        column = tables.transaction.c
        equal = {
            column.depot_id: self.depot_id,
            column.charge_point_id: self.charge_point_id,
            column.evse_id: self.evse_id,
            column.vehicle_id: self.vehicle_id,
            column.state: self.state,
            column.charging_state: self.charging_state,
            column.stop_reason: self.stop_reason,
            column.authorized_by: self.authorized_by,
        }
        # As the indexes have them.
        ended_at, cost_amount = present(column.ended_at, _NOT_ENDED), present(column.cost_amount, _NO_COST)
        least = {
            column.started_at: self.started_from,
            ended_at: self.ended_from,
            column.energy_wh: self.energy_from_wh,
            cost_amount: self.cost_from,
        }
        below = {
            column.started_at: self.started_to,
            ended_at: self.ended_to,
            column.energy_wh: self.energy_to_wh,
            cost_amount: self.cost_to,
        }
        has = {_unresolved(): self.anomalous, _unbilled(): _no(self.billable), _corrected(): self.corrected}
        return [
            *(
                [column.id_tag == func.any(_texts({self.id_tag, self.id_tag.lower(), self.id_tag.upper()}))]
                if self.id_tag is not None
                else []
            ),
            *(expression == value for expression, value in equal.items() if value is not None),
            *([column.vehicle_id.in_(_vehicles_in(self.vehicle_group_id))] if self.vehicle_group_id is not None else []),
            *(expression >= value for expression, value in least.items() if value is not None),
            *(expression < value for expression, value in below.items() if value is not None),
            *([column.ended_at.is_not(None)] if self.ended_from is not None else []),
            *([column.cost_amount.is_not(None)] if self.cost_from is not None else []),
            *(there if wanted else ~there for there, wanted in has.items() if wanted is not None),
        ]


# What comes after everything that has ended, or has a cost.
_NOT_ENDED = "'infinity'::timestamptz"
_NO_COST = "'9223372036854775807'::bigint"


def _texts(values: Iterable[str]) -> ColumnElement[Any]:
    """Return texts as one array parameter, whatever their number: the text of the statement stays the same."""
    return bindparam(None, sorted(values), type_=ARRAY(Text()), unique=True)


def _no(value: bool | None) -> bool | None:  # noqa: FBT001 - negates what a client said
    return None if value is None else not value


def _vehicles_in(group_id: uuid.UUID) -> Select[Any]:
    member = tables.vehicle_group_member.c
    return select(member.vehicle_id).where(member.vehicle_group_id == group_id)


def _unresolved() -> Exists:
    anomaly = tables.transaction_anomaly.c
    return exists().where(anomaly.transaction_id == tables.transaction.c.id, anomaly.resolved_at.is_(None))


def _unbilled() -> Exists:
    anomaly = tables.transaction_anomaly.c
    stands = or_(anomaly.resolved_at.is_(None), anomaly.resolution == Resolution.NOT_BILLED)
    return exists().where(anomaly.transaction_id == tables.transaction.c.id, stands)


def _corrected() -> Exists:
    """A correction that has not been taken back."""
    correction, void = tables.transaction_correction, tables.transaction_correction.alias("void")
    taken_back = exists().where(void.c.voids_id == correction.c.id)
    return exists().where(correction.c.transaction_id == tables.transaction.c.id, correction.c.voids_id.is_(None), ~taken_back)


class Transactions(Repository[Transaction]):
    entity = Transaction
    table = tables.transaction
    orders = MappingProxyType(
        {"STARTED_AT": table.c.started_at, "ENDED_AT": table.c.ended_at, "ENERGY": table.c.energy_wh, "COST": table.c.cost_amount}
    )
    absent = MappingProxyType({"ENDED_AT": _NOT_ENDED, "COST": _NO_COST})

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

    async def on_evse_about(self, transaction: Transaction) -> list[Transaction]:
        """Return the transactions that began last before, and first after, this one on its EVSE."""
        here = Keyset(transaction.started_at, transaction.id)
        nearest = [
            await self.page(PageRequest(1, "STARTED_AT", after=here), self.table.c.evse_id == transaction.evse_id, ends=False),
            await self.page(
                PageRequest(1, "STARTED_AT", before=here, backward=True), self.table.c.evse_id == transaction.evse_id, ends=False
            ),
        ]
        return [found for page in nearest for found in page.items]

    async def silent_since(self, moment: datetime) -> list[Transaction]:
        """Return the running transactions of which nothing has been told since a moment."""
        column = self.table.c
        return await self.where(column.state == TransactionState.ACTIVE, column.updated_at < moment, order_by=[column.id])

    async def with_cost_due(self, *, limit: int) -> list[Transaction]:
        """Return some of the transactions whose cost is to be worked out, locked; those that others hold are left out."""
        column = self.table.c
        rows = await self.session.fetch(
            select(*self.columns()).where(column.cost_due).order_by(column.id).limit(limit).with_for_update(skip_locked=True)
        )
        return [Transaction(*row) for row in rows]

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

    async def active_of_vehicles(
        self, vehicle_ids: Sequence[uuid.UUID], *, reads: frozenset[str] | None = None
    ) -> dict[uuid.UUID, Transaction]:
        """Return the open transaction of each vehicle that has one; the newest, should a charge point have left an older one open."""
        column = self.table.c
        open_ones = await self.where(
            column.vehicle_id == func.any(array(vehicle_ids)),
            column.state == TransactionState.ACTIVE,
            order_by=[column.started_at, column.id],
            reads=None if reads is None else reads | {"vehicle_id"},
        )
        return {transaction.vehicle_id: transaction for transaction in open_ones if transaction.vehicle_id is not None}

    async def next_ocpp_id(self) -> int:
        """Return a new OCPP 1.6 transaction id."""
        rows = await self.session.fetch(select(tables.ocpp_transaction_seq.next_value()))
        return int(rows[0][0])


async def have_costs_due(session: WriteSession, depot_id: uuid.UUID, *, since: datetime) -> None:
    """Have the cost of a depot's transactions worked out anew that ended after a time."""
    column = tables.transaction.c
    ended = (column.depot_id == depot_id, column.state == TransactionState.ENDED, column.ended_at > since)
    await session.execute(update(tables.transaction).where(*ended).values(cost_due=True))


@dataclass(frozen=True, slots=True)
class MeterSampleFilter:
    """Which samples to list; a field that is `None` does not narrow."""

    measurands: frozenset[str] | None = None
    sampled_from: datetime | None = None
    sampled_to: datetime | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filter as SQL conditions."""
        column = tables.meter_sample.c
        return [
            *([column.measurand == func.any(_texts(self.measurands))] if self.measurands is not None else []),
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
