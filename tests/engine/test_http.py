import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from ampyard.engine import GraphQLApp
from tests.engine import toy
from tests.engine.conftest import Server, eventually, serving

GRAPHQL_RESPONSE = "application/graphql-response+json"


async def post(http: httpx.AsyncClient, query: str, accept: str = "application/json", **headers: str) -> httpx.Response:
    return await http.post("/graphql", json={"query": query}, headers={"accept": accept, **headers})


async def test_query_by_post_and_get_gets_the_same_answer(http: httpx.AsyncClient, server: Server) -> None:
    document = "query Greet($name: String!) { hello(name: $name) }"
    by_post = await http.post("/graphql", json={"query": document, "operationName": "Greet", "variables": {"name": "Ada"}})
    by_get = await http.get("/graphql", params={"query": document, "operationName": "Greet", "variables": '{"name": "Ada"}'})
    assert by_post.content == by_get.content == b'{"data":{"hello":"Hello, Ada!"}}'
    assert [context.operations_ended for context in server.contexts] == [1, 1]


@pytest.mark.parametrize(
    ("accept", "answered"),
    [
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("application/json", "application/json"),
        (GRAPHQL_RESPONSE, GRAPHQL_RESPONSE),
        (f"{GRAPHQL_RESPONSE}, application/json;q=0.9", GRAPHQL_RESPONSE),
        (f"{GRAPHQL_RESPONSE};q=0.1, application/json", "application/json"),
        (f"{GRAPHQL_RESPONSE};q=0, application/json;q=0.1", "application/json"),
        ("application/json, text/event-stream", "application/json"),
    ],
)
async def test_media_type_is_negotiated(http: httpx.AsyncClient, accept: str, answered: str) -> None:
    response = await post(http, "{ hello }", accept)
    assert (response.status_code, response.headers["content-type"]) == (200, f"{answered}; charset=utf-8")
    assert response.json() == {"data": {"hello": "Hello, you!"}}


@pytest.mark.parametrize("accept", ["image/png", "application/json;q=0", "*/*;q=none"])
async def test_answer_nobody_can_read_is_refused(http: httpx.AsyncClient, server: Server, accept: str) -> None:
    response = await post(http, "{ hello }", accept)
    assert response.status_code == 406
    assert response.json()["errors"][0]["extensions"] == {"code": "NOT_ACCEPTABLE"}
    assert server.contexts == []


@pytest.mark.parametrize(
    ("query", "code"), [("{ hello", "GRAPHQL_PARSE_FAILED"), ("{ helo }", "GRAPHQL_VALIDATION_FAILED"), ("{ thing(id: 1.5) { id } }", None)]
)
async def test_request_error_is_400_where_the_media_type_allows_and_has_no_data(
    http: httpx.AsyncClient, query: str, code: str | None
) -> None:
    modern = await post(http, query, GRAPHQL_RESPONSE)
    legacy = await post(http, query, "application/json")
    assert (modern.status_code, legacy.status_code) == (400, 200)
    assert modern.json() == legacy.json()
    assert set(modern.json()) == {"errors"}
    assert modern.json()["errors"][0]["extensions"]["code"] == (code or "GRAPHQL_VALIDATION_FAILED")


async def test_failed_execution_is_200_with_null_data(http: httpx.AsyncClient) -> None:
    response = await post(http, "{ thing { broken } }", GRAPHQL_RESPONSE)
    assert (response.status_code, response.json()["data"]) == (200, None)


async def test_unexpected_error_is_masked(http: httpx.AsyncClient) -> None:
    response = await post(http, "{ broken unserialisable refused }")
    assert response.json()["data"] == {"broken": None, "unserialisable": None, "refused": None}
    assert [error["extensions"]["code"] for error in response.json()["errors"]] == [
        "INTERNAL_SERVER_ERROR",
        "INTERNAL_SERVER_ERROR",
        "CLOSED",
    ]
    assert toy.SECRET not in response.text


