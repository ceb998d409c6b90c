"""What is for the gateway alone: the document, entities, and federated traces; over every transport."""

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from ampyard.engine import Gateway, GraphQLApp
from ampyard.engine.tracing import TraceMessage
from tests.engine import toy
from tests.engine.conftest import serving

CREDENTIAL = "correct-horse-battery-staple-gateway"
KNOWN = {"router-authorization": CREDENTIAL}
TRACED = {"apollo-federation-include-trace": "ftv1"}
REFUSAL = {
    "message": "'_service' and '_entities' are for the gateway alone, which sends its credential as 'Router-Authorization'.",
    "extensions": {"code": "FORBIDDEN"},
}
ENTITY = '_entities(representations: [{__typename: "Thing", id: 1}]) { ... on Thing { name } }'
FOR_THE_GATEWAY = [
    "{ _service { sdl } }",
    "{ hello plain: _service { __typename } }",
    f"{{ {ENTITY} }}",
    f"{{ x: {ENTITY} }}",
    f"query Q {{ ... on Query {{ ... {{ {ENTITY} }} }} }}",
    "{ ...A } fragment A on Query { ...B hello } fragment B on Query { ...C } fragment C on Query { s: _service { sdl } }",
    "query Q($no: Boolean = false) { hello _service @include(if: $no) { sdl } }",
]


def app(gateway: Gateway, contexts: toy.Contexts) -> GraphQLApp[toy.Caller]:
    return GraphQLApp(schema=toy.schema, authenticate=toy.authenticate, context=contexts, gateway=gateway)


@pytest.fixture(scope="module")
async def contexts() -> toy.Contexts:
    return toy.Contexts()


@pytest.fixture(scope="module")
async def guarded(contexts: toy.Contexts) -> AsyncIterator[int]:
    """The port of a subgraph whose gateway has a credential."""
    async with serving(app(Gateway(credential=CREDENTIAL), contexts)) as port:
        yield port


async def ask(port: int, document: str, headers: dict[str, str] | None = None, *, method: str = "POST") -> Any:
    async with httpx.AsyncClient(headers={"authorization": "Bearer alice"} | (headers or {})) as http:
        request = {"params" if method == "GET" else "json": {"query": document}}
        return (await http.request(method, f"http://127.0.0.1:{port}/graphql", **request)).json()  # type: ignore[arg-type]  # either of two


async def ask_by_socket(port: int, document: str, headers: dict[str, str] | None = None) -> list[Any]:
    """Return the messages that answer an operation."""
    subprotocols = [Subprotocol("graphql-transport-ws")]
    async with connect(f"ws://127.0.0.1:{port}/graphql", subprotocols=subprotocols, additional_headers=headers) as socket:
        await socket.send(json.dumps({"type": "connection_init", "payload": {"authorization": "Bearer alice"}}))
        assert json.loads(await socket.recv()) == {"type": "connection_ack"}
        await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": {"query": document}}))
        messages = []
        async for message in socket:
            messages.append(json.loads(message))
            if messages[-1]["type"] != "next":
                return messages
    raise AssertionError(messages)


# Who may ask for the document and for entities


@pytest.mark.parametrize("document", FOR_THE_GATEWAY)
@pytest.mark.parametrize("given", [None, "", "wrong", CREDENTIAL[:-1], f"Bearer {CREDENTIAL}", "schlüssel"])
async def test_without_the_credential_nothing_runs(guarded: int, contexts: toy.Contexts, document: str, given: str | None) -> None:
    contexts.clear()
    headers = {} if given is None else {"router-authorization": given.encode()}
    answer = await ask(guarded, document, headers)  # type: ignore[arg-type]  # httpx takes bytes, too
    assert (answer, contexts) == ({"errors": [REFUSAL]}, [])


@pytest.mark.parametrize("document", FOR_THE_GATEWAY)
async def test_with_the_credential_it_is_as_in_any_subgraph(guarded: int, document: str) -> None:
    answer = await ask(guarded, document, KNOWN)
    executed = await toy.schema.execute(document, context_value=toy.Context(toy.Caller("alice")))
    assert (executed.errors, answer) == (None, {"data": executed.data})


