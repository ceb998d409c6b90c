"""Federated tracing, "ftv1": how long each resolver of an operation took, for the router that asked.

The trace is the message `Trace` of Apollo's usage reporting (`reports.proto`), of which inline traces use the few fields below.
"""

import time
from base64 import b64encode
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

import orjson
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from graphql import GraphQLError, GraphQLResolveInfo

_NS = 1_000_000_000
_SCALARS = {
    "int32": FieldDescriptorProto.TYPE_INT32,
    "int64": FieldDescriptorProto.TYPE_INT64,
    "string": FieldDescriptorProto.TYPE_STRING,
    "uint32": FieldDescriptorProto.TYPE_UINT32,
    "uint64": FieldDescriptorProto.TYPE_UINT64,
}

# By message: name, type and number of each field; `*` repeated, `?` one of those that tell what a node is.
_MESSAGES = {
    "Timestamp": (("seconds", "int64", 1), ("nanos", "int32", 2)),
    "Location": (("line", "uint32", 1), ("column", "uint32", 2)),
    "Error": (("message", "string", 1), ("location", "*Location", 2), ("json", "string", 4)),
    "Node": (
        ("response_name", "?string", 1),
        ("index", "?uint32", 2),
        ("type", "string", 3),
        ("start_time", "uint64", 8),
        ("end_time", "uint64", 9),
        ("error", "*Error", 11),
        ("child", "*Node", 12),
        ("parent_type", "string", 13),
        ("original_field_name", "string", 14),
    ),
    "Trace": (("end_time", "Timestamp", 3), ("start_time", "Timestamp", 4), ("duration_ns", "uint64", 11), ("root", "Node", 14)),
}


@dataclass(slots=True)
class _Call:
    """One call of a resolver; times in ns since the trace began."""

    info: GraphQLResolveInfo[Any]
    began: int
    ended: int = 0


class Trace:
    """What happened, and when, while one operation ran; a middleware of its execution."""

    def __init__(self) -> None:
        self._began_at = time.time_ns()
        self._began = time.perf_counter_ns()
        self._calls: list[_Call] = []

    def resolve(self, next_: Callable[..., Any], root: object, info: GraphQLResolveInfo[Any], /, **arguments: object) -> Any:
        """Call a resolver, and note when it began and ended."""
        call = _Call(info, self._elapsed())
        self._calls.append(call)
        try:
            result = next_(root, info, **arguments)
        finally:
            call.ended = self._elapsed()
        return self._awaited(call, result) if info.is_awaitable(result) else result

    async def _awaited(self, call: _Call, result: Awaitable[Any]) -> Any:
        try:
            return await result
        finally:
            call.ended = self._elapsed()

    def _elapsed(self) -> int:
        return time.perf_counter_ns() - self._began

    def encoded(self, errors: Iterable[GraphQLError]) -> str:
        """Return the trace as the response's `extensions.ftv1`, with errors as the response has them."""
        duration_ns = self._elapsed()
        trace: Any = TraceMessage(duration_ns=duration_ns)
        trace.start_time.seconds, trace.start_time.nanos = divmod(self._began_at, _NS)
        trace.end_time.seconds, trace.end_time.nanos = divmod(self._began_at + duration_ns, _NS)
        nodes: dict[tuple[str | int, ...], Any] = {(): trace.root}
        trace.root.SetInParent()
        for call in self._calls:
            node = _node(nodes, tuple(call.info.path.as_list()))
            node.type, node.parent_type = str(call.info.return_type), call.info.parent_type.name
            node.start_time, node.end_time = call.began, call.ended
            if call.info.path.key != call.info.field_name:
                node.original_field_name = call.info.field_name
        for error in errors:
            noted = _node(nodes, tuple(error.path or ())).error.add(message=error.message, json=orjson.dumps(error.formatted).decode())
            for location in error.locations or ():
                noted.location.add(line=location.line, column=location.column)
        return b64encode(trace.SerializeToString()).decode()


def _node(nodes: dict[tuple[str | int, ...], Any], path: tuple[str | int, ...]) -> Any:
    """Return the node at a path, made with those above it where there is none; items of lists have nodes, but no resolvers."""
    node = nodes.get(path)
    if node is None:
        key = path[-1]
        identity = {"index": key} if isinstance(key, int) else {"response_name": key}
        node = nodes[path] = _node(nodes, path[:-1]).child.add(**identity)
    return node


def _trace_message() -> type[Message]:
    file = FileDescriptorProto(name="ftv1.proto", package="ftv1", syntax="proto3")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field in fields:
            _add_field(message, *field)
    pool = DescriptorPool()
    pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName("ftv1.Trace"))


def _add_field(message: DescriptorProto, name: str, type_: str, number: int) -> None:
    bare = type_.lstrip("*?")
    field = message.field.add(name=name, number=number)
    field.label = FieldDescriptorProto.LABEL_REPEATED if type_.startswith("*") else FieldDescriptorProto.LABEL_OPTIONAL
    field.type = _SCALARS.get(bare, FieldDescriptorProto.TYPE_MESSAGE)
    if bare not in _SCALARS:
        field.type_name = f".ftv1.{bare}"
    if type_.startswith("?"):
        if not message.oneof_decl:
            message.oneof_decl.add(name="id")
        field.oneof_index = 0


TraceMessage = _trace_message()
