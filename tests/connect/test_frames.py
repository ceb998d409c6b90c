"""Every text gets the answer it is due, and the socket lives on."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ocpp.messages import Call, CallError

from ampyard.connect.framing import MalformedFrameError, parse
from ampyard.connect.server import ConnectServer
from ampyard.domain.charge_points import OcppVersion
from ampyard.services.backend import Backend
from tests.connect.points import closed_with, dial, new_point, wired

V16, V201, V21 = OcppVersion
LONG = "x" * 37

# frame, its message id in the answer, error code in 1.6, error code in 2.0.1 and 2.1
MALFORMED: list[tuple[str | bytes, str, str, str]] = [
    ("", "-1", "FormationViolation", "RpcFrameworkError"),
    ("Heartbeat", "-1", "FormationViolation", "RpcFrameworkError"),
    ('[2,"1","Heartbeat",{}', "-1", "FormationViolation", "RpcFrameworkError"),
    ('[2,"1","Heartbeat",{"a":NaN}]', "-1", "FormationViolation", "RpcFrameworkError"),
    ("[" * 100_000, "-1", "FormationViolation", "RpcFrameworkError"),
    (b'[2,"1","Heartbeat",{}]', "-1", "FormationViolation", "RpcFrameworkError"),
    ('{"2":"1"}', "-1", "FormationViolation", "RpcFrameworkError"),
    ("2", "-1", "FormationViolation", "RpcFrameworkError"),
    ("null", "-1", "FormationViolation", "RpcFrameworkError"),
    ("[]", "-1", "ProtocolError", "RpcFrameworkError"),
    ("[2]", "-1", "ProtocolError", "RpcFrameworkError"),
    ('[2,"1"]', "1", "ProtocolError", "RpcFrameworkError"),
    ('[2,"1","Heartbeat"]', "1", "ProtocolError", "RpcFrameworkError"),
    ('[2,1,"Heartbeat",{}]', "-1", "FormationViolation", "RpcFrameworkError"),
    (f'[2,"{LONG}","Heartbeat",{{}}]', "-1", "FormationViolation", "RpcFrameworkError"),
    ('[2,"1","Heartbeat",{},{}]', "1", "FormationViolation", "RpcFrameworkError"),
    ('[2,"1",["Heartbeat"],{}]', "1", "FormationViolation", "RpcFrameworkError"),
    ('[2,"1","Heartbeat",[]]', "1", "FormationViolation", "FormatViolation"),
    ('[2,"1","Heartbeat","{}"]', "1", "FormationViolation", "FormatViolation"),
    ('["2","1","Heartbeat",{}]', "1", "FormationViolation", "RpcFrameworkError"),
    ('[true,"1","Heartbeat",{}]', "1", "FormationViolation", "RpcFrameworkError"),
    ('[2.0,"1","Heartbeat",{}]', "1", "FormationViolation", "RpcFrameworkError"),
    ('[7,"1","InternalError","",{}]', "1", "ProtocolError", "MessageTypeNotSupported"),
    ('[2,"1","Teleport",{}]', "1", "NotImplemented", "NotImplemented"),
    ('[2,"1","heartbeat",{}]', "1", "NotImplemented", "NotImplemented"),
    ('[2,"1","Reset",{"type":"Soft"}]', "1", "NotSupported", "NotSupported"),
    ('[2,"1","Heartbeat",{"surplus":1}]', "1", "FormationViolation", "FormatViolation"),
    ('[2,"1","Authorize",{}]', "1", "ProtocolError", "ProtocolError"),
    ('[2,"1","DataTransfer",{"vendorId":7}]', "1", "TypeConstraintViolation", "TypeConstraintViolation"),
    (f'[2,"1","DataTransfer",{{"vendorId":"{"x" * 300}"}}]', "1", "TypeConstraintViolation", "TypeConstraintViolation"),
    ('[2,"1","FirmwareStatusNotification",{"status":"Fine"}]', "1", "FormationViolation", "FormatViolation"),
]
# Message types that 2.1 has, and answers with nothing.
SINCE_21 = ['[5,"1","InternalError","",{}]', '[6,"1","NotifyPeriodicEventStream",{}]']
IGNORED = ["[3]", '[3,"1"]', '[3,"1",{}]', '[3,"1",[]]', "[4]", '[4,"1"]', '[4,"1","GenericError","",{}]', '[4,"1",2,3,4,5,6]']


@pytest.mark.parametrize("version", OcppVersion)
async def test_malformed_messages_are_answered_and_the_socket_lives_on(
    server: ConnectServer, backend: Backend, version: OcppVersion
) -> None:
    point = await new_point(backend, version)
    async with wired(server, point) as wire:
        newer = [] if version is V21 else [(frame, "1", "ProtocolError", "MessageTypeNotSupported") for frame in SINCE_21]
        for frame, message_id, *codes in [*MALFORMED, *newer]:
            kind, answered_id, code, description, details = await wire.answer_to(frame)
            assert (kind, answered_id, code, details) == (4, message_id, codes[version is not V16], {}), frame[:100]
            assert 0 < len(description) <= 255
            assert "currentTime" in await wire.call("Heartbeat")


@pytest.mark.parametrize("version", OcppVersion)
async def test_answers_that_nobody_waits_for_get_no_answer(server: ConnectServer, backend: Backend, version: OcppVersion) -> None:
    point = await new_point(backend, version)
    async with wired(server, point) as wire:
        for frame in [*IGNORED, *(SINCE_21 if version is V21 else [])]:
            await wire.socket.send(frame)
            assert "currentTime" in await wire.call("Heartbeat")
        assert wire.answers.empty()


async def test_calls_are_answered_in_the_order_they_came(server: ConnectServer, backend: Backend) -> None:
    point = await new_point(backend)
    async with wired(server, point) as wire:
        for number in range(60):
            await wire.socket.send(json.dumps([2, str(number), "Heartbeat", None if number % 2 else {}]))
        assert [(await wire.answers.get())[:2] for _ in range(60)] == [[3, str(number)] for number in range(60)]


async def test_a_message_that_is_too_long_closes_the_socket(server: ConnectServer, backend: Backend) -> None:
    point = await new_point(backend)
    async with dial(server, point) as socket:
        await socket.send("[" + " " * 2**20 + "]")
        code, _ = await closed_with(socket)
        assert code == 1009


async def test_what_went_wrong_inside_is_not_told(server: ConnectServer, backend: Backend, caplog: pytest.LogCaptureFixture) -> None:
    # given a number that the database has no room for
    point = await new_point(backend, V201)
    info = {"transactionId": "tx-1"}
    event = {"eventType": "Started", "timestamp": "2026-11-02T08:00:00Z", "triggerReason": "CablePluggedIn", "seqNo": 2**40}
    async with wired(server, point) as wire:
        code, description = await wire.refused("TransactionEvent", **event, transactionInfo=info, evse={"id": 1})

        assert (code, description.split(",")[0]) == ("InternalError", "Internal error")
        reference = description.removeprefix("Internal error, reference ").rstrip(".")
        assert any(reference in record.getMessage() and record.exc_info for record in caplog.records)
        assert await point.transactions() == []
        assert "currentTime" in await wire.call("Heartbeat")


@given(st.text() | st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40), st.lists).map(json.dumps))
def test_any_text_is_a_message_or_has_an_answer_that_is_one(text: str) -> None:
    for version in OcppVersion:
        try:
            parse(text, version)
        except MalformedFrameError as error:
            if error.reply is not None:
                echoed = parse(error.reply.to_json(), version)
                assert isinstance(echoed, CallError)


@given(st.text(max_size=36), st.text(), st.dictionaries(st.text(), st.integers(-(2**53), 2**53) | st.text()))
def test_a_call_is_read_as_it_was_written(message_id: str, action: str, payload: dict[str, Any]) -> None:
    call = parse(json.dumps([2, message_id, action, payload]), V16)
    assert isinstance(call, Call)
    assert (call.unique_id, call.action, call.payload) == (message_id, action, payload)