@pytest.mark.parametrize("document", ["{ _service { sdl } }", f"{{ x: {ENTITY} }}"])
async def test_every_transport_asks_for_the_credential(guarded: int, contexts: toy.Contexts, document: str) -> None:
    contexts.clear()
    assert await ask(guarded, document, method="GET") == {"errors": [REFUSAL]}
    assert await ask_by_socket(guarded, document) == [{"id": "1", "type": "error", "payload": [REFUSAL]}]
    async with httpx.AsyncClient(headers={"authorization": "Bearer alice", "accept": "text/event-stream"}) as http:
        stream = (await http.post(f"http://127.0.0.1:{guarded}/graphql", json={"query": document})).text
    assert stream == f"event: next\ndata: {json.dumps({'errors': [REFUSAL]}, separators=(',', ':'))}\n\nevent: complete\ndata:\n\n"
    assert contexts == []

    assert set(await ask(guarded, document, KNOWN, method="GET")) == {"data"}
    result, complete = await ask_by_socket(guarded, document, KNOWN)
    assert (set(result["payload"]), complete) == ({"data"}, {"id": "1", "type": "complete"})
    assert len(contexts) == 2


async def test_what_is_for_everyone_needs_no_credential(guarded: int) -> None:
    assert await ask(guarded, '{ hello(name: "_service") } # _entities') == {"data": {"hello": "Hello, _service!"}}
    assert await ask(guarded, "{ hello __typename }") == {"data": {"hello": "Hello, you!", "__typename": "Query"}}


async def test_another_operation_of_the_document_does_no_harm(guarded: int) -> None:
    async with httpx.AsyncClient(headers={"authorization": "Bearer alice"}) as http:
        document = "query Poll { ...S } query Greet { hello } fragment S on Query { _service { sdl } }"
        answers = [
            (await http.post(f"http://127.0.0.1:{guarded}/graphql", json={"query": document, "operationName": name})).json()
            for name in ("Greet", "Poll", "Greet")
        ]
    assert answers == [{"data": {"hello": "Hello, you!"}}, {"errors": [REFUSAL]}, {"data": {"hello": "Hello, you!"}}]


async def test_the_users_credential_is_needed_besides(guarded: int) -> None:
    assert await ask(guarded, "{ hello }", KNOWN | {"authorization": ""}) == {
        "errors": [{"message": "A valid credential is required.", "extensions": {"code": "UNAUTHENTICATED"}}]
    }


@pytest.mark.parametrize("document", FOR_THE_GATEWAY)
async def test_where_no_credential_is_set_whoever_is_signed_in_may_ask(document: str) -> None:
    async with serving(app(Gateway(), toy.Contexts())) as port:
        for headers in ({}, KNOWN):
            assert set(await ask(port, document, headers)) == {"data"}


def test_a_credential_that_everyone_has_is_none() -> None:
    with pytest.raises(ValueError, match="empty"):
        Gateway(credential="")


def test_the_credential_is_not_in_what_is_logged_of_it() -> None:
    assert CREDENTIAL not in repr(Gateway(credential=CREDENTIAL))


# Traces


def trace_in(answer: dict[str, Any]) -> Any:
    trace = TraceMessage()
    trace.ParseFromString(base64.b64decode(answer["extensions"]["ftv1"]))
    return trace


