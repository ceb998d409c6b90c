"""Keyset pages while others insert: what was there when a walk began is on one page of it, and nothing is on two."""

import itertools
import uuid
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ampyard.domain.paging import Keyset, PageRequest
from ampyard.domain.transactions import Transaction
from ampyard.repositories.charge_points import ChargePoints, Evses
from ampyard.repositories.transactions import Transactions
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.services.backend import Backend
from ampyard.services.large_fleet import LargeFleet, Size
from tests.fleet import new_fleet, user

T0 = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
COLUMN = {"STARTED_AT": "started_at", "ENERGY": "energy_wh"}


class Writers:
    """Others, who insert transactions: at once, or in a transaction of the database that they commit later."""

    def __init__(self, backend: Backend, template: Transaction) -> None:
        self._backend = backend
        self._template = template
        self._open: list[tuple[UnitOfWork, list[uuid.UUID]]] = []
        self._numbers = itertools.count()
        self.committed: set[uuid.UUID] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        # An example that is given up midway must not leave rows that the next one, with the same ids, would wait for.
        for work, _ in self._open:
            await work.__aexit__(*exception)

    async def insert(self, draws: list[tuple[int, int]], *, commit: bool) -> None:
        """Insert a row for each drawn minute and number: ids go by that, so that a new row may be before or after its equals."""
        rows = [
            replace(
                self._template,
                id=uuid.UUID(int=number << 10 | next(self._numbers)),
                ocpp_transaction_id=str(uuid.uuid4()),
                started_at=T0 + timedelta(minutes=minute),
                energy_wh=float(minute),
            )
            for minute, number in draws
        ]
        work = self._backend.unit_of_work(user(self._template.tenant_id))
        if rows:
            await work.add(Transactions, *rows)
        self._open.append((work, [row.id for row in rows]))
        if commit:
            await self.commit()

    async def commit(self) -> None:
        """Commit all that is open."""
        for work, ids in self._open:
            await work.commit()
            self.committed |= set(ids)
        self._open.clear()


@pytest.fixture(scope="module")
async def template(backend: Backend) -> Transaction:
    """A transaction of a new tenant, to be changed and inserted."""
    seeded = await new_fleet(backend)
    async with backend.database.snapshot(seeded.tenant_id) as snapshot:
        point = (await ChargePoints(snapshot).where())[0]
        evse = (await Evses(snapshot).of_charge_points([point.id]))[point.id][0]
    plan = LargeFleet("template", 1, T0, Size(1, 1, 1, 1))
    like = next(iter(plan.transactions(plan.first_day, T0.date())))
    return replace(
        like,
        tenant_id=seeded.tenant_id,
        depot_id=point.depot_id,
        charge_point_id=point.id,
        evse_id=evse.id,
        connector_id=None,
        vehicle_id=None,
    )


# Few minutes, so that many rows are equal but for their ids.
inserted = st.lists(st.tuples(st.integers(0, 5), st.integers(1, 2**110)), max_size=4)


@given(data=st.data(), order=st.sampled_from(sorted(COLUMN)), descending=st.booleans(), backward=st.booleans(), size=st.integers(1, 7))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_what_was_there_is_seen_once_and_nothing_twice(
    backend: Backend, template: Transaction, data: st.DataObject, order: str, *, descending: bool, backward: bool, size: int
) -> None:
    tenant_id = template.tenant_id
    async with Writers(backend, template) as writers:
        async with backend.unit_of_work(user(tenant_id)) as work:
            for row in await Transactions(work.session).where():
                await work.session.execute(Transactions.table.delete().where(Transactions.table.c.id == row.id))
            await work.commit()
        await writers.insert(data.draw(inserted.filter(bool)) + data.draw(inserted), commit=True)
        there = set(writers.committed)
        walked: list[Any] = []
        position: Keyset | None = None
        more = True

        while more:
            await writers.insert(data.draw(inserted), commit=data.draw(st.booleans()))
            after, before = (None, position) if backward else (position, None)
            async with backend.database.snapshot(tenant_id) as snapshot:
                page = await Transactions(snapshot).page(
                    PageRequest(size, order, descending, after=after, before=before, backward=backward)
                )
            walked = [*page.items, *walked] if backward else [*walked, *page.items]
            more = bool(page.has_previous if backward else page.has_next) and len(walked) < 200
            if page.items:
                position = page.positions[0 if backward else -1]
            if data.draw(st.booleans()):
                await writers.commit()
        await writers.commit()

    seen = Counter(row.id for row in walked)
    assert set(seen.values()) == {1}
    assert there <= set(seen) <= writers.committed
    key = [(getattr(row, COLUMN[order]), row.id) for row in walked]
    assert key == sorted(key, reverse=descending)
