"""The context of one operation: loads of a level together, from one snapshot, and nothing kept after an event or the end."""

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ampyard.domain.errors import InvalidInputError
from ampyard.domain.vehicles import Vehicle
from ampyard.engine import Load
from ampyard.repositories.database import Session
from ampyard.repositories.vehicles import Vehicles
from ampyard.resolvers.context import Context
from ampyard.resolvers.cursors import CursorCodec
from ampyard.resolvers.ids import NODES, decode_any, decode_id, encode_id, optional_id
from ampyard.resolvers.links import FileLinks
from ampyard.resolvers.loading import by_id_of
from ampyard.services.backend import Backend
from tests.fleet import new_fleet, user


@pytest.fixture
async def context(backend: Backend) -> Context:
    principal = user((await new_fleet(backend)).tenant_id)
    return Context(backend, principal, cursors=CursorCodec(b"k"), links=FileLinks(b"k", "https://ampyard.test"))


class Batches:
    """A batch function that notes what it was asked for, and has the length of each key."""

    def __init__(self) -> None:
        self.asked: list[tuple[Session, list[str], tuple[object, ...]]] = []

    async def __call__(self, session: Session, keys: Sequence[str], *arguments: object) -> Mapping[str, int]:
        self.asked.append((session, list(keys), arguments))
        return {key: len(key) for key in keys if key != "missing"}


async def test_keys_asked_for_together_are_loaded_together_and_once(context: Context) -> None:
    lengths = Batches()

    found = await asyncio.gather(*(context.load(Load(lengths), key) for key in ("a", "bb", "missing", "a")))
    again = await context.load(Load(lengths), "bb")

    assert (found, again) == ([1, 2, None, 1], 2)
    assert lengths.asked == [(context.snapshot, ["a", "bb", "missing"], ())]


async def test_each_set_of_arguments_is_a_batch_of_its_own(context: Context) -> None:
    lengths = Batches()

    await asyncio.gather(
        context.load(Load(lengths, (1,)), "a"), context.load(Load(lengths, (2,)), "b"), context.load(Load(lengths, (1,)), "c")
    )

    assert sorted((keys, arguments) for _, keys, arguments in lengths.asked) == [(["a", "c"], (1,)), (["b"], (2,))]


async def test_after_an_event_everything_is_read_anew(context: Context) -> None:
    vehicle_id = await first_vehicle_id(context)
    before: Vehicle | None = await context.load(by_id_of(Vehicles), vehicle_id)
    async with context.backend.unit_of_work(context.principal) as work:
        await work.change(Vehicles, vehicle_id, name="Renamed")
        await work.commit()

    within: Vehicle | None = await context.load(by_id_of(Vehicles), vehicle_id)
    await context.end_event()
    after: Vehicle | None = await context.load(by_id_of(Vehicles), vehicle_id)
    await context.end_operation()

    assert before is not None
    assert within == before
    assert after == replace(before, name="Renamed")
    assert context.backend.database.in_use == 0


async def first_vehicle_id(context: Context) -> uuid.UUID:
    async with context.backend.database.snapshot(context.principal.tenant_id) as snapshot:
        return (await Vehicles(snapshot).where(order_by=[Vehicles.table.c.id]))[0].id


async def test_it_is_one_moment_throughout_an_event(context: Context) -> None:
    times = iter(datetime(2026, 11, 2, 8, n, tzinfo=UTC) for n in range(60))
    context.backend = replace(context.backend, clock=lambda: next(times))

    first, second = context.now, context.now
    await context.end_event()

    assert first == second
    assert context.now == first + timedelta(minutes=1)


async def test_an_operation_that_loads_nothing_takes_no_connection(context: Context) -> None:
    await context.end_event()
    await context.end_operation()
    assert context.backend.database.in_use == 0


@pytest.mark.parametrize("entity", NODES)
def test_a_global_id_names_type_and_row(entity: type[object]) -> None:
    row_id = uuid.uuid4()
    global_id = encode_id(entity, row_id)

    assert decode_any("id", global_id) == (entity, row_id)
    assert decode_id("id", global_id, entity) == row_id
    assert optional_id("id", None, entity) is None
    other = next(one for one in NODES if one is not entity)
    with pytest.raises(InvalidInputError, match=f"^filter.x: this is the id of a {entity.__name__}, not of a {other.__name__}"):
        decode_id("filter.x", global_id, other)
