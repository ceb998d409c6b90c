"""Who is not let in, what is refused, and who loses the socket: over a real one."""

from dataclasses import replace
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from ampyard.services.depot_links import edit_link, remove_link
from tests.services.dispatching import Yard
from tests.vdv463.lists import asked
from tests.vdv463.presystem import EAGER, Access, dial, new_access, serving, wish


async def test_who_has_no_right_is_not_let_in(yard: Yard, access: Access) -> None:
    await edit_link(yard.backend, yard.principal, access.link.id, enabled=True)
    for refused in ({"password": "wrong"}, {"identity": "somebody"}):
        with pytest.raises(InvalidStatus) as refusal:
            async with dial(access, **refused):  # type: ignore[arg-type]  # its own arguments
                pass
        assert refusal.value.response.status_code == 401
        assert refusal.value.response.headers["WWW-Authenticate"] == 'Basic realm="VDV 463"'
    await edit_link(yard.backend, yard.principal, access.link.id, enabled=False)
    with pytest.raises(InvalidStatus):
        async with dial(access):
            pass


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [(("v1.463.vdv.de", "v2.463.vdv.de"), "v2.463.vdv.de"), (("v1.463.vdv.de",), "v1.463.vdv.de")],
)
async def test_the_newest_common_version_is_spoken(access: Access, offered: tuple[str, ...], chosen: str) -> None:
    async with dial(access, subprotocols=offered) as presystem:
        assert presystem.socket.subprotocol == chosen
        assert "depotInfoList" in await presystem.boot()


async def test_without_a_common_version_the_socket_is_closed(access: Access) -> None:
    async with dial(access, subprotocols=("v9.463.vdv.de",)) as presystem:
        assert await presystem.closed() == (1002, "no common subprotocol")


async def test_requests_before_the_boot_are_refused_and_change_nothing(yard: Yard, access: Access) -> None:
    async with dial(access) as presystem:
        answer = await presystem.list_(wish("r-1"))

        assert (answer[0], answer[6]) == (3, {"errorMessage": "Nothing has booted yet; send a BootNotification first."})
        assert await asked(yard) == {}


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ({}, "chargingRequestList: Field required"),
        ({"chargingRequestList": [wish("r-1") | {"colour": "red"}]}, "chargingRequestList.0.colour: Extra inputs are not permitted"),
        (
            {"chargingRequestList": [wish("r-1", data={"minTargetSoc": 101})]},
            "chargingRequestList.0.chargingRequestData.minTargetSoc: Input should be less than or equal to 100",
        ),
        ({"chargingRequestList": [wish("r-1", priority="1")]}, "chargingRequestList.0.priority: Input should be a valid integer"),
        (
            {"chargingRequestList": [wish("r-1", data={"requestedTimeForDeparture": "2026-11-02T08:00:00"})]},
            "chargingRequestList.0.chargingRequestData.requestedTimeForDeparture: Input should have timezone info",
        ),
        ({"chargingRequestList": [wish("")]}, "chargingRequestList.0.chargingRequestId: String should have at least 1 character"),
        ({"chargingRequestList": [wish("r-1"), wish("r-1")]}, "chargingRequestId r-1 is in the list more than once"),
        ({"chargingRequestList": [wish("r-1", chargingInstruction="Normal")]}, "chargingInstruction: Extra inputs are not permitted"),
    ],
)
async def test_what_breaks_the_schema_is_answered_with_why_and_changes_nothing(
    yard: Yard, access: Access, payload: dict[str, Any], message: str
) -> None:
    async with dial(access) as presystem:
        await presystem.boot()
        await presystem.list_(wish("r-9", "Bus 5"))

        answer = await presystem.ask("ProvideChargingRequests", payload)

        assert (answer[0], answer[5]) == (3, "ProvideChargingRequests")
        assert message in answer[6]["errorMessage"]
        assert set(await asked(yard)) == {"r-9"}


async def test_what_is_no_message_is_answered_with_what_can_be_told(access: Access) -> None:
    async with dial(access) as presystem:
        await presystem.boot()
        for frame, about, message in (
            ("{", ("", "00000000-0000-0000-0000-000000000000", "BootNotification"), "This is not JSON"),
            (b"[]", ("", "00000000-0000-0000-0000-000000000000", "BootNotification"), "not a binary one"),
            ('[1, "BMS", "B"]', ("B", "00000000-0000-0000-0000-000000000000", "BootNotification"), "has 7 elements, this one has 3"),
        ):
            answer = await presystem.say(frame)
            assert (answer[0], answer[1], (answer[2], *answer[4:6])) == (3, "CMS", about)
            assert message in answer[6]["errorMessage"]
        for change, message in (
            ({"type": 4}, "There is no message type 4"),
            ({"name": "Heartbeat"}, "There is no action 'Heartbeat'"),
            ({"id": "7"}, "The message id '7' is no UUID"),
            ({"at": "yesterday"}, "The timestamp 'yesterday' is no date"),
        ):
            answer = await presystem.ask("ProvideChargingRequests", {}, **change)
            assert (answer[0], message in answer[6]["errorMessage"]) == (3, True), answer
        answer = await presystem.ask("ProvideChargingInformation", {"depotInfoList": []})
        assert "is what the charging management system sends" in answer[6]["errorMessage"]


async def test_a_second_socket_takes_the_link_over_in_this_process_and_in_another(yard: Yard, access: Access) -> None:
    async with dial(access) as first:
        await first.boot()
        async with dial(access) as second:
            await second.boot()
            assert await first.closed() == (1000, "replaced")
            async with serving(yard.backend) as port, dial(replace(access, port=port)) as third:
                await third.boot()
                assert await second.closed() == (1000, "replaced or disabled")
                assert third.socket.close_code is None


async def test_a_removed_link_loses_its_socket(yard: Yard, access: Access) -> None:
    async with dial(access) as presystem:
        await presystem.boot()
        await remove_link(yard.backend, yard.principal, access.link.id)
        code, _ = await presystem.closed()
        assert code in {1000, 1008}


async def test_whoever_does_not_boot_or_says_too_much_is_closed(yard: Yard) -> None:
    options = replace(EAGER, boot_timeout_s=0.2, max_message_bytes=1000)
    async with serving(yard.backend, options) as port:
        access = await new_access(yard, port)
        async with dial(access) as presystem:
            assert await presystem.closed() == (1008, "no boot notification")
        async with dial(access) as presystem:
            await presystem.socket.send("[" + " " * 1000 + "]")
            assert await presystem.closed() == (1009, "too long")
