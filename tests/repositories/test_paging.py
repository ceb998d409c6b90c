"""Keyset pages against a model: a list in memory, cut as the Relay Cursor Connections specification says."""

import itertools
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column

from ampyard.domain.ids import new_id
from ampyard.domain.paging import Keyset, Page, PageRequest
from ampyard.domain.transactions import ChargingState, Transaction, TransactionState
from ampyard.repositories.charge_points import ChargePoints, Evses
from ampyard.repositories.repository import Repository
from ampyard.repositories.transactions import Transactions
from ampyard.repositories.vehicles import Vehicles
from ampyard.services.backend import Backend
from tests.fleet import new_fleet, user

T0 = datetime(2026, 11, 2, 8, 0, 0, 123456, tzinfo=UTC)
ROWS = 40
VALUES: dict[str, Callable[[Transaction], Any]] = {
    "STARTED_AT": lambda t: t.started_at,
    "ENERGY": lambda t: t.energy_wh,
    "ENDED_AT": lambda t: t.ended_at,
    "COST": lambda t: t.cost_amount,
}
COLUMNS = {"STARTED_AT": "started_at", "ENERGY": "energy_wh", "ENDED_AT": "ended_at", "COST": "cost_amount"}


def rank(value: Any) -> tuple[bool, Any]:
    """Return what an order value is compared by: none comes after all others."""
    return value is None, 0 if value is None else value


orders = st.sampled_from(sorted(VALUES))
sizes = st.integers(0, ROWS + 5)


@dataclass(frozen=True)
class Listed:
    """The tenant and all its transactions."""

    backend: Backend
    tenant_id: uuid.UUID
    rows: list[Transaction]

    def model(self, request: PageRequest, keep: Callable[[Transaction], bool] = lambda _: True) -> Page[Transaction]:
        """Cut the page out of the whole list (Relay Cursor Connections, 4.4 Pagination algorithm and 5.1 Fields)."""

        def key(at: Keyset) -> tuple[Any, uuid.UUID]:
            return rank(at.value), at.id

        def place(row: Transaction) -> Keyset:
            return Keyset(VALUES[request.order](row), row.id)

        edges = sorted(filter(keep, self.rows), key=lambda row: key(place(row)), reverse=request.descending)
        after, before = request.after, request.before
        if after is not None:
            edges = [row for row in edges if (key(place(row)) < key(after) if request.descending else key(place(row)) > key(after))]
        if before is not None:
            edges = [row for row in edges if (key(place(row)) > key(before) if request.descending else key(place(row)) < key(before))]
        cut = edges[max(len(edges) - request.size, 0) :] if request.backward else edges[: request.size]
        more = len(edges) > request.size
        return Page(
            items=tuple(cut),
            ordered_by=COLUMNS[request.order],
            has_next=before is not None if request.backward else more,
            has_previous=more if request.backward else after is not None,
        )

    async def page(self, request: PageRequest, *conditions: Any) -> Page[Transaction]:
        async with self.backend.database.snapshot(self.tenant_id) as snapshot:
            return await Transactions(snapshot).page(request, *conditions)

    async def pages(self, parent: Column[Any], ids: list[uuid.UUID], request: PageRequest) -> dict[uuid.UUID, Page[Transaction]]:
        async with self.backend.database.snapshot(self.tenant_id) as snapshot:
            return await Transactions(snapshot).pages(parent, ids, request)


@pytest.fixture(scope="module")
async def listed(backend: Backend) -> Listed:
    """Forty transactions: some with the same order values, some without a vehicle, none on CP-3."""
    seeded = await new_fleet(backend)
    async with backend.database.snapshot(seeded.tenant_id) as snapshot:
        points = {cp.id: cp for cp in await ChargePoints(snapshot).where() if cp.identity != "CP-3"}
        evses = [evse for evse in await Evses(snapshot).where() if evse.charge_point_id in points]
        vehicles = await Vehicles(snapshot).where()
    rows = [_transaction(n, points[evses[n % 4].charge_point_id].depot_id, evses[n % 4], vehicles[n % 5]) for n in range(ROWS)]
    async with backend.unit_of_work(user(seeded.tenant_id)) as work:
        await work.add(Transactions, *rows)
        await work.commit()
    return Listed(backend, seeded.tenant_id, rows)


