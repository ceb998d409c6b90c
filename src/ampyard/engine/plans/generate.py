"""Writes a plan's Python.

A *step* completes the values of one edge, for all parents of a level, or the operation's roots. Inside a step everything is one straight
line: attributes are read, checked and put into the response's dictionaries in nested loops. Names in generated code:

- `e`, an entry: `(parent, its response object, the entry of the step above, list indices…)`, from which the path comes when it is needed;
- `P3(e)`, the path of a step's value; `Q7`, a `Position`; `F7`, a `Selected`;
- `r5`, a list under construction, so `len(r5)` is the index of the item in hand;
- `a9(…)`, which adds an entry to the frontier of edge 9.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from keyword import iskeyword
from types import CoroutineType
from typing import TYPE_CHECKING, Any, cast

from graphql import (
    GraphQLLeafType,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
    Undefined,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
)

from ampyard.engine.batching import InstanceCheck
from ampyard.engine.plans.branches import Branches
from ampyard.engine.plans.fields import Attribute, Batched, Call, Position, Resolved, Selected, Selection
from ampyard.engine.plans.leaves import UNCHANGED, Leaf, enum_names, serializer

if TYPE_CHECKING:
    from ampyard.engine.plans.plan import Plan
    from ampyard.engine.plans.run import Run

GENERATED = "<plan "  # how the file names of generated code begin

# Python refuses more than 20 blocks within each other; what is deeper becomes a function.
_MAX_BLOCKS = 10


@dataclass(frozen=True, slots=True)
class _Path:
    """Where a value is, as code: the path of the step's value, then keys and indices. An index is code, a key a quoted literal."""

    head: str
    parts: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"[{', '.join([*([f'*{self.head}'] if self.head else []), *self.parts])}]"

    def key(self, key: str) -> "_Path":
        return replace(self, parts=(*self.parts, repr(key)))

    def index(self, code: str) -> "_Path":
        return replace(self, parts=(*self.parts, code))

    @property
    def indices(self) -> tuple[str, ...]:
        return tuple(part for part in self.parts if not part.startswith(("'", '"')))

    def with_indices(self, names: Sequence[str]) -> "_Path":
        """The same place, with its indices under other names."""
        given = iter(names)
        return replace(self, parts=tuple(part if part.startswith(("'", '"')) else next(given) for part in self.parts))


@dataclass(slots=True)
class Deferred:
    """An edge, deferred from one place; `step` completes its values, once it is made."""

    position: Position
    path: Callable[[Any], list[str | int]]
    step: Callable[..., None] | None = None


@dataclass(slots=True)
class _Function:
    """A function being written."""

    name: str
    parameters: str
    lines: list[str] = field(default_factory=list)
    indent: int = 1
    blocks: int = 0
    frontiers: set[int] = field(default_factory=set)

    def __call__(self, line: str) -> None:
        self.lines.append(f"{'    ' * self.indent}{line}")

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """Write what follows below a head such as `for x in y:`."""
        self(head)
        self.indent += 1
        self.blocks += 1
        yield
        self.indent -= 1
        self.blocks -= 1

    def source(self) -> str:
        opening = [f"def {self.name}({self.parameters}):", "    failed = run.failed"]
        opening += [f"    a{number} = run.frontier({number})" for number in sorted(self.frontiers)]
        return "\n".join([*opening, *self.lines, ""])


