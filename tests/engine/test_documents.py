"""The document store, and the ways to name a document instead of sending it."""

import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
from graphql import OperationType
from strawberry.types.execution import PreExecutionError
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from ampyard.engine import Gateway, GraphQLApp, Limits, PersistedDocuments, TrustedDocuments
from ampyard.engine.documents import DocumentStore
from ampyard.engine.operation import Operation
from ampyard.engine.wire import Parameters
from tests.engine import toy
from tests.engine.conftest import serving

HELLO = "query Hello($name: String) { hello(name: $name) }"
NUMBER = "{ contextNumber }"
RENAME = 'mutation { rename(name: "x") }'
COUNT = "subscription { countUp(to: 1) { id } }"


def hashed(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def apq(hash_: str) -> dict[str, object]:
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": hash_}}}


def store(**bounds: int) -> DocumentStore:
    return DocumentStore(toy.schema._schema, Limits(max_tokens=500), **bounds)


def operation(documents: DocumentStore, text: str, name: str | None = None, *, developer: bool = True) -> Operation:
    found = documents.get(text).operation(name, developer=developer)
    assert isinstance(found, Operation), found
    return found


def refusal(documents: DocumentStore, text: str, name: str | None = None, *, developer: bool = True) -> tuple[str, Any]:
    found = documents.get(text).operation(name, developer=developer)
    assert isinstance(found, PreExecutionError), found
    [error] = found.errors or []
    return error.message, (error.extensions or {})["code"]


# The store


def test_same_text_gives_the_same_operation_for_everybody() -> None:
    documents, text = store(), "query A { hello } query B { contextNumber }"
    a, b = operation(documents, text, "A"), operation(documents, text, "B")
    assert (a.name, b.name, a.type) == ("A", "B", OperationType.QUERY)
    assert operation(documents, text, "A", developer=False) is a
    assert operation(documents, text[:5] + text[5:], "B") is b
    assert operation(documents, HELLO) is operation(documents, HELLO, "Hello")
    assert (documents.counts.hits, documents.counts.misses, documents.counts.documents) == (4, 2, 2)
    assert documents.counts.characters == len(text) + len(HELLO)


def test_operation_must_be_named_where_there_are_several() -> None:
    documents = store()
    several = "query A { hello } query B { hello }"
    assert refusal(documents, several) == ("The document needs an operation name.", "OPERATION_RESOLUTION_FAILURE")
    assert refusal(documents, several, "C") == ("Unknown operation named 'C'.", "OPERATION_RESOLUTION_FAILURE")
    assert refusal(documents, "{ hello }", "A") == ("Unknown operation named 'A'.", "OPERATION_RESOLUTION_FAILURE")
    assert operation(documents, "{ hello }", "") is operation(documents, "{ hello }")


def test_refusal_is_remembered_as_well() -> None:
    documents = store()
    first = documents.get("{ helo }").operation(None, developer=True)
    assert documents.get("{ helo }").operation(None, developer=True) is first
    assert (documents.counts.hits, documents.counts.misses) == (1, 1)
    assert documents.valid_text(hashed("{ helo }")) is None


def test_documents_unused_for_longest_are_forgotten_first() -> None:
    documents = store(max_documents=2)
    kept, forgotten = operation(documents, "{ a: hello }"), operation(documents, "{ b: hello }")
    assert operation(documents, "{ a: hello }") is kept
    operation(documents, "{ c: hello }")
    assert documents.counts.documents == 2
    assert operation(documents, "{ a: hello }") is kept
    assert operation(documents, "{ b: hello }") is not forgotten


def test_texts_held_have_no_more_characters_than_allowed() -> None:
    documents = store(max_characters=100)
    for number in range(20):
        documents.get(f"{{ a{number:02}: hello }}".ljust(30))
    assert (documents.counts.documents, documents.counts.characters) == (3, 90)
    too_long = "{ hello }".ljust(50_001)
    assert operation(store(), too_long).name is None
    generous = store()
    assert operation(generous, too_long) is not operation(generous, too_long)
    assert generous.counts.documents == 0


def test_lookup_takes_microseconds() -> None:
    documents = store()
    text = "query Q { " + " ".join(f"a{n}: hello" for n in range(20)) + " }"
    documents.get(text)
    best_s = min(_timed_s(lambda: documents.get(text).operation("Q", developer=False), 2_000) for _ in range(5))
    assert best_s < 10e-6  # about one; machines that run many things at once are slow now and then


def _timed_s(call: Callable[[], object], times: int) -> float:
    began = time.perf_counter()
    for _ in range(times):
        call()
    return (time.perf_counter() - began) / times


# What only developers may see


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{ helo }", "Cannot query field 'helo' on type 'Query'."),
        ("{ hello(nam: 1) }", "Unknown argument 'nam' on field 'Query.hello'."),
        ("{ thing { ... on Thin { id } } }", "Unknown type 'Thin'."),
        ("{ thing }", "Field 'thing' of type 'Thing!' must have a selection of subfields."),
    ],
)
def test_hints_are_for_developers(text: str, told: str) -> None:
    documents = store()
    assert refusal(documents, text, developer=False) == (told, "GRAPHQL_VALIDATION_FAILED")
    assert refusal(documents, text)[0].startswith(f"{told} Did you mean ")
    assert refusal(documents, text, developer=False) == (told, "GRAPHQL_VALIDATION_FAILED")


