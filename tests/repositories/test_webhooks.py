"""Calling webhooks: over a real connection, and not where they must not lead."""

import asyncio
import socket
from typing import Any

import pytest

from ampyard.repositories.webhooks import WebhookError, WebhookSender
from tests.receivers import LOCALHOST, web_server

PUBLIC = WebhookSender()
PRIVATE = WebhookSender(private_allowed=True)


async def test_a_body_arrives_at_the_name_that_was_asked_for() -> None:
    async with web_server() as web:
        status = await PRIVATE.post(f"http://localhost:{web.port}/alerts?a=b", {"webhook-id": "1"}, b"{}")
    (call,) = web.calls
    assert status == 204
    assert (call.method, call.path, call.body) == ("POST", "/alerts?a=b", b"{}")
    assert (call.headers["host"], call.headers["webhook-id"]) == (f"localhost:{web.port}", "1")


@pytest.mark.parametrize(
    ("answer", "permanent", "code", "told"),
    [
        (b"HTTP/1.1 500 Oh\r\ncontent-length: 4\r\n\r\nbusy", False, 500, "localhost answered 500: busy"),
        (b"HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n", True, 410, "localhost answered 410"),
        # Wherever it leads, it is not followed.
        (b"HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n", False, 302, "localhost answered 302"),
        (b"nonsense\r\n\r\n", False, None, "localhost was not reached"),
    ],
)
async def test_what_is_answered_otherwise_is_told(answer: bytes, permanent: bool, code: int | None, told: str) -> None:  # noqa: FBT001 - parameters
    async with web_server() as web:
        web.answer = lambda _: answer
        with pytest.raises(WebhookError) as error:
            await PRIVATE.post(f"http://localhost:{web.port}/", {}, b"{}")
    assert str(error.value).startswith(told)
    assert (error.value.permanent, error.value.status_code, len(web.calls)) == (permanent, code, 1)


async def test_an_answer_without_end_is_not_listened_to() -> None:
    async with web_server() as web:
        web.answer = lambda _: b"HTTP/1.1 500 Oh\r\ncontent-length: 10000000\r\n\r\n" + b"x" * 100_000
        with pytest.raises(WebhookError) as error:
            await PRIVATE.post(f"http://localhost:{web.port}/", {}, b"{}")
    assert str(error.value) == f"localhost answered 500: {'x' * 500}"


@pytest.mark.parametrize(
    "url",
    [
        "https://localhost/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://169.254.169.254/latest",
        "https://10.0.0.1:8443/",
        "https://0/",
    ],
)
async def test_our_own_network_is_not_called(url: str) -> None:
    with pytest.raises(WebhookError, match="which is not an address of the public internet") as error:
        await PUBLIC.post(url, {}, b"{}")
    assert error.value.permanent


async def test_http_is_not_called() -> None:
    async with web_server() as web:
        with pytest.raises(WebhookError, match="http:// is not called") as error:
            await PUBLIC.post(f"http://{LOCALHOST}:{web.port}/", {}, b"{}")
    assert (error.value.permanent, web.calls) == (True, [])


async def test_a_name_that_also_leads_inside_is_not_called_and_none_is_resolved_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    async def resolve(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        found = ["8.8.8.8", "10.0.0.1"] if host == "both.example.org" else [LOCALHOST]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve)
    with pytest.raises(WebhookError, match=r"both\.example\.org leads to 10\.0\.0\.1"):
        await PUBLIC.post("https://both.example.org/", {}, b"{}")
    async with web_server() as web:
        await PRIVATE.post(f"http://named.example.org:{web.port}/", {}, b"{}")
    assert web.calls[0].headers["host"] == f"named.example.org:{web.port}"
    # The address that was looked at is the one that was called: no one could change it in between.
    assert asked == ["both.example.org", "named.example.org"]


async def test_a_name_without_an_address_is_tried_again() -> None:
    with pytest.raises(WebhookError, match="has no address") as error:
        await PUBLIC.post("https://nowhere.invalid/", {}, b"{}")
    assert not error.value.permanent