@pytest.mark.parametrize(
    ("gateway", "headers", "is_traced"),
    [
        (Gateway(credential=CREDENTIAL), TRACED | KNOWN, True),
        (Gateway(credential=CREDENTIAL), TRACED, False),
        (Gateway(credential=CREDENTIAL, traces=True), TRACED, False),
        (Gateway(credential=CREDENTIAL), TRACED | {"router-authorization": "wrong"}, False),
        (Gateway(credential=CREDENTIAL), KNOWN, False),
        (Gateway(credential=CREDENTIAL), KNOWN | {"apollo-federation-include-trace": "ftv2"}, False),
        (Gateway(), TRACED | KNOWN, False),
        (Gateway(traces=True), TRACED, True),
        (Gateway(traces=True), {}, False),
    ],
)
async def test_who_is_told_how_long_it_took(gateway: Gateway, headers: dict[str, str], is_traced: bool) -> None:  # noqa: FBT001 - a parameter
    async with serving(app(gateway, toy.Contexts())) as port:
        before = toy.schema.plans.counts["federated tracing"]
        answer = await ask(port, "{ hello }", headers)
        (by_socket, _) = await ask_by_socket(port, "{ hello }", headers)
    assert ("extensions" in answer, "extensions" in by_socket["payload"]) == (is_traced, is_traced)
    assert answer["data"] == {"hello": "Hello, you!"}
    assert toy.schema.plans.counts["federated tracing"] - before == 2 * is_traced


async def test_a_trace_tells_what_ran_when_and_what_failed_as_the_client_sees_it(guarded: int) -> None:
    document = f"{{ greeting: hello slowAndFailing {{ slow }} {ENTITY} refused broken }}"
    answer = await ask(guarded, document, KNOWN | TRACED)
    trace = trace_in(answer)

    def shown(node: Any) -> dict[str, Any]:
        assert node.start_time <= node.end_time <= trace.duration_ns
        return {
            "id": node.response_name if node.WhichOneof("id") == "response_name" else node.index,
            **({"field": node.original_field_name} if node.original_field_name else {}),
            **({"type": f"{node.parent_type}: {node.type}"} if node.type else {}),
            **({"errors": [json.loads(error.json) for error in node.error]} if node.error else {}),
            **({"below": [shown(child) for child in node.child]} if node.child else {}),
        }

    errors = {error["path"][0]: error for error in answer["errors"]}
    assert [shown(node) for node in trace.root.child] == [
        {"id": "greeting", "field": "hello", "type": "Query: String!"},
        {"id": "slowAndFailing", "type": "Query: Pair!", "below": [{"id": "slow", "type": "Pair: String!"}]},
        {
            "id": "_entities",
            "type": "Query: [_Entity]!",
            "below": [{"id": 0, "below": [{"id": "name", "type": "Thing: String!"}]}],
        },
        {"id": "refused", "type": "Query: String", "errors": [errors["refused"]]},
        {"id": "broken", "type": "Query: String", "errors": [errors["broken"]]},
    ]
    assert [(error.message, [(at.line, at.column) for at in error.location]) for error in trace.root.child[4].error] == [
        ("Internal error", [(1, document.index("broken") + 1)])
    ]
    slow = trace.root.child[1].child[0]
    assert slow.end_time - slow.start_time >= 50_000_000
    assert toy.SECRET.encode() not in trace.SerializeToString()
    ended, began = (at.seconds * 10**9 + at.nanos for at in (trace.end_time, trace.start_time))
    assert ended - began == trace.duration_ns


async def test_an_error_that_leaves_no_data_is_told_in_its_place(guarded: int) -> None:
    answer = await ask(guarded, "{ thing { broken } }", KNOWN | TRACED)
    assert answer["data"] is None
    assert [error["path"] for error in answer["errors"]] == [["thing", "broken"]]
    (thing,) = trace_in(answer).root.child
    assert [error.message for error in thing.child[0].error] == ["Internal error"]


async def test_what_is_not_executed_has_no_trace(guarded: int) -> None:
    assert set(await ask(guarded, "{ helo }", KNOWN | TRACED)) == {"errors"}
    assert set(await ask(guarded, "query ($x: Int!) { thing(id: $x) { id } }", KNOWN | TRACED)) == {"errors"}
    *events, _ = await ask_by_socket(guarded, "subscription { countUp(to: 1) { id } }", KNOWN | TRACED)
    assert [set(event["payload"]) for event in events] == [{"data"}]