@pytest.mark.parametrize("credential", ["Bearer broken", "Bearer contextless"])
async def test_failure_of_authentication_or_context_is_masked(http: httpx.AsyncClient, credential: str) -> None:
    response = await post(http, "{ hello }", authorization=credential)
    assert response.status_code == 500
    assert response.json()["errors"][0]["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert toy.SECRET not in response.text


@pytest.mark.parametrize("accept", ["application/json", GRAPHQL_RESPONSE, "text/event-stream"])
async def test_without_credential_nothing_runs(http: httpx.AsyncClient, server: Server, accept: str) -> None:
    response = await post(http, 'mutation { rename(name: "x") }', accept, authorization="")
    assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")
    assert response.json() == {"errors": [{"message": "A valid credential is required.", "extensions": {"code": "UNAUTHENTICATED"}}]}
    assert (server.contexts, toy.renamed) == ([], [])


async def test_mutation_by_get_is_refused(http: httpx.AsyncClient, server: Server) -> None:
    for accept in ("application/json", "text/event-stream"):
        response = await http.get("/graphql", params={"query": 'mutation { rename(name: "x") }'}, headers={"accept": accept})
        assert (response.status_code, response.headers["allow"]) == (405, "POST")
        assert response.json()["errors"][0]["message"] == "Mutations are served by POST only."
    assert (server.contexts, toy.renamed) == ([], [])


async def test_mutation_by_post_runs(http: httpx.AsyncClient) -> None:
    response = await post(http, 'mutation { rename(name: "x") }')
    assert (response.json(), toy.renamed) == ({"data": {"rename": "x"}}, ["x"])


@pytest.mark.parametrize("method", ["PUT", "DELETE", "HEAD", "OPTIONS"])
async def test_other_methods_are_refused(http: httpx.AsyncClient, method: str) -> None:
    response = await http.request(method, "/graphql")
    assert (response.status_code, response.headers["allow"]) == (405, "GET, POST")


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json; charset=latin-1"],
)
async def test_post_that_a_page_of_another_site_could_send_is_refused(http: httpx.AsyncClient, server: Server, content_type: str) -> None:
    body = b'{"query": "mutation { rename(name: \\"x\\") }"}'
    response = await http.post("/graphql", content=body, headers={"content-type": content_type})
    assert response.status_code == 415
    assert (server.contexts, toy.renamed) == ([], [])


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "The request is not JSON: "),
        (b"{", "The request is not JSON: "),
        (b'"{ hello }"', "A GraphQL request is a JSON object."),
        (b'[{"query": "{ hello }"}, {}]', "The request has no 'query'."),
        (b'[{"query": "{ hello }"}, []]', "A GraphQL request is a JSON object."),
        (b"{}", "The request has no 'query'."),
        (b'{"query": 1}', "'query' must be a string."),
        (b'{"query": "{ hello }", "operationName": 1}', "'operationName' must be a string."),
        (b'{"query": "{ hello }", "variables": []}', "'variables' must be an object."),
        (b'{"query": "{ hello }", "extensions": "x"}', "'extensions' must be an object."),
    ],
)
async def test_malformed_request_is_400(http: httpx.AsyncClient, body: bytes, message: str) -> None:
    response = await http.post("/graphql", content=body, headers={"content-type": "application/json"})
    assert response.status_code == 400
    [error] = response.json()["errors"]
    assert error["message"].startswith(message)
    assert error["extensions"] == {"code": "BAD_REQUEST"}


async def batch(http: httpx.AsyncClient, *requests: object, accept: str = "application/json") -> httpx.Response:
    return await http.post("/graphql", json=requests, headers={"accept": accept})


@pytest.mark.parametrize("accept", ["application/json", GRAPHQL_RESPONSE])
async def test_batch_is_answered_by_an_array_in_its_order_each_from_a_context_of_its_own(
    http: httpx.AsyncClient, server: Server, accept: str
) -> None:
    response = await batch(
        http,
        {"query": "query Greet($name: String!) { hello(name: $name) }", "variables": {"name": "Ada"}},
        {"query": 'mutation { rename(name: "x") }'},
        {"query": "{ helo }"},
        {"query": "subscription { countUp(to: 1) { id } }"},
        {"query": "query A { hello } query B { contextNumber }", "operationName": "B"},
        accept=accept,
    )
    assert (response.status_code, response.headers["content-type"]) == (200, f"{accept}; charset=utf-8")
    greeted, renamed, invalid, subscribed, numbered = response.json()
    assert (greeted, renamed) == ({"data": {"hello": "Hello, Ada!"}}, {"data": {"rename": "x"}})
    assert (set(invalid), invalid["errors"][0]["extensions"]) == ({"errors"}, {"code": "GRAPHQL_VALIDATION_FAILED"})
    assert subscribed == {"errors": [{"message": "Subscriptions are not served in batches.", "extensions": {"code": "BAD_REQUEST"}}]}
    assert [(context.caller.name, context.operations_ended) for context in server.contexts] == [("alice", 1)] * 3
    assert numbered == {"data": {"contextNumber": server.contexts[2].number}}
    assert toy.renamed == ["x"]


@pytest.mark.parametrize(("size", "status"), [(0, 400), (1, 200), (10, 200), (11, 400)])
async def test_batch_holds_one_to_ten_requests(http: httpx.AsyncClient, server: Server, size: int, status: int) -> None:
    response = await batch(http, *[{"query": "{ hello }"}] * size)
    assert response.status_code == status
    if status == 200:
        assert response.json() == [{"data": {"hello": "Hello, you!"}}] * size
    else:
        assert response.json() == {
            "errors": [{"message": "A batch holds 1 to 10 requests.", "extensions": {"code": "BATCH_LIMIT_EXCEEDED"}}]
        }
        assert server.contexts == []