class Generator:
    """Writes and compiles the functions of one plan. All of them share one namespace, so that later ones find what earlier ones defined."""

    def __init__(self, plan: "Plan") -> None:
        self._plan = plan
        self._names: dict[str, Any] = {"CoroutineType": CoroutineType}

    def root(self, type_: GraphQLObjectType, selection: Selection) -> Callable[["Run"], None]:
        """Return what resolves these fields of the operation's root and puts them into its data."""
        w = _Function(f"root_{self._plan.number()}", "run")
        w("v, d, e = run.root_value, run.data, ()")
        with w.block("try:"):
            literals, deferred = self._fields(w, type_, selection, "v", None, _Path(""))
            w(f"d.update({{{literals}}})")
            self._defer(w, deferred, "v", "d", _Path(""))
        with w.block("except Exception as x:"):
            w("run.failed_root(x)")
        return self._compiled(w)

    def step(self, position: Position, path: Callable[[Any], list[str | int]], *, late: bool = False) -> Callable[..., None]:
        """Return `step(run, entries, values)`, which completes values at a position and puts them in place.

        `path` gives an entry's path. A late entry stands for itself: `(None, container, path)`.
        """
        number = self._plan.number()
        self._names[f"P{number}"] = path
        w = _Function(f"step_{number}", "run, entries, values")
        here = _Path(f"P{number}(e)")
        target = "e[1][e[2][-1]]" if late else f"e[1][{position.field.key!r}]"
        q = self._name("Q", position)
        shared = not late and self._may_share(position)
        if shared:
            w("done, errors, late, before = {}, run.errors, run.late, len(run.errors) + len(run.late)")
        with w.block("for e, v in zip(entries, values):"):
            if shared:
                w("r = done.get(id(v))")
                with w.block("if r is not None:"):
                    w(f"{target} = r")
                    w("continue")
            with w.block("try:"):
                result = self._complete(w, position, "v", here, awaited=True)
                w(f"{target} = {result}")
                if shared:
                    with w.block(f"if {result} is not None and len(errors) + len(late) == before:"):
                        w(f"done[id(v)] = {result}")
            with w.block("except Exception as x:"):
                w(f"{target} = run.failed_here(x, {q}, {here})")
        return self._compiled(w)

    def _may_share(self, position: Position) -> bool:
        # The same entity behind many parents is one dictionary in the response, where nothing below depends on the place.
        return isinstance(position.type, GraphQLObjectType) and self._is_plain(position.field, position.type)

    def _is_plain(self, field: Selected, type_: GraphQLOutputType) -> bool:
        if not isinstance(type_, GraphQLObjectType):
            return is_leaf_type(type_)
        for child in self._plan.below(field, type_).values():
            if child.name == "__typename":
                continue
            if not isinstance(child.source, Attribute) and not (isinstance(child.source, Call) and child.source.declared):
                return False
            if not self._is_plain(child, Position.of(child, child.definition.type, None).type):
                return False
        return True

    def _complete(self, w: _Function, position: Position, v: str, path: _Path, *, awaited: bool = False) -> str:
        """Write what completes a value (GraphQL specification, 6.4.3); return the variable or constant that then holds the result."""
        type_ = position.type
        if is_leaf_type(type_):
            return self._leaf(w, position, type_, v, awaited=awaited)
        r = f"r{self._plan.number()}"
        if position.nonnull:
            self._complete_composite(w, position, v, r, path, ", awaited=True" if awaited else "")
        else:
            with w.block(f"if {v} is None:"):
                w(f"{r} = None")
            with w.block("else:"):
                self._complete_composite(w, position, v, r, path, ", awaited=True" if awaited else "")
        return r

    def _complete_composite(self, w: _Function, position: Position, v: str, r: str, path: _Path, awaited: str) -> None:
        type_ = position.type
        if is_list_type(type_):
            self._list(w, position, v, r, path, awaited)
        elif is_abstract_type(type_):
            self._abstract(w, position, v, r, path, awaited)
        else:
            self._object(w, position, cast("GraphQLObjectType", type_), v, r, path, awaited)

    def _leaf(self, w: _Function, position: Position, type_: GraphQLLeafType, v: str, *, awaited: bool) -> str:
        leaf = Leaf(position, type_, awaited, set())
        slow = self._name("L", leaf)
        null = "" if position.nonnull else f"{v} is not None and "
        unchanged = UNCHANGED.get(type_) if isinstance(type_, GraphQLScalarType) else None
        if unchanged is not None:
            with w.block(f"if {null}not ({unchanged.format(v=v)}):"):
                w(f"{v} = {slow}({v})")
            return v
        names = enum_names(type_)
        if names is not None:
            class_, by_member = self._name("C", names[0]), self._name("N", names[1])
            fast, then = f"{v}.__class__ is {class_}", f"{by_member}[{v}]"
        else:
            known = self._name("K", leaf.plain)
            fast, then = f"{v}.__class__ in {known}", f"{self._name('S', serializer(type_))}({v})"
        r = f"r{self._plan.number()}"
        if not position.nonnull:
            with w.block(f"if {v} is None:"):
                w(f"{r} = None")
        with w.block(f"{'if' if position.nonnull else 'elif'} {fast}:"):
            w(f"{r} = {then}")
            if names is None:
                with w.block(f"if {r} is None or {r} is {self._name('U', Undefined)}:"):
                    w(f"{r} = {self._name('M', leaf.serialised)}({v})")
        with w.block("else:"):
            w(f"{r} = {slow}({v})")
        return r

    def _list(self, w: _Function, position: Position, v: str, r: str, path: _Path, awaited: str) -> None:
        items = Position.of(position.field, cast("Any", position.type).of_type, position)
        n = self._plan.number()
        with w.block(f"if {v}.__class__ is not list and {v}.__class__ is not tuple:"):
            w(f"{v} = run.as_list({v}, {self._name('Q', position)}{awaited})")
        w(f"{r} = []")
        w(f"p{n} = {r}.append")
        here = path.index(f"len({r})")
        with w.block(f"for v{n} in {v}:"):
            with w.block("try:"):
                w(f"i{n} = {self._complete(w, items, f'v{n}', here)}")
            with w.block("except Exception as x:"):
                w(f"i{n} = failed(x, {self._name('Q', items)}, {here})")
            w(f"p{n}(i{n})")

    def _abstract(self, w: _Function, position: Position, v: str, r: str, path: _Path, awaited: str) -> None:
        number = self._plan.number()

        def make(type_: GraphQLObjectType) -> Callable[..., Any]:
            indices = [f"j{at}" for at in range(len(path.indices))]
            branch = _Function(f"branch_{number}_{type_.name}", ", ".join(["run", "v", "e", *indices]))
            branch(f"return {self._block(branch, position, type_, 'v', path.with_indices(indices))}")
            return self._compiled(branch)

        branches = self._plan.branches[number] = Branches(self._plan.core, position, make)
        known = self._name("B", branches.by_class)
        w(f"b{number} = {known}.get({v}.__class__)")
        with w.block(f"if b{number} is None:"):
            w(f"b{number} = run.branch({number}, {v}, {path}{awaited})")
        w(f"{r} = b{number}({', '.join(['run', v, 'e', *path.indices])})")

    def _object(self, w: _Function, position: Position, type_: GraphQLObjectType, v: str, r: str, path: _Path, awaited: str) -> None:
        q = self._name("Q", position)
        if isinstance(type_.is_type_of, InstanceCheck):
            with w.block(f"if {v}.__class__ is not {self._name('C', type_.is_type_of.entity)}:"):
                w(f"{v} = run.as_object({v}, {q}, {path}, None{awaited})")
        else:
            known: set[type[Any]] = set()
            k = self._name("K", known)
            with w.block(f"if {v}.__class__ not in {k}:"):
                w(f"{v} = run.as_object({v}, {q}, {path}, {k}{awaited})")
        if w.blocks < _MAX_BLOCKS:
            w(f"{r} = {self._block(w, position, type_, v, path)}")
            return
        indices = [f"j{at}" for at in range(len(path.indices))]
        inner = _Function(f"object_{self._plan.number()}", ", ".join(["run", "v", "e", *indices]))
        inner(f"return {self._block(inner, position, type_, 'v', path.with_indices(indices))}")
        self._compiled(inner)
        w(f"{r} = {inner.name}({', '.join(['run', v, 'e', *path.indices])})")

    def _block(self, w: _Function, position: Position, type_: GraphQLObjectType, v: str, path: _Path) -> str:
        """Write the fields of an object; return the variable that holds its response object."""
        literals, deferred = self._fields(w, type_, self._plan.below(position.field, type_), v, position, path)
        d = f"d{self._plan.number()}"
        w(f"{d} = {{{literals}}}")
        self._defer(w, deferred, v, d, path)
        return d

    def _fields(
        self, w: _Function, type_: GraphQLObjectType, selection: Selection, v: str, parent: Position | None, path: _Path
    ) -> tuple[str, list[int]]:
        entries: list[str] = []
        deferred: list[int] = []
        for key, selected in selection.items():
            position = Position.of(selected, selected.definition.type, parent)
            if selected.name == "__typename":
                value = repr(type_.name)
            elif isinstance(selected.source, Batched):
                value = "None"
                deferred.append(self._edge(position, path.key(key)))
            else:
                value = self._field(w, selected, position, v, path.key(key))
            entries.append(f"{key!r}: {value}")
        return ", ".join(entries), deferred

    def _field(self, w: _Function, selected: Selected, position: Position, v: str, path: _Path) -> str:
        y = f"y{self._plan.number()}"
        x = f"x{self._plan.number()}"
        with w.block("try:"):
            match selected.source:
                case Attribute(name):
                    w(f"{x} = {v}.{name}" if name.isidentifier() and not iskeyword(name) else f"{x} = getattr({v}, {name!r})")
                    w(f"{y} = {self._complete(w, position, x, path)}")
                case Call() as call:
                    w(f"{x} = {self._called(call, selected, v)}")
                    w(f"{y} = {self._complete(w, position, x, path)}")
                case Resolved(resolver):
                    f = self._name("F", selected)
                    arguments = f", **run.arguments({f})" if selected.definition.args else ""
                    w(f"{x} = {self._name('R', resolver)}({v}, run.info({f}, {path}){arguments})")
                    with w.block(f"if {x}.__class__ is CoroutineType:"):
                        w(f"run.late.append(({x}, {self._name('Q', position)}, {path}))")
                        w(f"{y} = None")
                    with w.block("else:"):
                        w(f"{y} = {self._complete(w, position, x, path)}")
        with w.block("except Exception as x:"):
            w(f"{y} = failed(x, {self._name('Q', position)}, {path})")
        return y

    def _called(self, call: Call, selected: Selected, v: str) -> str:
        given = [v if call.root is None else f"{call.root}={v}"]
        if call.info is not None:
            given.append(f"{call.info}=run.shared_info({self._name('F', selected)})")
        return f"{self._name('R', call.function)}({', '.join(given)})"

    def _edge(self, position: Position, path: _Path) -> int:
        """Note an edge that is deferred from here; return its number. The same field deferred from elsewhere has another.

        Its step is made when something is first deferred to it: fragments within fragments have more places than data will ever reach.
        """
        # The entry's own indices are what the path's are called in its step.
        above = self._names.get(path.head.partition("(")[0], lambda _: [])
        indices = [f"x[{at}]" for at in range(3, 3 + len(path.indices))]
        head = "P(x[2])" if path.head else ""
        path_of = eval(f"lambda x: {_Path(head, path.with_indices(indices).parts)}", {"P": above})  # noqa: S307 - our own code
        number = self._plan.number()
        self._plan.edges[number] = Deferred(position, path_of)
        return number

    def _defer(self, w: _Function, deferred: list[int], v: str, d: str, path: _Path) -> None:
        for number in deferred:
            w.frontiers.add(number)
            w(f"a{number}(({', '.join([v, d, 'e', *path.indices])},))")

    def _name(self, letter: str, value: object) -> str:
        name = f"{letter}{self._plan.number()}"
        self._names[name] = value
        return name

    def _compiled(self, w: _Function) -> Callable[..., Any]:
        source = w.source()
        self._plan.grow(len(source))
        code = compile(source, f"{GENERATED}{w.name}>", "exec")
        exec(code, self._names)  # noqa: S102 - our own code; what clients write reaches it only as quoted keys
        return cast("Callable[..., Any]", self._names[w.name])
