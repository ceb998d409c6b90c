"""Who is let in, and in which version."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from ampyard.connect.server import ConnectServer
from ampyard.domain.access import ROLE_SCOPES, Principal, PrincipalKind, Role
from ampyard.domain.charge_points import OcppVersion
from ampyard.domain.tenants import NO_TENANT
from ampyard.services import tenants
from ampyard.services.backend import Backend
from tests.connect.points import Point, basic, closed_with, dial, eventually, new_point, wired

_GUESSES = 40


@pytest.mark.parametrize(
    "headers",
    [
        lambda _: {},
        lambda point: basic(point.identity, "wrong"),
        lambda point: basic("another", point.password),
        lambda _: {"Authorization": "Basic !!!"},
        lambda _: {"Authorization": "Basic /w=="},
        lambda point: {"Authorization": f"Bearer {point.password}"},
    ],
    ids=["no credentials", "wrong password", "another's name", "not base64", "not text", "another scheme"],
)
async def test_who_cannot_log_in_is_refused_and_nothing_is_recorded(
    server: ConnectServer, backend: Backend, headers: Callable[[Point], dict[str, str]]
) -> None:
    point = await new_point(backend)
    before = await point.charge_point()

    with pytest.raises(InvalidStatus) as refusal:
        await connect(f"ws://127.0.0.1:{server.port}/ocpp/{point.identity}", additional_headers=headers(point), proxy=None)

    assert refusal.value.response.status_code == 401
    assert refusal.value.response.headers["WWW-Authenticate"] == 'Basic realm="OCPP"'
    assert await point.charge_point() == before


@pytest.mark.parametrize("identity", ["nobody-knows-me", "nul-%00"])
async def test_an_unknown_identity_is_refused_like_a_wrong_password(server: ConnectServer, identity: str) -> None:
    headers = basic(identity.replace("%00", "\0"), "anything")
    with pytest.raises(InvalidStatus) as refusal:
        await connect(f"ws://127.0.0.1:{server.port}/ocpp/{identity}", additional_headers=headers, proxy=None)
    assert (refusal.value.response.status_code, refusal.value.response.body) == (401, b"unauthorized")


async def test_an_identity_is_percent_decoded(server: ConnectServer, backend: Backend) -> None:
    point = await new_point(backend, identity="Süd 7|x")
    url = f"ws://127.0.0.1:{server.port}/ocpp/S%C3%BCd%207%7Cx"
    async with connect(url, additional_headers=basic(point.identity, point.password), subprotocols=[Subprotocol("ocpp1.6")], proxy=None):
        assert (await point.charge_point()).connected


async def test_a_refusal_is_logged_once_and_as_no_error(server: ConnectServer, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(InvalidStatus):
        await connect(f"ws://127.0.0.1:{server.port}/ocpp/nobody", additional_headers=basic("nobody", "wrong"), proxy=None)
    await asyncio.sleep(0.1)  # uvicorn logs after it has answered
    assert [record.getMessage() for record in caplog.records if record.levelname in {"WARNING", "ERROR"}] == [
        "Charge point 'nobody' was refused: its user name or password does not fit."
    ]


async def test_an_identity_may_hold_a_slash(server: ConnectServer, backend: Backend) -> None:
    point = await new_point(backend, identity="Nord/7")
    url = f"ws://127.0.0.1:{server.port}/ocpp/Nord%2F7"
    async with connect(url, additional_headers=basic(point.identity, point.password), subprotocols=[Subprotocol("ocpp1.6")], proxy=None):
        assert (await point.charge_point()).connected


async def test_a_storm_of_wrong_passwords_for_one_identity_holds_up_no_other(server: ConnectServer, backend: Backend) -> None:
    attacked, other = await new_point(backend), await new_point(backend)
    refused = 0

    async def guess() -> None:
        nonlocal refused
        with pytest.raises(InvalidStatus):
            async with dial(server, replace(attacked, password="wrong")):
                pass
        refused += 1

    async with asyncio.TaskGroup() as group:
        for _ in range(_GUESSES):
            group.create_task(guess())
        while refused == 0:  # noqa: ASYNC110 - what is awaited is another's answer
            await asyncio.sleep(0)
        async with dial(server, other):
            refused_before = refused
    assert refused_before < _GUESSES / 2 < refused == _GUESSES


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (["ocpp1.6"], "ocpp1.6"),
        (["ocpp2.0.1"], "ocpp2.0.1"),
        (["ocpp2.1"], "ocpp2.1"),
        (["ocpp2.2", "ocpp2.1", "ocpp2.0.1", "ocpp1.6"], "ocpp2.1"),
        (["ocpp2.0.1", "ocpp2.1"], "ocpp2.0.1"),
        (["ocpp1.6", "ocpp2.0.1"], "ocpp1.6"),
    ],
)
async def test_the_first_offered_version_that_is_spoken_here_is_chosen(
    server: ConnectServer, backend: Backend, offered: list[str], chosen: str
) -> None:
    point = await new_point(backend)
    async with dial(server, point, subprotocols=offered) as socket:
        assert socket.subprotocol == chosen
        charge_point = await point.charge_point()
    assert (charge_point.connected, charge_point.ocpp_version) == (True, OcppVersion(chosen))


@pytest.mark.parametrize("offered", [[], ["ocpp1.5", "soap"]])
async def test_without_a_common_version_the_handshake_is_completed_and_the_socket_closed(
    server: ConnectServer, backend: Backend, offered: list[str]
) -> None:
    point = await new_point(backend)
    before = await point.charge_point()
    async with dial(server, point, subprotocols=offered) as socket:
        assert socket.subprotocol is None
        assert await closed_with(socket) == (1002, "no common subprotocol")
    assert await point.charge_point() == before


async def test_a_charge_point_is_recorded_as_gone_when_its_socket_closes(server: ConnectServer, backend: Backend) -> None:
    point = await new_point(backend)
    async with wired(server, point):
        assert (await point.charge_point()).connected

    async def gone() -> bool:
        return not (await point.charge_point()).connected

    await eventually(gone)
    assert (await point.charge_point()).disconnected_at is not None


async def test_two_tenants_with_the_same_identity_are_told_apart_by_the_password(server: ConnectServer, backend: Backend) -> None:
    # given two tenants whose charge points share a name, one of them charging
    ours = await new_point(backend)
    theirs = await new_point(backend, identity=ours.identity)
    start = {"connectorId": 1, "idTag": "TAG-1", "meterStart": 1000, "timestamp": "2026-11-02T08:00:00Z"}
    async with wired(server, ours) as our_wire, wired(server, theirs) as their_wire:
        our_id = (await our_wire.call("StartTransaction", **start))["transactionId"]
        (before,) = await ours.transactions()

        # when the other names our transaction
        stop = {"transactionId": our_id, "meterStop": 9000, "timestamp": "2026-11-02T09:00:00Z"}
        answer = await their_wire.call("StopTransaction", **stop)
        reading = {"timestamp": "2026-11-02T08:30:00Z", "sampledValue": [{"value": "8000"}]}
        await their_wire.call("MeterValues", connectorId=1, transactionId=our_id, meterValue=[reading])

        # then it stays as it was, and each has what is its own
        assert answer == {}
        assert await ours.transactions() == [before]
        assert await theirs.transactions() == []
        assert [len(await point.samples()) for point in (ours, theirs)] == [0, 1]
        assert [(await point.charge_point()).connected for point in (ours, theirs)] == [True, True]


async def test_many_may_log_in_at_once(server: ConnectServer, backend: Backend) -> None:
    point = await new_point(backend)
    wires = [wired(server, point) for _ in range(8)]
    await asyncio.gather(*(wire.__aenter__() for wire in wires))
    await asyncio.gather(*(wire.__aexit__(None, None, None) for wire in wires))

    async def gone() -> bool:
        return not (await point.charge_point()).connected

    await eventually(gone)


async def test_health_and_readiness(server: ConnectServer) -> None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", trust_env=False) as client:
        assert [(await client.get(path)).status_code for path in ("/healthz", "/readyz", "/ocpp/x")] == [200, 200, 404]


async def test_charge_points_of_a_suspended_tenant_are_let_go_of_and_not_let_in_again(server: ConnectServer, backend: Backend) -> None:
    point, other = await new_point(backend), await new_point(backend)
    root = Principal(NO_TENANT, "root", PrincipalKind.ADMINISTRATOR, ROLE_SCOPES[Role.SYSTEM_ADMINISTRATOR])
    async with dial(server, point) as socket, dial(server, other) as elsewhere:
        await tenants.suspend_tenant(backend, root, point.tenant_id, reason="Does not pay.")

        assert await closed_with(socket) == (1008, "suspended")
        assert elsewhere.close_code is None
    with pytest.raises(InvalidStatus) as refusal:
        async with dial(server, point):
            pass
    assert refusal.value.response.status_code == 401