def _transaction(n: int, depot_id: uuid.UUID, evse: Any, vehicle: Any) -> Transaction:
    started_at = T0 + timedelta(microseconds=n % 7, hours=n % 3)
    return Transaction(
        id=new_id(),
        tenant_id=evse.tenant_id,
        depot_id=depot_id,
        charge_point_id=evse.charge_point_id,
        evse_id=evse.id,
        connector_id=None,
        vehicle_id=None if n % 5 == 0 else vehicle.id,
        id_tag=None,
        ocpp_transaction_id=f"tx-{n}",
        state=TransactionState.ENDED if n % 2 else TransactionState.ACTIVE,
        charging_state=ChargingState.IDLE,
        started_at=started_at,
        ended_at=started_at + timedelta(minutes=n % 4) if n % 2 else None,
        meter_start_wh=None,
        meter_wh=None,
        energy_wh=[0.0, 0.1 + 0.2, 1e-9, 123_456.789, 5e17][n % 5],
        power_kw=0.0,
        soc_percent=None,
        measured_at=None,
        stop_reason=None,
        last_seq_no=None,
        created_at=started_at,
        updated_at=started_at,
        cost_amount=[None, Decimal("0.1"), None, Decimal(0), Decimal("1234567.89")][n % 5],
    )


@st.composite
def positions(draw: st.DrawFn, listed: Listed, order: str) -> Keyset | None:
    """A place in the list: of a row, or where none stands (any more)."""
    if draw(st.booleans()):
        return None
    row = draw(st.sampled_from(listed.rows))
    return Keyset(VALUES[order](row), row.id if draw(st.booleans()) else uuid.UUID(int=draw(st.integers(0, 2**128 - 1))))


@st.composite
def requests(draw: st.DrawFn, listed: Listed) -> PageRequest:
    order = draw(orders)
    return PageRequest(
        size=draw(sizes),
        order=order,
        descending=draw(st.booleans()),
        after=draw(positions(listed, order)),
        before=draw(positions(listed, order)),
        backward=draw(st.booleans()),
    )


examples = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@examples
@given(data=st.data())
async def test_a_page_is_what_the_model_cuts(listed: Listed, data: st.DataObject) -> None:
    request = data.draw(requests(listed))

    page = await listed.page(request)

    assert page == listed.model(request)
    assert page.positions == tuple(Keyset(VALUES[request.order](row), row.id) for row in page.items)


@examples
@given(data=st.data())
async def test_a_filtered_page_is_what_the_model_cuts(listed: Listed, data: st.DataObject) -> None:
    request = data.draw(requests(listed))
    state = data.draw(st.sampled_from(TransactionState))

    page = await listed.page(request, Transactions.table.c.state == state)

    assert page == listed.model(request, lambda row: row.state is state)


@pytest.mark.parametrize("order", sorted(VALUES))
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("size", [1, 3, 39, 40, 41])
async def test_walking_shows_every_row_once_and_in_order(
    listed: Listed, order: str, size: int, *, descending: bool, backward: bool
) -> None:
    walked: list[Transaction] = []
    position: Keyset | None = None
    for number in itertools.count():
        after, before = (None, position) if backward else (position, None)
        page = await listed.page(PageRequest(size, order, descending, after=after, before=before, backward=backward))
        walked = [*page.items, *walked] if backward else [*walked, *page.items]
        behind, ahead = (page.has_next, page.has_previous) if backward else (page.has_previous, page.has_next)
        assert behind == (number > 0)
        assert ahead == (len(walked) < ROWS)
        if not ahead:
            break
        position = page.positions[0 if backward else -1]

    assert walked == sorted(listed.rows, key=lambda row: (rank(VALUES[order](row)), row.id), reverse=descending)