@pytest.mark.parametrize(
    ("query", "times", "told"),
    [
        ("{ " + " ".join(f"a{n}: hello" for n in range(6)) + " }", 2, "12 aliases together; at most 10 are allowed."),
        ("mutation { " + 'rename(name: "x") ' * 20 + "}", 3, "60 root fields together; at most 50 are allowed."),
        ("{ thing { " + "id " * 295 + "} }", 2, "600 tokens together; at most 500 are allowed."),
    ],
)
async def test_operations_of_a_batch_are_measured_together(
    http: httpx.AsyncClient, server: Server, query: str, times: int, told: str
) -> None:
    alone = await batch(http, {"query": query})
    assert "errors" not in alone.json()[0]
    server.contexts.clear()
    toy.renamed.clear()
    for accept, status in (("application/json", 200), (GRAPHQL_RESPONSE, 400)):
        response = await batch(http, *[{"query": query}] * times, accept=accept)
        [error] = response.json()["errors"]
        assert (response.status_code, error["extensions"]) == (status, {"code": "GRAPHQL_VALIDATION_FAILED"})
        assert error["message"] == f"The operations of the batch have {told}"
    assert (server.contexts, toy.renamed) == ([], [])


async def test_depth_is_that_of_each_operation_of_a_batch(http: httpx.AsyncClient) -> None:
    deep = {"query": "{ thing { itself { itself { itself { id } } } } }"}
    assert [set(answer) for answer in (await batch(http, deep, deep, deep)).json()] == [{"data"}] * 3


async def test_batch_needs_an_answer_that_is_no_stream(http: httpx.AsyncClient, server: Server) -> None:
    response = await batch(http, {"query": "{ hello }"}, accept="text/event-stream")
    assert (response.status_code, server.contexts) == (406, [])


@pytest.mark.parametrize("max_batch", [0, 1])
async def test_batches_can_be_off(max_batch: int) -> None:
    async with asking(max_batch=max_batch) as http:
        response = await batch(http, {"query": "{ hello }"})
    assert response.status_code == 400
    assert response.json()["errors"][0]["extensions"] == {"code": "BATCHING_NOT_ENABLED"}


