"""A schema with a bit of everything, whose values fail, are null, are late or are of the wrong type, as a seed says."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum
from typing import Annotated, Any, NewType

import strawberry
from strawberry.schema.config import StrawberryConfig

from ampyard.engine import Load, Schema, computed, edge

Picky = NewType("Picky", str)


def _picky(value: Any) -> Any:
    if value == "raise":
        raise ValueError("Too picky.")
    return None if value == "none" else f"picky {value}"


@strawberry.enum
class Color(Enum):
    RED = "red"
    GREEN = "green"


class Later:
    """An awaitable that is no coroutine, and minds not being awaited."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        return "later"

    def __await__(self) -> Generator[Any, None, Any]:
        yield from asyncio.sleep(0).__await__()
        if isinstance(self.value, RuntimeError):
            raise self.value
        return self.value


class Stranger:
    """What no type expects; it looks the same in every run."""

    def __repr__(self) -> str:
        return "a stranger"


class Zoo:
    """One operation's context: a world that is the same for the same seed, and the loads over it."""

    def __init__(self, seed: int, trouble: float = 0.25) -> None:
        self._seed = seed
        self._trouble = trouble
        self.batches: list[tuple[str, list[Any]]] = []

    def fate(self, what: str, value: Any, *, lazily: bool = True) -> Any:
        """Return a value, or what becomes of it."""
        draw = random.Random(f"{self._seed} {what}")
        if draw.random() >= self._trouble:
            return value
        outcomes: list[Any] = [
            None,
            RuntimeError(f"no {what}"),
            Stranger(),
            "text",
            7,
            -1.5,
            float("nan"),
            2**40,
            [],
            ["a", None],
            Color.RED,
        ]
        if lazily:
            outcomes += [Later(value), Later(RuntimeError(f"no {what}, later")), Later(None)]
        return draw.choice(outcomes)

    def must(self, what: str, value: Any) -> Any:
        """Return `fate`'s answer; raise it where it is an error."""
        found = self.fate(what, value)
        if isinstance(found, RuntimeError):
            raise found
        return found

    async def load_many(self, load: Load, keys: Sequence[Any], _reads: frozenset[str] | None) -> Mapping[Any, Any]:
        name = f"{getattr(load.batch, '__name__', '')} {load.arguments}"
        self.batches.append((name, list(keys)))
        await asyncio.sleep(0)
        if self.fate(name, "fine", lazily=False) is None:
            raise RuntimeError(f"no {name}")
        return await load.batch(self, keys, *load.arguments)

    async def load(self, load: Load, key: Any) -> Any:
        found = (await self.load_many(load, [key], None)).get(key)
        if isinstance(found, Exception):
            raise found
        return found


# Resolvers return anything, as fate will.
Info = strawberry.Info[Zoo, None]


def plan_people(info: Info) -> Load:
    return Load(people)


def plan_mentor(info: Info) -> Load:
    return Load(people, show=lambda parent, found: found or parent)


def plan_strangers(info: Info) -> Load:
    return Load(teams, (3,), key=4)


@strawberry.interface
class Being:
    id: strawberry.ID
    name: str
    age: int | None

    @strawberry.field
    def shout(self, info: Info, times: int = 1) -> str | None:
        return info.context.must(f"shout {self.id} {times} {info.path.key}", str(self.name) * min(times, 3))  # type: ignore[no-any-return]


@strawberry.type
class Cat(Being):
    lives: int
    mood: Color | None

    @strawberry.field
    def friends(self, info: Info) -> list[Being]:
        return info.context.must(f"friends {self.id}", [animal(info.context, n) for n in (1, 2, 3)])  # type: ignore[no-any-return]


@strawberry.type
class Dog(Being):
    weight: float
    owner: Annotated["Person", strawberry.lazy("tests.engine.plans.zoo")] | None = edge(
        plan_people, key="owner_id", description="Its owner."
    )
    owner_id: strawberry.Private[Any] = None


Pet = Annotated[Cat | Dog, strawberry.union("Pet")]


async def people(zoo: Zoo, keys: Sequence[Any]) -> Mapping[Any, Any]:
    """People by number."""
    return _each(keys, lambda key: zoo.fate(f"person {key}", None if key == 9 else person(zoo, key)))


async def teams(zoo: Zoo, keys: Sequence[Any], size: int, *, reads: frozenset[str] | None = None) -> Mapping[Any, Any]:
    """The people below each person."""
    return _each(keys, lambda key: zoo.fate(f"team {key} {size}", [person(zoo, (key + n) % 8) for n in range(size)]))


def _each(keys: Sequence[Any], find: Callable[[Any], Any]) -> Mapping[Any, Any]:
    """Find each key's value; what is wrong with one key is no other's error, as it is not where each is loaded alone."""
    found = {}
    for key in keys:
        try:
            found[key] = find(key)
        except Exception as error:  # noqa: BLE001 - it is the key's value
            found[key] = error
    return found


def plan_team(info: Info, size: int = 2, strict: bool = False) -> Load:  # noqa: FBT001, FBT002  # GraphQL's arguments
    if size < 0 or (strict and size > 2):
        raise ValueError(f"No team of {size}.")
    return Load(teams, (min(size, 5),))


def _title(root: "Person", info: Info) -> Any:
    return info.context.must(f"title {root.id}", f"Dr {root.id}")


