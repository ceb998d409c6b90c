import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ampyard.domain.errors import InvalidInputError
from ampyard.domain.id_tags import Authorization, IdTag, IdTagKind, authorize, canonical, checked, guess_kind

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
TAG = IdTag(uuid.UUID(int=1), uuid.UUID(int=2), uuid.UUID(int=3), "TAG-1", "TAG-1", IdTagKind.RFID, False, None, None, None, NOON, NOON)


@pytest.mark.parametrize(
    ("ways", "one"),
    [
        (["tag-1", " TAG-1 "], "TAG-1"),
        (["04a2b3c4d5e680", "04:A2:B3:C4:D5:E6:80", "04-a2-b3-c4-d5-e6-80"], "04A2B3C4D5E680"),
        (["00:1a:2b:3c:4d:5e", "001A2B3C4D5E", "VID:001A2B3C4D5E", "vid:00-1a-2b-3c-4d-5e"], "001A2B3C4D5E"),
        (["DE-ABC-C12345678-9", "DEABCC123456789", "de-abc-c12345678-9"], "DEABCC123456789"),
        (["DE-ABC-C12345678", "DEABCC12345678"], "DEABCC12345678"),
        (["a-b"], "A-B"),  # one pair more or less makes it something else
        (["VID:1"], "VID:1"),
    ],
)
def test_there_is_one_way_of_writing_a_tag(ways: list[str], one: str) -> None:
    assert {canonical(way) for way in ways} == {one}


@given(st.text(max_size=40))
def test_what_is_canonical_stays_so(value: str) -> None:
    assert canonical(canonical(value)) == canonical(value)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("04A2B3C4", IdTagKind.RFID),
        ("VID:001A2B3C4D5E", IdTagKind.MAC),
        ("00:1A:2B:3C:4D:5E", IdTagKind.MAC),
        ("DE-ABC-C12345678-9", IdTagKind.CONTRACT),
        ("NOBODY", IdTagKind.RFID),
    ],
)
def test_the_kind_of_a_stranger_is_guessed_by_its_form(value: str, kind: IdTagKind) -> None:
    assert guess_kind(value) is kind


@pytest.mark.parametrize(
    ("value", "kind", "message"),
    [
        ("", IdTagKind.RFID, "An id tag has 1 to 36 printable characters, not 0."),
        ("x" * 37, IdTagKind.APP, "An id tag has 1 to 36 printable characters, not 37."),
        ("001A2B3C4D", IdTagKind.MAC, "'001A2B3C4D' is not a MAC address; give 12 hexadecimal digits, such as 00:1A:2B:3C:4D:5E."),
        (
            "DE-ABC-12",
            IdTagKind.CONTRACT,
            "'DE-ABC-12' is not a contract id; give country, provider and instance (ISO 15118-2, H.1), such as DE-ABC-C12345678-9.",
        ),
        (
            "DE-ABCC12345678-9",
            IdTagKind.CONTRACT,
            "'DE-ABCC12345678-9' is not a contract id; give country, provider and instance (ISO 15118-2, H.1), such as DE-ABC-C12345678-9.",
        ),
    ],
)
def test_a_tag_has_the_form_of_its_kind(value: str, kind: IdTagKind, message: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        checked(value, kind)
    assert (str(refused.value), refused.value.path) == (message, ("input", "value"))


def test_what_has_the_form_of_its_kind_is_kept_as_written() -> None:
    assert checked(" 00:1a:2b:3c:4d:5e ", IdTagKind.MAC) == "00:1a:2b:3c:4d:5e"
    assert checked("de-abc-c12345678-9", IdTagKind.CONTRACT) == "de-abc-c12345678-9"


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        (TAG, Authorization.ACCEPTED),
        (None, Authorization.INVALID),
        (replace(TAG, blocked=True), Authorization.BLOCKED),
        (replace(TAG, valid_from=NOON), Authorization.ACCEPTED),
        (replace(TAG, valid_from=NOON + HOUR), Authorization.INVALID),
        (replace(TAG, valid_until=NOON), Authorization.EXPIRED),
        (replace(TAG, valid_until=NOON + HOUR), Authorization.ACCEPTED),
        (replace(TAG, blocked=True, valid_until=NOON), Authorization.BLOCKED),
    ],
)
def test_a_tag_may_charge_while_it_is_valid_and_not_blocked(tag: IdTag | None, expected: Authorization) -> None:
    assert authorize(tag, at=NOON) is expected


def test_a_stranger_may_charge_where_the_tenant_lets_it() -> None:
    assert authorize(None, at=NOON, unknown_may_charge=True) is Authorization.ACCEPTED
    assert authorize(replace(TAG, blocked=True), at=NOON, unknown_may_charge=True) is Authorization.BLOCKED
