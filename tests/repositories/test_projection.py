"""What is selected is what will be read: entities with these attributes alone, equal to those of the whole, and loud about the rest."""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

import ampyard.resolvers.ids as _every_repository  # noqa: F401 - imports them all
from ampyard.domain.paging import Keyset, PageRequest
from ampyard.repositories.charge_points import Evses
from ampyard.repositories.database import Snapshot
from ampyard.repositories.depots import Depots, PowerNodes
from ampyard.repositories.priorities import Priorities
from ampyard.repositories.repository import Repository
from ampyard.repositories.transactions import Transactions
from tests.busy import Busy
from tests.sent import statements_sent

REPOSITORIES: list[type[Repository[Any]]] = sorted(Repository.__subclasses__(), key=lambda one: one.__name__)
every_repository = pytest.mark.parametrize("repository", REPOSITORIES, ids=lambda one: one.__name__)
subsets_of_a_repository = st.sampled_from(REPOSITORIES).flatmap(
    lambda one: st.tuples(st.just(one), st.frozensets(st.sampled_from(names_of(one))))
)


def names_of(repository: type[Repository[Any]]) -> list[str]:
    return [field.name for field in fields(repository.entity)]


def attributes(entity: Any) -> dict[str, Any]:
    """Return the attributes that are set, read one by one."""
    return dict(_read(entity))


def _read(entity: Any) -> Iterator[tuple[str, Any]]:
    for field in fields(entity):
        try:
            yield field.name, getattr(entity, field.name)
        except AttributeError:
            continue


def expected(whole: Sequence[Any], reads: frozenset[str], *needed: str) -> list[dict[str, Any]]:
    """Return what entities must have: what is read, and what was needed to list them."""
    shown = reads | {"id", *needed}
    return [{name: getattr(entity, name) for name in names_of_entity(entity) if name in shown} for entity in whole]


def names_of_entity(entity: Any) -> list[str]:
    return [field.name for field in fields(entity)]


@every_repository
async def test_there_are_entities_of_each_kind(busy: Busy, repository: type[Repository[Any]]) -> None:
    # What follows would prove nothing about a kind without.
    assert await busy.all(repository)


@every_repository
async def test_an_entity_is_what_its_own_constructor_makes_of_the_row(busy: Busy, repository: type[Repository[Any]]) -> None:
    async with busy.backend.database.snapshot(busy.tenant_id) as snapshot:
        rows = await snapshot.fetch(select(*repository.columns()).order_by(repository.table.c.id))
        made = await repository(snapshot).where(order_by=[repository.table.c.id])

    assert made == [repository.entity(*row) for row in rows]
    assert {type(entity) for entity in made} == {repository.entity}
    for entity, row in zip(made, rows, strict=True):
        assert [type(value) for value in attributes(entity).values()] == [type(value) for value in row]


@settings(max_examples=400)
@given(subset=subsets_of_a_repository)
async def test_any_subset_equals_the_whole_and_reading_another_attribute_raises(
    busy: Busy, subset: tuple[type[Repository[Any]], frozenset[str]]
) -> None:
    repository, reads = subset
    whole = await busy.all(repository)
    async with busy.backend.database.snapshot(busy.tenant_id) as snapshot:
        sparse = await repository(snapshot).by_ids([entity.id for entity in whole], reads=reads)

    ordered = [sparse[entity.id] for entity in whole]
    assert [attributes(entity) for entity in ordered] == expected(whole, reads)
    assert {type(entity) for entity in ordered} == {repository.entity}
    for entity in ordered:
        for name in set(names_of(repository)) - reads - {"id"}:
            with pytest.raises(AttributeError):
                getattr(entity, name)


@every_repository
async def test_each_attribute_alone_equals_that_of_the_whole(busy: Busy, repository: type[Repository[Any]]) -> None:
    whole = await busy.all(repository)
    async with busy.backend.database.snapshot(busy.tenant_id) as snapshot:
        for name in names_of(repository):
            found = await repository(snapshot).where(order_by=[repository.table.c.id], reads=frozenset({name}))
            assert [attributes(entity) for entity in found] == expected(whole, frozenset({name}))