@pytest.mark.parametrize(
    "text",
    [
        "{ __schema { queryType { name } } }",
        "{ _service { sdl } }",
        '{ hello ...F } fragment F on Query { ... { a: __type(name: "Thing") { name } } }',
    ],
)
def test_introspection_is_for_developers(text: str) -> None:
    documents = store()
    told = ("Introspection is for developers: it needs a scope that allows it.", "INTROSPECTION_DISABLED")
    assert refusal(documents, text, developer=False) == told
    assert operation(documents, text).size.introspects
    assert refusal(documents, text, developer=False) == told


def test_typename_is_for_everybody_and_so_are_the_other_operations_of_a_document() -> None:
    documents = store()
    assert not operation(documents, "{ __typename thing { __typename } }", developer=False).size.introspects
    both = "query A { hello } query B { __schema { queryType { name } } }"
    assert operation(documents, both, "A", developer=False).name == "A"
    assert refusal(documents, both, "B", developer=False)[1] == "INTROSPECTION_DISABLED"


# Naming documents


class Shelf:
    """What processes share, and what was put there."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.asked: list[str] = []

    async def get(self, hash_: str) -> str | None:
        self.asked.append(hash_)
        return self.texts.get(hash_)

    async def put(self, hash_: str, text: str) -> None:
        self.texts[hash_] = text


Served = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture
def served() -> Served:
    """Serve the toy schema as one process would, with a document store of its own."""

    @asynccontextmanager
    async def serve(persisted: PersistedDocuments | None = None, **options: Any) -> AsyncIterator[httpx.AsyncClient]:
        app = GraphQLApp(
            schema=toy.new_schema(),
            authenticate=toy.authenticate,
            context=toy.Contexts(),
            persisted=persisted or PersistedDocuments(),
            **options,
        )
        async with (
            serving(app) as port,
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers={"authorization": "Bearer alice"}) as http,
        ):
            yield http

    return serve


async def ask(http: httpx.AsyncClient, **request: object) -> Any:
    return (await http.post("/graphql", json=request)).json()


def error(message: str, code: str) -> dict[str, object]:
    return {"errors": [{"message": message, "extensions": {"code": code}}]}


NOT_FOUND = error("PersistedQueryNotFound", "PERSISTED_QUERY_NOT_FOUND")
NOT_IN_LIST = error("The document is not in the list of trusted documents.", "PERSISTED_QUERY_NOT_IN_LIST")
ID_REQUIRED = error("Only trusted documents are served here: send the id of one.", "PERSISTED_QUERY_ID_REQUIRED")


async def test_automatic_persisted_query_is_registered_once_and_then_named(served: Served) -> None:
    named = apq(hashed(HELLO))
    async with served() as http:
        assert await ask(http, **named) == NOT_FOUND
        assert await ask(http, query=HELLO, variables={"name": "Ada"}, **named) == {"data": {"hello": "Hello, Ada!"}}
        assert await ask(http, variables={"name": "Bob"}, **named) == {"data": {"hello": "Hello, Bob!"}}
        by_get = await http.get("/graphql", params={"extensions": json.dumps(named["extensions"]), "variables": '{"name": "Eve"}'})
        assert by_get.json() == {"data": {"hello": "Hello, Eve!"}}
        assert await ask(http, documentId=f"sha256:{hashed(HELLO)}", variables={"name": "Ida"}) == {"data": {"hello": "Hello, Ida!"}}
        modern = await http.post("/graphql", json=apq("0" * 64), headers={"accept": "application/graphql-response+json"})
        assert (modern.status_code, modern.json()) == (400, NOT_FOUND)


async def test_hash_of_another_text_registers_nothing(served: Served) -> None:
    shelf = Shelf()
    async with served(PersistedDocuments(shared=shelf)) as http:
        answer = await ask(http, query=NUMBER, **apq(hashed(HELLO)))
        assert answer == error("provided sha does not match query", "PERSISTED_QUERY_HASH_MISMATCH")
        assert await ask(http, **apq(hashed(HELLO))) == NOT_FOUND
    assert shelf.texts == {}


async def test_processes_share_what_is_registered(served: Served) -> None:
    shelf = Shelf()
    shared = PersistedDocuments(shared=shelf)
    async with served(shared) as one, served(shared) as other:
        assert await ask(one, query=HELLO, variables={"name": "Ada"}, **apq(hashed(HELLO))) == {"data": {"hello": "Hello, Ada!"}}
        assert shelf.texts == {hashed(HELLO): HELLO}
        assert await ask(other, variables={"name": "Bob"}, **apq(hashed(HELLO))) == {"data": {"hello": "Hello, Bob!"}}
        assert await ask(other, variables={"name": "Bob"}, **apq(hashed(HELLO))) == {"data": {"hello": "Hello, Bob!"}}
    assert shelf.asked == [hashed(HELLO)]  # the other process, once; what is at hand is not asked for


async def test_only_valid_documents_are_registered(served: Served) -> None:
    shelf = Shelf()
    async with served(PersistedDocuments(shared=shelf)) as http:
        for text in ("{ helo }", "{ hello", "{" + "hello " * 500 + "}"):
            assert "data" not in await ask(http, query=text, **apq(hashed(text)))
            assert await ask(http, **apq(hashed(text))) == NOT_FOUND
    assert shelf.texts == {}


async def test_overlong_document_runs_and_is_not_registered(served: Served) -> None:
    shelf, text = Shelf(), "{ hello }".ljust(50_001)
    async with served(PersistedDocuments(shared=shelf)) as http:
        assert await ask(http, query=text, **apq(hashed(text))) == {"data": {"hello": "Hello, you!"}}
        assert await ask(http, **apq(hashed(text))) == NOT_FOUND
    assert shelf.texts == {}


async def test_stranger_text_under_a_hash_is_not_believed(served: Served) -> None:
    shelf = Shelf()
    shelf.texts[hashed(HELLO)] = RENAME
    toy.renamed.clear()
    async with served(PersistedDocuments(shared=shelf)) as http:
        assert await ask(http, **apq(hashed(HELLO))) == NOT_FOUND
    assert toy.renamed == []


async def test_shelf_is_asked_for_hashes_alone(served: Served) -> None:
    shelf = Shelf()
    async with served(PersistedDocuments(shared=shelf)) as http:
        for id_ in ("Hello", "sha256:", "../" * 20, hashed(HELLO).upper(), f"sha1:{hashed(HELLO)}", ""):
            assert await ask(http, documentId=id_) == NOT_FOUND
    assert shelf.asked == []


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"extensions": {"persistedQuery": {"version": 2, "sha256Hash": "x"}}}, "'extensions.persistedQuery' must have the version 1 "),
        ({"extensions": {"persistedQuery": {"version": 1}}}, "'extensions.persistedQuery' must have the version 1 "),
        ({"extensions": {"persistedQuery": "x"}}, "'extensions.persistedQuery' must have the version 1 "),
        ({"extensions": {"persistedQuery": None}}, "The request has no 'query'."),
        ({"documentId": 1}, "'documentId' must be a string."),
        ({"documentId": "x", "query": "{ hello }"}, "Send 'query' or 'documentId', not both."),
    ],
)
async def test_malformed_name_is_400(served: Served, request_: dict[str, object], message: str) -> None:
    async with served() as http:
        response = await http.post("/graphql", json=request_)
    assert (response.status_code, response.json()["errors"][0]["extensions"]) == (400, {"code": "BAD_REQUEST"})
    assert response.json()["errors"][0]["message"].startswith(message)


async def test_mutation_is_not_named_by_get(served: Served) -> None:
    async with served() as http:
        await ask(http, query=RENAME, **apq(hashed(RENAME)))
        toy.renamed.clear()
        response = await http.get("/graphql", params={"documentId": f"sha256:{hashed(RENAME)}"})
    assert (response.status_code, toy.renamed) == (405, [])


# Trusted documents

APOLLO = {
    "format": "apollo-persisted-query-manifest",
    "version": 1,
    "operations": [
        {"id": hashed(HELLO), "name": "Hello", "type": "query", "body": HELLO},
        {"id": "count", "name": "Count", "type": "subscription", "body": COUNT},
    ],
}
RELAY = {"0123456789abcdef0123456789abcdef": HELLO, "count": COUNT}


def manifest(tmp_path: Path, content: object) -> TrustedDocuments:
    path = tmp_path / "manifest.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return TrustedDocuments.read(path)


@pytest.fixture
def only(tmp_path: Path) -> PersistedDocuments:
    return PersistedDocuments(trusted=manifest(tmp_path, APOLLO), trusted_only=True, shared=Shelf())


@pytest.mark.parametrize(("content", "id_"), [(APOLLO, hashed(HELLO)), (RELAY, "0123456789abcdef0123456789abcdef")])
async def test_trusted_document_is_named_by_its_id_or_its_hash(served: Served, tmp_path: Path, content: object, id_: str) -> None:
    answer = {"data": {"hello": "Hello, Ada!"}}
    async with served(PersistedDocuments(trusted=manifest(tmp_path, content), trusted_only=True)) as http:
        for named in ({"documentId": id_}, {"documentId": f"sha256:{hashed(HELLO)}"}, apq(id_), apq(hashed(HELLO)), {"query": HELLO}):
            assert await ask(http, variables={"name": "Ada"}, **named) == answer
        by_get = await http.get("/graphql", params={"documentId": id_, "variables": '{"name": "Ada"}'})
        assert by_get.json() == answer
        page = {"accept": "text/html,application/json"}
        assert (await http.get("/graphql", params={"documentId": id_, "variables": '{"name": "Ada"}'}, headers=page)).json() == answer


async def test_other_documents_are_refused_where_only_trusted_ones_are_served(served: Served, only: PersistedDocuments) -> None:
    toy.renamed.clear()
    async with served(only) as http:
        assert await ask(http, query=RENAME) == ID_REQUIRED
        assert await ask(http, query=HELLO + " ") == ID_REQUIRED
        assert await ask(http, query=RENAME, **apq(hashed(RENAME))) == ID_REQUIRED
        assert await ask(http, query=RENAME, **apq(hashed(HELLO))) == ID_REQUIRED  # a good name does not carry another text
        assert await ask(http, **apq(hashed(RENAME))) == NOT_IN_LIST
        assert await ask(http, documentId="Rename") == NOT_IN_LIST
        batch = await http.post("/graphql", json=[{"query": RENAME}, {"documentId": hashed(HELLO), "variables": {"name": "Ada"}}])
        assert batch.json() == [ID_REQUIRED, {"data": {"hello": "Hello, Ada!"}}]
    assert toy.renamed == []
    assert isinstance(only.shared, Shelf)
    assert (only.shared.texts, only.shared.asked) == ({}, [])


async def test_other_documents_are_served_beside_trusted_ones(served: Served, tmp_path: Path) -> None:
    async with served(PersistedDocuments(trusted=manifest(tmp_path, APOLLO))) as http:
        assert await ask(http, query="{ hello }") == {"data": {"hello": "Hello, you!"}}
        assert await ask(http, query="{ hello }", **apq(hashed("{ hello }"))) == {"data": {"hello": "Hello, you!"}}
        assert await ask(http, documentId="Rename") == NOT_FOUND


async def test_gateway_writes_its_own_documents(served: Served, only: PersistedDocuments) -> None:
    gateway = Gateway(credential="s3cret-of-the-gateway")
    async with served(only, gateway=gateway) as http:
        for credential, answer in (("s3cret-of-the-gateway", {"data": {"hello": "Hello, you!"}}), ("another", ID_REQUIRED)):
            response = await http.post("/graphql", json={"query": "{ hello }"}, headers={"router-authorization": credential})
            assert response.json() == answer


async def test_documents_are_named_over_event_streams(served: Served, only: PersistedDocuments) -> None:
    headers = {"accept": "text/event-stream"}
    async with served(only) as http:
        named = await http.post("/graphql", json={"documentId": "count"}, headers=headers)
        sent = await http.post("/graphql", json={"query": NUMBER}, headers=headers)
    assert named.text == 'event: next\ndata: {"data":{"countUp":{"id":1}}}\n\nevent: complete\ndata:\n\n'
    assert json.loads(sent.text.splitlines()[1].removeprefix("data: ")) == ID_REQUIRED


async def test_documents_are_named_over_websockets(served: Served, only: PersistedDocuments) -> None:
    async with served(only) as http:
        url = f"ws://127.0.0.1:{http.base_url.port}/graphql"
        async with connect(url, subprotocols=[Subprotocol("graphql-transport-ws")]) as socket:

            async def run(**payload: object) -> list[Any]:
                await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
                answers = [json.loads(await socket.recv())]
                while answers[-1]["type"] == "next":
                    answers.append(json.loads(await socket.recv()))
                return [answer.get("payload") for answer in answers]

            await socket.send(json.dumps({"type": "connection_init", "payload": {"authorization": "Bearer alice"}}))
            assert json.loads(await socket.recv()) == {"type": "connection_ack"}
            assert await run(documentId="count") == [{"data": {"countUp": {"id": 1}}}, None]
            assert await run(variables={"name": "Ada"}, **apq(hashed(HELLO))) == [{"data": {"hello": "Hello, Ada!"}}, None]
            assert await run(query=NUMBER) == [ID_REQUIRED["errors"]]
            assert await run(documentId="Rename") == [NOT_IN_LIST["errors"]]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "is not a manifest of trusted documents: "),
        ("[]", "it is not a JSON object."),
        ("{}", "it must give at least one document, and for each id a text."),
        ({"a": 1}, "it must give at least one document, and for each id a text."),
        ({**APOLLO, "version": 2}, "its format is not 'apollo-persisted-query-manifest' of version 1."),
        ({**APOLLO, "format": "another"}, "its format is not 'apollo-persisted-query-manifest' of version 1."),
        ({**APOLLO, "operations": []}, "it must give at least one document, and for each id a text."),
        ({**APOLLO, "operations": [{"id": "1"}]}, "an operation without 'id' or 'body'."),
    ],
)
def test_manifest_that_is_none_is_told(tmp_path: Path, content: object, told: str) -> None:
    with pytest.raises(ValueError, match="is not a manifest of trusted documents") as refused:
        manifest(tmp_path, content)
    assert told in str(refused.value)


def test_ids_of_documents_that_the_schema_refuses_are_told(tmp_path: Path) -> None:
    trusted = manifest(tmp_path, {"good": HELLO, "old": "{ helo }"})
    assert trusted.refused_by(store()) == ["old"]


def test_trusting_only_what_nobody_named_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="there must be some"):
        PersistedDocuments(trusted_only=True)


async def test_trusted_document_that_the_schema_refuses_is_refused() -> None:
    trusted = PersistedDocuments(trusted=TrustedDocuments({"old": "{ helo }"}))
    documents = store()
    text = await trusted.text(Parameters(None, None, None, document_id="old"), documents, any_document=False)
    assert refusal(documents, text)[1] == "GRAPHQL_VALIDATION_FAILED"
