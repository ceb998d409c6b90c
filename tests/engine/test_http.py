import asyncio

import httpx
import pytest

from tests.engine import toy
from tests.engine.conftest import Server, eventually

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
        (b'[{"query": "{ hello }"}]', "Batches are not supported; send one request object."),
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
