"""Orders: refused where they cannot be, and the same after their way through a command's payload."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from ampyard.domain.commands import CommandKind
from ampyard.domain.errors import InvalidInputError
from ampyard.domain.orders import (
    ORDERS,
    ChangeAvailability,
    Order,
    ReadVariables,
    Reset,
    ResetKind,
    SetVariable,
    TriggeredMessage,
    TriggerMessage,
    UnlockConnector,
    UpdateFirmware,
    new_request_id,
)
from ampyard.domain.variables import VariableName

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
NAME = VariableName("EVSE", "Power", "a", 2, 1, "b")
FIRMWARE = UpdateFirmware("https://firmware.example/v2.bin", NOON, 7, retries=3)


@pytest.mark.parametrize(
    "order",
    [
        Reset(ResetKind.SOFT),
        Reset(ResetKind.HARD, 2),
        ChangeAvailability(operative=False, evse_no=1),
        UnlockConnector(1, 2),
        ReadVariables((), 41),
        ReadVariables((NAME, VariableName("", "HeartbeatInterval")), 41),
        SetVariable(NAME, "7"),
        FIRMWARE,
        TriggerMessage(TriggeredMessage.METER_VALUES, 1),
    ],
)
def test_an_order_survives_its_way_through_the_database(order: Order) -> None:
    assert ORDERS[order.kind].from_payload(json.loads(json.dumps(order.payload()))) == order


def test_every_order_has_its_kind() -> None:
    by_the_system = {
        CommandKind.START_TRANSACTION,
        CommandKind.STOP_TRANSACTION,
        CommandKind.SET_LIMIT,
        CommandKind.SET_DEFAULT_LIMIT,
    }
    assert set(ORDERS) == set(CommandKind) - by_the_system


@pytest.mark.parametrize(
    ("make", "path", "words"),
    [
        (lambda: ReadVariables((NAME,) * 51, 1), ("input", "variables"), "51 variables are too many"),
        (lambda: SetVariable(NAME, "x" * 1001), ("input", "value"), "1001 characters; 1000 at most"),
        (lambda: UpdateFirmware("file:///etc/passwd", NOON, 1), ("input", "location"), "is no address of a file"),
        (lambda: UpdateFirmware("https://", NOON, 1), ("input", "location"), "is no address of a file"),
        (lambda: UpdateFirmware("https://[", NOON, 1), ("input", "location"), "is no address of a file"),
        (lambda: UpdateFirmware("https://x.example/" + "a" * 500, NOON, 1), ("input", "location"), "518 characters; 512 at most"),
        (lambda: UpdateFirmware("ftp://x.example/a", NOON, 1, retries=11), ("input", "retries"), "give 0 to 10"),
    ],
)
def test_an_impossible_order_says_what_would_be_right(make: Any, path: tuple[str, ...], words: str) -> None:
    with pytest.raises(InvalidInputError, match=words) as refused:
        make()
    assert refused.value.path == path


def test_request_ids_are_numbers_that_every_charge_point_can_read() -> None:
    assert all(0 < new_request_id() < 2**31 for _ in range(100))


def test_a_variable_is_named_as_people_write_it() -> None:
    assert [str(NAME), str(VariableName("", "HeartbeatInterval")), str(VariableName("TxCtrlr", "TxStartPoint"))] == [
        "EVSE(a)[2][1].Power(b)",
        "HeartbeatInterval",
        "TxCtrlr.TxStartPoint",
    ]