@examples
@given(data=st.data())
async def test_pages_of_many_parents_are_the_pages_of_each(listed: Listed, data: st.DataObject) -> None:
    column = data.draw(
        st.sampled_from([Transactions.table.c.charge_point_id, Transactions.table.c.vehicle_id, Transactions.table.c.depot_id])
    )
    # Children or not: a parent without any, and one that does not exist, have an empty page.
    async with listed.backend.database.snapshot(listed.tenant_id) as snapshot:
        known = [row[0] for row in await snapshot.fetch(Transactions.table.metadata.tables[column.name[:-3]].select())]
    ids = data.draw(st.lists(st.sampled_from([*known, uuid.UUID(int=7)]), unique=True))
    request = data.draw(requests(listed))

    pages = await listed.pages(column, ids, request)

    assert list(pages) == ids
    assert pages == {parent_id: listed.model(request, lambda row: getattr(row, column.name) == parent_id) for parent_id in ids}  # noqa: B023


async def test_counts_are_those_of_the_lists(listed: Listed) -> None:
    active = Transactions.table.c.state == TransactionState.ACTIVE
    async with listed.backend.database.snapshot(listed.tenant_id) as snapshot:
        transactions = Transactions(snapshot)
        points = [cp.id for cp in await ChargePoints(snapshot).where()]
        column = Transactions.table.c.charge_point_id

        assert await transactions.count() == ROWS
        assert await transactions.count(active) == ROWS // 2
        of_each = await transactions.counts(column, [*points, uuid.UUID(int=7)], active)
        assert of_each == {
            point: count
            for point in points
            if (count := sum(row.charge_point_id == point and row.state is TransactionState.ACTIVE for row in listed.rows))
        }
        assert sum(of_each.values()) == ROWS // 2
        assert await transactions.counts(column, []) == {}
        assert await transactions.pages(column, [], PageRequest(3, "ENERGY")) == {}


async def test_text_is_ordered_the_same_way_that_positions_are_compared(backend: Backend) -> None:
    # The database's collation decides both, so that a walk over names misses none, however they are spelled.
    seeded = await new_fleet(backend)
    names = ["Bus", "bus", "BUS 10", "BUS 9", "Ärger", "arger", "äther", "Bus", "", " bus", "-bus", "車"]
    async with backend.unit_of_work(user(seeded.tenant_id)) as work:
        for vehicle, name in zip(await Vehicles(work.session).where(), names, strict=False):
            await work.change(Vehicles, vehicle.id, name=name)
        for identity, point in zip(names[6:], await ChargePoints(work.session).where(), strict=False):
            await work.change(ChargePoints, point.id, identity=identity)
        await work.commit()
    async with backend.database.snapshot(seeded.tenant_id) as snapshot:
        for repository, order in ((Vehicles(snapshot), "NAME"), (ChargePoints(snapshot), "IDENTITY")):
            column = repository.orders[order]
            expected = await repository.where(order_by=[column, repository.table.c.id])
            walked: list[Any] = []
            page: Page[Any] | None = None
            while page is None or page.has_next:
                page = await repository.page(PageRequest(2, order, after=page.positions[-1] if page else None))
                walked += page.items
            assert walked == expected


def test_what_a_list_can_be_ordered_by_is_never_null_or_says_what_null_counts_as() -> None:
    # Tuples with NULL compare to NULL: such rows would be on no page.
    nullable = [
        (repository.__name__, order)
        for repository in Repository.__subclasses__()
        for order, column in repository.orders.items()
        if column.nullable and order not in repository.absent
    ]
    assert nullable == []
    assert {"Transactions", "Vehicles", "Depots"} <= {
        repository.__name__ for repository in Repository.__subclasses__() if repository.orders
    }