@asynccontextmanager
async def asking(**options: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an endpoint with these options."""
    app = GraphQLApp(schema=toy.new_schema(), authenticate=toy.authenticate, context=toy.Contexts(), **options)
    headers = {"authorization": "Bearer alice"}
    async with serving(app) as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers) as http:
        yield http


async def test_variables_have_a_size() -> None:
    query = "query ($name: String!) { hello(name: $name) }"
    fits, too_large = {"name": "x" * 89}, {"name": "x" * 90}  # with the eleven characters around it
    told = {
        "errors": [{"message": "The variables have 101 bytes; at most 100 are allowed.", "extensions": {"code": "VARIABLES_TOO_LARGE"}}]
    }
    async with asking(max_variables_bytes=100) as http:
        assert (await http.post("/graphql", json={"query": query, "variables": fits})).json()["data"]
        assert (await http.post("/graphql", json={"query": query, "variables": too_large})).json() == told
        assert (await batch(http, {"query": query, "variables": too_large})).json() == [told]
        for variables, answer in ((fits, {"data": {"hello": f"Hello, {'x' * 89}!"}}), (too_large, told)):
            params = {"query": query, "variables": json.dumps(variables)}
            assert (await http.get("/graphql", params=params)).json() == answer
        # It is their bytes that count, not the request's: a long document is none of theirs.
        assert (await http.post("/graphql", json={"query": query + " " * 500, "variables": fits})).json()["data"]
        assert (await http.post("/graphql", json={"query": query, "variables": {"name": "ä" * 45}})).json() == told


async def test_response_has_a_size() -> None:
    async def name(http: httpx.AsyncClient, length: int, accept: str = "application/json") -> httpx.Response:
        request = {"query": "query ($name: String!) { hello(name: $name) }", "variables": {"name": "x" * length}}
        return await http.post("/graphql", json=request, headers={"accept": accept})

    told = {
        "data": None,
        "errors": [
            {
                "message": "The response has 201 bytes; at most 200 are allowed. Ask for less.",
                "extensions": {"code": "RESPONSE_TOO_LARGE"},
            }
        ],
    }
    around = len('{"data":{"hello":"Hello, !"}}')
    async with asking(max_response_bytes=200) as http:
        assert len((await name(http, 200 - around)).content) == 200
        for accept in ("application/json", GRAPHQL_RESPONSE):
            response = await name(http, 201 - around, accept)
            assert (response.status_code, response.json()) == (200, told)
        streamed = await name(http, 201 - around, "text/event-stream")
        assert json.loads(streamed.text.splitlines()[1].removeprefix("data: ")) == told
        short = {"query": "{ hello }"}
        sizes = [len(json.dumps(answer, separators=(",", ":"))) for answer in (await batch(http, *[short] * 10)).json()]
        assert sizes[:6] == [32] * 6  # what is left of 200 after these is too little for another
        assert (await batch(http, *[short] * 10)).json()[6]["errors"][0]["extensions"] == {"code": "RESPONSE_TOO_LARGE"}


async def test_hints_and_introspection_are_for_developers_on_every_way_in() -> None:
    async with asking(developer=lambda caller: caller.name == "dora") as http:

        async def told(request: dict[str, object], caller: str, accept: str = "application/json") -> tuple[str, str]:
            response = await http.post("/graphql", json=request, headers={"authorization": f"Bearer {caller}", "accept": accept})
            text = response.text if accept == "application/json" else response.text.splitlines()[1].removeprefix("data: ")
            [error] = json.loads(text)["errors"]
            return error["message"], error["extensions"]["code"]

        invalid: dict[str, object] = {"query": "{ helo }"}
        variable: dict[str, object] = {
            "query": "query ($filter: Filter!) { filtered(filter: $filter) }",
            "variables": {"filter": {"nam": "x"}},
        }
        literal: dict[str, object] = {"query": "{ filtered(filter: {colour: GREN}) }"}
        for _ in range(2):  # what one caller was told is not told to another
            for request in (invalid, variable, literal):
                for accept in ("application/json", "text/event-stream"):
                    hinted, code = await told(request, "dora", accept)
                    plain = await told(request, "alice", accept)
                    assert " Did you mean " in hinted
                    assert plain == (hinted.partition(" Did you mean ")[0], code)

        introspection: dict[str, object] = {"query": "{ __schema { queryType { name } } }"}
        assert (await told(introspection, "alice"))[1] == "INTROSPECTION_DISABLED"
        response = await http.post("/graphql", json=introspection, headers={"authorization": "Bearer dora"})
        assert response.json() == {"data": {"__schema": {"queryType": {"name": "Query"}}}}
        assert (await told(introspection, "alice"))[1] == "INTROSPECTION_DISABLED"


async def test_malformed_variables_in_the_url_are_400(http: httpx.AsyncClient) -> None:
    response = await http.get("/graphql", params={"query": "{ hello }", "variables": "{"})
    assert response.status_code == 400


async def test_body_may_have_ten_thousand_bytes_here_and_not_one_more(http: httpx.AsyncClient, server: Server) -> None:
    body = b'{"query": "{ hello }"}'
    headers = {"content-type": "application/json"}
    fits = await http.post("/graphql", content=body.ljust(10_000), headers=headers)
    too_large = await http.post("/graphql", content=body.ljust(10_001), headers=headers)
    assert (fits.status_code, too_large.status_code) == (200, 413)
    assert too_large.json() == {"errors": [{"message": "A request may have 10000 bytes.", "extensions": {"code": "PAYLOAD_TOO_LARGE"}}]}
    assert len(server.contexts) == 1


async def test_client_that_leaves_while_sending_is_no_error(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(
        b"POST /graphql HTTP/1.1\r\nhost: x\r\nauthorization: Bearer a\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{"
    )
    await writer.drain()
    await asyncio.sleep(0.05)
    writer.close()
    await writer.wait_closed()
    assert await reader.read() == b""
    await asyncio.sleep(0.05)
    assert (server.contexts, caplog.records) == ([], [])


async def test_subscription_needs_a_stream(http: httpx.AsyncClient, server: Server) -> None:
    response = await post(http, "subscription { countUp(to: 1) { id } }")
    assert response.status_code == 406
    assert response.json()["errors"][0]["message"] == "Subscriptions are served to 'Accept: text/event-stream' and over WebSocket."
    assert server.contexts == []


async def test_page_is_served_in_development_only_and_needs_no_credential(http: httpx.AsyncClient) -> None:
    headers = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8", "authorization": ""}
    page = await http.get("/development", headers=headers)
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "GraphiQL" in page.text
    refused = await http.get("/graphql", headers=headers)
    assert refused.status_code == 406
    assert refused.json()["errors"][0]["message"].startswith("There is no page here")


async def test_operations_of_one_moment_have_contexts_of_their_own(http: httpx.AsyncClient, server: Server) -> None:
    responses = await asyncio.gather(*(post(http, "{ contextNumber }") for _ in range(10)))
    numbers = {response.json()["data"]["contextNumber"] for response in responses}
    assert numbers == {context.number for context in server.contexts}
    assert len(numbers) == 10
    await eventually(lambda: all(context.operations_ended == 1 for context in server.contexts))