@pytest.mark.parametrize(
    ("repository", "order"),
    [pytest.param(one, order, id=f"{one.__name__}-{order}") for one in REPOSITORIES for order in one.orders],
)
async def test_pages_have_what_is_read_and_what_places_their_rows(busy: Busy, repository: type[Repository[Any]], order: str) -> None:
    column, table = repository.orders[order], repository.table
    parent = next(table.c[name] for name in ("depot_id", "charge_point_id", "id") if name in table.c)
    # Of each entity but the tenant itself, that is whose it is.
    another = frozenset({next(name for name in names_of(repository) if name not in {"id", column.name})})
    async with busy.backend.database.snapshot(busy.tenant_id) as snapshot:
        one = repository(snapshot)
        whole = await one.where(order_by=[column, table.c.id])
        page = await one.page(PageRequest(200, order), reads=frozenset())
        after = await one.page(PageRequest(200, order, after=page.positions[0]), table.c.id.is_not(None), reads=another)
        parents = list({getattr(entity, parent.name) for entity in whole} - {None})
        pages = await one.pages(parent, parents, PageRequest(200, order), reads=frozenset())

    assert [attributes(entity) for entity in page.items] == expected(whole, frozenset(), column.name)
    assert page.positions == tuple(Keyset(getattr(entity, column.name), entity.id) for entity in whole)
    assert [attributes(entity) for entity in after.items] == expected(whole[1:], another, column.name)
    assert {of: [attributes(entity) for entity in found.items] for of, found in pages.items()} == {
        of: expected([entity for entity in whole if getattr(entity, parent.name) == of], frozenset(), column.name) for of in parents
    }


async def test_children_have_what_is_read(busy: Busy) -> None:
    evses, reads = await busy.all(Evses), frozenset({"evse_no"})
    async with busy.backend.database.snapshot(busy.tenant_id) as snapshot:
        children = await Evses(snapshot).of_charge_points([evse.charge_point_id for evse in evses], reads=reads)
        active = await Transactions(snapshot).active_of_evses([evse.id for evse in evses], reads=frozenset({"power_kw"}))

    assert sorted(entity.id for group in children.values() for entity in group) == sorted(evse.id for evse in evses)
    assert {frozenset(attributes(entity)) for group in children.values() for entity in group} == {frozenset({"id", "evse_no"})}
    assert {frozenset(attributes(entity)) for entity in active.values()} == {frozenset({"id", "evse_id", "power_kw"})}
    assert active


@pytest.mark.parametrize(
    ("repository", "method", "of"),
    [
        (PowerNodes, "of_depots", "depot_id"),
        (PowerNodes, "children_of", "parent_id"),
        (Priorities, "of_vehicles", "vehicle_id"),
        (Priorities, "of_charge_points", "charge_point_id"),
    ],
)
async def test_children_are_those_of_each_parent(busy: Busy, repository: type[Repository[Any]], method: str, of: str) -> None:
    whole = [entity for entity in await busy.all(repository) if getattr(entity, of) is not None]
    async with busy.backend.database.snapshot(busy.tenant_id) as snapshot:
        found = await getattr(repository(snapshot), method)([getattr(entity, of) for entity in whole], reads=frozenset({"created_at"}))

    assert {parent: {entity.id for entity in group} for parent, group in found.items()} == {
        parent: {entity.id for entity in whole if getattr(entity, of) == parent} for parent in {getattr(e, of) for e in whole}
    }
    assert {frozenset(attributes(entity)) for group in found.values() for entity in group} == {frozenset({"id", "created_at"})}


async def test_only_what_is_read_is_selected(busy: Busy) -> None:
    ids = [depot.id for depot in await busy.all(Depots)]
    async with busy.backend.database.snapshot(busy.tenant_id) as snapshot:
        with statements_sent() as sent:
            await Depots(snapshot).by_ids(ids, reads=frozenset({"name"}))
            await Depots(snapshot).page(PageRequest(2, "UPDATED_AT"), reads=frozenset({"city"}))

    assert [statement.partition(" \nFROM")[0] for statement in sent] == [
        "SELECT depot.id, depot.name",
        "SELECT depot.id, depot.city, depot.updated_at",
    ]


async def test_what_an_entity_does_not_store_cannot_be_read(busy: Busy) -> None:
    async with busy.backend.database.snapshot(busy.tenant_id) as snapshot:
        with pytest.raises(TypeError, match=r"^Depot has no stored id; DROP TABLE depot, owner\.$"):
            await Depots(snapshot).by_ids([uuid.UUID(int=7)], reads=frozenset({"name", "owner", "id; DROP TABLE depot"}))


async def test_the_same_statement_with_other_values_finds_other_rows(busy: Busy) -> None:
    # Statements are kept by their shape: no value of an earlier one may be left in them.
    column, all_of_them = Transactions.table.c, await busy.all(Transactions)

    async def found(snapshot: Snapshot, power_kw: float, size: int) -> set[uuid.UUID]:
        condition = (column.power_kw >= power_kw) & column.state.in_([t.state for t in all_of_them][:size])
        page = await Transactions(snapshot).page(PageRequest(200, "ENERGY"), condition)
        assert {t.id for t in await Transactions(snapshot).where(condition)} == {t.id for t in page.items}
        return {t.id for t in page.items}

    async with busy.backend.database.snapshot(busy.tenant_id) as snapshot:
        for power_kw in sorted({t.power_kw for t in all_of_them} | {-1.0, 1e9}):
            for size in (1, len(all_of_them)):
                states = {t.state for t in all_of_them[:size]}
                assert await found(snapshot, power_kw, size) == {t.id for t in all_of_them if t.power_kw >= power_kw and t.state in states}