@strawberry.type
class Person:
    id: strawberry.ID
    name: str | None
    email: str
    born: datetime | None
    favourite: Color
    height: float | None
    happy: bool
    picky: Picky | None
    very_picky: Picky
    matrix: list[list[int | None]] | None
    tags: list[str]
    pets: list[Pet | None]
    pet: Pet | None
    number: strawberry.Private[Any] = 0
    title: str | None = computed(_title, description="How to address them.")
    boss: Annotated["Person", strawberry.lazy("tests.engine.plans.zoo")] | None = edge(plan_people, key="number")
    mentor: Annotated["Person", strawberry.lazy("tests.engine.plans.zoo")] = edge(plan_mentor, key=lambda root: root.number + 1)
    team: list[Annotated["Person", strawberry.lazy("tests.engine.plans.zoo")] | None] = edge(plan_team, key="number")
    strict_team: list[Annotated["Person", strawberry.lazy("tests.engine.plans.zoo")]] = edge(plan_team, key="number")

    @strawberry.field
    def initials(self) -> str:
        return str(self.name)[0]

    @strawberry.field
    async def slow(self, info: Info, word: str | None = None) -> str | None:
        await asyncio.sleep(0)
        return info.context.must(f"slow {self.id} {word}", f"slow {word}")  # type: ignore[no-any-return]

    @strawberry.field
    async def best_friend(self, info: Info) -> "Person":
        await asyncio.sleep(0)
        return info.context.must(f"friend {self.id}", person(info.context, (self.number + 3) % 8))  # type: ignore[no-any-return]

    @strawberry.field
    async def steps(self, info: Info) -> list[str | None]:
        return info.context.must(f"steps {self.id}", stream(["one", None, "two"]))  # type: ignore[no-any-return]


async def stream(items: list[Any]) -> AsyncIterator[Any]:
    for item in items:
        await asyncio.sleep(0)
        yield item


def person(zoo: Zoo, number: Any) -> Person:
    def value(name: str, of: Any) -> Any:
        return zoo.fate(f"person {number} {name}", of)

    return Person(
        id=value("id", strawberry.ID(f"p{number}")),
        name=value("name", f"Person {number}"),
        email=value("email", f"{number}@zoo"),
        born=value("born", datetime(2000, 1, 1, tzinfo=UTC)),
        favourite=value("favourite", Color.GREEN),
        height=value("height", 1.8),
        happy=value("happy", True),
        picky=value("picky", ["fine", "raise", "none"][hash(number) % 3]),
        very_picky=value("very picky", "fine"),
        matrix=value("matrix", [[1, None], [], [value("cell", 3)]]),
        tags=value("tags", ["a", value("tag", "b")]),
        pets=value("pets", [animal(zoo, 1), None, value("a pet", animal(zoo, 2))]),
        pet=value("pet", animal(zoo, number)),
        number=number,
    )


def animal(zoo: Zoo, number: int) -> Cat | Dog:
    def value(name: str, of: Any) -> Any:
        return zoo.fate(f"animal {number} {name}", of)

    common: dict[str, Any] = {
        "id": value("id", strawberry.ID(f"a{number}")),
        "name": value("name", f"Animal {number}"),
        "age": value("age", number),
    }
    if number % 2:
        return Cat(**common, lives=value("lives", 9), mood=value("mood", Color.RED))
    return Dog(**common, weight=value("weight", 4.5), owner_id=value("owner", number) if number else None)


@strawberry.type
class Query:
    @strawberry.field
    def person(self, info: Info, number: int = 1) -> Person | None:
        return info.context.must(f"root person {number}", person(info.context, number % 8))  # type: ignore[no-any-return]

    @strawberry.field
    async def people(self, info: Info, first: int = 3) -> list[Person]:
        await asyncio.sleep(0)
        return [info.context.fate(f"root {n}", person(info.context, n)) for n in range(min(abs(first), 6))]

    @strawberry.field
    def beings(self, info: Info) -> list[Being | None] | None:
        return info.context.must("beings", [info.context.fate(f"being {n}", animal(info.context, n)) for n in range(4)])  # type: ignore[no-any-return]

    @strawberry.field
    def pets(self, info: Info, colors: list[Color] | None = None) -> list[Pet]:
        return [animal(info.context, n) for n in range(len(colors or ()) + 1)]

    strangers: list[Person | None] = edge(plan_strangers)


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def add(self, info: Info, word: str) -> Person:
        written: list[str] = info.context.__dict__.setdefault("written", [])
        await asyncio.sleep(0.002 if word == "slow" else 0)
        written.append(word)
        if word == "fail":
            raise RuntimeError(word)
        return person(info.context, len(written))

    @strawberry.mutation
    def words(self, info: Info) -> list[str] | None:
        return list(info.context.__dict__.setdefault("written", []))


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def ticks(self, info: Info, count: int = 2) -> AsyncIterator[Person]:
        for number in range(count):
            yield person(info.context, number)


schema = Schema(
    Query,
    Mutation,
    Subscription,
    types=[Cat, Dog],
    config=StrawberryConfig(
        scalar_map={Picky: strawberry.scalar(name="Picky", serialize=_picky, parse_value=str)},
    ),
)

__all__ = ["Awaitable", "Callable", "Zoo", "schema"]
